"""What is drawn, what is read, and when: the cache, its modes, cassettes, and several workers."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from pytest_velo import load
from support.commands import velo

N = 10
CALL_USD = 15e-6  # of one call of the loopback server: 15 tokens at a dollar the million


def hypothesis(name: str = "test_h", *, mark: str = "", call: str = "", claim: str = "rate >= 0.5") -> str:
    """A hypothesis that takes exactly N trials, one call each."""
    return f"""
@pytest.mark.hypothesis({claim}, **{{"models": ["lab/tiny"], "max_trials": {N}, "min_trials": {N}, {mark}}})
async def {name}(model):
    return (await model("Is it so?", max_tokens=5, {call})).answers("yes")
"""


def seeds(calls) -> set[int]:
    return {call["seed"] for call in calls}


def kept(run, folder=".pytest_velo"):
    """What the latest run's record says of each trial's draw."""
    return {
        result.node_id: (result.outcome, [(trial.kind, trial.calls[0].reply.text) for trial in result.trials])
        for result in load(cache_dir=run.path / folder).results
    }


@contextmanager
def no_sockets() -> Iterator[None]:
    """Fail where anything connects."""
    attempts = []

    def connect(_, address):
        attempts.append(address)
        raise ConnectionRefusedError(address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", connect)
        yield
    assert attempts == []


def test_the_second_run_makes_no_call_and_says_so(run, lab):
    lab.share = 0.5
    run.file(hypothesis())
    first = run("-m", "velo")
    first.stdout.fnmatch_lines([f"{N} model calls · $0.0001*"])
    drawn = kept(run)
    second = run("-m", "velo")
    second.stdout.fnmatch_lines(
        ["0 model calls: every draw came from the cache · $0.00*", "*oldest draw: 20*"]
    )
    assert len(lab.calls) == N
    assert kept(run) == drawn
    assert (run.record["test_h"].n_calls, run.record["test_h"].n_cached) == (N, N)


def test_more_trials_pay_for_the_rest_only(run, lab):
    lab.share = 0.5
    run.file(hypothesis(claim="rate.within(0.05, 0.95)").replace(f'"min_trials": {N}, ', ""))
    run("-m", "velo")
    assert len(lab.calls) == N
    drawn = kept(run)["test_it.py::test_h"][1]
    run.file(hypothesis(claim="rate.within(0.05, 0.95)").replace(f'_trials": {N}', f'_trials": {2 * N}'))
    result = run("-m", "velo")
    assert len(lab.calls) == 2 * N
    assert len(seeds(lab.calls)) == 2 * N
    assert kept(run)["test_it.py::test_h"][1][:N] == drawn
    result.stdout.fnmatch_lines([f"{N} model calls, 50% of draws from the cache*"])


@pytest.mark.slow
@pytest.mark.slow
def test_another_seed_draws_anew_and_the_first_seeds_draws_stay(run, lab):
    run.file(hypothesis())
    run("-m", "velo")
    run("-m", "velo", "--velo-seed=1")
    assert len(seeds(lab.calls)) == len(lab.calls) == 2 * N
    for seed in ("0", "1"):
        run("-m", "velo", f"--velo-seed={seed}")
    assert len(lab.calls) == 2 * N


def test_refresh_draws_anew_once_and_what_it_drew_is_kept(run, lab):
    run.file(hypothesis() + hypothesis("test_shares_its_prompt"))
    run("-m", "velo")
    assert run.outcomes == ["supported", "supported"]
    lab.share = 0.0  # the model behind the name has changed
    run("--velo-mode=refresh")
    assert len(lab.calls) == 2 * N
    assert run.outcomes == ["refuted", "refuted"]
    run()
    assert len(lab.calls) == 2 * N
    assert run.outcomes == ["refuted", "refuted"]


def test_two_hypotheses_that_share_a_prompt_share_its_draws(run, lab):
    run.file(hypothesis() + hypothesis("test_other", claim="rate <= 0.5"))
    run("-m", "velo")
    assert run.outcomes == ["supported", "refuted"]
    assert len(lab.calls) == N
    assert run.record["test_other"].cost_usd == 0


def test_a_stream_of_its_own_shares_with_nobody(run, lab):
    run.file(hypothesis() + hypothesis("test_apart", mark='"stream": "apart"'))
    run("-m", "velo")
    assert len(seeds(lab.calls)) == len(lab.calls) == 2 * N
    assert {trial.calls[0].address.stream for trial in run.record["test_apart"].trials} == {"apart"}


def test_two_endpoints_with_one_model_name_never_share(run, lab):
    other = lab.endpoint.replace("lab:", "other:", 1)
    run.ini(f"velo_endpoints =\n    {lab.endpoint}\n    {other}")
    run.file(hypothesis() + hypothesis("test_other", mark='"models": ["other/tiny"]'))
    run("-m", "velo")
    assert len(lab.calls) == 2 * N
    assert {call["model"] for call in lab.calls} == {"tiny"}


def test_other_weights_behind_one_name_are_another_model(run, lab):
    run.file(hypothesis())
    for weights in ("ckpt-1", "ckpt-2", "ckpt-1"):
        run.ini(f"velo_endpoints =\n    {lab.endpoint} weights={weights}")
        run("-m", "velo")
    assert len(lab.calls) == 2 * N


def test_another_port_of_one_declared_name_is_the_same_model(run, lab):
    """Servers come back on other ports; the name is the identity."""
    run.file(hypothesis())
    run("-m", "velo")
    lab.close()
    moved = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:1", lab.endpoint)
    run.ini(f"velo_endpoints =\n    {moved}")
    assert run("-m", "velo").ret == 0


@pytest.mark.slow
def test_the_profile_confirm_draws_fresh_and_only_once(run, lab):
    run.file(hypothesis())
    run("-m", "velo")
    run("-m", "velo", "--velo-profile=confirm")
    assert len(seeds(lab.calls)) == len(lab.calls) == 2 * N
    run("-m", "velo", "--velo-profile=confirm")
    assert len(lab.calls) == 2 * N


@pytest.mark.parametrize("name", ["draws.jsonl", "draws.jsonl.zst"])
def test_a_cassette_gives_the_same_verdicts_without_server_key_or_cache(run, lab, monkeypatch, name):
    lab.share = 0.5
    run.file(
        hypothesis()
        + hypothesis("test_high", claim="rate >= 0.7")
        + hypothesis("test_low", claim="rate <= 0.3", mark='"stream": "low"')
    )
    first = run("-m", "velo")
    drawn = kept(run)
    exported = velo("cassette", "export", f"cassettes/{name}")
    assert exported == f"{2 * N} draws of run latest -> cassettes/{name}\n"
    (run.path / "cassettes" / ".draws.1.new.jsonl").write_bytes(b'{"half a li')  # its writer was killed
    lab.close()
    monkeypatch.delenv("LAB_KEY")
    for arguments in ([], [f"--velo-cassette=cassettes/{name}"]):
        with no_sockets():
            result = run("--velo-mode=replay", "--velo-cache-dir=fresh", *arguments)
        assert result.ret == first.ret
        assert kept(run, "fresh") == drawn
        result.stdout.fnmatch_lines(["0 model calls*", "*oldest draw: 20*"])
        assert load(cache_dir=run.path / "fresh").document.mode == "replay"


@pytest.mark.parametrize(
    ("change", "arguments", "told"),
    [
        (
            ("Is it so?", "Is it not so?"),
            [],
            "messages[[]0].content differs: 'Is it so?' was recorded, 'Is it not so?'",
        ),
        (
            ("max_tokens=5, ", "max_tokens=5, temperature=0.25"),
            [],
            "temperature 0.25 is asked for and was not recorded",
        ),
        (("max_tokens=5", "max_tokens=64"), [], "max_tokens 5 was recorded, 64 is asked for"),
        (("lab/tiny", "lab/small"), [], "model differs: 'tiny' was recorded, 'small' is asked for"),
        (("", ""), ["--velo-seed=3"], "the same request was recorded with seed 0, asked for with seed 3"),
        (('"models"', '"stream": "new", "models"'), [], "with stream '', asked for with stream 'new'"),
    ],
    ids=["prompt", "temperature", "max_tokens", "model", "seed", "stream"],
)
def test_a_miss_in_replay_says_what_changed_and_opens_no_socket(run, lab, change, arguments, told):
    run.file(hypothesis())
    run("-m", "velo")
    velo("cassette", "export", "cassettes/draws.jsonl")
    run.file(hypothesis().replace(*change))
    with no_sockets():
        result = run("--velo-mode=replay", "--velo-cache-dir=fresh", *arguments)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert result.parseoutcomes() == {"errors": 1}
    result.stdout.fnmatch_lines([f"CacheMissError: *{told}*", "*fix: run once with --velo-mode=auto*"])
    assert len(lab.calls) == N


def test_replay_without_any_recording_says_that_nothing_is_recorded(run, lab):
    run.file(hypothesis())
    with no_sockets():
        result = run("--velo-mode=replay")
    assert result.parseoutcomes() == {"errors": 1}
    result.stdout.fnmatch_lines(["CacheMissError: *nothing is recorded*"])
    assert not lab.calls


def test_auto_reads_no_cassette_until_it_is_imported(run, lab):
    run.file(hypothesis())
    run("-m", "velo")
    velo("cassette", "export", "cassettes/draws.jsonl")
    assert run("--velo-cache-dir=fresh").parseoutcomes() == {"skipped": 1}
    told = velo("cassette", "import", "cassettes/draws.jsonl", "--cache-dir", "fresh")
    assert told == f"{N} draws in cassettes/draws.jsonl, {N} new in fresh\n"
    with no_sockets():
        assert run("--velo-cache-dir=fresh").parseoutcomes() == {"passed": 1}
    assert len(lab.calls) == N


def test_an_edited_scorer_costs_nothing(run, lab):
    run.file(hypothesis())
    run("-m", "velo")
    run.file(hypothesis().replace('answers("yes")', 'answers("no", "nope")'))
    result = run("-m", "velo")
    assert run.outcomes == ["refuted"]
    assert len(lab.calls) == N
    result.stdout.fnmatch_lines(["*notice * the body *"])


MANY = "".join(hypothesis(f"test_{k}").replace("Is it so?", f"Is {k} so?") for k in range(6))


def told_calls(result: pytest.RunResult) -> int:
    return int(re.search(r"^(\d+) model calls?", result.stdout.str(), re.MULTILINE)[1])


@pytest.mark.processes
def test_hazard_12_under_workers_every_draw_is_made_once_and_counted_and_rates_are_shared(run, lab):
    now, most = 0, 0
    lock = threading.Lock()

    def answer(body):
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.02)  # what a server takes
        with lock:
            now -= 1
        return lab.reply(body)

    lab.answer = answer
    run.file(MANY)
    result = run("-m", "velo", "-n", "2", "--velo-concurrency=4")
    assert result.ret == 0
    assert len(lab.calls) == len(seeds(lab.calls)) == told_calls(result) == 6 * N
    assert {outcome.value for outcome, _ in kept(run).values()} == {"supported"}
    assert sum(result.cost_usd for result in run.record.results) == pytest.approx(6 * N * CALL_USD)
    assert most <= 4
    run("-m", "velo").stdout.fnmatch_lines(["0 model calls: every draw came from the cache*"])


@pytest.mark.processes
def test_hazard_12_workers_share_one_budget(run, lab):
    lab.share = 0.5
    run.file(MANY.replace(f'_trials": {N}', '_trials": 100'))
    cap = 80 * CALL_USD  # of the 600 calls that were wanted
    result = run("-m", "velo", "-n", "2", f"--velo-budget={cap:.6f}")
    assert 40 <= len(lab.calls) <= 80
    assert told_calls(result) == len(lab.calls)
    assert {result.decision.stop.value for result in run.record.results} == {"budget"}


@pytest.mark.processes
def test_hazard_12_plain_pytest_pays_nothing_under_workers_either(run, lab):
    run.file(MANY)
    assert run("-n", "2").parseoutcomes() == {"skipped": 6}
    assert not lab.calls


def test_a_cassette_that_a_killed_export_left_half_is_not_read(run, lab):
    run.file(hypothesis())
    first = run("-m", "velo")
    velo("cassette", "export", "cassettes/draws.jsonl")
    written = (run.path / "cassettes" / "draws.jsonl").read_bytes()
    (run.path / "cassettes" / ".draws.123.new.jsonl").write_bytes(written[:-20])  # within a line
    assert run("--velo-mode=replay", "--velo-cache-dir=fresh").parseoutcomes() == first.parseoutcomes()
