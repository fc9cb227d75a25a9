"""What the scripts of a page get: hypotheses with their paths, and transcripts, as plain JSON."""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pytest_velo.baselines.written import claim_of
from pytest_velo.records import HypothesisResult, TruthSeen
from pytest_velo.report.page.conversation import messages_of, shown
from pytest_velo.report.page.entries import Entry
from pytest_velo.report.page.forest import thresholds_of
from pytest_velo.report.page.path import path_of
from pytest_velo.report.page.sample import Chosen
from pytest_velo.report.trials import outcome_text


def path_told(result: HypothesisResult) -> dict[str, Any] | None:
    """Return the evidence path for the scripts, in logs to base 10; None where the record does not tell."""
    claim, path = claim_of(result.claim), path_of(result)
    if claim is None or path is None or not path.n:
        return None
    return {
        "n": path.n,
        "followed": path.followed,
        "parts": [
            {
                "name": shown(str(statistic), 80),
                "scale": [statistic.scale.low, statistic.scale.high],
                "thresholds": ends,
                "estimates": [_rounded(value) for value in estimates],
            }
            for statistic, ends, estimates in zip(
                claim.statistics, thresholds_of(claim), path.estimates, strict=True
            )
        ],
        "support": [_rounded(pair[0] / _LN_10) for pair in path.log_e],
        "refute": [_rounded(pair[1] / _LN_10) for pair in path.log_e],
        "boundaries": [_rounded(end / _LN_10) for end in path.boundaries or ()],
        "unit": "trials" if result.unit is None else f"{result.unit.value}s",
    }


_LN_10 = math.log(10.0)


def _rounded(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else round(value, 4)


def hypothesis_told(entry: Entry, result: HypothesisResult, path: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return a hypothesis for the scripts."""
    decision = result.decision
    ends = None if decision is None else decision.evidence.interval
    return {
        "id": entry.id,
        "name": entry.name,
        "belief": entry.belief,
        "model": entry.model,
        "outcome": entry.outcome,
        "mark": entry.mark,
        "interval": None if ends is None else [_rounded(ends.low), _rounded(ends.high)],
        "n": entry.n_trials,
        "path": path,
    }


def trials_told(
    at: int, chosen: Sequence[Chosen], flips: Mapping[int, str], room: int, truth: TruthSeen | None
) -> Iterator[dict[str, Any]]:
    """Yield trials for the scripts, as long as they fit into `room` bytes once they are compressed.

    `truth` is that of a claim about labels.
    """
    packer = zlib.compressobj(6)
    for one in chosen:
        told = _trial(at, one, flips, truth)
        texts = "".join(text for _, text, _ in told["messages"])
        room -= len(packer.compress(texts.encode("utf-8", "replace")) + packer.flush(zlib.Z_SYNC_FLUSH))
        if room < 0:
            return
        yield told


def _trial(at: int, one: Chosen, flips: Mapping[int, str], truth: TruthSeen | None) -> dict[str, Any]:
    trial = one.trial
    facts = {
        "hypothesis": at,
        "index": trial.index,
        "case": shown(trial.case_id, 200),
        "repeat": trial.repeat,
        "arm": shown(trial.arm, 200),
        "seed": str(trial.seed),
        "kind": trial.kind.value,
        "outcome": shown(outcome_text(trial, truth)),
        "location": shown(trial.location, 400),
        "sampled": one.sampled,
        "against": one.against,
        "was": flips.get(trial.index, ""),
        "messages": [list(message) for message in messages_of(trial)],
    }
    return {name: value for name, value in facts.items() if value or name in _ALWAYS}


_ALWAYS = frozenset({"hypothesis", "index", "repeat", "kind", "messages"})
