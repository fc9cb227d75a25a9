"""A claim checked without pytest: the same core, the same record, and a test that agrees with it."""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from click.testing import CliRunner

from pytest_velo import (
    Finding,
    Reply,
    Sweep,
    check,
    check_sync,
    difference,
    estimate,
    load,
    mean,
    rate,
    scripted,
)
from pytest_velo.cli.main import main
from pytest_velo.errors import BodyError, UsageError
from pytest_velo.interactive.session import close_all
from pytest_velo.records import Usage
from support.schemas import faults

CASES = [{"question": f"Is {n} a number?", "wrong": "no"} for n in range(8)]
MANY = [{"question": f"Is {n} a number?", "tags": ["a", n]} for n in range(60)]

NOTEBOOK = '''
import json
import re
from pytest_velo import rate, scripted

GREETING = "Hello."
YES = re.compile("yes")
MODEL = scripted("parrot", ["yes", "yes", "yes", "no"])
JUDGE = scripted("judge", ['{"answer": "yes"}'])
CLIENT = object()


def says_yes(text):
    return YES.search(text) is not None


async def agrees(model, case):
    """The model agrees."""
    reply = await model(f"{GREETING} {case.question}")
    assert says_yes(reply.text)


def plainly(model, case, trial):
    return model(case.question + json.dumps(trial.rng.random())) == "yes"


async def hinted(model, case, arm):
    hint = " Say yes." if arm == "hinted" else ""
    return (await model(case.question + hint)).answers("yes")


async def prompted(model, case, prompt):
    assert (await model(prompt + case.question)) == "yes"


async def speechless(model, case):
    reply = await model(case.question)
    count = len(reply.text)
    assert (
        reply.text == "no" and
        count == 2
    )


async def clumsy(model, case):
    return json.loads((await model(case.question)).text)


async def judged(velo, judge, trial):
    reply = await velo.model()("Hello?")
    if trial.index == 3:
        velo.invalid("it is the fourth")
    return await judge("Is it polite?", reply)


async def needy(model):
    return CLIENT is not None and (await model("Hello?")) == "yes"
'''


