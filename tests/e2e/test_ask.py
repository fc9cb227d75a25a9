"""`ask` and a provider: what is sent, what it costs, where its draws are, and what trouble is."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from e2e.conftest import Answer, Inner, Lab, chat

from pytest_velo import Replies, ask, ask_sync
from pytest_velo.errors import AccessError, BudgetError, UsageError
from pytest_velo.interactive import session


@pytest.fixture(autouse=True)
def _nothing_open(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Begin with nothing spent, and leave nothing open."""
    monkeypatch.setattr(session, "_process", session._Process())
    yield
    session.close_all()


def yes(_body: object) -> Answer:
    """Answer yes."""
    return Answer(chat("yes"))


def test_tests_find_its_draws_in_their_first_trials(run: Inner, lab: Lab) -> None:
    lab.share = 0.5
    rows = [{"n": 1}, {"n": 2}, {"n": 1}]
    replies = ask_sync("lab/tiny", "Is it?", n=6, temperature=1)
    ask_sync("lab/tiny", "Is {n} even?", n=4, cases=rows)
    n_calls = len(lab.calls)
    run.file(
        """
ROWS = [{"n": 1}, {"n": 2}, {"n": 1}]

@pytest.mark.hypothesis(rate >= 0.01, models=["lab/tiny"], max_trials=6, alpha=0.9, min_trials=6)
async def test_plain(model):
    return (await model("Is it?", temperature=1.0)).text in ("yes", "no")

@pytest.mark.hypothesis(rate >= 0.01, models=["lab/tiny"], cases=ROWS, max_trials=4, alpha=0.9)
async def test_cases(model, case):
    return (await model(f"Is {case.n} even?")).text in ("yes", "no")
"""
    )
    assert run("-m", "hypothesis").ret == 0
    assert len(lab.calls) == n_calls
    drawn = [call.reply.text for call in (trial.calls[0] for trial in run.record.results[0].trials)]
    assert drawn == replies.texts
    assert len({str(body) for body in lab.calls}) == n_calls  # each with a seed of its own


def test_asking_again_for_more_makes_only_the_calls_that_are_missing(lab: Lab) -> None:
    first = ask_sync("lab/tiny", "Is it?", n=3)
    more = ask_sync("lab/tiny", "Is it?", n=5)
    assert len(lab.calls) == 5
    assert more.texts[:3] == first.texts
    assert (more.n_cached, first.n_cached) == (3, 0)


def test_what_is_sent_is_what_the_call_says(lab: Lab) -> None:
    ask_sync("lab/tiny", "Is it?", n=1, system="Be brief.", temperature=0.5, max_tokens=7, top_k=3)
    turns = [
        {"role": "user", "content": "2 + 2?"},
        {"role": "assistant", "content": "4"},
        {"role": "user", "content": "Sure?"},
    ]
    ask_sync("lab/tiny", turns, n=1)
    alone, conversation = lab.calls
    assert [message["role"] for message in alone["messages"]] == ["system", "user"]
    assert (alone["temperature"], alone["max_tokens"], alone["top_k"]) == (0.5, 7, 3)
    assert [message["content"] for message in conversation["messages"]] == ["2 + 2?", "4", "Sure?"]


