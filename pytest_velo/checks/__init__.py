"""Checks against common mistakes in bodies and draws."""
