"""What tests of several layers are built from."""
