"""Scorers: from a reply to an outcome."""
