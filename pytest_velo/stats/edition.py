"""Which edition of the rules this is: two editions may decide otherwise on the same units."""

EDITION = 1
"""Raised with every change after which a rule's evidence, thresholds or intervals are others than before.

Rules of two editions that look at the same draws are two chances to be wrong, as two horizons are; the look
log tells them apart by it. `tests/unit/stats/test_edition.py` fails where it was forgotten.
"""
