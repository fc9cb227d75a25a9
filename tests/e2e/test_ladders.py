"""Ladders: rungs one after another, what is said and kept of each, and what is no ladder."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner
from e2e.conftest import Answer

from pytest_velo import check_sync, rate
from pytest_velo.cli.main import main
from pytest_velo.elicit import zero_shot
from pytest_velo.errors import UsageError
from pytest_velo.report.load import load
from support.importing import imported_anew

ROOT = Path(__file__).parents[2]
EXAMPLE, PAGE = ROOT / "examples" / "ladder", ROOT / "docs" / "how-to" / "ladders.md"

LADDERS = """
from pytest_velo.elicit import best_of, chain_of_thought, few_shot, judged, model, zero_shot

SHOWN = [{"question": "2 + 2", "answer": "4"}, {"question": "3 + 3", "answer": "6"}]

def pupil(request, rng):
    asked = request.messages[-1]["content"]
    if len(request.messages) > 1:
        return "12"
    return "Seven and five.\\nAnswer: 12" if "step by step" in asked else "It is <b>twelve</b>."

PUPIL = scripted("pupil", pupil)
MOODY = scripted("moody", lambda request, rng: "yes" if rng.random() < 0.5 else "no")
DEAR = model("openai/gpt-5-mini", skip="no key here")

@pytest.mark.hypothesis(rate >= 0.8, models=[PUPIL], ladder=[zero_shot(), few_shot(SHOWN, k=2), best_of(3)])
async def test_climbs(strategy):
    "It adds."
    return await strategy("7 + 5") == "12"

@pytest.mark.hypothesis(rate >= 0.8, models=[PUPIL], ladder=[zero_shot(), chain_of_thought(), DEAR])
def test_plain_body(strategy):
    return strategy("7 + 5") == "12"

@pytest.mark.hypothesis(rate >= 0.8, models=[NO], ladder=[zero_shot(), best_of(3), DEAR])
async def test_fails_on_each(velo):
    return await velo.strategy("Sure?") == "yes"

@pytest.mark.hypothesis(rate >= 0.5, models=[MOODY], ladder=[zero_shot(), best_of(2)], max_trials=20)
async def test_stays_open(strategy):
    return await strategy("Sure?") == "yes"

@pytest.mark.hypothesis(rate >= 0.5, models=[YES])
async def test_without_a_ladder(strategy, model):
    return await strategy("Sure?") == await model("Sure?")
"""


def velo(*arguments: str) -> str:
    return CliRunner().invoke(main, arguments).output


def test_rungs_are_tried_until_one_is_supported(run, monkeypatch):
    monkeypatch.chdir(run.path)
    run.file(LADDERS)
    result = run("--velo-report=html:page.html", "--velo-show=1")

    assert run.outcomes == ["supported", "supported", "refuted", "inconclusive", "supported"]
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    said = " ".join(result.stdout.str().split())
    assert "refuted: not shown by any of these 2 rungs: rate < 0.8" in said
    assert "little about those not made; not tried: model(openai/gpt-5-mini)" in said
    assert "skipped model(openai/gpt-5-mini): no key here" in said
    assert "later best_of(3, majority): a rung before it is supported; alpha 1.67%" in said

    # Each rung's level was fixed before; the evidence is that of the rung that decided.
    recorded = run.record
    climbed = recorded["test_climbs"]
    assert climbed.ladder.alpha == 0.05
    assert [rung.alpha for rung in climbed.ladder.rungs] == pytest.approx([0.05 / 3] * 3)
    assert [rung.name for rung in climbed.ladder.rungs] == [
        "zero_shot",
        "few_shot(k=2)",
        "best_of(3, majority)",
    ]
    assert [rung.outcome for rung in climbed.ladder.rungs] == ["refuted", "supported", None]
    assert climbed.ladder.at == 1
    first, second, _ = climbed.ladder.rungs
    assert {trial.rung for trial in climbed.trials} == {"few_shot(k=2)"}
    assert len(climbed.trials) == climbed.decision.evidence.n == second.decision.evidence.n
    assert climbed.n_calls == first.n_calls + second.n_calls
    before = recorded.trials_of(first.recorded_as)
    assert len(before) == first.decision.evidence.n
    assert {trial.rung for trial in before} == {"zero_shot"}
    steps = recorded["test_plain_body"].trials[0].calls[0]
    assert steps.reply.text == "Seven and five.\nAnswer: 12"  # the transcript has the whole reply

    # They are rows of no table but by their own name, and their transcripts can be read.
    assert len([*recorded.rows()]) == sum(len(each.trials) for each in recorded.results)
    shown = velo("show", "latest", "test_plain", "--rung", "zero")
    assert "refuted: rate < 0.8" in shown
    assert "It is <b>twelve</b>." in shown
    assert "no rung 'few' was sampled" in velo("show", "latest", "test_plain", "--rung", "few")
    assert "climbed no ladder" in velo("show", "latest", "test_without", "--rung", "few")
    page = Path("page.html").read_text(encoding="utf-8")
    assert "A trial of each rung before" in page
    assert "It is &lt;b&gt;twelve&lt;/b&gt;." in page
    assert "--rung zero_shot" in page


def test_a_rung_has_looks_of_its_own_and_another_run_finds_its_draws(run, lab):
    run.file(
        """
