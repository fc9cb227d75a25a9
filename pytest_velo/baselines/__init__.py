"""Stored outcomes to compare with: the baseline file, and comparisons paired on the case."""
