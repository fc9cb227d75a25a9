"""`velo batch` and `--velo-batch`, against a server with batch APIs."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest
from click.testing import CliRunner, Result

from pytest_velo.batches.book import Book
from pytest_velo.batches.entry import BatchState
from pytest_velo.cache.store import Store
from pytest_velo.cli.main import main
from pytest_velo.providers.openai_chat import to_wire
from pytest_velo.sampling.seeds import slot_seed
from support.batch_server import BatchServer, digest_of
from support.importing import imported_anew

CANARY = "sk-canary-7f3a91c2e5d84b60"
YES = """
@pytest.mark.hypothesis(rate >= 0.5, models=["lab/tiny"])
async def test_h(model):
    assert "yes" in (await model("Say yes.", max_tokens=5)).text
"""
TWO_TURNS = """
@pytest.mark.hypothesis(rate >= 0.5, models=["lab/tiny"], cases=[{"q": str(n)} for n in range(9)])
def test_turns(model, case):
    first = model(case.q, max_tokens=5)
    assert "yes" in model("Again: " + first.text, max_tokens=5).text
"""


@pytest.fixture
def server(run, monkeypatch) -> Iterator[BatchServer]:
    """Serve `lab/tiny` with a batch API."""
    monkeypatch.setenv("LAB_KEY", CANARY)
    serving = BatchServer()
    run.ini(f"velo_batch_every = 0\nvelo_endpoints =\n    {serving.endpoint()}")
    yield serving
    serving.close()


@pytest.fixture
def velo(run, monkeypatch):
    """Run a command of `velo batch` in this process, test files imported as in a process of its own."""
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(run.path)

    def invoke(*arguments: str) -> Result:
        more = ("-p", "no:randomly") if arguments[0] == "submit" else ()
        with imported_anew(run.path):
            done = CliRunner().invoke(main, ["batch", *arguments, *more])
        assert done.exception is None or isinstance(done.exception, SystemExit), done.output
        return done

    return invoke


def store_of(run):
    return closing(Store.open(run.path / ".pytest_velo" / "draws.sqlite"))


def book_of(run):
    return closing(Book.open(run.path / ".pytest_velo"))


def test_a_batch_is_offered_submitted_collected_and_found_by_a_live_run(run, server, velo):
    run.file(YES + TWO_TURNS)
    server.share = 0.9
    refused = velo("submit")
    assert refused.exit_code == 1
    assert re.search(r"lab/tiny: \d+ draws, at most \$[\d.]+ in a batch \(live: \$[\d.]+\)", refused.output)
    assert "--yes" in refused.output
    assert server.jobs == []

    for _ in range(6):  # the second turns, then the trials that the verdicts still need
        if "nothing to submit" in velo("submit", "-m", "velo").output:
            break
        velo("collect", "--wait", "--every", "0")
    else:
        pytest.fail("the verdicts are not in after six rounds")
    assert server.live == []

    ran = run("-m", "velo")
    assert run.outcomes == ["supported", "supported"]
    assert server.live == []
    assert "0 model calls" in ran.stdout.str()

    with store_of(run) as store:
        found = [*store.recorded()]
    assert len(found) == server.n_batched
    for request, draw in found:
        at = draw.address
        body = to_wire(request, slot_seed(at.seed, at.key, at.slot, at.stream), limit_name="max_tokens")
        assert draw.reply.text.endswith(digest_of(body))


def test_what_stops_early_asks_for_few_and_all_asks_for_all(run, server, velo):
    run.file(YES)
    some = velo("submit", "--yes", "--max-cost", "5")
    n = int(re.search(r"(\d+) draws missing", some.output)[1])
    assert n < 200
    everything = velo("submit", "--all", "--yes", "--max-cost", "5")
    assert "200 draws missing" in everything.output
    assert server.n_batched == 200


def test_the_budget_holds_and_says_what_it_leaves_out(run, server, velo):
    run.file(YES)
    told = velo("submit", "--yes", "--max-cost", "0.0001")
    assert "not submitted: the budget of $0.0001" in told.output
    assert 0 < server.n_batched < 10
    none = velo("submit", "--yes", "--max-cost", "0.0001")
    assert none.exit_code == 1
    assert len(server.jobs) == 1


def test_scripted_models_have_nothing_to_submit_and_other_endpoints_are_refused_by_name(run, server, velo):
    run.file(YES.replace('"lab/tiny"', "NO"))
    told = velo("submit")
    assert told.exit_code == 0
    assert "nothing to submit" in told.output
    run.ini("velo_endpoints =\n    " + server.endpoint(more="price=1/1"))
    run.file(YES)
    told = velo("submit", "--yes")
    assert "endpoint lab" in told.output
    assert "batch=0.5" in told.output


def test_a_body_that_breaks_is_shown_and_nothing_is_submitted(run, server, velo):
    run.file(YES.replace("(await model", "(1 / 0, await model"))
    told = velo("submit", "--yes")
    assert told.exit_code == 1
    assert "ZeroDivisionError" in told.output
    assert server.jobs == []


def test_a_body_that_catches_what_it_misses_is_followed_no_further(run, server, velo):
    run.file("""