from pytest_velo.elicit import best_of, zero_shot

@pytest.mark.hypothesis(rate >= 0.6, models=["lab/tiny"], ladder=[zero_shot(), best_of(5)])
async def test_it(strategy):
    return await strategy("Sure?") == "yes"
"""
    )
    lab.share = 0.5
    skipped = run("test_it.py")
    assert "would make paid calls" in skipped.stdout.str()
    assert lab.calls == []
    refuted = run("test_it.py::test_it")
    n_calls = len(lab.calls)
    [result] = run.record.results
    zero, best = result.ladder.rungs
    # The first of five draws is the plain prompt's, so what was paid for there is not paid for again.
    assert zero.n_cached == 0 < best.n_cached <= zero.n_calls
    assert result.cost_usd == pytest.approx(zero.cost_usd + best.cost_usd)

    again = run("test_it.py::test_it")

    assert len(lab.calls) == n_calls
    assert (refuted.ret, run.outcomes) == (again.ret, [result.outcome.value])
    assert "exploratory" not in again.stdout.str()  # rungs are no changes of a body or of a prompt

    planned = velo("plan", str(run.path / "test_it.py"), "--rootdir", str(run.path))
    assert "rung 1     zero_shot · alpha 2.5%" in planned
    assert "rung 2     best_of(5, majority) · alpha 2.5%" in planned


def test_an_outage_is_an_error_and_ends_the_climb(run, lab):
    run.file(
        """
from pytest_velo.elicit import best_of, zero_shot

@pytest.mark.hypothesis(rate >= 0.6, models=[NO],
    ladder=[zero_shot(), best_of(2, of=zero_shot(name="x")), zero_shot(name="y")])
async def test_it(strategy, velo):
    if strategy.rung.startswith("best_of"):
        await velo.model("lab/tiny")("Sure?")
    return await strategy("Sure?") == "yes"
"""
    )
    lab.answer = lambda _: Answer({"error": {"message": "bad key", "code": "invalid_api_key"}}, status=401)
    result = run("test_it.py::test_it")
    [it] = run.record.results
    assert it.outcome == "error"
    assert "on the rung best_of(2, majority, of=x)" in result.stdout.str()
    assert [rung.outcome for rung in it.ladder.rungs] == ["refuted", "error", None]


def test_scored_anew_only_the_deciding_rung_is(run, monkeypatch):
    monkeypatch.chdir(run.path)
    run.file(LADDERS)
    run("-k", "test_plain or fails_on")
    body = LADDERS.replace('return strategy("7 + 5") == "12"', 'return strategy("7 + 5") == "13"')
    run.file(body)
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p no:randomly -o asyncio_default_fixture_loop_scope=function")
    with imported_anew(run.path):
        said = velo("rescore", "latest", "test_it.py")
    plain, fails = load(cache_dir=run.path / ".pytest_velo").results
    assert "inconclusive" in said or "refuted" in said
    assert [rung.outcome for rung in fails.ladder.rungs] == ["refuted", "refuted", None]
    assert fails.outcome == "refuted"
    assert [rung.outcome for rung in plain.ladder.rungs] == ["refuted", "refuted", None]
    assert plain.outcome == "refuted"

    run.file(LADDERS.replace("zero_shot(), best_of(3), DEAR", 'zero_shot(name="plain"), DEAR'))
    run("-k", "fails_on")
    assert "the rung of the ladder (best_of(3, majority) -> plain)" in " ".join(
        velo("compare", "previous").split()
    )


def test_a_ladder_takes_its_part_of_a_familys_error_and_no_part_in_the_step_down(run):
    run.ini("velo_multiplicity = holm")
    run.file(
        """
from pytest_velo.elicit import best_of, zero_shot

@pytest.mark.hypothesis(rate >= 0.5, models=[YES, NO], ladder=[zero_shot(), best_of(2)])
async def test_it(strategy):
    return await strategy("Sure?") == "yes"
