"""From an item to its result: sampling, alone or together with others."""
