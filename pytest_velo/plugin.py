"""The pytest11 entry: hooks only, each delegates."""
