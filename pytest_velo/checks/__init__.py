"""Checks of cases and of runs: mistakes that a verdict alone does not show."""
