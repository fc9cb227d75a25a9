"""Many models, one question, as a researcher asks it."""

from __future__ import annotations

from click.testing import CliRunner

from pytest_velo.cli.main import main
from pytest_velo.integration.plan import Planner

HEAD = """
from pytest_velo import mean, ranking

def says_yes(name, share):
    return scripted(name, lambda request, rng: "yes" if rng.random() < share else "no")

MODELS = [says_yes("weak", 0.2), says_yes("good", 0.95), says_yes("fair", 0.6), says_yes("poor", 0.1)]
pytestmark = pytest.mark.velo(models=MODELS, cases=[f"q{i}" for i in range(20)])
"""
BODY = """
@pytest.mark.hypothesis({claim})
async def test_{name}(model, case):
    "{name}"
    return (await model(case)).answers("yes")
"""


def claims(**each: str) -> str:
    return HEAD + "".join(BODY.format(name=name, claim=claim) for name, claim in each.items())


def decided(run) -> dict[str, tuple[object, ...]]:
    """Return of each test its verdict, its standings and its trials, in order."""
    return {
        result.node_id: (
            result.outcome,
            result.decision.standings,
            [(trial.index, trial.case_id, trial.arm, dict(trial.values)) for trial in result.trials],
        )
        for result in run.record.results
    }


def test_one_test_asks_all_models_and_shows_who_won(run):
    run.file(claims(best="ranking()", named="ranking(best=MODELS[0])", two="ranking(top=2), max_trials=12"))
    result = run("--velo-report=html:page.html", "--velo-report=md:page.md")
    result.stdout.fnmatch_lines(
        [
            "refuted: scripted/weak does not have the highest rate (at most 5% of the time if it does)",
            "inconclusive: not settled: 4 of 4 may be among the 2 with the highest rate",
            "*test_best",
            "*rank *arm *observed *95% interval *trials *may be the best",
            "*1 *scripted/good *yes",
            "*2 to 4 *scripted/fair *no",
            "*biased upward*",
        ]
    )
    best, named, two = run.record.results
    assert best.decision.certified == "scripted/good has the highest rate"
    assert (best.model, best.unit, named.outcome, two.outcome) == (
        "4 models",
        "round",
        "refuted",
        "inconclusive",
    )
    standings = best.decision.standings
    assert standings.winners == ("scripted/good",)
    assert sum(arm.n for arm in standings.arms) == len(best.trials) < 4 * best.decision.evidence.n
    assert set(best.usd_by_arm) == {arm.name for arm in standings.arms}
    page = (run.path / "page.html").read_text(encoding="utf-8")
    assert "No evidence path" not in page  # there is none to miss
    assert page.count("Table of the arms of a ranking") == 3
    assert "| 1 | `scripted/good` |" not in (run.path / "page.md").read_text(encoding="utf-8")  # it passed
    assert "| 2 to 4 | `scripted/weak` |" in (run.path / "page.md").read_text(encoding="utf-8")


def test_neither_concurrency_nor_workers_change_what_is_drawn(run):
    run.file(claims(best="ranking()", two="ranking(top=2), max_trials=300"))
    found = []
    for options in (["--velo-concurrency=1"], ["--velo-concurrency=50"], ["-n", "2"]):
        run(*options)
        found.append(decided(run))
    assert found[0] == found[1] == found[2]
    assert {outcome for outcome, _, _ in found[0].values()} == {"supported"}


def test_too_few_rounds_are_a_mistake_before_any_call(run):
    run.file(claims(best="ranking(), max_trials=3"))
    result = run()
    assert result.ret != 0
    assert "`ranking()` can never be supported within 3 rounds" in result.stdout.str() + result.stderr.str()


SHARES = """
from pytest_velo import rate

@pytest.mark.parametrize("misses", [0, 0, 0, 1], ids=str)
@pytest.mark.hypothesis(rate >= 0.6, max_trials=16)
def test_it(trial, misses):
    return trial.index >= misses
"""


def test_members_that_come_half_way_stand_together(run):
    run.file(SHARES)
    result = run("--velo-multiplicity=ebh")
    result.stdout.fnmatch_lines(["families (e-BH)", "*mean share of wrong ones among the supported <= 0.05*"])
    found = {each.node_id: each for each in run.record.results}
    late = [each for each in found.values() if each.family.by_steps]
    assert late, {name: each.decision.evidence.log_e_support for name, each in found.items()}
    assert all(each.outcome == "supported" and each.family.procedure == "ebh" for each in late)


def test_a_claim_without_an_e_value_is_refused_under_ebh(run):
    run.file(SHARES.replace("rate >= 0.6", "rate.within(0.2, 0.9)"))
    result = run("--velo-multiplicity=ebh")
    assert result.ret != 0
    assert "takes one-sided claims" in result.stdout.str() + result.stderr.str()


def test_a_claim_without_an_e_value_that_is_alone_is_tested_alone_under_ebh(run):
    """It was refused, so that one such test kept the whole suite from the option."""
    run.file(
        SHARES
        + """
@pytest.mark.hypothesis(rate.within(0.2, 0.9), max_trials=60)
def test_alone(trial):
    return trial.index % 2 == 0
"""
    )
    assert run("--velo-multiplicity=ebh").ret == 0
    alone, several = run.record["test_alone"], run.record["test_it[1]"]
    assert alone.family is None
    assert alone.outcome == "supported"
    assert several.family.procedure == "ebh"


def test_show_has_the_table_and_whole_lines_of_the_arms(run, monkeypatch):
    run.file(claims(best="ranking()"))
    run()
    monkeypatch.chdir(run.path)
    monkeypatch.setenv("COLUMNS", "80")
    shown = CliRunner().invoke(main, ["show", "test_best"]).output
    assert " ".join(["rank", "arm", "observed", "95% interval", "trials"]) in " ".join(shown.split())
    assert "1       scripted/good" in shown
    assert "scripted/weak 0, scripted/good 1, scripted/fair" in " ".join(shown.split())
    assert "..." not in shown.split("trials, the arms of each case together")[1].split("trial 0")[0]


def test_what_is_not_simulated_of_a_ranking_is_said_in_its_plan(run, pytester):
    run.file(claims(two="ranking(top=2)", near="ranking(), margin=0.1", best="ranking(), max_trials=30"))
    planner = Planner()
    pytester.inline_run("-p", "no:randomly", plugins=[planner])
    two, near, best = planner.plans
    assert two.problem.startswith("how soon it is settled who the first 2 are depends on")
    assert near.problem.startswith("how soon it is settled who is good enough, within a margin, depends on")
    assert best.problem == ""
    assert [bool(plan.ranked) for plan in planner.plans] == [False, False, True]
    played = [any("are played" in remark for remark in plan.remarks) for plan in planner.plans]
    assert played == [False, False, True]
