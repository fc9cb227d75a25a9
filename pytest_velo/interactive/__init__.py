"""Without a pytest session: notebooks, scripts, and the first message to a model."""
