"""F04: cases that the model is shown as examples, with their answers, while it is asked others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pytest_velo.checks.bodies import texts_in
from pytest_velo.checks.check import Check, Remark, Seen, When
from pytest_velo.checks.pages import address_of
from pytest_velo.checks.texts import CaseTexts, quoted, texts_of, words_of
from pytest_velo.found import Level
from pytest_velo.records import TrialRecord

_FEWEST_WORDS = 6
"""Words of a text, or it may stand in a prompt by chance."""
_MOST_REQUESTS = 40
"""Requests that are looked at: of all trials, as many at equal distances."""
_FIX = "take the examples from cases that are not asked: cases(..., filter=...)"


def tellings(texts: Sequence[CaseTexts]) -> Mapping[str, CaseTexts]:
    """Return the texts that tell cases apart: long enough, and of one case alone."""
    times = Counter(text for case in texts for text in set(case.texts.values()))
    return {
        text: case
        for case in texts
        for text in case.texts.values()
        if times[text] == 1 and text.count(" ") >= _FEWEST_WORDS - 1
    }


def shown_in(prompt: str, tellings: Mapping[str, CaseTexts]) -> list[str]:
    """Return the ids of the cases whose text is in a prompt, as words with spaces between them."""
    held = f" {prompt} "
    return list(dict.fromkeys(case.id for text, case in tellings.items() if f" {text} " in held))


def _look(seen: Seen) -> Iterator[Remark]:
    return _look_before(seen) if seen.result is None else _look_after(seen)


def _look_before(seen: Seen) -> Iterator[Remark]:
    texts = [*texts_of(seen.cases)]
    known = tellings(texts)
    if not known:
        return
    own = words_of("\n\n".join(texts_in(seen.body)))
    found = shown_in(own, known)
    if found and len(found) <= len(texts) / 2:  # else the function names the list of the cases itself
        yield _remark(found, len(texts), known, "in the texts that the test's function has")


def _look_after(seen: Seen) -> Iterator[Remark]:
    texts = [*texts_of(seen.cases)]
    known = tellings(texts)
    if not known:
        return
    by_id = {case.id: f" {words_of(case.longest)} " for case in texts}
    found: dict[str, None] = {}
    n_requests = 0
    for trial in _spread(seen.trials):
        prompt = words_of(_sent(trial))
        n_requests += 1
        own = by_id.get(trial.case_id, "")  # a case may be another with something added
        others = (name for name in shown_in(prompt, known) if by_id[name] not in own)
        found |= dict.fromkeys(others)
    if found:
        where = f"in {n_requests} requests for other cases"
        yield _remark([*found], len(texts), known, where)


def _remark(found: Sequence[str], n: int, known: Mapping[str, CaseTexts], where: str) -> Remark:
    first = next(case.longest for case in known.values() if case.id == found[0])
    return Remark(
        message=f"the texts of {len(found):,} of {n:,} cases are {where}: the model is shown what it is"
        f" asked; the first is {quoted(first)}",
        fix=_FIX,
        cases=found,
    )


def _spread(trials: Sequence[TrialRecord]) -> Iterator[TrialRecord]:
    asked = max(1, len(trials) // _MOST_REQUESTS)
    yield from (trial for trial in trials[::asked][:_MOST_REQUESTS] if trial.calls)


def _sent(trial: TrialRecord) -> str:
    """Return the texts of a trial's first request."""
    return "\n\n".join(_texts([message.get("content") for message in trial.calls[0].request.messages]))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _texts(part.get("text") if isinstance(part, Mapping) else part)


_NAME = "few-shot leak"
CHECK = Check(
    code="F04",
    name=_NAME,
    sees="Cases are shown to the model as examples while it is asked others, or themselves.",
    look=_look,
    when=When.BOTH,
    level=Level.WARNING,
    page=address_of("F04", _NAME),
)
