"""Results of promptfoo (`promptfoo eval -o results.json`, or `.jsonl`).

A file holds every test under every provider and prompt, so it may hold several arms. Promptfoo fills `error`
for a failed assertion too; only `failureReason` tells that from trouble with the provider.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pytest_velo.canonical import digest as digest_of
from pytest_velo.errors import UsageError
from pytest_velo.logs.log import Kind, Log, Sample, as_number, as_text

PASSED, GRADED = "success", "score"
_BROKE = 2
"""Promptfoo's `ResultFailureReason.ERROR`; 0 is none, 1 a failed assertion."""


def results_in(data: Any) -> list[Any] | None:
    """Return the results in a file's JSON, of version 2 or 3; None if it is not promptfoo's."""
    if not isinstance(data, Mapping):
        return None
    inner = data.get("results")
    if isinstance(inner, list) and inner and all(map(is_result, inner)):
        return inner
    if isinstance(inner, Mapping) and isinstance(inner.get("results"), list):
        return list(inner["results"])
    return None


def is_result(row: Any) -> bool:
    """Tell whether a line is a result of promptfoo, as `-o results.jsonl` writes them."""
    return isinstance(row, Mapping) and {"promptIdx", "testIdx", "success"} <= row.keys()


def read(path: Path, digest: str, data: Any) -> tuple[Log, ...]:
    """Read one file: a log for each provider and prompt in it.

    Raises:
        UsageError: It is not promptfoo's, or a result lacks what tells its test, provider or outcome.
    """
    results = results_in(data)
    if not results:
        raise UsageError(
            "there are no promptfoo results in it (`results.results`)",
            where=str(path),
            fix="promptfoo eval -o results.json writes them",
        )
    arms: dict[tuple[str, str], list[tuple[str, Mapping[str, Any]]]] = {}
    for place, result in enumerate(results):
        where = f"{path.name}: results.results[{place}]"
        if not isinstance(result, Mapping) or not isinstance(result.get("success"), bool):
            raise UsageError("the result has no `success`", where=where, fix="is it promptfoo's own file?")
        arms.setdefault((_provider(result), _prompt(result)), []).append((where, result))
    names = _names(list(arms), path.stem)
    return tuple(
        Log(
            name=name,
            path=path,
            kind=Kind.PROMPTFOO,
            digest=digest,
            samples=tuple(_samples(found)),
            passed=PASSED,
            graded=GRADED,
            model=provider,
        )
        for ((provider, _), found), name in zip(arms.items(), names, strict=True)
    )


def _names(arms: Sequence[tuple[str, str]], stem: str) -> list[str]:
    """Name the arms of a file by what tells them apart: the provider, the prompt, or both."""
    if len(arms) == 1:
        return [stem]
    providers, prompts = ({arm[part] for arm in arms} for part in (0, 1))
    if len(providers) == len(arms):
        return [f"{stem}:{provider}" for provider, _ in arms]
    if len(prompts) == len(arms):
        return [f"{stem}:{prompt}" for _, prompt in arms]
    return [f"{stem}:{provider}:{prompt}" for provider, prompt in arms]


def _provider(result: Mapping[str, Any]) -> str:
    provider = result.get("provider")
    if isinstance(provider, Mapping):
        return as_text(provider.get("label") or provider.get("id") or "")
    return as_text(provider or "")


def _prompt(result: Mapping[str, Any]) -> str:
    """Return the prompt's place in the configuration: its label may be the whole text."""
    place = result.get("promptIdx")
    return f"prompt {place}" if place is not None else as_text(result.get("promptId") or "")


def _samples(found: Sequence[tuple[str, Mapping[str, Any]]]) -> Iterator[Sample]:
    """Yield the samples of an arm. Tests that are alike (`--repeat`) are draws of one case."""
    ids: dict[str, str] = {}
    n_draws: dict[str, int] = {}
    for place, (where, result) in enumerate(found):
        case = result.get("testCase") if isinstance(result.get("testCase"), Mapping) else {}
        assert isinstance(case, Mapping)
        variables = result.get("vars", case.get("vars"))
        asked = digest_of([_plain(variables), _plain(case.get("assert")), _plain(case.get("description"))])
        name = ids.setdefault(asked, as_text(result.get("testIdx", place)))
        n_draws[name] = n_draws.get(name, 0) + 1
        yield _sample(name, n_draws[name], where, result, case, variables)


def _sample(
    name: str,
    epoch: int,
    where: str,
    result: Mapping[str, Any],
    case: Mapping[str, Any],
    variables: Any,
) -> Sample:
    response = result.get("response")
    scores = {PASSED: 1.0 if result["success"] else 0.0}
    named = result.get("namedScores")
    for score, value in [
        *(named.items() if isinstance(named, Mapping) else ()),
        (GRADED, result.get("score")),
    ]:
        number = as_number(value)
        if number is not None:
            scores[as_text(score)] = number
    own = dict(variables) if isinstance(variables, Mapping) else {}
    metadata = case.get("metadata")
    return Sample(
        id=name,
        epoch=epoch,
        scores=scores,
        invalid=_why_invalid(result),
        fields={
            **own,
            **(metadata if isinstance(metadata, Mapping) else {}),
            "input": variables,
            "output": response.get("output") if isinstance(response, Mapping) else None,
        },
        where=where,
    )


def _why_invalid(result: Mapping[str, Any]) -> str:
    reason, error = result.get("failureReason"), result.get("error")
    broke = reason == _BROKE if reason is not None else bool(error) and not result.get("gradingResult")
    if not broke:
        return ""
    text = as_text(error or "no message").strip()
    return f"error in the log: {text.splitlines()[0][:200] if text else 'no message'}"


def _plain(value: Any) -> Any:
    """Return JSON in a form that has a digest."""
    return value if value is None or isinstance(value, str | int | float | list | dict) else str(value)
