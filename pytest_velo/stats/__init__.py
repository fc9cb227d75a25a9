"""Statistics: pure functions without I/O, clock, randomness or async."""
