"""Statistics: pure functions, no I/O, clock, randomness or async."""
