"""What is claimed, and the keywords that go with the claim, each checked against one table."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from pytest_velo.claims import (
    AnyClaim,
    Change,
    Claim,
    Guards,
    Statistic,
    difference,
    each_case,
    estimate,
    mean,
    ranking,
)
from pytest_velo.covariates import read_source
from pytest_velo.designing.assuming import read_assumes
from pytest_velo.designing.elsewhere import elsewhere
from pytest_velo.designing.fit import check_fit
from pytest_velo.elicit.ladders import Ladder, ladder_of
from pytest_velo.errors import UsageError, nearest
from pytest_velo.providers.stubbed import stubbed_judge, stubbed_model
from pytest_velo.records import Invalid
from pytest_velo.runner.frame import Over
from pytest_velo.settings import Clients, Settings
from pytest_velo.stubs import Stub
from pytest_velo.truth import read_truth

THE_MARK = "the mark"
ATTEMPTS = "attempts"
"""The family of all attempts at one belief, which share its alpha."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """What the marks of one test, or the arguments of one check, say.

    Attributes:
        claim: The claim.
        options: The keywords, already checked; defaults fill in what the mark itself leaves out.
        taker: What the keywords were given to, for errors.
        origin: What they were read from: a test's marks; empty for a call of `check`.
    """

    claim: AnyClaim
    options: Mapping[str, Any] = field(default_factory=dict)
    taker: str = THE_MARK
    origin: tuple[Any, ...] = field(default=(), repr=False, compare=False)

    @property
    def arms(self) -> tuple[str, ...]:
        """The arms each case goes through; empty without arms."""
        arms: tuple[str, ...] = self.options.get("arms", ())
        return arms

    @property
    def ladder(self) -> Ladder | None:
        """The ways to elicit that are tried one after another; None without a ladder."""
        return self.options.get("ladder")

    @property
    def against_baseline(self) -> bool:
        """The claim is about the change from a stored baseline."""
        return isinstance(self.claim, Claim) and isinstance(self.claim.statistic, Change)

    @property
    def arms_are_models(self) -> bool:
        """The arms are model ids, and `model` is another model in each."""
        return bool(self.arms) and all("/" in arm for arm in self.arms)

    def levels(self, settings: Settings) -> tuple[float, float]:
        """Return the chosen alpha and beta, which hold for the hypothesis alone or for its family."""
        return self.get("alpha", settings.alpha), self.get("beta", 0.05)

    @property
    def counts_attempts(self) -> bool:
        """All attempts at the belief share its alpha."""
        return bool(self.get("family") == ATTEMPTS)

    def option(self, name: str) -> str:
        """Return how else to set what a keyword sets: by an option of pytest, or the environment."""
        return f"--velo-{name}" if self.taker == THE_MARK else f"VELO_{name.upper()}"

    def get(self, name: str, default: Any = None) -> Any:
        """Return a keyword's value, or `default` where it is not set."""
        return self.options.get(name, default)


def make_spec(
    claim: AnyClaim,
    options: Mapping[str, Any],
    *,
    taker: str = THE_MARK,
    origin: tuple[Any, ...] = (),
) -> Spec:
    """Return the spec of a claim with its keywords, which `checked` has read.

    Raises:
        UsageError: They do not fit the claim or each other. Without a place; the caller knows it.
    """
    fitted = dict(options)
    check_fit(claim, fitted)
    if fitted.get("min_trials", 1) > fitted.get("max_trials", fitted.get("min_trials", 1)):
        raise UsageError("min_trials is larger than max_trials", fix="lower min_trials or raise max_trials")
    return Spec(claim=claim, options=fitted, taker=taker, origin=origin)


_MADE: tuple[tuple[Callable[..., Any], str], ...] = (
    (mean, "mean(0, 10) >= 7"),
    (difference, 'difference("a", "b") >= 0.1'),
    (estimate, "estimate(rate, halfwidth=0.05)"),
    (ranking, "ranking()"),
    (each_case, "each_case(rate >= 0.95)"),
)


def meant_claim(value: Any) -> str:
    """Return what may have been meant by something that was given for a claim, as it is written."""
    return next((example for function, example in _MADE if value is function), "rate >= 0.5")


def not_a_claim(value: Any) -> str:
    """Say what is wrong with something that was given for a claim."""
    for function, example in _MADE:
        if value is function:
            return f"`{function.__name__}` is called to make a claim, as in `{example}`"
    return (
        f"`{value!r}` alone claims nothing" if isinstance(value, Statistic) else f"{value!r} is not a claim"
    )


def checked(keywords: Mapping[str, Any], taker: str) -> dict[str, Any]:
    """Return keywords with their values read; `taker` is what they were given to, for errors.

    Raises:
        UsageError: One is unknown, or its value is not valid.
    """
    read = {}
    for name, value in keywords.items():
        if name == "group":
            raise UsageError(
                "group= is an option of the cases",
                fix='cases=cases("questions.jsonl", group="template"), over="population"',
            )
        if name not in KEYWORDS:
            raise UsageError(
                f"{taker} has no keyword {name!r}", fix=elsewhere(name) or nearest(name, KEYWORDS)
            )
        try:
            read[name] = KEYWORDS[name](value)
        except (TypeError, ValueError) as error:
            raise UsageError(
                f"{name}={getattr(value, '__name__', repr(value))}: expected {error}",
                fix=f"for example {name}={EXAMPLES[name]}",
            ) from None
    return read