import asyncio
@pytest.mark.hypothesis(rate >= 0.5, models=["lab/tiny"], max_trials=30)
async def test_h(model):
    async def ask(text):
        try:
            return (await model(text, max_tokens=5)).text
        except Exception:
            return "lost"
    both = await asyncio.gather(ask("one"), ask("two"))
    assert await ask(f"which: {both}")
""")
    velo("submit", "--all", "--yes", "--max-cost", "5")
    asked = [request["body"]["messages"][0]["content"] for job in server.jobs for request in job.requests]
    assert {*asked} == {"one", "two"}
    assert len(asked) == 60


def test_a_run_waits_for_its_batches_wave_by_wave(run, server):
    run.file(YES + TWO_TURNS)
    server.looks = 2
    ran = run("-m", "velo", "--velo-batch")
    text = ran.stdout.str()
    assert run.outcomes == ["supported", "supported"]
    assert server.live == []
    assert len(server.jobs) >= 2
    assert re.search(
        r"velo: waiting for batch_0 \w+: \d+ of \d+ draws done · .*at most · since \d\d:\d\d", text
    )
    assert re.search(rf"batch +{server.n_batched} draws came from batches, for \$0\.\d+", text)
    assert CANARY not in text
    run("-m", "velo")
    assert server.live == []


def test_plain_pytest_submits_nothing(run, server):
    run.file(YES)
    run("--velo-batch")
    assert (server.jobs, server.live) == ([], [])


def test_a_later_run_waits_for_what_is_under_way(run, server, velo):
    run.file(YES)
    velo("submit", "--all", "--yes", "--max-cost", "5")
    ran = run("-m", "velo", "--velo-batch", "--velo-budget=5")
    assert run.outcomes == ["supported"]
    assert (len(server.jobs), server.live) == (1, [])
    assert "200 draws came from batches" in ran.stdout.str()


def test_a_live_run_says_once_that_it_pays_twice(run, server, velo):
    run.file(YES)
    velo("submit", "--yes")
    ran = run("-m", "velo").stdout.str()
    n = server.n_batched
    assert ran.count("under way in batches (batch_0)") == 1
    assert "--velo-batch waits" in ran or "with --velo-batch it waits" in ran
    assert re.search(r"batch +\d+ draws made live that a batch brings, too", ran)
    assert server.n_batched == n
    assert "under way in batches" not in run("-m", "velo", "--velo-mode=replay").stdout.str()


def test_what_the_batches_do_not_bring_is_no_failure_of_the_model(run, server):
    run.file(YES)
    overloaded = {"error": {"message": "try later", "type": "server_error"}}
    server.fails = lambda _: (503, overloaded)
    ran = run("-m", "velo", "--velo-batch")
    assert run.outcomes == ["error"]
    assert len(server.jobs) == 2  # once more, and then it is said
    assert server.live == []
    assert "the batch brought no reply" in ran.stdout.str()
    assert "without --velo-batch" in ran.stdout.str()


def test_a_budget_that_is_used_up_leaves_the_claim_undecided(run, server):
    run.file(YES)
    run("-m", "velo", "--velo-batch", "--velo-budget=0.00002")
    assert run.outcomes == ["inconclusive"]
    assert server.live == []


def test_what_batches_cannot_do_is_refused_at_the_start(run, server, mistakes):
    said = mistakes.refused(YES, "-m", "velo", "--velo-batch", "--velo-mode=refresh")
    assert "--velo-batch" in said
    assert "refresh" in said
    run.ini(f"velo_endpoints =\n    {server.endpoint(more='price=1/1')}")
    ran = run("-m", "velo", "--velo-batch")
    assert run.outcomes == ["error"]
    assert "endpoint lab" in ran.stdout.str()
    assert (server.jobs, server.live) == ([], [])


@pytest.mark.slow
def test_five_thousand_slots_are_filled_by_a_batch_and_a_live_run_makes_no_call(run, server):
    run.file("""
