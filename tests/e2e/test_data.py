"""A run's record as rows and data frames, from which the numbers of its verdicts follow."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas
import pytest

from pytest_velo import UsageError
from pytest_velo.records import HypothesisResult, Outcome
from pytest_velo.report.load import Run, load
from pytest_velo.report.record import append_result, append_trials, trial_lines, write_run

SOURCE = r"""
import json
import pytest
from pytest_velo import Reply, cases, difference, mean, rate, scripted

SUMS = [
    {"id": f"q{n}", "n": n, "half": n / 2, "topic": f"t{n % 8}", "odd": n % 2 == 1, "tags": ["a", n]}
    for n in range(40)
]
MODEL = scripted("noisy", lambda request, rng: "yes" if rng.random() < 0.7 else "no")
def grade(request):
    answer = "yes" if "\nyes\n" in request.messages[-1]["content"] else "no"
    return json.dumps({"answer": answer})


GRADER = scripted("grader", grade)
pytestmark = pytest.mark.velo(models=[MODEL])


async def says_yes(model, velo, n, prompt=""):
    if n % 5 == 0:
        velo.invalid("fives are not asked")
    return (await model(f"{prompt}Is {n} fine?")) == "yes"


@pytest.mark.hypothesis(rate >= 0.4, cases=SUMS)
async def test_bound(model, case, velo):
    return await says_yes(model, velo, case.n)

@pytest.mark.hypothesis(rate >= 0.4, cases=SUMS, invalid="exclude")
async def test_exclude(model, case, velo):
    return await says_yes(model, velo, case.n)

@pytest.mark.hypothesis(rate >= 0.4, cases=SUMS, invalid="against", max_trials=30)
async def test_against(model, case, velo):
    return await says_yes(model, velo, case.n)

ARMS = dict(arms=("a", "b", "c"), cases=SUMS, max_trials=100, invalid="exclude")

@pytest.mark.hypothesis(difference("b", "a") >= 0.05, **ARMS)
async def test_pairs(model, case, arm, velo):
    case.tags.append("spoilt")
    return await says_yes(model, velo, case.n + (arm == "b"), arm)

@pytest.mark.hypothesis((rate("yes") >= 0.4) & (mean(0, 10, "score") >= 1))
async def test_joint(model):
    reply = await model("Fine?")
    return {"yes": reply == "yes", "score": len(reply.text) * 2.5}

@pytest.mark.hypothesis(rate >= 0.4, cases=SUMS, draws_per_case=3, max_trials=40)
async def test_draws(model, case, velo, trial):
    return await says_yes(model, velo, case.n + trial.repeat)

@pytest.mark.hypothesis(mean(0, 1) >= 0.4, cases=cases(SUMS, group="topic"), max_trials=8, alpha=0.3)
async def test_groups(model, case, velo):
    return float(await says_yes(model, velo, case.n))

@pytest.mark.hypothesis(rate >= 0.4, cases=[f"Is {n} fine?" for n in range(40)], judge=GRADER)
def test_judged(model, case, judge, trial):
    trial.note("one")
    trial.note("two")
    return judge("Does it say yes?", model(case))

@pytest.mark.hypothesis(rate >= 0.4)
async def test_error(model, trial):
    reply = await model("Fine?")
    if trial.index == 2:
        raise ValueError("a bug of the body")
    return True
