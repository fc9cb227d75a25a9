"""Evidence, unit by unit: test martingales against a null, in plain floats."""
