"""From finished hypotheses to what people and machines read."""
