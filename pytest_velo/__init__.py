"""pytest-velo: beliefs about language models as pytest tests."""
