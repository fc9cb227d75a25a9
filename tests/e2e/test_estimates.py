"""`--velo-mode=estimate`: bodies run on stored draws, the rest is counted; no call, nothing stored."""

from __future__ import annotations

import itertools
import re
from contextlib import closing

import apsw
import pytest

from pytest_velo.cache.store import Store

N = 20
CALL_USD = 15e-6  # of one call of the loopback server: 15 tokens at a dollar the million
ESTIMATE = "--velo-mode=estimate"


def hypothesis(
    name: str = "test_h",
    *,
    n: int = N,
    more: str = "",
    call: str = "",
    model: str = "lab/tiny",
    ask: str = "Is it so?",
):
    """A hypothesis of exactly n trials, one call each."""
    return f"""
@pytest.mark.hypothesis(rate >= 0.5, models=["{model}"], max_trials={n}, min_trials={n}, {more})
async def {name}(model):
    {call}
    return (await model("{ask}", max_tokens=5)).answers("yes")
"""


@pytest.fixture
def half(lab):
    """A server that says yes half of the time."""
    lab.share = 0.5
    return lab


def answer_of(lab, share: float):
    """The server's answer: yes at a share of 1, no at 0."""
    lab.share = share
    return lab.reply({})


def told(result) -> str:
    """What was printed, without the terminal's line breaks."""
    return " ".join(" ".join(result.outlines).split())


def state(run):
    """Everything that a run leaves behind."""
    folder = run.path / ".pytest_velo"
    if not folder.exists():
        return None
    store = Store.open(folder / "draws.sqlite")
    draws = [draw for _, draw in store.recorded()]
    store.close()
    with closing(apsw.Connection(str(folder / "draws.sqlite"))) as raw:
        tables = ("look", "last_seen", "reserve", "request")
        rows = {name: [*raw.execute(f"SELECT * FROM {name}")] for name in tables}
    return draws, rows, sorted(path.name for path in (folder / "runs").iterdir())


def test_before_the_first_run_the_worst_case_is_what_the_budget_would_set_aside(run, half) -> None:
    run.file(hypothesis())
    first = run(ESTIMATE)
    assert first.parseoutcomes() == {"skipped": 1}
    # 9 bytes and 8 for the message's frame, then 5 tokens at most: 22 at a dollar the million.
    assert "estimate: at most 20 trials of at least 1 call each, $0.0004 at worst with 1 each" in told(first)
    assert "estimate of 1 hypothesis: about 20 calls (assuming one per trial for 1 that never ran)" in told(
        first
    )
    assert "0 draws from the cache, about $0.0004" in told(first)
    assert not half.calls
    assert state(run) is None


def test_after_a_run_nothing_is_left_to_pay(run, half) -> None:
    run.file(hypothesis())
    run("-m", "velo")
    before, n_calls = state(run), len(half.calls)
    again = run(ESTIMATE, "-m", "velo")
    assert again.parseoutcomes() == {"skipped": 1}
    assert re.search(r"estimate: 0 calls, .* in the cache.* \(20 draws\)", told(again))
    assert "estimate of 1 hypothesis: 0 calls, 20 draws from the cache, $0.00" in told(again)
    assert len(half.calls) == n_calls == N
    assert state(run) == before


def test_a_verdict_that_is_in_the_cache_is_said_to_be_there_but_not_told(run, lab) -> None:
    run.file(hypothesis().replace("min_trials=20", "min_trials=1"))
    run("-m", "velo")
    n_calls = len(lab.calls)
    again = told(run(ESTIMATE))
    assert "estimate: 0 calls, its verdict is in the cache" in again
    assert "supported" not in again
    assert len(lab.calls) == n_calls < N


def test_draws_without_a_verdict_are_said_to_be_there(run, half) -> None:
    run.file(hypothesis())
    answers = itertools.cycle([answer_of(half, 1.0), answer_of(half, 0.0)])
    half.answer = lambda body: next(answers)
    run("-m", "velo")
    assert run.outcomes == ["inconclusive"]
    again = told(run(ESTIMATE))
    assert "estimate: 0 calls, every draw is in the cache, and there is no verdict (20 draws)" in again


def test_half_of_the_draws_are_stored(run, half) -> None:
    run.file(hypothesis(n=10, call='await model("Hm?", max_tokens=5)'))
    run("-m", "velo")
    before, n_calls = state(run), len(half.calls)
    run.file(hypothesis(call='await model("Hm?", max_tokens=5)'))
    rest = told(run(ESTIMATE))
    assert (
        "estimate: 10 trials from the cache (20 draws), then about 20 calls, $0.0003, over at most 10 trials"
        in rest
    )
    assert re.search(r"on average up to \d+ calls and \$0.000\d, going by the trials so far", rest)
    assert "about 20 calls, 20 draws from the cache, about $0.0003" in rest
    assert len(half.calls) == n_calls == 20
    assert state(run) == before
    run("-m", "velo")
    assert len(half.calls) - n_calls <= 20, "the estimate is an upper bound"


