"""Claims about a baseline: what is stored, what is compared with it, what is said of it."""
