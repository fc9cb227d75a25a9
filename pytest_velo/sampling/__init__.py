"""Getting draws: seeds, slots, the loop, concurrency, retries, budget."""
