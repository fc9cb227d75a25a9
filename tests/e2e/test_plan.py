"""`velo plan`: from a file of tests to what its hypotheses can show; nothing is called, drawn or stored."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from click.testing import CliRunner, Result

from pytest_velo.cli.main import main
from pytest_velo.integration.plan import Planner
from support.importing import imported_anew

MODEL = 'pytestmark = pytest.mark.velo(models=["lab/tiny"])\n'
BODY = '    return (await model("Is it so?", max_tokens=5)).answers("yes")\n'


def hypothesis(claim: str, *, name: str = "test_h", more: str = "", arguments: str = "model") -> str:
    return f"\n@pytest.mark.hypothesis({claim}, {more})\nasync def {name}({arguments}):\n{BODY}"


def velo(run, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own."""
    code = "from pytest_velo.cli.main import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=run.path,
        env={**os.environ, "COLUMNS": "200"},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=120,
        check=False,
    )


def velo_here(run, monkeypatch, *arguments: str) -> Result:
    """Run the command in this process, test files imported as in a process of its own."""
    monkeypatch.setenv("COLUMNS", "200")
    with imported_anew(run.path):
        done = CliRunner().invoke(main, [*arguments, "-p", "no:randomly"])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.output
    return done


def plans(pytester: pytest.Pytester, *arguments: str):
    """Plan in this process."""
    planner = Planner()
    result = pytester.inline_run("-p", "no:randomly", *arguments, plugins=[planner])
    assert planner.error is None
    assert result.ret in (0, 5)
    return planner.plans


@pytest.mark.slow
def test_a_file_with_each_kind_of_claim_is_planned(run, lab, pytester) -> None:
    run.file(
        "from pytest_velo import baseline, difference, estimate, mean\n"
        + MODEL
        + hypothesis("rate >= 0.3", name="test_rate", more="expect=0.45, max_trials=400")
        + hypothesis("rate <= 0.05", name="test_few")
        + hypothesis("rate.within(0.2, 0.6)", name="test_within", more="margin=0.05")
        + hypothesis("mean(0, 10) >= 7", name="test_mean")
        + hypothesis(
            'difference("b", "a") >= 0',
            name="test_pairs",
            more='arms=("a", "b"), max_trials=100',
            arguments="model, arm",
        )
        + hypothesis(
            'difference("b", "a").within(0.2)',
            name="test_same",
            more='arms=("a", "b")',
            arguments="model, arm",
        )
        + hypothesis('(rate("x") <= 0.1) & (rate("y") >= 0.6)', name="test_joint")
        + hypothesis(
            "rate >= baseline - 0.1", name="test_change", more='cases=["a", "b"]', arguments="model, case"
        )
        + hypothesis("estimate(rate, halfwidth=0.2)", name="test_number", more="max_trials=60")
        + hypothesis(
            "rate >= 0.5",
            name="test_list",
            more='cases=["a", "b", *"cdefghij"], once=True',
            arguments="model, case",
        )
        + hypothesis(
            "rate >= 0.5",
            name="test_cases",
            more='cases=["a", "b"], draws_per_case=3',
            arguments="model, case",
        )
        + "\ndef test_plain(): raise SystemExit('it ran')\n"
    )
    found = {plan.node_id.split("test_", 2)[2]: plan for plan in plans(pytester)}
    assert list(found) == [
        "rate",
        "few",
        "within",
        "mean",
        "pairs",
        "same",
        "joint",
        "change",
        "number",
        "list",
        "cases",
    ]
    assert not any(plan.problem for plan in found.values())
    for name, plan in found.items():
        assert bool(plan.measured) == (name == "number")
        for part in plan.parts:
            assert part.n_support is not None
            assert part.tables
    exact = {name: [t.exact for p in plan.parts for t in p.tables] for name, plan in found.items()}
    assert exact == {
        "rate": [True],
        "few": [True],
        "within": [True],
        "mean": [False, False],
        "pairs": [True, True],
        "same": [False, False],
        "joint": [True, True],
        "change": [False, False],
        "number": [],
        "list": [True],
        "cases": [False, False],
    }
    assert [(plan.unit, plan.trials_per_unit) for plan in map(found.get, ("rate", "pairs", "change"))] == [
        ("trial", 1),
        ("pair", 2),
        ("pair", 1),
    ]
    assert (found["list"].unit, found["list"].max_units) == ("outcome", 10)
    assert (found["cases"].unit, found["cases"].trials_per_unit) == ("case", 3)
    assert [part.beta for part in found["joint"].parts] == [0.025, 0.025]
    notes = {row.law.truth: row.note for row in found["rate"].parts[0].tables[0].rows}
    assert (notes[0.3], notes[0.45]) == ("threshold", "expected")
    margins = [row.law.truth for row in found["within"].parts[0].tables[0].rows if "margin" in row.note]
    assert margins == pytest.approx([0.15, 0.65])
    assert not lab.calls
    assert not (run.path / ".pytest_velo").exists()


