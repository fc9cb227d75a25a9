"""One way for a claim: its mark is read and checked once, its design is made once an item."""

from __future__ import annotations

from collections import Counter

import pytest

from pytest_velo.designing import spec
from pytest_velo.integration.collect import validate
from pytest_velo.stats.engine.design import Design

FILE = """
import pytest
from pytest_velo import difference, mean, rate, scripted

MODEL = scripted("parrot", ["yes", "no", "yes"])
pytestmark = pytest.mark.velo(models=[MODEL])


@pytest.mark.hypothesis({mark})
async def test_it(model{more}):
    return {outcome}
"""

HYPOTHESES = {
    "a rate": ("rate >= 0.2, max_trials=100", "", "(await model('Hello?')) == 'yes'"),
    "with expect": ("rate >= 0.2, expect=0.9", "", "(await model('Hello?')) == 'yes'"),
    "a score": ("mean(0, 10) >= 2, max_trials=60", "", "len((await model('Hello?')).text)"),
    "arms": ("difference('a', 'b') >= -0.9, arms=('a', 'b')", ", arm", "(await model('Hello?')) == 'yes'"),
    "a joint claim": (
        "(rate('a') >= 0.1) & (rate('b') <= 0.99)",
        "",
        "{'a': (await model('Hello?')) == 'yes', 'b': False}",
    ),
    "a census": ("rate >= 0.1, once=True, cases=[1, 2, 3, 4, 5, 6]", ", case", "case < 6"),
}


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """What was done, and how often."""
    counts: Counter[str] = Counter()
    check, shape = Design.__post_init__, validate.read_body
    fit = spec.check_fit

    def counted_design(design: Design) -> None:
        counts["designs"] += 1
        check(design)

    def counted_fit(*arguments: object) -> None:
        counts["marks"] += 1
        fit(*arguments)  # type: ignore[arg-type]

    def counted_body(*arguments: object) -> object:
        counts["bodies"] += 1
        return shape(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Design, "__post_init__", counted_design)
    monkeypatch.setattr(spec, "check_fit", counted_fit)
    monkeypatch.setattr(validate, "read_body", counted_body)
    return counts


@pytest.mark.parametrize("name", HYPOTHESES)
def test_collecting_and_running_one_item_makes_its_design_once(
    name: str, pytester: pytest.Pytester, made: Counter[str]
) -> None:
    mark, more, outcome = HYPOTHESES[name]
    pytester.makepyfile(FILE.format(mark=mark, more=more, outcome=outcome))
    done = pytester.runpytest_inprocess("-p", "no:randomly")
    done.assert_outcomes(passed=1)
    assert made == {"designs": 1, "marks": 1, "bodies": 1}


def test_items_of_one_function_share_what_its_mark_says(
    pytester: pytest.Pytester, made: Counter[str]
) -> None:
    pytester.makepyfile(
        """
        import pytest
        from pytest_velo import rate, scripted

        MODELS = [scripted("yes", ["yes"]), scripted("sure", ["sure"])]

        @pytest.mark.parametrize("word", ["Hello?", "Ahoy?"])
        @pytest.mark.hypothesis(rate >= 0.5, models=MODELS, max_trials=20)
        async def test_it(model, word):
            return (await model(word)).text != "no"
        """
    )
    pytester.runpytest_inprocess("-p", "no:randomly").assert_outcomes(passed=4)
    assert made == {"designs": 4, "marks": 1, "bodies": 1}
