"""Whether what a body takes by its parameters is there for it to take."""

from __future__ import annotations

from collections.abc import Collection

from pytest_velo.claims import EachCase
from pytest_velo.designing.clients import check_clients
from pytest_velo.designing.models import judge_id, model_ids
from pytest_velo.designing.parameters import CLIENTS
from pytest_velo.designing.spec import Spec
from pytest_velo.errors import UsageError
from pytest_velo.providers.registry import resolve
from pytest_velo.settings import Settings


def check_uses(uses: Collection[str], spec: Spec, settings: Settings) -> None:
    """Check that there are cases, arms, models and a judge for a body that takes them.

    Args:
        uses: The names of its parameters that are ours.
        spec: What is claimed.
        settings: The session's.

    Raises:
        UsageError: Something is missing, or the arms cannot differ. Without a place; the caller knows it.
    """
    if "case" in uses and spec.get("cases") is None:
        raise UsageError(
            f"the body uses `case`, but {spec.taker} has no cases", fix='cases=[...] or cases="file.jsonl"'
        )
    if isinstance(spec.claim, EachCase) and not {"case", "velo"}.intersection(uses):
        raise UsageError(
            "no case can break the claim: the body does not use `case`",
            fix="make `case` an argument of the body",
        )
    _check_arms(uses, spec)
    _check_models(uses, spec, settings)
    _check_ladder(uses, spec, settings)


def leaves_cases_unused(uses: Collection[str], spec: Spec) -> bool:
    """Tell whether there are cases, and a body that nothing tells which of them is its own."""
    return spec.get("cases") is not None and not {"case", "velo"}.intersection(uses)


def check_cases_used(uses: Collection[str], spec: Spec) -> None:
    """Check that a body uses the cases that were given to it alone.

    Raises:
        UsageError: It does not. Without a place; the caller knows it.
    """
    if leaves_cases_unused(uses, spec):
        raise UsageError(
            "the cases cannot matter: the body does not use `case`",
            fix="make `case` an argument of the body, or leave cases= out",
        )


def _check_arms(uses: Collection[str], spec: Spec) -> None:
    if "arm" in uses and not spec.arms:
        raise UsageError(f"the body uses `arm`, but {spec.taker} has no arms", fix='arms=("plain", "hinted")')
    able = {"arm", "velo", *(["model", "strategy", *CLIENTS] if spec.arms_are_models else [])}
    if spec.arms and not able.intersection(uses):
        asked = "model" if spec.arms_are_models else "arm"
        raise UsageError(
            f"the arms cannot differ: the body does not use `{asked}`",
            fix=f"make `{asked}` an argument of the body",
        )


def _check_ladder(uses: Collection[str], spec: Spec, settings: Settings) -> None:
    """Check that the rungs of a ladder can differ, and that what they ask is there."""
    if spec.ladder is None:
        return
    if not {"strategy", "velo"}.intersection(uses):
        raise UsageError(
            "the rungs of the ladder cannot differ: the body does not use `strategy`",
            fix="make `strategy` an argument of the body, and ask it in place of `model`",
        )
    for rung in spec.ladder.rungs:
        if rung.skip:
            continue
        for model_id in rung.other_models:
            resolve(model_id, settings.endpoints)
        if rung.judges() and judge_id(spec, settings) is None:
            raise UsageError(
                f"the rung {rung.name} chooses by a judge, and no judge is set",
                fix=f'judge="openai/gpt-5-mini" in {spec.taker}, or {spec.option("judge")}=...',
            )


def _check_models(uses: Collection[str], spec: Spec, settings: Settings) -> None:
    ids = model_ids(spec, settings)
    if {"model", "strategy"}.intersection(uses) and not ids:
        raise UsageError(
            "no model is set",
            fix=f'models=["local/smollm2-135m"] in {spec.taker},'
            f" or {spec.option('model')}=local/smollm2-135m",
        )
    check_clients(uses, spec, settings)
    judge = judge_id(spec, settings)
    if "judge" in uses and not judge:
        raise UsageError(
            "no judge is set", fix=f'judge="openai/gpt-5-mini" in {spec.taker}, or {spec.option("judge")}=...'
        )
    for model_id in (*ids, *([judge] if judge else [])):
        resolve(model_id, settings.endpoints)
