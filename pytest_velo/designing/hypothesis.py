"""What is claimed, its frame and its body, put together for the runner."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from pytest_velo.canonical import digest
from pytest_velo.case_sets import DIGEST_LENGTH, CaseSet
from pytest_velo.claims import AnyClaim, Claim
from pytest_velo.designing.attempts import stream_of
from pytest_velo.designing.clients import adopts
from pytest_velo.designing.outcomes import BodyOutcomes
from pytest_velo.designing.spec import Spec
from pytest_velo.designing.truth import labels_of
from pytest_velo.records import Belief, Stubbed
from pytest_velo.runner.frame import Frame
from pytest_velo.runner.hypothesis import Attack, Body, Hypothesis
from pytest_velo.settings import Settings
from pytest_velo.stats.choosing import RuleFactory, from_factory
from pytest_velo.stats.rules.choice import MakeRule, rule_for


def make_hypothesis(
    spec: Spec,
    frame: Frame,
    cases: CaseSet | None,
    settings: Settings,
    *,
    node_id: str,
    folder: Path,
    belief: str,
    model: str | None,
    body: Body,
    body_digest: str,
    is_async: bool,
    outcomes: BodyOutcomes,
    make_rule: MakeRule,
    may_pay: bool,
    rerun: str = "",
    notices: Iterable[str] = (),
    one_by_one: bool = False,
    keep_exceptions: bool = False,
    tries: Belief | None = None,
    stubs: Iterable[Stubbed] = (),
    attack: Attack | None = None,
) -> Hypothesis:
    """Return a hypothesis that is ready to be sampled.

    Args:
        spec: What is claimed.
        frame: What is sampled, in which order, and the design.
        cases: The cases of the frame; None without.
        settings: The session's.
        node_id: Names it in the record.
        folder: Where relative paths of images and sounds start.
        belief: What is claimed, in its author's words.
        model: The id of the model that its result is labelled with.
        body: Called for each trial.
        body_digest: Of the body's source.
        is_async: Calling the body gives a coroutine.
        outcomes: Reads the body's outcomes.
        make_rule: Makes the rule of its claim.
        may_pay: Paid calls are enabled.
        rerun: The command that runs it again.
        notices: What the reader of its verdict should know from the start.
        one_by_one: One trial at a time.
        keep_exceptions: Keep those of the trials against the claim (debuggers).
        tries: What it is an attempt at.
        stubs: What stands in for something in every trial, beside the cases.
        attack: Proposes the cases of a search, if a function does.
    """
    limit = 1 if one_by_one else max(1, settings.concurrency // settings.workers)
    return Hypothesis(
        node_id=node_id,
        folder=folder,
        facts=(f"cases from {cases.origin}",) if cases is not None and cases.origin else (),
        belief=belief,
        claim=spec.claim,
        frame=frame,
        stream=stream_of(spec, settings),
        seed=settings.seed,
        model=model,
        limit=limit,
        set_digest=cases.digest if cases is not None else _search_digest(frame),
        body_digest=body_digest,
        body=body,
        is_async=is_async,
        outcomes=outcomes,
        may_pay=may_pay,
        rerun=rerun,
        notices=(*notices, *(() if cases is None else cases.notices)),
        keep_exceptions=keep_exceptions,
        make_rule=make_rule,
        opens_nothing=_offline(settings),
        ceiling=spec.get("ceiling"),
        adopts=settings.endpoints if adopts(spec, settings) else None,
        allow_cut=spec.get("allow_cut", False),
        allow_empty=spec.get("allow_empty", False),
        max_trials_marked="max_trials" in spec.options,
        tries=tries,
        predicted=spec.get("predict"),
        stubs=(*_made_up(cases), *stubs),
        labelling=labels_of(spec, test_id=node_id, seed=settings.seed, folder=folder),
        attack=attack,
    )


def _search_digest(frame: Frame) -> str:
    """Return what a search is known by in the log of looks; empty for everything else."""
    search = frame.search
    if search is None:
        return ""
    return digest(["search", search.told, search.n_findings, search.confirm])[:DIGEST_LENGTH]


def _made_up(cases: CaseSet | None) -> tuple[Stubbed, ...]:
    stub = None if cases is None else cases.stub
    return () if stub is None else (stub.standing_in_for("cases"),)


def rule_maker(claim: AnyClaim, offered: Mapping[type[Claim], RuleFactory]) -> MakeRule:
    """Return what makes a claim's rule: the factory offered for its class, or for the nearest base class."""
    for kind in type(claim).__mro__:
        if kind in offered:
            return from_factory(offered[kind])
    return rule_for  # joint claims and estimates have their own rules


def _offline(settings: Settings) -> str:
    """Say why bodies may open no connection: in these modes nothing is called, and nothing is paid."""
    offline = settings.replays or settings.estimates
    return f"--velo-mode={settings.mode} calls nothing" if offline else ""
