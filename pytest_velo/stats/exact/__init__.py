"""Exact probabilities of crossing on 0/1 outcomes, and thresholds calibrated with them. Needs numpy."""
