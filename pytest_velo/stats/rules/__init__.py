"""Rules: fed unit by unit, they say when the data support or refute a claim."""
