"""The only code, with plugin.py, that knows pytest."""
