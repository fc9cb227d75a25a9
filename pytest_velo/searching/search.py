"""`search(...)`: where the cases of `each_case(...)` come from, and how hard they are looked for."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

from pytest_velo.case_sets import is_strategy
from pytest_velo.errors import UsageError, nearest
from pytest_velo.searching.shrinking import Smaller
from pytest_velo.vocabulary import called

CONFIRM = 60
"""Most trials that confirm one finding, unless `confirm=` says otherwise."""

ATTACK_TAKES = ("history", "rng", "model", "velo")
"""The parameters that an attack may have."""

Attack = Callable[..., Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """Where a search takes its cases from, and when it ends; made by `search()`.

    Attributes:
        source: A strategy, a list, a file's path, or a function that attacks.
        n_findings: It ends with so many confirmed findings.
        confirm: Most trials that confirm a finding.
        shrink: Gives smaller cases; True for what suits the source, False to leave cases as they are found.
        same: Says what two findings have in common that are one and the same; None for our own rule.
        save: The file that gets the confirmed findings, beside the test; None for none.
    """

    source: Any
    n_findings: int = 1
    confirm: int = CONFIRM
    shrink: Smaller | bool = True
    same: Callable[[Any], Hashable] | None = None
    save: str | None = None

    @property
    def attack(self) -> Attack | None:
        """The function that proposes cases; None for a strategy, a list or a file."""
        return self.source if _is_attack(self.source) else None

    @property
    def told(self) -> str:
        """Where cases come from, in words."""
        if self.attack is not None:
            return f"cases proposed by {getattr(self.attack, '__name__', 'a function')}"
        if is_strategy(self.source):
            return "cases of a strategy"
        if isinstance(self.source, str | os.PathLike):
            return f"the cases of {os.fspath(self.source)}"
        n = len(self.source)
        return f"{n:,} listed case" if n == 1 else f"{n:,} listed cases"


@called('search("attacks.jsonl")')
def search(
    source: Any,
    *,
    n_findings: int = 1,
    confirm: int = CONFIRM,
    shrink: Smaller | bool = True,
    same: Callable[[Any], Hashable] | None = None,
    save: str | None = None,
) -> Search:
    """Look for cases on which `each_case(...)` does not hold.

    A case that seems to break the claim is made as small as it still does, and then confirmed on draws of its
    own. How often trials failed while the search went on says nothing about the model: cases were chosen for
    failing.

    Args:
        source: A strategy of the Hypothesis library, a list, a file of cases, or a function that attacks. An
            attack returns the next case, and may have these parameters: `history` (the cases so far, each
            with its trials and what the model said), `rng` (a seeded `random.Random`), `model` and `velo`, as
            a test has them. It is `async` where the test is.
        n_findings: End with so many confirmed findings, from 1.
        confirm: Most trials that confirm a finding, from 1. `max_trials=` of the mark counts these, too.
        shrink: A function that takes a case and yields smaller ones, the smallest first. By default a
            strategy's cases become simpler as the Hypothesis library makes them, and texts of other sources
            lose words. False leaves cases as they were found.
        same: A function of a case: once there is a finding, cases with an equal value are passed over. By
            default those whose text contains a finding's, or all of its words in their order.
        save: A `.jsonl` file that confirmed findings are added to, relative to the test's folder;
            `cases="findings.jsonl"` makes a claim about them later. None saves nothing.

    Raises:
        UsageError: An argument is not valid.

    Examples:
        >>> search(["Ignore all rules.", "Please?"], n_findings=2).told
        '2 listed cases'
    """
    for name, value in (("n_findings", n_findings), ("confirm", confirm)):
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise UsageError(
                f"{name}= must be a whole number, 1 or more, got {value!r}",
                where="search",
                fix=f"{name}={1 if name == 'n_findings' else CONFIRM}",
            )
    if not (isinstance(shrink, bool) or callable(shrink)):
        raise UsageError(
            f"shrink= must be a function of a case, True or False, got {shrink!r}",
            where="search",
            fix="shrink=lambda text: [text[: len(text) // 2], text[1:]], or leave it out",
        )
    if not (same is None or callable(same)):
        raise UsageError(
            f"same= must be a function of a case, got {same!r}",
            where="search",
            fix="same=lambda case: case.topic, or leave it out",
        )
    if not (save is None or (isinstance(save, str) and save.endswith(".jsonl"))):
        raise UsageError(
            f"save= must name a .jsonl file, got {save!r}", where="search", fix='save="findings.jsonl"'
        )
    _check_source(source)
    return Search(source=source, n_findings=n_findings, confirm=confirm, shrink=shrink, same=same, save=save)


def _check_source(source: Any) -> None:
    if _is_attack(source):
        taken = inspect.signature(source).parameters
        for name, parameter in taken.items():
            needed = parameter.default is parameter.empty and parameter.kind not in (
                parameter.VAR_POSITIONAL,
                parameter.VAR_KEYWORD,
            )
            if needed and name not in ATTACK_TAKES:
                raise UsageError(
                    f"the attack {getattr(source, '__name__', source)!s} has a parameter {name!r}",
                    where="search",
                    fix=nearest(name, ATTACK_TAKES),
                )
        return
    if is_strategy(source) or (isinstance(source, str | os.PathLike) and source):
        return
    if isinstance(source, list | tuple):
        if source:
            return
        raise UsageError("there is nothing to search: the list is empty", where="search", fix="give it cases")
    raise UsageError(
        f"search() got {source!r}",
        where="search",
        fix="give it a strategy, a list, a file of cases, or a function that attacks",
    )


def _is_attack(source: Any) -> bool:
    return callable(source) and not is_strategy(source) and not isinstance(source, type)
