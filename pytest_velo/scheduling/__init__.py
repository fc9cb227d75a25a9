"""Which hypothesis gets the next trial when many are sampled together."""
