"""Checks of what was found: mistakes that a verdict alone does not show."""
