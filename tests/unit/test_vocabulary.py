"""What makes a value for a mark is a `UsageError` where it is called wrongly, or not at all."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

import pytest_velo
from pytest_velo import UsageError, vocabulary

NAMES = {name: getattr(pytest_velo, name) for name in pytest_velo.__all__}

MISTAKES = {
    "mean >= 0.5": ("`mean` is used without its arguments", "mean(0, 10) >= 7"),
    "0.5 >= mean": ("`mean` is used without its arguments", "mean(0, 10) >= 7"),
    "mean.within(0.2, 0.4)": ("`mean` is used without its arguments", "mean(0, 10)"),
    "(rate('a') >= 0.5) & mean": ("parentheses are missing", "&"),
    "mean & (rate >= 0.5)": ("`mean` is used without its arguments", "mean(0, 10)"),
    "difference <= 0.1": ("`difference` is used without its arguments", 'arms=("plain", "hinted")'),
    "estimate > 0.1": ("`estimate` is used without its arguments", "estimate(rate, halfwidth=0.05)"),
    "ranking < 2": ("`ranking` is used without its arguments", "models=[...]"),
    "each_case >= 0.5": ("`each_case` is used without its arguments", "each_case(rate >= 0.95)"),
    "mean(1)": ("mean() was called with the wrong arguments: missing a required argument", "mean(0, 10)"),
    "difference('a')": ("difference() was called with the wrong arguments", 'difference("hinted", "plain")'),
    "difference('a', 'b', 'c')": ("too many positional arguments", 'difference("hinted", "plain")'),
    "difference('a', 'b').within()": ("within() was called with the wrong arguments", ".within(0.1)"),
    "estimate(rate)": ("missing a required argument: 'halfwidth'", "estimate(rate, halfwidth=0.05)"),
    "estimate(rate, 0.05)": ("too many positional arguments", "halfwidth=0.05"),
    "estimate(rate, half_width=0.05)": ("estimate() has no argument 'half_width'", "'halfwidth'?"),
    "ranking('a', 'b')": ("too many positional arguments", 'models=[...] or arms=("a", "b")'),
    "ranking('a')": ("got 'a'", 'models=[...] or arms=("a", "b")'),
    "each_case()": ("each_case() was called with the wrong arguments", "each_case(rate >= 0.95)"),
    "rate()": ("rate() was called with the wrong arguments", "rate >= 0.5"),
    "rate.within(0.5)": ("within() was called with the wrong arguments", "rate.within(0.2, 0.4)"),
    "rate - 0.1": ("`rate` is not a number", "move the threshold"),
    "1 - rate": ("`rate` is not a number", "move the threshold"),
    "rate('a') - rate('b')": ("cannot be subtracted", 'difference("a", "b")'),
    "ranking() >= 0.5": ("`ranking()` is not compared", "as it is"),
    "estimate(rate, halfwidth=0.1) <= 0.5": ("is not compared", "as it is"),
    "baseline(0.5)": ("`baseline` is not called", "rate >= baseline - 0.05"),
    "recorded()": ("recorded() was called with the wrong arguments", 'recorded("?")'),
    "covariate()": ("covariate() was called with the wrong arguments", "correlation="),
    "covariate('a', corelation=0.3)": ("covariate() has no argument 'corelation'", "'correlation'?"),
    "learned('a', 'b')": ("learned() was called with the wrong arguments", "learned()"),
    "labels()": ("labels() was called with the wrong arguments", 'labels("labels.csv")'),
    "cases([1], grp='a')": ("cases() has no argument 'grp'", "'group'?"),
    "search()": ("search() was called with the wrong arguments", "search("),
}


@pytest.mark.parametrize("written", MISTAKES)
def test_a_mistake_says_what_and_the_fix(written: str) -> None:
    what, fix = MISTAKES[written]
    with pytest.raises(UsageError) as caught:
        eval(written, dict(NAMES))
    assert what in caught.value.what
    assert fix in caught.value.fix


def test_the_last_line_of_a_traceback_is_the_users(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest
        from pytest_velo import rate, recorded

        @pytest.mark.hypothesis(rate >= 0.5, cases=[1, 2], covariate=recorded())
        def test_it(case):
            return case == 1
        """
    )
    result = pytester.runpytest_inprocess("-p", "no:asyncio")
    lines = result.outlines
    at = next(number for number, line in enumerate(lines) if "test_the_last_line" in line and ":4:" in line)
    assert "covariate=recorded()" in lines[at + 1]
    assert not any("vocabulary.py" in line or "covariates.py" in line for line in lines)
    result.stdout.fnmatch_lines(["E*UsageError: recorded() was called with*", "E*fix: recorded(*"])


@pytest.mark.parametrize("uncalled", ["recorded", "covariate", "learned"])
def test_a_covariate_that_is_not_called_is_named(uncalled: str, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        f"""
        import pytest
        from pytest_velo import covariate, learned, rate, recorded

        @pytest.mark.hypothesis(rate >= 0.5, cases=[1, 2], covariate={uncalled})
        def test_it(case):
            return case == 1
        """
    )
    result = pytester.runpytest_inprocess("-p", "no:asyncio")
    result.stdout.fnmatch_lines([f"*covariate={uncalled}: expected {uncalled}(*), with its *"])


def test_a_type_error_that_is_no_misfit_is_not_the_users() -> None:
    @vocabulary.called("broken(1)")
    def broken(number: int) -> Any:
        return number + "1"  # type: ignore[operator]

    with pytest.raises(TypeError, match="unsupported operand"):
        broken(1)


@pytest.mark.parametrize("name", ["mean", "ranking", "recorded", "cases"])
def test_words_are_found_again_in_another_process(name: str) -> None:
    assert pickle.loads(pickle.dumps(NAMES[name])) is NAMES[name]  # noqa: S301 -- our own
    assert copy.deepcopy(NAMES[name]) is NAMES[name]
