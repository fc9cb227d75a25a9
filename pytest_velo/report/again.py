"""Which hypotheses of a run a repeat of it has, and why it leaves out others."""

from __future__ import annotations

from collections.abc import Iterable

from pytest_velo.records import HypothesisResult, Outcome, Repeat, RepeatKind


def test_of(node_id: str, model: str | None) -> str:
    """Return a test's node id without its model among the parameters."""
    head, bracket, parameters = node_id.partition("[")
    if not bracket or not model:
        return node_id
    inside = parameters.removesuffix("]")
    if inside == model:
        return head
    if inside.startswith(f"{model}-"):
        return f"{head}[{inside.removeprefix(f'{model}-')}]"
    if inside.endswith(f"-{model}"):
        return f"{head}[{inside.removesuffix(f'-{model}')}]"
    return f"{head}[{inside.replace(f'-{model}-', '-', 1)}]"


def name_in(repeat: Repeat, result: HypothesisResult) -> str:
    """Return the name by which a hypothesis and its repeat find each other."""
    if repeat.kind is RepeatKind.RERUN:
        return test_of(result.node_id, result.model)
    return result.node_id


def why_left_out(repeat: Repeat, result: HypothesisResult) -> str:
    """Say why a hypothesis is not repeated; empty if it is."""
    if result.outcome is Outcome.SKIPPED:
        return "it was skipped"
    if "baseline" in result.claim:
        return "its claim is about a baseline: `pytest --velo-update` stores one for a model"
    if repeat.kind is RepeatKind.RERUN:
        if result.model is None:
            return "it asks no model that could be another one"
        if " and " in result.model or result.model.endswith(" models"):  # as `designing/models` says it
            return "its arms are models: the claim names them"
        return ""
    if "recorded outcomes" in result.scope:
        return "its outcomes were recorded: there is nothing to draw"
    return ""


def originals(repeat: Repeat, before: Iterable[HypothesisResult]) -> dict[str, list[HypothesisResult]]:
    """Return the hypotheses of a run that a repeat of it has, by the name in both."""
    found: dict[str, list[HypothesisResult]] = {}
    for result in before:
        if not why_left_out(repeat, result):
            found.setdefault(name_in(repeat, result), []).append(result)
    return found
