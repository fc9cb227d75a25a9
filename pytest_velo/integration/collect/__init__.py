"""From test functions to checked items: marks, fixtures, designs; every mistake found without a call."""
