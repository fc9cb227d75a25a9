"""Bodies: what one may look like and use, whether its asserts run, what it gave, what its exceptions mean."""