def test_a_draw_that_is_missing_in_the_middle_ends_the_count(run, half) -> None:
    run.file(hypothesis(n=10))
    run("-m", "velo")
    store = Store.open(run.path / ".pytest_velo" / "draws.sqlite")
    slots = sorted({draw.address.slot for _, draw in store.recorded()})
    [missing] = [slot for slot in slots if _repeat(slot) == 4]
    store.close()
    with closing(apsw.Connection(str(run.path / ".pytest_velo" / "draws.sqlite"))) as raw:
        raw.execute("DELETE FROM draw WHERE slot = ?", (missing,))
    assert len(slots) == 10
    assert "estimate: 4 trials from the cache (4 draws), then about 6 calls" in told(run(ESTIMATE))
    assert len(half.calls) == 10


def _repeat(slot: str) -> int:
    """The repeat in a slot's text: digest of the case, repeat, ordinal."""
    return int(slot.split(":")[1])


def test_another_seed_has_no_draws_but_knows_what_a_trial_takes(run, half) -> None:
    run.file(hypothesis(call='await model("Hm?", max_tokens=5)', more="expect=0.5"))
    run("-m", "velo")
    fresh = told(run(ESTIMATE, "--velo-seed=1"))
    assert f"estimate: about 40 calls, ${2 * N * CALL_USD:.4f}".rstrip("0") in fresh
    assert "over at most 20 trials; on average" in fresh
    assert "if the rate is 0.5" in fresh


def test_an_unknown_price_stays_unknown_and_is_counted(run, half) -> None:
    dear = half.endpoint.replace("lab:", "dear:").replace("price=1/1 ", "")
    run.ini(f"velo_endpoints =\n    {half.endpoint}\n    {dear}")
    run.file(hypothesis() + hypothesis("test_dear", model="dear/tiny"))
    both = told(run(ESTIMATE))
    assert "at most 20 trials of at least 1 call each, $?" in both
    assert "estimate of 2 hypotheses: about 40 calls" in both
    assert "about $0.0004 + $? of 1" in both
    assert not half.calls


@pytest.mark.processes
def test_workers_estimate_what_one_process_does(run, half) -> None:
    run.file(hypothesis(n=10) + hypothesis("test_other", n=30, ask="Is it?"))
    run("-m", "velo")
    run.file(hypothesis() + hypothesis("test_other", n=30, ask="Is it?"))
    before, n_calls = state(run), len(half.calls)
    alone, workers = told(run(ESTIMATE)), told(run.apart(ESTIMATE, "-n", "2"))
    for line in (
        "estimate: 10 trials from the cache (10 draws), then about 10 calls, $0.0001, over at most 10 trials",
        "(30 draws)",
        "estimate of 2 hypotheses: about 10 calls, 40 draws from the cache, about $0.0001",
    ):
        assert line in alone
        assert line in workers
    assert len(half.calls) == n_calls
    assert state(run) == before


def test_what_costs_nothing_is_told_apart(run) -> None:
    run.file(
        hypothesis("test_scripted").replace('["lab/tiny"]', "[YES]")
        + hypothesis("test_local", model="local/smollm2-135m")
        + "\n@pytest.mark.hypothesis(rate >= 0.3)\ndef test_coin(trial): raise SystemExit('it ran')\n"
    )
    free = told(run(ESTIMATE))
    assert "estimate: 0 calls, its replies are scripted" in free
    assert "at most 20 trials of at least 1 call each, $0.00" in free
    assert "estimate: 0 calls, its body takes no model fixture" in free
    assert "estimate of 3 hypotheses: about 20 calls" in free
    assert state(run) is None


def test_a_body_that_breaks_on_its_stored_draws_is_an_error_now(run, half) -> None:
    run.file(hypothesis())
    run("-m", "velo")
    run.file(hypothesis().replace("return", "assert model.gone; return"))
    broken = run(ESTIMATE)
    assert broken.parseoutcomes() == {"errors": 1}
    assert "AttributeError" in told(broken)


def test_a_claim_about_a_baseline_that_is_not_there_needs_no_call(run, half) -> None:
    run.file(
        "from pytest_velo import baseline\n"
        + hypothesis(more='cases=["a", "b"]')
        .replace("(model)", "(model, case)")
        .replace("rate >= 0.5", "rate >= baseline - 0.1")
    )
    nothing = told(run(ESTIMATE))
    assert "estimate: 0 calls," in nothing
    assert "has no baseline for this test" in nothing
    assert not half.calls