@pytest.fixture
def notebook(tmp_path: Path) -> ModuleType:
    """A module whose asserts nobody rewrote, as those of a notebook."""
    path = tmp_path / "notebook.py"
    path.write_text(NOTEBOOK, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("notebook", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(autouse=True)
def _closed() -> Any:
    """Close what checks opened, before the folder of a test is gone."""
    yield
    close_all()


def said(finding: Any) -> tuple[Any, ...]:
    """What a verdict rests on, of a finding or of a recorded hypothesis."""
    result = getattr(finding, "result", finding)
    evidence = result.decision.evidence
    outcomes = [(trial.case_id, trial.repeat, trial.seed, trial.arm, trial.values) for trial in result.trials]
    return result.outcome, evidence, result.decision.certified, outcomes


AGREEING: dict[str, tuple[Any, str, dict[str, Any]]] = {
    "a few cases": (rate >= 0.4, "agrees", {"cases": CASES, "max_trials": 120}),
    "cases in a file": (rate >= 0.4, "plainly", {"cases": MANY, "over": "population", "max_trials": 60}),
    "arms": (
        difference("hinted", "plain") >= -0.9,
        "hinted",
        {"cases": CASES, "arms": ("plain", "hinted"), "seed": 3},
    ),
}


@pytest.mark.parametrize("name", AGREEING)
def test_the_test_that_a_check_prints_gives_the_same_verdict_without_a_call(
    name: str, notebook: ModuleType, run: Any, lab: Any
) -> None:
    lab.share = 0.7
    claim, body, keywords = AGREEING[name]
    finding = check_sync(claim, getattr(notebook, body), models=["lab/tiny"], **keywords)
    assert isinstance(finding, Finding)
    close_all()  # calls under way at the verdict end, and are kept
    n_calls = len(lab.calls)
    assert n_calls >= finding.n > 0

    written = finding.to_test(run.path / "tests" / f"test_{body}.py")
    assert not written.missing
    assert sorted(path.name for path in (run.path / "tests").iterdir()) == sorted(
        [f"test_{body}.py", *written.files]
    )
    seed = f"--velo-seed={keywords.get('seed', 0)}"
    run("tests", "--velo-mode=replay", seed)

    (tested,) = run.record.results
    assert said(tested) == said(finding)
    assert tested.cost_usd == 0.0
    assert not tested.notices, "the second look at the same draws is the same look"
    assert len(lab.calls) == n_calls


def test_the_test_of_a_sweep_gives_the_same_family_without_a_call(
    notebook: ModuleType, run: Any, lab: Any
) -> None:
    lab.share = 0.8
    sweep = check_sync(
        rate >= 0.5,
        notebook.prompted,
        cases=CASES,
        models=["lab/tiny"],
        max_trials=80,
        over={"prompt": ["", "Think. ", "Be quick! "]},
    )
    assert isinstance(sweep, Sweep)
    close_all()
    n_calls = len(lab.calls)
    sweep.to_test(run.path / "test_prompted.py")
    run("--velo-mode=replay", "--velo-multiplicity=holm")
    tested = run.record.results
    assert [said(result) for result in tested] == [said(finding) for finding in sweep]
    assert [result.family.size for result in tested] == [3, 3, 3]
    assert len(lab.calls) == n_calls
    assert "--velo-multiplicity=holm" in sweep.to_test().text


def test_a_check_leaves_the_record_of_a_run(notebook: ModuleType, run: Any) -> None:
    keywords: dict[str, Any] = {"cases": CASES, "models": [notebook.MODEL], "max_trials": 60}
    first = check_sync(rate >= 0.3, notebook.agrees, **keywords)
    again = asyncio.run(check(rate >= 0.3, notebook.agrees, **keywords, seed=1))
    assert again.n != 0
    (result,) = load("latest", run.path / ".pytest_velo").results
    assert said(result) == said(again)
    assert result.node_id.endswith("::agrees")
    check_sync(rate >= 0.3, notebook.prompted, **keywords, over={"prompt": ["", "Think. "]})
    for folder in (run.path / ".pytest_velo" / "runs").glob("*/"):
        assert not faults(folder, most=20), "it is as the published schema says"
    page = run.path / "page.html"
    for command in (["report", again.run_id, "-o", str(page)], ["compare", first.run_id, again.run_id]):
        done = CliRunner().invoke(main, command)
        assert done.exit_code in (0, 1), done.output
        assert "Error" not in done.output
    assert "agrees" in page.read_text(encoding="utf-8")


def test_a_failed_assert_of_a_notebook_tells_its_line_and_values(notebook: ModuleType, run: Any) -> None:
    finding = check_sync(rate >= 0.5, notebook.speechless, cases=CASES, models=[notebook.MODEL])
    assert finding.verdict == "refuted"
    told = {trial.detail for trial in finding.against}
    assert "assert reply.text == 'no' and count == 2\n  where reply = 'yes'\n  where count = 3" in told
    assert "assert reply.text == 'no'" in repr(finding)


def test_what_a_body_raises_is_raised_where_it_was_and_is_recorded(notebook: ModuleType, run: Any) -> None:
    with pytest.raises(ValueError, match="Expecting value") as caught:
        check_sync(rate >= 0.5, notebook.clumsy, cases=CASES, models=[notebook.MODEL])
    files = [Path(str(entry.path)).name for entry in caught.traceback]
    assert files[files.index("notebook.py") :][:2] == ["notebook.py", "__init__.py"]
    assert run.outcomes == ["error"]
    sweep = check_sync(rate >= 0.5, notebook.clumsy, cases=CASES, over={"model": [notebook.MODEL]})
    assert [finding.verdict for finding in sweep] == ["error"]
    assert "Expecting value" in repr(sweep)


def test_a_check_spends_what_its_budget_allows(notebook: ModuleType, run: Any, lab: Any) -> None:
    finding = check_sync(rate >= 0.5, notebook.agrees, cases=CASES, models=["lab/tiny"], budget=0)
    assert finding.verdict == "inconclusive"
    assert any("budget=" in notice and "--velo" not in notice for notice in finding.result.notices)
    assert not lab.calls


def test_what_cannot_be_carried_over_is_named_in_the_file(notebook: ModuleType, run: Any) -> None:
    finding = check_sync(rate >= 0.5, notebook.needy, models=[notebook.MODEL])
    written = finding.to_test()
    assert dict(written.missing) == {"CLIENT": "an object of the notebook"}
    assert "# NOT CARRIED OVER" in written.text
    assert "CLIENT: an object of the notebook" in written.text
    assert 'scripted("parrot", ["yes", "yes", "yes", "no"])' in written.text


def test_a_file_that_is_there_is_kept(notebook: ModuleType, run: Any) -> None:
    finding = check_sync(rate >= 0.5, notebook.agrees, cases=CASES, models=[notebook.MODEL])
    path = run.path / "test_mine.py"
    path.write_text("mine = 1\n", encoding="utf-8")
    with pytest.raises(UsageError, match="another content"):
        finding.to_test(path)
    assert path.read_text(encoding="utf-8") == "mine = 1\n"
    finding.to_test(path, overwrite=True)
    finding.to_test(path)  # the same again
    with pytest.raises(UsageError, match="would not collect"):
        finding.to_test(run.path / "mine.py")


Call = Callable[[ModuleType], Any]
MISTAKES: dict[str, tuple[Call, str, str]] = {
    "no claim": (lambda it: check_sync(rate, it.agrees), "alone claims nothing", "rate >= 0.5"),
    "an unknown keyword": (
        lambda it: check_sync(rate >= 0.5, it.agrees, cases=CASES, max_trial=9),
        "has no keyword 'max_trial'",
        "max_trials",
    ),
    "a keyword of tests": (
        lambda it: check_sync(rate >= 0.5, it.agrees, cases=CASES, family="mine"),
        "family= is for tests",
        "a sweep is a family",
    ),
    "an unreachable claim": (
        lambda it: check_sync(rate >= 0.99, it.agrees, cases=CASES, models=[it.MODEL], max_trials=9),
        "can never be supported within 9 trials",
        "max_trials=299",
    ),
    "no cases": (
        lambda it: check_sync(rate >= 0.5, it.agrees, models=[it.MODEL]),
        "the call has no cases",
        "cases=[...]",
    ),
    "no model": (lambda it: check_sync(rate >= 0.5, it.agrees, cases=CASES), "no model is set", "models=["),
    "several models": (
        lambda it: check_sync(rate >= 0.5, it.agrees, cases=CASES, models=[it.MODEL, "local/x"]),
        "one finding is about one model",
        'over={"model": ["scripted/parrot", "local/x"]}',
    ),
    "a fixture": (
        lambda it: check_sync(rate >= 0.5, it.prompted, cases=CASES, models=[it.MODEL]),
        "the body takes 'prompt'",
        "over={'prompt': [...]}",
    ),
    "a sweep over nothing it takes": (
        lambda it: check_sync(rate >= 0.5, it.prompted, cases=CASES, models=[it.MODEL], over={"promt": [""]}),
        "'promt', which is no parameter",
        "'prompt'",
    ),
    "a sweep over cases": (
        lambda it: check_sync(rate >= 0.5, it.agrees, cases=CASES, models=[it.MODEL], over={"case": [1]}),
        "cannot sweep over 'case'",
        "cases=[...]",
    ),
    "the same value twice": (
        lambda it: check_sync(rate >= 0.5, it.prompted, models=[it.MODEL], over={"prompt": ["a", "a"]}),
        "same value twice",
        "drop one",
    ),
    "a coroutine for a body": (
        lambda it: check_sync(rate >= 0.5, it.agrees(None, None)),
        "got a coroutine",
        "check(claim,",
    ),
    "a score for a rate": (
        lambda it: check_sync(mean(0, 1) >= 0.5, it.agrees, cases=CASES, models=[it.MODEL]),
        "",
        "return a number from 0 to 1",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_says_in_which_call_it_is(name: str, notebook: ModuleType, run: Any) -> None:
    call, what, fix = MISTAKES[name]
    with pytest.raises((UsageError, BodyError)) as caught:
        call(notebook)
    assert what in caught.value.what
    assert fix in caught.value.fix
    assert "check(" in caught.value.where or "notebook.py:" in caught.value.where


def test_checks_run_side_by_side_in_one_event_loop(notebook: ModuleType, run: Any) -> None:
    async def both() -> list[Any]:
        keywords: dict[str, Any] = {"cases": CASES, "models": [notebook.MODEL]}
        return await asyncio.gather(
            check(rate >= 0.3, notebook.agrees, **keywords), check(rate >= 0.3, notebook.plainly, **keywords)
        )

    found = asyncio.run(both())
    assert [finding.verdict for finding in found] == ["supported", "supported"]
    assert run.n_runs == 2


def test_a_body_takes_what_a_test_takes(notebook: ModuleType, run: Any) -> None:
    finding = check_sync(rate >= 0.3, notebook.judged, models=[notebook.MODEL], judge=notebook.JUDGE)
    assert finding.verdict == "supported"
    assert [trial.index for trial in finding.trials if trial.detail == "it is the fourth"] == [3]


def test_a_check_that_is_cancelled_keeps_its_draws(notebook: ModuleType, run: Any, lab: Any) -> None:
    lab.share = 0.5

    async def cancelled() -> None:
        answer, loop, enough = lab.answer, asyncio.get_running_loop(), asyncio.Event()

        def counting(body: Any) -> Any:
            if len(lab.calls) > 30:
                loop.call_soon_threadsafe(enough.set)
            return answer(body)

        lab.answer = counting
        task = asyncio.create_task(
            check(
                estimate(rate, halfwidth=0.03),
                notebook.agrees,
                cases=CASES,
                models=["lab/tiny"],
                max_trials=4000,
            )
        )
        await enough.wait()
        lab.answer = answer
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    finding = check_sync(rate >= 0.2, notebook.agrees, cases=CASES, models=["lab/tiny"])
    assert all(call.reply.cached for trial in finding.trials for call in trial.calls)


@pytest.mark.parametrize("allowed", [True, False])
def test_whoever_allows_cut_replies_is_not_told_that_some_were(run: Any, allowed: bool) -> None:
    reply = Reply(text="A", usage=Usage(input_tokens=5, output_tokens=1))
    letter = scripted("letter", lambda request, rng: reply)

    async def first(model):
        return (await model("A or B?", max_tokens=1, allow_cut=allowed)).answers("A")

    finding = check_sync(rate >= 0.5, first, models=[letter], max_trials=20)
    assert ("F01" in {found.code for found in finding.result.found}) is not allowed
    (result,) = load(finding.run_id, run.path / ".pytest_velo").results
    assert {call.may_be_cut for trial in result.trials for call in trial.calls} == {allowed}


def test_a_model_that_is_another_in_each_arm_is_named_by_the_running_trial(run: Any) -> None:
    """It was `x and y` in both: a body that asked which one it had saw neither."""
    ids = [scripted(name, ["yes"]) for name in ("x", "y")]
    seen = set()

    async def which(model, arm):
        seen.add((arm, model.id))
        return (await model("?")).answers("yes")

    check_sync(difference(*ids) >= 0.1, which, max_trials=8)
    assert seen == {(of, of) for of in ids}