"""
    )
    run()
    yes, no = run.record.results
    assert (yes.outcome, no.outcome) == ("supported", "refuted")
    assert [rung.alpha for rung in yes.ladder.rungs] == pytest.approx([0.0125, 0.0125])
    assert (yes.family, no.family) == (None, None)
    assert no.beta == pytest.approx(0.025)


def test_a_ladder_is_for_tests():
    def says_yes(strategy):
        return strategy("Sure?") == "yes"

    with pytest.raises(UsageError, match="ladder= is for tests") as caught:
        check_sync(rate >= 0.5, says_yes, ladder=[zero_shot()])
    assert "write a test" in caught.value.fix


def test_the_example_climbs_from_its_cassette_as_its_page_shows(run, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    page = PAGE.read_text(encoding="utf-8")
    example = (EXAMPLE / "test_ladder.py").read_text(encoding="utf-8")
    assert f"```python\n{example[example.index('import pytest') :]}```" in page
    shutil.copytree(EXAMPLE, run.path, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".pytest_velo"))
    result = run("--velo-mode=replay")  # from the committed draws: no model is asked

    assert result.ret == 0
    [climbed] = run.record.results
    assert [rung.outcome for rung in climbed.ladder.rungs] == ["refuted", "supported", None]
    printed = result.stdout.str()
    assert "0 model calls: every draw came from the cache" in printed
    _, _, shown = page.partition("$ pytest examples/ladder --velo-mode=replay\n")
    for line in shown.partition("```")[0].splitlines():
        assert line in (*printed.splitlines(), "...")


@pytest.mark.processes
def test_workers_of_xdist_climb_and_their_record_has_all_rungs(run):
    run.file(LADDERS)
    run("-n", "2")
    recorded = run.record
    assert sorted(result.outcome.value for result in recorded.results) == [
        "inconclusive",
        "refuted",
        "supported",
        "supported",
        "supported",
    ]
    first = recorded["test_plain"].ladder.rungs[0]
    assert recorded.trials_of(first.recorded_as)


BODY = """
async def test_h(strategy):
    return await strategy("What is 7 + 5?") == "12"
"""
CASE_BODY = """
async def test_h(strategy, case):
    return await strategy(case.question) == case.answer
"""
MODEL_BODY = """
async def test_h(model):
    return await model("What is 7 + 5?") == "12"
"""
# name: (the keywords of the mark, the body, what is said, what to do)
MISTAKES = {
    "estimate": (
        "estimate(rate, halfwidth=0.1), ladder=[zero_shot()]",
        BODY,
        "an estimate claims nothing",
        "claim a rate",
    ),
    "no_list": (
        "rate >= 0.5, ladder=zero_shot()",
        BODY,
        "expected a list of rungs",
        "for example ladder=[zero_shot()",
    ),
    "no_rung": ("rate >= 0.5, ladder=['zero']", BODY, "a ladder is made of rungs, got 'zero'", "zero_shot()"),
    "all_skipped": (
        "rate >= 0.5, ladder=[zero_shot(skip='why')]",
        BODY,
        "the ladder has no rung that is tried",
        "zero_shot()",
    ),
    "named_alike": ("rate >= 0.5, ladder=[best_of(2), best_of(2)]", BODY, "two rungs are named", "name="),
    "no_strategy": (
        "rate >= 0.5, ladder=[zero_shot()]",
        MODEL_BODY,
        "the body does not use `strategy`",
        "make `strategy` an argument",
    ),
    "leak": (
        "rate >= 0.5, cases=SHOWN, ladder=[zero_shot(), few_shot(SHOWN, k=1)]",
        CASE_BODY,
        "is one of the test cases, so its answer would be given away",
        "another split",
    ),
    "few": ("rate >= 0.5, ladder=[few_shot(SHOWN, k=9)]", BODY, "k=9, but there are 2 examples", "k=2"),
    "no_field": (
        "rate >= 0.5, ladder=[few_shot(SHOWN, k=1, question='q')]",
        BODY,
        "an example has no field 'q'",
        "a template",
    ),
    "no_judge": (
        "rate >= 0.5, ladder=[best_of(2, judged('Right?'))]",
        BODY,
        "chooses by a judge, and no judge is set",
        "judge=",
    ),
    "no_endpoint": ("rate >= 0.5, ladder=[model('nowhere/x')]", BODY, "nowhere", ""),
    "out_of_reach": (
        "rate >= 0.9, max_trials=30, ladder=[zero_shot(), *(best_of(n) for n in range(2, 20))]",
        BODY,
        "can never be supported within 30 trials",
        "max_trials=",
    ),
    "prior": (
        "rate >= 0.5, ladder=ladder([zero_shot()], order='prior')",
        BODY,
        "the rung zero_shot has no prior",
        "prior=0.3",
    ),
}


def test_what_is_no_ladder_is_said_before_a_call(mistakes):
    head = (
        "from pytest_velo import estimate\n"
        "from pytest_velo.elicit import best_of, few_shot, judged, ladder, model, zero_shot\n"
        'SHOWN = [{"question": "What is 2 + 2?", "answer": "4"}, {"question": "What is 1?", "answer": "1"}]\n'
    )
    out_of_reach = {"out_of_reach"}  # pytest stops where items are prepared, so these run alone
    collected = {"estimate", "no_list", "no_rung", "all_skipped", "named_alike", "no_strategy"}
    collected |= {"no_judge", "no_endpoint", "prior"}
    sources = {
        name: f"{head}@pytest.mark.hypothesis({keywords}, models=[YES]){body}"
        for name, (keywords, body, *_) in MISTAKES.items()
    }
    said = mistakes.files({name: sources[name] for name in collected})
    for name in MISTAKES.keys() - collected:
        path = mistakes._run.path / "test_it.py"
        said[name] = mistakes.refused(sources[name], str(path))
    assert out_of_reach <= said.keys()
    for name, (_, _, what, fix) in MISTAKES.items():
        assert what in said[name], (name, said[name])
        assert "fix: " in said[name], said[name]
        assert fix in said[name].partition("fix: ")[2], said[name]
