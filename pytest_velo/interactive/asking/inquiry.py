"""What is asked: each model, about each case, so many times."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_velo.case_sets import Case, CaseSet, load
from pytest_velo.errors import UsageError, nearest
from pytest_velo.media import Media, MediaFile
from pytest_velo.providers.registry import Target, resolve
from pytest_velo.providers.stubbed import stubbed_model
from pytest_velo.records import JsonObject, Reply
from pytest_velo.sampling.prompts import Prompt
from pytest_velo.settings import Settings
from pytest_velo.stubs import Stub

PromptOfCase = Callable[[Any], Prompt]

N_REPLIES = 10
"""How many replies of a model without cases; with them each case is asked once."""

_FIELD = re.compile(r"\{([^\W\d]\w*)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One call to make.

    Its slot is that of a test's trial about the same case with the same repeat, so the test finds its draw.

    Attributes:
        target: The model.
        prompt: What it is asked.
        case: The case; None without cases.
        case_id: Its name; empty without cases.
        case_digest: The digest of its content; empty without cases.
        repeat: How many earlier questions were about the same content, from 0.
    """

    target: Target
    prompt: Prompt
    case: Any = None
    case_id: str = ""
    case_digest: str = ""
    repeat: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Inquiry:
    """A message to models, with all that its calls have in common.

    Attributes:
        models: Their ids.
        prompt: A text, in which `{field}` stands for a field of the case; or messages, or a function of the
            case.
        n: Replies of each model, about each case.
        cases: The cases; None without.
        cases_source: What they were read from.
        system: The system prompt.
        parameters: The call's other keywords.
        allow_cut, allow_empty: As in `AsyncModel`.
    """

    models: tuple[str, ...]
    prompt: Prompt | PromptOfCase
    n: int
    cases: CaseSet | None = None
    cases_source: Any = None
    system: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    allow_cut: bool = False
    allow_empty: bool = False

    @property
    def n_questions(self) -> int:
        """Calls of all models together."""
        return len(self.models) * self.n * (1 if self.cases is None else len(self.cases))


def inquiry(
    settings: Settings,
    models: str | Sequence[str] | None,
    prompt: Prompt | PromptOfCase,
    *,
    n: int | None = None,
    cases: Any = None,
    folder: Path,
    no_model: str,
    **common: Any,
) -> Inquiry:
    """Check what a user asks, before anything is sent.

    Args:
        settings: Their models are asked where none is named, and their seed draws cases.
        models: One id or several.
        prompt: As in `Inquiry`.
        n: Replies of each model, about each case, from 1; by default 10, and 1 with cases.
        cases: What a mark's `cases=` takes.
        folder: What paths are relative to.
        no_model: How to name a model here, for the error.
        **common: The other attributes of an `Inquiry`.

    Raises:
        UsageError: No model is named or set, or one is unknown; the cases cannot be read; a `{field}` is none
            of theirs.
    """
    given = (models,) if isinstance(models, str | Stub) else tuple(models or ()) or settings.models
    named = tuple(stubbed_model(each) if isinstance(each, Stub) else each for each in given)
    if not named:
        raise UsageError("no model is set", fix=no_model)
    if n is not None and (isinstance(n, bool) or not isinstance(n, int) or n < 1):
        raise UsageError(f"n= must be a whole number, 1 or more, got {n!r}", fix="n=10")
    for name in named:
        resolve(name, settings.endpoints)
    case_set = None if cases is None else _loaded(cases, folder, settings.seed)
    if case_set is None and callable(prompt):
        raise UsageError("a prompt that is a function needs cases", fix='cases="questions.jsonl"')
    asked = Inquiry(
        models=tuple(dict.fromkeys(named)),
        prompt=prompt,
        n=n or (N_REPLIES if case_set is None else 1),
        cases=case_set,
        cases_source=cases,
        **common,
    )
    if case_set is not None and isinstance(prompt, str) and not _FIELD.search(prompt):
        raise UsageError(
            "the prompt is the same for every case: it names none of their fields",
            fix=f"write {_example(case_set)} where a field of the case goes",
        )
    return asked


def questions(asked: Inquiry, settings: Settings) -> dict[str, list[Question]]:
    """Return the calls to make, by model: the cases in their order, each so many times.

    Raises:
        UsageError: A prompt cannot be made of a case.
    """
    prompts = list(_prompts(asked))
    found: dict[str, list[Question]] = {}
    for name in asked.models:
        target = resolve(name, settings.endpoints)
        seen: Counter[str] = Counter()
        found[name] = mine = []
        for case, case_id, case_digest, prompt in prompts:
            for _ in range(asked.n):
                repeat = seen[case_digest]  # equal cases never share a draw
                seen[case_digest] = repeat + 1
                mine.append(
                    Question(
                        target=target,
                        prompt=prompt,
                        case=case,
                        case_id=case_id,
                        case_digest=case_digest,
                        repeat=repeat,
                    )
                )
    return found


def _prompts(asked: Inquiry) -> Iterator[tuple[Any, str, str, Prompt]]:
    if asked.cases is None:
        assert not callable(asked.prompt) or isinstance(asked.prompt, Reply)  # `inquiry` checks it
        yield None, "", "", asked.prompt
        return
    for case, case_id, case_digest in zip(
        asked.cases.items, asked.cases.ids, asked.cases.digests, strict=True
    ):
        yield case, case_id, case_digest, _filled(asked.prompt, case, f"case {case_id}")


def _loaded(source: Any, folder: Path, seed: int) -> CaseSet:
    case_set = load(source, base=folder, seed=seed)
    if case_set.endless:
        raise UsageError("this source of cases is endless", fix="say how many: cases(..., n=20)")
    if case_set.is_recorded:
        raise UsageError(
            "these cases were answered already, by the models of a log", fix="judge them with `velo judge`"
        )
    return case_set


def _filled(prompt: Prompt | PromptOfCase, case: Any, where: str) -> Prompt:
    """Return the prompt about a case."""
    if isinstance(prompt, str):
        return _fill(prompt, case, where)
    if callable(prompt):
        return prompt(case)
    if isinstance(prompt, Reply | Media | MediaFile):
        return prompt
    return [_filled_part(part, case, where) for part in prompt]


def _filled_part(part: Any, case: Any, where: str) -> Any:
    if isinstance(part, str):
        return _fill(part, case, where)
    if isinstance(part, Mapping) and isinstance(part.get("content"), str):
        filled: JsonObject = {**part, "content": _fill(part["content"], case, where)}
        return filled
    return part


def fields_of(case: Any) -> Mapping[str, Any]:
    """Return what a `{field}` may name; a case without fields is `{case}` itself."""
    return vars(case) if isinstance(case, Case) else {"case": case}


def split_fields(template: str) -> list[str]:
    """Split a template into texts, at even places, and the names of fields, at odd ones."""
    return _FIELD.split(template)


def _fill(template: str, case: Any, where: str) -> str:
    known = fields_of(case)
    parts = split_fields(template)
    for name in parts[1::2]:
        if name not in known:
            raise UsageError(
                f"the prompt names the field {{{name}}}, which the case does not have",
                where=where,
                fix=nearest(name, known),
            )
    return "".join(f"{known[part]}" if place % 2 else part for place, part in enumerate(parts))


def _example(case_set: CaseSet) -> str:
    return " or ".join(f"{{{name}}}" for name in [*fields_of(case_set.items[0])][:3])
