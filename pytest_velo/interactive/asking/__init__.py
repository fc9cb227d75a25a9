"""Asking models without a test: `ask` and `velo try`."""
