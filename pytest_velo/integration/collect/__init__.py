"""From test functions to checked items: marks, fixtures, designs, and every mistake seen without a call."""
