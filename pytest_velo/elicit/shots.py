"""Rungs that show examples before the question, or none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pytest_velo.case_sets import Case, CaseSet, load
from pytest_velo.elicit.rung import Asked, Rung, name_of
from pytest_velo.errors import BodyError, UsageError, tell
from pytest_velo.records import JsonObject, Reply
from pytest_velo.sampling.pending import Pending
from pytest_velo.sampling.seeds import rng

_MOST_EXAMPLES = 10_000
_PROMPT = 400
"""Characters that a prompt is taken to have, to compare the cost of examples with it."""

Example = tuple[str, str]
"""A question as the model is shown it, and its answer."""


@dataclass(frozen=True, kw_only=True)
class ZeroShot(Rung):
    """The question as it is."""

    def ask(self, asked: Asked) -> Pending[Reply]:
        """Ask as `model` would: request, draw and key are the same."""
        return asked.send()


@dataclass(frozen=True, kw_only=True)
class Shots(Rung):
    """Examples before the question, as turns of the conversation.

    Attributes:
        source: Where they come from: anything that `cases=` takes.
        k: How many are shown; None for all.
        question, answer: The field of an example, or a template with fields in braces.
        seed: Of the choice among them.
    """

    source: Any
    k: int | None
    question: str = "question"
    answer: str = "answer"
    seed: int = 0
    _read: dict[Path, tuple[CaseSet, tuple[Example, ...]]] = field(
        default_factory=dict, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.k is not None and (isinstance(self.k, bool) or not isinstance(self.k, int) or self.k < 1):
            raise UsageError(f"k={self.k!r}: expected a whole number, 1 or more", where=self.name, fix="k=8")

    def ask(self, asked: Asked) -> Pending[Reply]:
        """Ask with the examples in front, in an order of the trial's own."""
        _, examples = self._examples(asked.scope.folder)
        _check_prompt(asked, examples)
        shown = list(examples)
        # Which example comes last matters, so each trial has another order, by its own seed.
        rng("examples", asked.scope.trial.seed).shuffle(shown)
        return _with(asked, shown).send()

    def check(self, cases: CaseSet | None, folder: Path) -> tuple[str, ...]:
        """Refuse an example that is one of the test cases: its answer would be given away.

        Raises:
            UsageError: The examples cannot be read, are too few, or are among the cases.
        """
        read, examples = self._examples(folder)
        if cases is not None:
            asked = {text for case in cases.items for text in _texts(case)}
            named = _given_ids(cases)
            for (question, _), case in zip(examples, read.items, strict=True):
                same_id = _id_of(case) is not None and _id_of(case) in named
                if same_id or not asked.isdisjoint({_plain(question), *_texts(case, only=self._field)}):
                    what = f"with the id {_id_of(case)!r}" if same_id else f"{question[:80]!r}"
                    raise UsageError(
                        f"the example {what} is one of the test cases, so its answer would be given away",
                        where=self.name,
                        fix="take the examples from other data, e.g. another split",
                    )
        return ()

    def relative_cost(self, folder: Path) -> float | None:
        """Return one call, and what its examples add to the prompt."""
        if self.cost is not None:
            return self.cost
        _, examples = self._examples(folder)
        return 1.0 + sum(len(question) + len(answer) for question, answer in examples) / _PROMPT

    @property
    def _field(self) -> str | None:
        """The one field that is the question; None for a template."""
        return None if "{" in self.question else self.question

    def _examples(self, folder: Path) -> tuple[CaseSet, tuple[Example, ...]]:
        """Return the examples that were chosen, read once.

        Raises:
            UsageError: They cannot be read, or are too few.
        """
        if folder not in self._read:
            try:
                every = load(self.source, base=folder, seed=self.seed, max_n=_MOST_EXAMPLES)
            except UsageError as error:
                raise error.at(self.name) from None
            self._read[folder] = _chosen(self, every)
        return self._read[folder]


def _chosen(rung: Shots, every: CaseSet) -> tuple[CaseSet, tuple[Example, ...]]:
    n = len(every) if rung.k is None else rung.k
    if n > len(every):
        raise UsageError(
            f"k={n}, but there are {len(every)} examples",
            where=rung.name,
            fix=f"k={len(every)}, or more examples",
        )
    places = rng("choice of examples", rung.seed).sample(range(len(every)), n)
    chosen = tuple(every.items[place] for place in places)
    examples = tuple(
        (_rendered(rung, rung.question, case), _rendered(rung, rung.answer, case)) for case in chosen
    )
    kept = CaseSet(
        items=chosen,
        digests=tuple(every.digests[place] for place in places),
        ids=tuple(every.ids[place] for place in places),
        groups=None,
        digest=every.digest,
        default_over="cases",
    )
    return kept, examples


