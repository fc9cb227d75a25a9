"""Testing a claim without pytest: `check`."""
