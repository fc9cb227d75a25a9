"""One hypothesis: trials become evidence, evidence becomes a verdict."""
