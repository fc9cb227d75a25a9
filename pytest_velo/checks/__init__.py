"""Footgun checks on bodies and draws."""
