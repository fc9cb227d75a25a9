"""F18, mixed snapshots: a hypothesis that mixes two snapshots of a model says so."""

from __future__ import annotations

from pytest_velo.checks.snapshots import mixed_snapshots
from pytest_velo.records import Address, Call, OutcomeKind, Reply, Request, TrialRecord


def trial(*calls: tuple[str, str | None, str | None]) -> TrialRecord:
    return TrialRecord(
        index=0,
        case_id="",
        repeat=0,
        seed=0,
        kind=OutcomeKind.ONE,
        values={"": 1.0},
        calls=tuple(
            Call(
                model=model,
                request=Request(api="a", endpoint="e", model=model, messages=()),
                reply=Reply(text="t", model_served=served, fingerprint=fingerprint),
                address=Address(key="k", seed=0, stream="", slot="s"),
                drawn_at="2026-11-02T10:00:00+00:00",
            )
            for model, served, fingerprint in calls
        ),
    )


def test_two_served_models_are_both_named() -> None:
    (notice,) = mixed_snapshots([trial(("m", "m-2026-01", None)), trial(("m", "m-2026-06", None))])
    assert "m was answered by m-2026-01 and m-2026-06" in notice


def test_two_fingerprints_of_one_model_are_both_named() -> None:
    (notice,) = mixed_snapshots([trial(("m", "m-1", "fp_a"), ("m", "m-1", "fp_b"))])
    assert "m-1 answered m with the fingerprints fp_a and fp_b" in notice


def test_one_snapshot_is_fine() -> None:
    assert mixed_snapshots([trial(("m", "m-1", "fp")), trial(("m", "m-1", "fp"))]) == ()
    assert mixed_snapshots([]) == ()


def test_different_roles_may_have_different_models() -> None:
    assert mixed_snapshots([trial(("attacker", "a-1", "fp_a"), ("target", "t-1", "fp_t"))]) == ()


def test_what_is_unknown_is_no_difference() -> None:
    assert mixed_snapshots([trial(("m", None, None), ("m", "m-1", "fp"))]) == ()
