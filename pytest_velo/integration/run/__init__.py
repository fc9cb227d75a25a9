"""From an item to its result: what is sampled, alone or together with others."""