@pytest.mark.processes
def test_the_command_prints_tables_and_json_and_makes_nothing(run, lab) -> None:
    run.file(MODEL + hypothesis("rate >= 0.3", more="max_trials=400"))
    told = velo(run, "plan", "test_it.py::test_h")
    assert told.returncode == 0, told.stderr
    assert told.stdout.startswith("test_it.py::test_h\n  claim      rate >= 0.3\n")
    assert "  cost       ? calls and $? a trial (known after its first run)" in told.stdout
    [at_edge] = [line for line in told.stdout.split("\n") if "(threshold)" in line]
    assert at_edge.split() == ["0.3", "(threshold)", "4.9%", "4.8%", "90.3%", "202.0"]
    assert "  with a chance of 80%: supported from 0.377 up; refuted from 0.228 down" in told.stdout
    machine = velo(run, "plan", "--json", "test_it.py", "--velo-max-trials=100", "-k", "test_h")
    [plan] = json.loads(machine.stdout)["hypotheses"]
    assert (plan["node_id"], plan["max_trials"]) == ("test_it.py::test_h", 400)
    assert not lab.calls
    assert not (run.path / ".pytest_velo").exists()


@pytest.mark.processes
def test_what_it_took_last_time_is_the_cost(run, lab, pytester) -> None:
    lab.share = 0.5
    run.file(MODEL + hypothesis("rate >= 0.3").replace("return", 'await model("Hm?", max_tokens=5); return'))
    run("-m", "velo")
    n_calls = len(lab.calls)
    [plan] = plans(pytester)
    assert (plan.price.calls, plan.price.usd) == (2.0, pytest.approx(3e-5))
    assert (plan.calls(200), plan.usd(200)) == (400.0, pytest.approx(0.006))
    assert len(lab.calls) == n_calls


@pytest.mark.slow
@pytest.mark.processes
def test_free_models_and_bodies_without_one_cost_nothing(run, pytester) -> None:
    run.file(
        hypothesis("rate >= 0.3", more="models=[YES]", name="test_scripted")
        + "\n@pytest.mark.hypothesis(rate >= 0.3)\ndef test_coin(trial): return trial.rng.random() < 0.5\n"
        + hypothesis("rate >= 0.3", more='models=[YES], judge="openai/gpt-x"', arguments="model, judge")
        + hypothesis("rate >= 0.3", more="models=[YES]", name="test_any", arguments="velo, model")
    )
    prices = [(plan.price.calls, plan.price.usd) for plan in plans(pytester)]
    assert prices == [(None, 0.0), (0.0, 0.0), (None, None), (None, None)]


def test_plans_come_in_the_order_of_the_files_and_in_one_process(run, pytester) -> None:
    source = "".join(hypothesis("rate >= 0.3", more="models=[YES]", name=f"test_{n}") for n in range(6))
    run.file(source)
    shuffle = """
def pytest_collection_modifyitems(items):
    items.reverse()
"""
    (run.path / "conftest.py").write_text(shuffle, encoding="utf-8")
    run.ini("addopts = -n 2")
    assert [plan.node_id for plan in plans(pytester)] == [f"test_it.py::test_{n}" for n in range(6)]


def test_cases_of_a_strategy_are_drawn_to_plan_them(run, pytester) -> None:
    run.file(
        "from hypothesis import strategies as st\n"
        + hypothesis(
            "rate >= 0.3", more="models=[YES], cases=st.integers(), max_trials=30", arguments="model, case"
        )
    )
    [plan] = plans(pytester)
    assert plan.max_units == 30
    assert plan.scope == "beyond these cases"


def test_a_rule_of_a_plugin_cannot_be_planned_and_says_so(run, pytester) -> None:
    (run.path / "conftest.py").write_text(
        """
from pytest_velo.claims import Claim
from pytest_velo.stats.choosing import rule_for

def pytest_velo_claims():
    def mine(claim, **design):
        return rule_for(claim, **design)
    return {Claim: mine}
""",
        encoding="utf-8",
    )
    run.file(hypothesis("rate >= 0.3", more="models=[YES]"))
    [plan] = plans(pytester)
    assert plan.problem == "`rate >= 0.3` is tested by another plugin's rule, which cannot be planned"
    assert plan.parts == ()