from pytest_velo import estimate
@pytest.mark.hypothesis(estimate(rate, halfwidth=0.001), models=["lab/tiny"], max_trials=5000)
async def test_h(model):
    return "yes" in (await model("Say yes.", max_tokens=5)).text
""")
    server.share = 0.5
    run("-m", "velo", "--velo-batch", "--velo-budget=none")
    assert server.n_batched == 5_000
    assert len(server.jobs) <= 3
    ran = run("-m", "velo", "--velo-budget=none")
    assert server.live == []
    assert "0 model calls" in ran.stdout.str()


SUBMIT = "from pytest_velo.cli.main import main; main()"


@pytest.mark.processes
@pytest.mark.parametrize("api", ["openai-chat", "anthropic"])
def test_a_kill_between_the_sending_and_the_answer_costs_nothing(run, server, velo, api):
    run.ini(f"velo_endpoints =\n    {server.endpoint(api)}")
    run.file(YES)
    command = [sys.executable, "-c", SUBMIT, "batch", "submit", "--yes", "-p", "no:randomly"]
    known = threading.Event()

    def kill(_job) -> None:
        known.wait(600)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()

    server.created = kill
    process = subprocess.Popen(command, cwd=run.path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    known.set()
    assert process.wait(300) == -signal.SIGKILL
    server.created = lambda _: None
    with book_of(run) as book:
        (batch,) = book.batches()
    assert (batch.state, batch.remote) == (BatchState.SENDING, "")

    server.created_at = batch.sent_at
    velo("submit", "--yes")
    assert len(server.jobs) == 1
    server._look(server.jobs[0].id, lambda _: {})
    velo("collect", "--wait", "--every", "0")
    with book_of(run) as book:
        (batch,) = book.batches()
    assert (batch.state, batch.n_stored) == (BatchState.COLLECTED, server.n_batched)
    run("-m", "velo")
    assert server.live == []


@pytest.mark.processes
def test_ctrl_c_leaves_the_batch_under_way_and_says_how_to_come_back(run, server):
    run.file(YES)
    server.looks = 10**9
    process = run.start("-m", "velo", "--velo-batch", "-o", "velo_batch_every=0.05")
    text = ""
    for line in process.stdout:
        text += line
        if "waiting for batch_0" in line:
            process.send_signal(signal.SIGINT)
            break
    text += process.communicate(timeout=300)[0]
    assert process.returncode == 2
    assert "1 batch with" in text
    assert "batch_0" in text
    assert "velo batch status" in text
    server.looks = 0
    run("-m", "velo", "--velo-batch")
    assert (len(server.jobs), server.live) == (1, [])
    assert run.outcomes == ["supported"]
