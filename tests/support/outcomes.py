"""A file of tests with each outcome a hypothesis can have, and what an error and an open one say."""

from __future__ import annotations

ALL = """
HALF = scripted("half", ["yes", "no", "no", "yes"] * 3)

@pytest.mark.hypothesis(rate >= 0.5, models=[YES])
def test_supported(model): return model("q").answers("yes")

@pytest.mark.hypothesis(rate >= 0.5, models=[NO])
def test_refuted(model): return model("q").answers("yes")

@pytest.mark.hypothesis(rate >= 0.5, models=[HALF], max_trials=12)
def test_open(model): return model("q").answers("yes")

@pytest.mark.hypothesis(rate >= 0.5, models=[YES])
def test_broken(model): return model("q").nothing
"""
ERROR = "'Reply' object has no attribute 'nothing'"
OPEN = "the trials do not settle whether rate >= 0.5"