@pytest.mark.parametrize(
    ("source", "arguments", "told"),
    [
        (hypothesis("rate >= 0.3", more="models=[YES]"), ["test_it.py::test_other"], "not found"),
        (hypothesis("rate >= 0.3", more="models=[YES]"), ["test_gone.py"], "file or directory not found"),
        (hypothesis("rate >= 0.3", more="modles=[YES]"), ["test_it.py"], "did you mean 'models'?"),
        (
            hypothesis("rate <= 0.01", more="models=[YES], max_trials=50"),
            ["test_it.py"],
            "can never be supported within 50 trials",
        ),
        (hypothesis("rate >= 0.3", more="models=[YES]"), ["--velo-seed=x"], "'x' cannot be read"),
        ("def test_plain(): pass\n", ["test_it.py"], "1 test collected, but no hypothesis\n  fix: name"),
        ("", ["test_it.py"], "no tests were collected\n  fix: name a file"),
        (
            "from hypothesis import strategies as st\n"
            + hypothesis(
                "rate <= 0.01",
                more="models=[YES], cases=st.integers(), max_trials=50",
                arguments="model, case",
            ),
            ["test_it.py"],
            "test_it.py::test_h: `rate <= 0.01` can never be supported within 50 trials",
        ),
    ],
    ids=[
        "an unknown test",
        "an unknown file",
        "a keyword",
        "reach",
        "an option",
        "no hypothesis",
        "no test",
        "a strategy's reach",
    ],
)
def test_what_cannot_be_collected_comes_out_as_in_pytest_with_code_1(
    run, monkeypatch, source, arguments, told
) -> None:
    run.file(source)
    done = velo_here(run, monkeypatch, "plan", *arguments)
    assert done.exit_code == 1
    assert done.stdout == ""
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert ("session starts" in done.stderr) == ("ERRORS" in done.stderr), (
        "no output of a session but its errors"
    )


def test_a_member_of_a_family_is_planned_at_its_share_and_says_whose(run, monkeypatch) -> None:
    run.file(
        """
@pytest.mark.parametrize("word", ["a", "b", "c"])
@pytest.mark.hypothesis(rate >= 0.5, max_trials=40)
def test_many(trial, word):
    return trial.index % 2 == 0

@pytest.mark.hypothesis(rate >= 0.5, max_trials=40)
def test_alone(trial):
    return trial.index % 2 == 0
"""
    )
    done = velo_here(run, monkeypatch, "plan", "--velo-multiplicity=holm")
    assert done.exit_code == 0
    family = "alpha 0.05 / 3 (family test_it.py::test_many, Holm); beta 0.05 / 3"
    assert [line.split(None, 1)[1] for line in done.stdout.splitlines() if "  levels" in line] == [family] * 3
    assert "at its share of alpha and beta" in done.stdout
    assert "levels" not in velo_here(run, monkeypatch, "plan").stdout
    hypotheses = json.loads(velo_here(run, monkeypatch, "plan", "--json", "--velo-multiplicity=holm").stdout)
    assert [(plan["family"] or {}).get("size") for plan in hypotheses["hypotheses"]] == [3, 3, 3, None]


def test_giving_up_that_ends_no_run_sooner_is_not_mentioned(run, monkeypatch) -> None:
    for n, told in ((40, False), (1, True)):
        run.file(
            f"""
@pytest.mark.hypothesis(rate >= 0.5, max_trials=40, min_trials={n})
def test_it(trial):
    return trial.index % 2 == 0
"""
        )
        assert ("--velo-futility" in velo_here(run, monkeypatch, "plan").stdout) == told


def test_groups_cost_what_their_cases_do_however_they_differ_in_size(run, lab, pytester) -> None:
    run.file(
        MODEL
        + "from pytest_velo import cases\n"
        + "ROWS = [{'q': str(n), 'topic': max(0, n - 30)} for n in range(40)]\n"
        + "ALONE = [{'q': str(n), 'topic': n} for n in range(9)]\n"
        + hypothesis(
            "rate >= 0.5",
            name="test_uneven",
            more="cases=cases(ROWS, group='topic')",
            arguments="model, case",
        )
        + hypothesis(
            "rate >= 0.5",
            name="test_alone",
            more="cases=cases(ALONE, group='topic')",
            arguments="model, case",
        )
    )
    uneven, alone = plans(pytester)
    assert (uneven.max_units, uneven.trials_per_unit) == (10, 4)
    assert "up to 31 trials" in uneven.unit_told
    assert (alone.max_units, alone.trials_per_unit) == (9, 1)
    assert alone.unit_told == "a group: the mean of up to 1 trial"