def test_what_it_costs_at_most_is_said_before_the_first_call(
    lab: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    before: list[str] = []
    lock = threading.Lock()  # two that read at once may read the same

    def answer(body: object) -> Answer:
        with lock:
            before.append(capsys.readouterr().err)
        return yes(body)

    lab.answer = answer
    replies = ask_sync("lab/tiny", "Is it?", n=2, max_tokens=1000)
    assert "".join(before) == "2 calls of lab/tiny: at most $0.002 (budget $1.00)\n"
    assert replies.cost_usd == pytest.approx(2 * 15e-6)
    ask_sync("lab/tiny", "Is it?", n=2, max_tokens=1000)
    assert capsys.readouterr().err == ""  # both are stored


def test_the_budget_is_one_for_all_that_the_process_asks(lab: Lab) -> None:
    cost = ask_sync("lab/tiny", "Is it?", n=1, max_tokens=10).cost_usd
    assert cost is not None
    with pytest.raises(BudgetError) as caught:
        ask_sync("lab/tiny", "Is it now?", n=1, max_tokens=10, budget=cost)  # that is spent already
    assert "budget=1.00 continues from here" in caught.value.fix
    assert "--velo" not in caught.value.fix
    ask_sync("lab/tiny", "Is it now?", n=1, max_tokens=10, budget=1)
    assert len(lab.calls) == 2


def test_a_price_that_nobody_knows_is_not_paid(run: Inner, lab: Lab) -> None:
    run.ini(f"velo_endpoints =\n    {lab.endpoint.replace(' price=1/1', '')}")
    with pytest.raises(UsageError, match="price of a call to lab/tiny is unknown") as caught:
        ask_sync("lab/tiny", "Is it?", n=1)
    assert 'budget="none"' in caught.value.fix
    assert lab.calls == []
    assert ask_sync("lab/tiny", "Is it?", n=1, budget="none").cost_usd is None


def test_the_key_is_asked_for_before_anything_is_said_of_money(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("LAB_KEY")
    with pytest.raises(UsageError, match="LAB_KEY is not set"):
        ask_sync("lab/tiny", "Is it?")
    assert capsys.readouterr().err == ""


def test_a_reply_that_was_filtered_is_invalid(lab: Lab) -> None:
    lab.answer = lambda _: Answer(chat("", "content_filter"))
    replies = ask_sync("lab/tiny", "Is it?", n=2)
    assert len(replies) == 0
    assert all("content filter" in answer.invalid for answer in replies.invalid)


def test_trouble_is_an_error_and_what_came_before_is_kept(run: Inner, lab: Lab) -> None:
    run.ini(f"velo_concurrency = 1\nvelo_endpoints =\n    {lab.endpoint}")
    lab.answer = lambda body: yes(body) if len(lab.calls) < 3 else Answer({"error": {}}, 401)
    with pytest.raises(AccessError) as caught:
        ask_sync("lab/tiny", "Is it?", n=5)
    assert "2 replies came before, and are kept" in caught.value.__notes__[0]
    session.close_all()  # which waits for a call that was sent already
    n_before = len(lab.calls)
    lab.answer = yes
    assert len(ask_sync("lab/tiny", "Is it?", n=5)) == 5
    assert len(lab.calls) - n_before == 3


def test_trouble_with_one_model_does_not_end_what_another_is_asked(lab: Lab) -> None:
    lab.answer = lambda body: Answer({"error": {}}, 401) if body["model"] == "no" else yes(body)
    with pytest.raises(AccessError, match="model no"):
        ask_sync(["lab/no", "lab/tiny"], "Is it?", n=3)
    assert ask_sync("lab/tiny", "Is it?", n=3).n_cached == 3


def test_replay_reads_and_does_not_call(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    ask_sync("lab/tiny", "Is it?", n=2)
    monkeypatch.setenv("VELO_MODE", "replay")
    assert len(ask_sync("lab/tiny", "Is it?", n=2)) == 2
    with pytest.raises(Exception, match="not in the cache"):
        ask_sync("lab/tiny", "Is it?", n=3)
    assert len(lab.calls) == 2


def test_a_saved_test_begins_with_the_draws(run: Inner, lab: Lab) -> None:
    replies = ask_sync("lab/tiny", 'Say "yes".', n=5)
    path = replies.save(run.path / "test_says_yes.py")
    n_calls = len(lab.calls)
    result = run("-m", "hypothesis", "--velo-max-trials=30", str(path))
    assert result.ret == 0
    trials = run.record.results[0].trials
    assert [call.reply.text for trial in trials[:5] for call in trial.calls] == replies.texts
    assert all(trial.calls[0].reply.cached for trial in trials[:5])
    assert len(lab.calls) > n_calls  # and it goes on from there
    with pytest.raises(UsageError, match="exists already"):
        replies.save(path)
    replies.save(path, force=True)


def test_a_cancelled_wait_leaves_a_session_that_works(lab: Lab) -> None:
    begun, hold = threading.Event(), threading.Event()

    def slow(body: object) -> Answer:
        begun.set()
        hold.wait(600)
        return yes(body)

    async def cancel_it() -> None:
        task: asyncio.Task[Replies] = asyncio.create_task(ask("lab/tiny", "Is it?", n=2))
        await asyncio.to_thread(begun.wait, 60)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        hold.set()
        lab.answer = yes
        assert len(await ask("lab/tiny", "Is it?", n=2)) == 2

    lab.answer = slow
    asyncio.run(cancel_it())


def test_from_several_threads_at_once(lab: Lab) -> None:
    found: list[int] = []

    def work() -> None:
        found.extend(len(ask_sync("lab/tiny", f"Is it {n}?", n=5)) for n in range(5))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [5] * 20
    assert len(lab.calls) == 25  # each draw once


def test_draws_are_where_the_ini_file_says(run: Inner, lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    run.ini(f"velo_cache_dir = kept\nvelo_endpoints =\n    {lab.endpoint}")
    (below := run.path / "notebooks").mkdir()
    monkeypatch.chdir(below)
    ask_sync("lab/tiny", "Is it?", n=1)
    assert (run.path / "kept" / "draws.sqlite").is_file()
    assert not Path(".pytest_velo").exists()


def test_a_body_that_asks_past_its_trial_is_an_error(run: Inner, lab: Lab) -> None:
    run.file(
        """
from pytest_velo import ask, ask_sync

@pytest.mark.hypothesis(rate >= 0.5)
async def test_async(velo):
    return (await ask("lab/tiny", "Is it?", n=1))[0] == "yes"

@pytest.mark.hypothesis(rate >= 0.5)
def test_plain(velo):
    try:
        return ask_sync("lab/tiny", "Is it?", n=1)[0] == "yes"
    except Exception:
        return True
"""
    )
    result = run("-m", "hypothesis")
    result.assert_outcomes(errors=2)
    assert result.stdout.str().count("asked a model past its trial") >= 2
    assert lab.calls == []
