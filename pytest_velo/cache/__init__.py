"""Draws on disk: keys, the SQLite store, cassettes."""