def _rendered(rung: Shots, template: str, case: Any) -> str:
    """Return a field of an example, or a template filled from its fields."""
    if not isinstance(case, Case):
        raise UsageError(
            f"an example has named fields, got {case!r}",
            where=rung.name,
            fix='{"question": "2 + 2?", "answer": "4"}',
        )
    fields = {name: case[name] for name in case.keys()}  # noqa: SIM118 - a field may be named `keys`
    try:
        return template.format_map(fields) if "{" in template else str(fields[template])
    except (KeyError, ValueError, IndexError, AttributeError) as problem:
        raise UsageError(
            f"the template {template!r} does not fit an example: {problem}"
            if "{" in template
            else f"an example has no field {template!r}; it has {', '.join(map(str, fields))}",
            where=rung.name,
            fix='question="field", or a template: question="Q: {field}"',
        ) from None


def _with(asked: Asked, examples: Sequence[Example]) -> Asked:
    """Return a call with examples behind its system prompt, before the conversation."""
    turns: list[JsonObject] = []
    for question, answer in examples:
        turns += [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    heads = [message.get("role") == "system" for message in asked.messages]
    start = heads.index(False) if False in heads else len(heads)
    return replace(asked, messages=(*asked.messages[:start], *turns, *asked.messages[start:]))


def _check_prompt(asked: Asked, examples: Sequence[Example]) -> None:
    """Refuse an example that is the prompt itself, which the cases alone need not tell."""
    prompts = {
        _plain(content) for message in asked.messages if isinstance(content := message.get("content"), str)
    }
    for question, _ in examples:
        if _plain(question) in prompts:
            raise tell(
                BodyError(
                    f"the example {question[:80]!r} is the prompt itself, so its answer would be given away",
                    fix="take the examples from other data, e.g. another split",
                )
            )


def _plain(text: str) -> str:
    """Return a text as leakage compares it: without case and layout."""
    return " ".join(text.casefold().split())


def _texts(case: Any, only: str | None = None) -> set[str]:
    """Return the texts of a case that may be its question."""
    if isinstance(case, str):
        return {_plain(case)}
    if not isinstance(case, Case):
        return set()
    fields = vars(case) if only is None else {only: case.get(only)}
    # Short answers (`yes`, `4`) are alike in many cases, and are no question.
    return {_plain(value) for value in fields.values() if isinstance(value, str) and " " in value.strip()}


def _id_of(case: Any) -> Any:
    found = case.get("id") if isinstance(case, Case) else None
    return found if isinstance(found, str | int) else None


def _given_ids(cases: CaseSet) -> set[Any]:
    return {found for case in cases.items if (found := _id_of(case)) is not None}


def zero_shot(
    *, name: str | None = None, skip: str = "", prior: float | None = None, cost: float | None = None
) -> ZeroShot:
    """The prompt as the body writes it.

    Args:
        name: Names the rung (default: as it is written).
        skip: Why the rung is not tried; it then takes no part of alpha, and is shown.
        prior: The chance that it succeeds, in your opinion, in (0, 1].
        cost: Of a trial, relative to the plain prompt's (default: derived).
    """
    return ZeroShot(name=name_of("zero_shot", name), skip=skip, prior=prior, cost=cost)


def few_shot(
    examples: Any,
    k: int = 4,
    *,
    question: str = "question",
    answer: str = "answer",
    seed: int = 0,
    name: str | None = None,
    skip: str = "",
    prior: float | None = None,
    cost: float | None = None,
) -> Shots:
    """Show `k` examples before the prompt, as turns of the conversation.

    The same examples are shown in all trials, in an order that differs from trial to trial.

    Args:
        examples: Anything that `cases=` takes: a list, a file, `cases(...)`. None may be a test case.
        k: How many are shown.
        question: The field with the question, or a template: `"Q: {question}"`.
        answer: The field with the answer, or a template.
        seed: Of the choice among the examples.
        name: As in `zero_shot`, like `skip`, `prior` and `cost`.
        skip: Why the rung is not tried.
        prior: The chance that it succeeds.
        cost: Of a trial, relative to the plain prompt's.

    Raises:
        UsageError: `k` or another argument is not valid.
    """
    return Shots(
        name=name_of("few_shot", name, f"k={k}"),
        source=examples,
        k=k,
        question=question,
        answer=answer,
        seed=seed,
        skip=skip,
        prior=prior,
        cost=cost,
    )


def many_shot(
    examples: Any,
    k: int | None = None,
    *,
    question: str = "question",
    answer: str = "answer",
    seed: int = 0,
    name: str | None = None,
    skip: str = "",
    prior: float | None = None,
    cost: float | None = None,
) -> Shots:
    """Show all examples before the prompt, or `k` of them; the rest is as in `few_shot`.

    Raises:
        UsageError: `k` or another argument is not valid.
    """
    return Shots(
        name=name_of("many_shot", name, "" if k is None else f"k={k}"),
        source=examples,
        k=k,
        question=question,
        answer=answer,
        seed=seed,
        skip=skip,
        prior=prior,
        cost=cost,
    )