def _share(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1:
        raise ValueError("a number between 0 and 1")
    return float(value)


def _expected(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not -1 < value < 1:
        raise ValueError("a number between 0 and 1, or of a difference between -1 and 1")
    return float(value)


def _margin(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise ValueError("a number, 0 or more, in the statistic's units")
    return float(value)


def _futility(value: Any) -> float:
    if value == "off":
        return 0.0
    try:
        return _share(value)
    except ValueError:
        raise ValueError('a number between 0 and 1, or "off"') from None


def _count(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError("a whole number, 1 or more")
    return value


def _models(value: Any) -> tuple[str, ...]:
    names = (
        (value,) if isinstance(value, str | Stub) else tuple(value) if isinstance(value, list | tuple) else ()
    )
    names = tuple(stubbed_model(name) if isinstance(name, Stub) else name for name in names)
    if not names or not all(isinstance(name, str) and name for name in names):
        raise ValueError('a list of model ids such as ["local/smollm2-135m"]')
    if len(set(names)) < len(names):
        raise ValueError("a list without duplicates")
    return names


def _judge(value: Any) -> str:
    if isinstance(value, Stub):
        return stubbed_judge(value)
    if not isinstance(value, str):
        raise ValueError('a model id, or stub(lambda text: 8, "no rubric yet")')
    return value


def _arms(value: Any) -> tuple[str, ...]:
    names = tuple(value) if isinstance(value, list | tuple) else ()
    if len(set(names)) < 2 or len(set(names)) < len(names):
        raise ValueError('two or more different names such as ("plain", "hinted")')
    if not all(isinstance(name, str) and name for name in names):
        raise ValueError("a list of names (strings)")
    return names


def _ceiling(value: Any) -> float | str:
    if isinstance(value, str) and value:
        return value
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError("a number in the outcome's units, or an arm's name")
    return float(value)


def _word(kind: type[StrEnum]) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        if value not in list(kind):
            raise ValueError("one of " + ", ".join(f'"{word}"' for word in kind))
        return kind(value)

    return read


def _bool(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("True or False")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("a string")
    return value


def _family(value: Any) -> str:
    if not isinstance(value, str) or not value.strip() or "::" in value:
        raise ValueError("a name without `::`, which is reserved for node ids")
    return value


def _silence(value: Any) -> dict[str, str]:
    reasons = dict(value) if isinstance(value, Mapping) else {}
    if not reasons or not all(
        isinstance(each, str) and each.strip() for pair in reasons.items() for each in pair
    ):
        raise ValueError('a reason for each code such as {"F05": "the set repeats questions on purpose"}')
    return reasons


def _source(value: Any) -> Any:
    if value is None:
        raise ValueError("a list, a function, a file name or a strategy")
    return value


KEYWORDS: Mapping[str, Callable[[Any], Any]] = {
    "cases": _source,
    "covariate": read_source,
    "truth": read_truth,
    "arms": _arms,
    "models": _models,
    "judge": _judge,
    "assumes": read_assumes,
    "alpha": _share,
    "beta": _share,
    "margin": _margin,
    "max_trials": _count,
    "min_trials": _count,
    "futility": _futility,
    "over": _word(Over),
    "draws_per_case": _count,
    "invalid": _word(Invalid),
    "expect": _expected,
    "predict": _share,
    "extend": _bool,
    "stream": _text,
    "family": _family,
    "once": _bool,
    "ceiling": _ceiling,
    "guards": _word(Guards),
    "tier": _text,
    "clients": _word(Clients),
    "allow_cut": _bool,
    "allow_empty": _bool,
    "ladder": ladder_of,
    "silence": _silence,
}

EXAMPLES: Mapping[str, str] = {
    "cases": '"questions.jsonl"',
    "covariate": '"difficulty", or learned()',
    "truth": 'labels("labels.csv")',
    "arms": '("plain", "hinted")',
    "models": '["local/smollm2-135m"]',
    "judge": '"openai/gpt-5-mini"',
    "assumes": '"test_it_reads_the_hint"',
    "alpha": "0.05, the highest chance that a false claim is supported",
    "beta": "0.05, the highest chance that a true claim is refuted",
    "margin": "0.02, how far off the claim must be to count as false",
    "max_trials": "200",
    "min_trials": "20",
    "futility": '0.05, the chance of a verdict below which sampling stops, or "off"',
    "over": '"cases"',
    "draws_per_case": "3",
    "invalid": '"bound"',
    "expect": "0.7, the value that you expect, for plans",
    "predict": "0.8, the chance you give it that it will be supported",
    "extend": "True",
    "stream": '"second look"',
    "family": '"politeness"',
    "once": "True",
    "ceiling": "0.95",
    "guards": '"model"',
    "tier": '"nightly"',
    "clients": '"adopt"',
    "allow_cut": "True",
    "allow_empty": "True",
    "ladder": "[zero_shot(), few_shot(SHOWN, k=4)]",
    "silence": '{"F05": "the set repeats questions on purpose"}',
}
"""A good value of each keyword, which an error shows, with its meaning where that is often mistaken."""