"""


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """A run of claims of every kind, with invalid trials."""
    folder = tmp_path_factory.mktemp("data")
    (folder / "test_data.py").write_text(SOURCE, encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    with pytest.MonkeyPatch.context() as patched:
        patched.delenv("CI", raising=False)
        patched.chdir(folder)
        pytest.main(["-q", "-p", "no:randomly", "-p", "no:cacheprovider", f"--rootdir={folder}"])
        yield load(cache_dir=folder / ".pytest_velo")


@pytest.fixture(scope="module")
def trials(recorded: Run) -> pandas.DataFrame:
    return recorded.to_pandas()


def of(trials: pandas.DataFrame, name: str) -> pandas.DataFrame:
    """The trials of one test that its verdict counts."""
    return trials[trials.hypothesis.str.endswith(f"::{name}") & trials.counted]


def test_every_trial_of_the_record_is_a_row(recorded: Run, trials: pandas.DataFrame) -> None:
    assert len(trials) == sum(len(result.trials) for result in recorded.results)
    assert trials.hypothesis.nunique() == len(recorded.results) == 9


@pytest.mark.parametrize("name", ["test_bound", "test_exclude", "test_judged"])
def test_the_rate_of_single_trials_is_the_mean_of_their_outcomes(recorded, trials, name) -> None:
    evidence = recorded[name].decision.evidence
    counted = of(trials, name)
    assert counted.outcome.mean() == pytest.approx(evidence.estimate)
    assert len(counted) == evidence.n


def test_invalid_trials_that_count_against_the_claim_are_for_the_reader_to_fill_in(recorded, trials) -> None:
    evidence = recorded["test_against"].decision.evidence
    counted = of(trials, "test_against")
    assert counted.outcome.isna().sum() == evidence.n_invalid > 0
    assert counted.outcome.fillna(0).mean() == pytest.approx(evidence.estimate)


def test_the_difference_of_pairs_follows_from_their_arms(recorded, trials) -> None:
    evidence = recorded["test_pairs"].decision.evidence
    wide = of(trials, "test_pairs").pivot(index="pair", columns="arm", values="outcome")
    assert {*wide.columns} == {"a", "b"}, "the third arm is not compared"
    assert (wide.b - wide.a).mean() == pytest.approx(evidence.estimate)
    assert len(wide) == evidence.n


def test_the_numbers_of_a_joint_claim_follow_from_its_named_outcomes(recorded, trials) -> None:
    counted = of(trials, "test_joint")
    claims = recorded.to_pandas("claims")
    claims = claims[claims.hypothesis.str.endswith("::test_joint")].set_index("of")
    assert counted["outcome.yes"].mean() == pytest.approx(claims.estimate["yes"])
    assert counted["outcome.score"].mean() == pytest.approx(claims.estimate["score"])
    assert counted.outcome.isna().all()


@pytest.mark.parametrize("name", ["test_draws", "test_groups"])
def test_the_mean_of_units_is_the_mean_of_their_means(recorded, trials, name) -> None:
    evidence = recorded[name].decision.evidence
    means = of(trials, name).groupby("unit").outcome.mean()
    assert means.mean() == pytest.approx(evidence.estimate)
    assert len(means) == evidence.n


def test_what_is_not_known_is_null(trials: pandas.DataFrame) -> None:
    invalid = trials[trials.invalid]
    assert len(invalid) > 10
    assert invalid.outcome.isna().all()
    assert {*invalid.invalid_reason} == {"fives are not asked"}
    assert trials[~trials.invalid & trials.error.isna()].invalid_reason.isna().all()
    asked = trials.n_calls > 0
    assert trials[asked].input_tokens.isna().all(), "the script tells no tokens"
    assert (trials[~asked].input_tokens == 0).all()
    assert {str(dtype) for dtype in trials.dtypes} <= {"string", "Int64", "Float64", "boolean"}
    assert [name for name in trials if (trials[name].astype(object).astype(str) == "").any()] == []


def test_the_trial_that_ended_a_test_as_an_error_is_no_invalid_one(trials: pandas.DataFrame) -> None:
    last = trials[trials.hypothesis.str.endswith("::test_error")].iloc[-1]
    assert "a bug of the body" in last.error
    assert not last.invalid
    assert not last.counted
    assert last.outcome is pandas.NA


def test_cases_are_columns_of_their_own(trials: pandas.DataFrame) -> None:
    pairs = trials[trials.hypothesis.str.endswith("::test_pairs")]
    assert (pairs.case_id == pairs["case.id"]).all()
    assert [str(pairs[f"case.{name}"].dtype) for name in ("n", "half", "odd", "topic")] == [
        "Int64",
        "Float64",
        "boolean",
        "string",
    ]
    assert {*pairs["case.tags"]} <= {f'["a", {n}]' for n in range(40)}, "as they were before the body"
    judged = trials[trials.hypothesis.str.endswith("::test_judged")]
    assert judged.case.str.startswith("Is ").all()
    assert judged["case.n"].isna().all()


def test_the_text_is_the_models_and_not_the_judges(trials: pandas.DataFrame) -> None:
    judged = trials[trials.hypothesis.str.endswith("::test_judged")]
    assert {*judged.text} <= {"yes", "no"}
    assert (judged.judgement.str.contains('"yes"') == (judged.text == "yes")).all()
    assert {*judged.notes} == {"one\ntwo"}
    assert {*judged.n_calls} == {2}


def test_all_that_was_said_is_a_table(recorded: Run, trials: pandas.DataFrame) -> None:
    said = recorded.to_pandas("messages")
    judged = said[said.hypothesis.str.endswith("::test_judged") & (said.trial == 0)]
    assert [*judged.role] == ["user", "assistant", "system", "user", "judge"]
    assert [*judged.call] == [0, 0, 1, 1, 1]
    assert [*judged.model] == ["scripted/noisy"] * 2 + ["scripted/grader"] * 3
    assert judged.text.iloc[-1] == trials[trials.hypothesis.str.endswith("::test_judged")].judgement.iloc[0]


def test_hypotheses_are_rows_with_their_verdicts(recorded: Run) -> None:
    table = recorded.to_pandas("hypotheses")
    assert len(table) == len(recorded.results)
    for row, result in zip(table.itertuples(), recorded.results, strict=True):
        assert (row.hypothesis, row.outcome, row.n_trials) == (
            result.node_id,
            result.outcome,
            len(result.trials),
        )
        evidence = result.decision.evidence
        assert (row.n, row.n_invalid) == (evidence.n, evidence.n_invalid)
        assert row.estimate is pandas.NA if evidence.estimate is None else row.estimate == evidence.estimate
        if evidence.interval is None:
            assert row.low is row.high is row.level is pandas.NA
        else:
            assert (row.low, row.high) == (evidence.interval.low, evidence.interval.high)


@pytest.mark.parametrize("table", ["trials", "hypotheses", "claims", "messages"])
def test_both_libraries_have_the_same_columns_and_values(recorded: Run, table: str) -> None:
    pytest.importorskip("polars", reason="pip install 'pytest-velo[polars]'")
    ours, theirs = recorded.to_pandas(table), recorded.to_polars(table)
    assert [*ours.columns] == theirs.columns
    for name in ours.columns:
        mine: list[Any] = [None if value is pandas.NA else value for value in ours[name]]
        assert mine == theirs[name].to_list(), name
        assert str(ours[name].dtype).lower().rstrip("64") in str(theirs[name].dtype).lower(), name


def test_a_table_that_does_not_exist_is_named_with_the_nearest(recorded: Run) -> None:
    with pytest.raises(UsageError, match=r"trial(.|\n)*trials"):
        recorded.to_pandas("trial")


def test_rows_are_plain_dicts(recorded: Run) -> None:
    rows = [*recorded.rows("hypotheses")]
    assert all(type(row) is dict for row in rows)
    assert not any(isinstance(value, float) and math.isnan(value) for row in rows for value in row.values())


def test_a_run_that_was_killed_has_its_finished_trials(recorded: Run, tmp_path: Path) -> None:
    """Of a test that was cut off before its result, only the trials are known."""
    folder = tmp_path / "runs" / "killed"
    folder.mkdir(parents=True)
    first, second = recorded.document.results[:2]
    for result in (first, second):
        whole = replace(result, trials=recorded.trials_of(result.node_id))
        append_trials(folder, {result.node_id: trial_lines(whole)}, "gw0")
    append_result(folder, replace(recorded.document, results=()), first)
    trials = load("killed", tmp_path).to_pandas()
    known, unknown = (trials[trials.hypothesis == result.node_id] for result in (first, second))
    assert len(known) == len(recorded.trials_of(first.node_id))
    assert len(unknown) == len(recorded.trials_of(second.node_id))
    assert known.counted.all()
    assert unknown.counted.isna().all()
    assert unknown.claim.isna().all()
    hypotheses = load("killed", tmp_path).to_pandas("hypotheses")
    assert hypotheses.alpha.isna().tolist() == [False, True]
    assert hypotheses.n_trials.tolist() == [len(known), len(unknown)]


@pytest.mark.processes
def test_a_run_of_several_workers_has_the_same_rows(run) -> None:
    run.file(
        "@pytest.mark.parametrize('word', ['a', 'b', 'c'])\n"
        "@pytest.mark.hypothesis(rate >= 0.5, models=[YES], cases=[{'q': n} for n in range(9)])\n"
        "async def test_h(model, word, case):\n    return (await model(f'{word} {case.q}')) == 'yes'\n"
    )
    run("-n", "2")
    apart = run.record.to_pandas()
    run()
    alone = run.record.to_pandas()
    same = [name for name in alone if name not in ("run", "latency_s")]
    assert (
        alone[same]
        .sort_values(["hypothesis", "trial"])
        .reset_index(drop=True)
        .equals(apart[same].sort_values(["hypothesis", "trial"]).reset_index(drop=True))
    )
    assert apart["case.q"].notna().all()


def test_of_a_test_whose_worker_crashed_nothing_is_known(recorded: Run, tmp_path: Path) -> None:
    lost = HypothesisResult(
        node_id="t::lost",
        belief="",
        claim="rate >= 0.5",
        scope="",
        outcome=Outcome.ERROR,
        problem="worker gw0 crashed",
        cost_usd=None,
    )
    folder = tmp_path / "runs" / "crashed"
    folder.mkdir(parents=True)
    write_run(folder, replace(recorded.document, results=(lost,)))
    (row,) = load("crashed", tmp_path).rows("hypotheses")
    known = {"run", "started_at", "mode", "hypothesis", "belief", "claim", "scope", "outcome", "problem"}
    marked = {"alpha", "beta", "margin", "max_trials", "seed", "n_trials"}
    assert {name for name, value in row.items() if value is not None} == known | marked
    assert [*load("crashed", tmp_path).rows()] == []