def test_groups_are_planned_between_alike_and_independent(run, monkeypatch, pytester) -> None:
    rows = [{"q": f"question {n}", "topic": n % 10} for n in range(40)]
    source = "cases=cases(ROWS, group='topic'), models=[YES]"
    claims = hypothesis("rate >= 0.5", more=f"{source}, expect=0.8", name="test_one", arguments="model, case")
    claims += hypothesis(
        'difference("b", "a") >= 0',
        more=f"{source}, arms=('a', 'b')",
        name="test_two",
        arguments="model, arm, case",
    )
    run.file(f"from pytest_velo import cases, difference\nROWS = {rows!r}\n{claims}")
    told = " ".join(velo_here(run, monkeypatch, "plan", "test_it.py").stdout.split())
    assert "power 10 groups: 2" in told
    assert "% power at the rate you expect (expect=0.8) where every group is all or nothing (ICC 1), " in told
    assert "groups are needed for 80%" in told
    assert "simulated, assuming that every group is all or nothing (ICC 1) true rate" in told
    assert "if instead the cases of a group are independent (ICC 0)" in told
    assert "power 10 groups: a difference is seen with 80% power from 0.9" in told
    one, two = plans(pytester)
    for plan in (one, two):
        alike, free = (table.detectable.supported[0] for table in plan.parts[0].tables)
        assert alike > free
        assert not any("0.1, means" in remark for remark in plan.remarks)  # that is for approximate tables
    assert f"from {two.parts[0].tables[0].detectable.supported[0]:.3g} up" in two.power_told


PAIRS = """
from pytest_velo import difference, mean

@pytest.mark.hypothesis(difference("b", "a") >= 0, arms=("a", "b"), max_trials=100)
def test_pairs(trial, arm): return trial.index % 8 == 1

@pytest.mark.slow
@pytest.mark.hypothesis(mean(0, 10) >= 5, max_trials=100)
def test_scores(trial): return 6.0 + trial.index % 2
"""


def test_pairs_are_planned_in_one_table_by_what_is_known_of_them(run, monkeypatch, pytester) -> None:
    run.file(PAIRS)
    asked = velo_here(run, monkeypatch, "plan", "test_it.py")
    assert "how often do the two arms differ on the same case? It is not known" in asked.stdout
    assert "how much do outcomes vary? It is not known" in asked.stdout
    assert asked.stdout.count("true difference") == asked.stdout.count("true mean ") == 1
    assert "if instead the two outcomes are independent" in asked.stdout

    told = velo_here(run, monkeypatch, "plan", "test_it.py::test_pairs", "--differ=0.2")
    assert "the arms differ in 20% of pairs, as --differ says" in told.stdout
    assert "if instead" not in told.stdout

    run()
    pairs, scores = plans(pytester)
    [run_id] = [path.parent.name for path in run.path.glob(".pytest_velo/runs/*/run.json")]
    assert f"the arms differ as in run {run_id}: in " in pairs.spread_told
    assert f"of run {run_id}" in scores.spread_told
    assert "standard deviation of outcomes is 0.5" in scores.spread_told
    for plan in (pairs, scores):
        [table] = plan.parts[0].tables
        assert run_id in table.assuming


def test_a_share_of_pairs_is_for_pairs(run, monkeypatch) -> None:
    run.file(hypothesis("rate >= 0.3", more="models=[YES]"))
    refused = velo_here(run, monkeypatch, "plan", "test_it.py", "--differ=0.2")
    assert refused.exit_code == 1
    assert "--differ says how often two arms differ, and no hypothesis here" in refused.stderr
    assert "fix: " in refused.stderr
    assert velo_here(run, monkeypatch, "plan", "test_it.py", "--differ=0").exit_code == 2


ATTACK = """
from pytest_velo import each_case, search

async def attack(history, velo):
    attacker = velo.model("lab/attacker", role="attacker")
    return (await attacker(f"{len(history)} tried; propose another")).text + str(len(history))

@pytest.mark.hypothesis(each_case(rate >= 0.9), cases=search(attack), models=["lab/tiny"], max_trials=70)
async def test_attack(model, case):
    assert (await model(case)).answers("yes")
"""


def test_what_a_mean_foretells_is_no_maximum(run, lab, monkeypatch) -> None:
    run.file(ATTACK)
    assert run("-m", "velo").ret == 0, "a search that finds nothing is inconclusive"
    told = " ".join(velo_here(run, monkeypatch, "plan", "test_it.py").stdout.split())
    assert "design at most 70 trials" in told
    assert "a trial (the mean of its last run); about 140 calls and $" in told
    assert "at most" not in told.partition("cost")[2].partition("no plan")[0]
