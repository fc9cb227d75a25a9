"""Claims about a baseline: what is stored, compared and reported."""
