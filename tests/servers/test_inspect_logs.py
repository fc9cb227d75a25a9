"""Logs that Inspect itself wrote, of a scripted model with known rates: read, judged, and never fooled by."""

from __future__ import annotations

import json
import math
import re
import shlex
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from click.testing import CliRunner
from scipy.stats import binom

from pytest_velo import load
from pytest_velo.claims import Claim, difference
from pytest_velo.cli.main import main
from pytest_velo.logs.detect import read_logs
from pytest_velo.logs.grid import make_grid
from pytest_velo.logs.judging import Options, judge
from pytest_velo.logs.log import Kind, Log
from pytest_velo.logs.scores import names_of
from pytest_velo.verdicts import Verdict

pytest.importorskip("inspect_ai", reason="pip install 'pytest-velo[inspect]'")

pytestmark = pytest.mark.servers

DATA = Path(__file__).parents[1] / "unit" / "logs" / "data"
SCORER = "includes"
ALPHA = 0.05
MOST_OF_100 = binom.isf(0.001, 100, ALPHA)
"""ALPHA of 100 pairs, and what luck may add to that once in a thousand times."""


def run_eval(folder: Path, rate: float, seed: int, *, errors: float = 0.0, kind: str = "eval") -> Path:
    """Let Inspect evaluate a model that is right at a known rate, and return its log."""
    from inspect_ai import Task, eval
    from inspect_ai.dataset import MemoryDataset, Sample
    from inspect_ai.model import ModelOutput, ModelUsage, get_model
    from inspect_ai.scorer import includes
    from inspect_ai.solver import generate

    rng = Random(seed)

    def answer(*_: Any) -> ModelOutput:
        if rng.random() < errors:
            raise RuntimeError("429: too many requests")
        output = ModelOutput.from_content("mockllm/model", "yes" if rng.random() < rate else "no")
        output.usage = ModelUsage(
            input_tokens=1, output_tokens=1, total_tokens=2
        )  # else it counts tokens online
        return output

    samples = [
        Sample(id=f"q{n}", input=f"Is {2 * n} even?", target="yes", metadata={"topic": f"t{n % 5}"})
        for n in range(20)
    ]
    [log] = eval(
        Task(dataset=MemoryDataset(samples), solver=generate(), scorer=includes(), name="parity"),
        model=get_model("mockllm/model", custom_outputs=answer, memoize=False),
        epochs=2,
        log_dir=str(folder),
        log_format=kind,
        fail_on_error=False,
        display="none",
    )
    assert log.status == "success"
    return Path(log.location)


def rewritten(source: Path, target: Path, change: Callable[[Any], None]) -> Path:
    """Let Inspect read a log, change it, and let Inspect write it."""
    from inspect_ai.log import read_eval_log, write_eval_log

    log = read_eval_log(str(source))
    change(log)
    write_eval_log(log, str(target))
    return target


def read_one(path: Path) -> Log:
    [log] = read_logs(path)
    return log


def judge_logs(*arguments: str) -> Any:
    return CliRunner().invoke(main, ["judge", *arguments, "--cache-dir", "store"])


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Logs of four runs."""
    folder = tmp_path_factory.mktemp("logs")
    return {
        "good": run_eval(folder, 0.95, 1),
        "bad": run_eval(folder, 0.2, 2),
        "json": run_eval(folder, 0.5, 3, kind="json"),
        "broken": run_eval(folder, 0.95, 4, errors=0.2),
    }


def test_two_logs_are_judged_in_one_command(
    evaluated: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CI", raising=False)
    claim = 'difference("good", "bad") >= 0.05'

    arms = [f"--arm={arm}={evaluated[arm]}" for arm in ("good", "bad")]
    said = judge_logs(*arms, "-c", claim, "-c", 'difference("bad", "good") >= 0.05')

    assert said.exit_code == 1, said.output  # the second one is refuted
    first, second = load(cache_dir="store").results
    assert (first.outcome, second.outcome) == ("supported", "refuted")
    assert (first.model, first.decision.evidence.n, first.unit) == ("mockllm/model", 20, "case")
    assert any("task parity, model mockllm/model; 20 samples in 2 epochs" in fact for fact in first.facts)


@pytest.mark.parametrize("name", ["good", "json"])
def test_what_is_read_is_what_inspect_counts(evaluated: dict[str, Path], name: str) -> None:
    from inspect_ai.log import read_eval_log

    log = read_one(evaluated[name])

    theirs = read_eval_log(str(evaluated[name]))
    accuracy = theirs.results.scores[0].metrics["accuracy"].value  # type: ignore[union-attr]
    assert (log.kind, log.task, log.model, names_of(log)) == (
        Kind.INSPECT,
        "parity",
        "mockllm/model",
        (SCORER,),
    )
    assert math.isclose(sum(sample.scores[SCORER] for sample in log.samples) / 40, accuracy)
    assert {sample.fields["topic"] for sample in log.samples} == {f"t{n}" for n in range(5)}
    assert {sample.fields["output"] for sample in log.samples} <= {"yes", "no"}
    assert len(log.announced) == 40


def test_a_log_that_is_too_large_for_memory_reads_the_same(
    evaluated: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = read_one(evaluated["broken"])

    monkeypatch.setattr("pytest_velo.logs.inspect._FITS", 0)

    assert read_one(evaluated["broken"]) == whole


def test_errored_samples_are_invalid_and_bounded(evaluated: dict[str, Path]) -> None:
    log = read_one(evaluated["broken"])
    broken = [sample for sample in log.samples if sample.invalid]

    assert broken
    assert all("429: too many requests" in sample.invalid for sample in broken)
    right = sum(sample.scores.get(SCORER, 0.0) for sample in log.samples)
    run = judge(
        difference("a", "b") >= 0.05, make_grid({"a": log, "b": read_one(evaluated["bad"])}), Options()
    )
    assert run.units.n_invalid == len(broken)
    # Had all of them come out wrong, the mean of a would be this.
    assert math.isclose(sum(run.units.bounds[0]) / 20, (right / 40 - bad_share(evaluated) + 1) / 2)


def bad_share(evaluated: dict[str, Path]) -> float:
    samples = read_one(evaluated["bad"]).samples
    return sum(sample.scores[SCORER] for sample in samples) / len(samples)


def test_a_sample_that_was_announced_and_never_ran_is_missing(
    evaluated: dict[str, Path], tmp_path: Path
) -> None:
    def cancel(log: Any) -> None:
        log.samples = [sample for sample in log.samples if sample.id != "q3"]
        log.status = "cancelled"

    cut = read_one(rewritten(evaluated["good"], tmp_path / "cut.eval", cancel))

    grid = make_grid({"cut": cut})
    assert len(grid.ids) == 20
    assert "missing" in grid.at("cut", "q3", 1).invalid


def test_a_log_that_stopped_by_what_it_saw_is_said_to(evaluated: dict[str, Path], tmp_path: Path) -> None:
    """Our own: judged as if its length had been planned, it would have other error rates."""

    def of_ours(log: Any) -> None:
        log.eval.metadata = {"velo": {"claim": "rate >= 0.5", "stopped": "decided"}}

    log = read_one(rewritten(evaluated["good"], tmp_path / "ours.eval", of_ours))

    [notice] = make_grid({"ours": log}).notices
    assert "ours: pytest-velo itself wrote this log" in notice
    assert not read_one(evaluated["good"]).notices


def test_scores_of_every_shape_are_read_as_inspect_reads_them(
    evaluated: dict[str, Path], tmp_path: Path
) -> None:
    from inspect_ai.scorer import Score, value_to_float

    values: list[Any] = ["C", "I", "P", "N", "yes", "FALSE", "0.25", 1, 0.5, True]

    def change(log: Any) -> None:
        for sample, value in zip(log.samples, values, strict=False):
            sample.scores = {"grade": Score(value=value)}
        odd = log.samples[len(values) :]
        odd[0].scores = {"grade": Score.unscored(reason="the grader gave no grade")}
        odd[1].scores = {"grade": Score(value="maybe")}
        odd[2].scores = {"grade": Score(value={"style": 0.5, "truth": "C"})}
        odd[3].scores = None
        log.samples = log.samples[: len(values) + 4]

    log = read_one(rewritten(evaluated["good"], tmp_path / "odd.eval", change))

    to_float = value_to_float()
    read = {(sample.id, sample.epoch): sample for sample in log.samples}
    scored = [sample for sample in read.values() if "grade" in sample.scores]
    assert Counter(sample.scores["grade"] for sample in scored) == Counter(map(to_float, values))
    faults = [sample.faults["grade"] for sample in read.values() if "grade" in sample.faults]
    assert any("unscored" in fault for fault in faults)
    assert any("no number: maybe" in fault for fault in faults)
    [parts] = [sample.scores for sample in read.values() if "grade.style" in sample.scores]
    assert parts == {"grade.style": 0.5, "grade.truth": 1.0}
    assert [sample.invalid for sample in read.values() if sample.invalid] == ["no score in the log"]


@pytest.mark.parametrize("name", ["tiny.eval", "tiny.json"])
def test_a_log_that_was_committed_stays_readable(name: str) -> None:
    log = read_one(DATA / name)
    assert (log.task, len(log.samples), len(log.announced)) == ("tiny", 6, 6)
    assert sum(sample.scores.get(SCORER, 0.0) for sample in log.samples) == 2


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 not really", b"{}"])
def test_a_damaged_log_is_an_error_that_names_it(tmp_path: Path, content: bytes) -> None:
    from pytest_velo import UsageError

    (tmp_path / "cut.eval").write_bytes(content)
    with pytest.raises(UsageError, match="Inspect cannot read it") as error:
        read_logs(tmp_path / "cut.eval")
    assert "cut.eval" in error.value.where


# Logs that Inspect wrote of outcomes at known rates.


@dataclass(frozen=True)
class Rates:
    """P(right) of each sample of a log, in each of its epochs."""

    samples: Sequence[float]
    epochs: int = 1


def write_log(path: Path, rates: Rates, rng: Random) -> Path:
    """Let Inspect write the log of a model that was right at these rates."""
    from inspect_ai.log import EvalConfig, EvalDataset, EvalLog, EvalSample, EvalSpec, write_eval_log
    from inspect_ai.model import ModelOutput
    from inspect_ai.scorer import Score

    def sample(n: int, epoch: int) -> EvalSample:
        answer = "yes" if rng.random() < rates.samples[n] else "no"
        return EvalSample(
            id=f"q{n}",
            epoch=epoch,
            input=f"Is {2 * n} even?",
            target="yes",
            output=ModelOutput.from_content("mockllm/model", answer),
            scores={SCORER: Score(value="C" if answer == "yes" else "I", answer=answer)},
        )

    n_samples = len(rates.samples)
    data = EvalDataset(name="parity", samples=n_samples, sample_ids=[f"q{n}" for n in range(n_samples)])
    log = EvalLog(
        status="success",
        eval=EvalSpec(
            created="2026-01-01T00:00:00+00:00",
            task="parity",
            model="mockllm/model",
            dataset=data,
            config=EvalConfig(epochs=rates.epochs),
        ),
        samples=[sample(n, epoch) for epoch in range(1, rates.epochs + 1) for n in range(n_samples)],
    )
    write_eval_log(log, str(path))
    return path


def in_one_line(text: str) -> str:
    return " ".join(text.split())


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two logs of 500 samples in 4 epochs; some samples are hard, and a is 0.15 better on each."""
    folder = tmp_path_factory.mktemp("large")
    rng = Random(0)
    hard = [0.8 * rng.random() for _ in range(500)]
    return {
        "a": write_log(folder / "a.eval", Rates([rate + 0.15 for rate in hard], epochs=4), rng),
        "b": write_log(folder / "b.eval", Rates(hard, epochs=4), rng),
    }


def test_two_logs_of_500_samples_in_4_epochs_are_judged_by_what_they_say(
    large: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from inspect_ai.log import read_eval_log

    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CI", raising=False)

    said = judge_logs(
        *map(str, large.values()),
        *("-c", 'difference("a", "b") >= 0.05'),
        *("-c", 'difference("a", "b") >= 0.3'),
        *("-c", 'rate("includes") >= 0.5'),
    )

    right = {
        arm: {(sample.id, sample.epoch): sample.scores[SCORER].value == "C" for sample in log.samples or ()}
        for arm, log in ((arm, read_eval_log(str(path))) for arm, path in large.items())
    }
    a, b = (sum(right[arm].values()) / 2_000 for arm in ("a", "b"))
    outcomes = Counter(right["a"][place] - right["b"][place] for place in right["a"])
    better, worse, alike = (f"{outcomes[each]:,}" for each in (1, -1, 0))
    told = in_one_line(said.output)
    assert f"2,000 pairs: a better in {better}, b better in {worse}, alike in {alike}; 0 invalid" in told
    assert f"observed difference {a - b:.2f} (a {a:.2f}, b {b:.2f})" in told
    for_a = sum(right["a"].values())
    assert f"{for_a:,} for the claim, {2_000 - for_a:,} against it, 0 invalid" in told
    supported, refuted, of_a, of_b = load(cache_dir="store").results
    assert (supported.outcome, refuted.outcome) == ("supported", "refuted")
    assert said.exit_code == 1
    assert math.isclose(supported.decision.evidence.estimate, a - b)
    assert math.isclose(of_a.decision.evidence.estimate, a)
    assert math.isclose(of_b.decision.evidence.estimate, b)
    assert {result.decision.evidence.n for result in (supported, refuted, of_a, of_b)} == {500}


def test_pairs_of_logs_get_wrong_verdicts_no_more_often_than_alpha_allows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """200 pairs, some in 2 epochs: of models that are alike, clearly better, or clearly worse."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CI", raising=False)
    found: dict[str, Counter[str]] = {"alike": Counter(), "better": Counter(), "worse": Counter()}
    for seed in range(200):
        rng = Random(seed)
        kind, epochs = ("alike", "better", "alike", "worse")[seed % 4], 1 + seed // 4 % 2
        if kind == "alike":  # and undecided about each sample, so that many pairs differ
            new = old = [0.3 + 0.4 * rng.random() for _ in range(30 // epochs)]
        else:
            new, old = ([low + 0.3 * rng.random() for _ in range(20 // epochs)] for low in (0.7, 0.0))
            if kind == "worse":
                new, old = old, new
        logs = [
            write_log(Path("new.eval"), Rates(new, epochs), rng),
            write_log(Path("old.eval"), Rates(old, epochs), rng),
        ]
        said = judge_logs(*map(str, logs), "-c", 'difference("new", "old") >= 0', "--seed", str(seed))
        found[kind][said.output.split(":")[0].strip()] += 1
    print(found)

    assert [pairs.total() for pairs in found.values()] == [100, 50, 50]
    assert found["alike"]["supported"] <= MOST_OF_100
    assert found["alike"]["refuted"] <= MOST_OF_100
    assert found["better"]["supported"] >= 45
    assert not found["better"]["refuted"]
    assert found["worse"]["refuted"] >= 45
    assert not found["worse"]["supported"]


def broken(log: Log, rates: Sequence[float], rng: Random, *, hides: float = 0.0) -> Log:
    """Return the log with outcomes at known rates, of which a share of the wrong ones broke instead."""
    samples = []
    for sample in log.samples:
        right = rng.random() < rates[int(sample.id[1:])]
        broke = not right and rng.random() < hides
        samples.append(replace(sample, scores={SCORER: float(right)}, invalid="429" if broke else ""))
    return replace(log, samples=tuple(samples))


def verdicts(log: Log, n_pairs: int, claim: Claim, gain: float, *, hides: float = 0.0) -> Counter[Verdict]:
    """Judge seeded pairs of logs like this one; samples differ in how hard they are, anew in each pair."""
    found: Counter[Verdict] = Counter()
    for seed in range(n_pairs):
        rng = Random(seed)
        hard = [0.8 * rng.random() for _ in range(500)]
        pair = {
            "a": broken(log, [rate + gain for rate in hard], rng, hides=hides),
            "b": broken(log, hard, rng),
        }
        found[judge(claim, make_grid(pair), Options(alpha=ALPHA, beta=ALPHA, seed=seed)).verdict] += 1
    print(dict(found))
    return found


def test_of_200_pairs_of_500_samples_in_4_epochs_few_are_judged_wrong(large: dict[str, Path]) -> None:
    """What Inspect wrote is read once; each pair has outcomes of its own in its place."""
    log = read_one(large["a"])
    assert verdicts(log, 50, difference("a", "b") >= 0.05, 0.15) == {Verdict.SUPPORTED: 50}
    assert verdicts(log, 50, difference("a", "b") >= 0.2, 0.1) == {Verdict.REFUTED: 50}
    at_the_boundary = verdicts(log, 100, difference("a", "b") >= 0.1, 0.1)
    assert at_the_boundary[Verdict.SUPPORTED] <= MOST_OF_100
    assert at_the_boundary[Verdict.REFUTED] <= MOST_OF_100


def test_errors_that_could_overturn_a_verdict_leave_none(large: dict[str, Path]) -> None:
    """A fifth of the outcomes of a broke, all of them wrong ones: a is 0.1 better, among the rest 0.2."""
    claim = difference("a", "b") >= 0.15
    assert verdicts(read_one(large["a"]), 10, claim, 0.1, hides=0.4) == {Verdict.INCONCLUSIVE: 10}


def test_the_commands_in_the_page_on_logs_judge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (Path(__file__).parents[2] / "docs" / "how-to" / "judging-logs.md").read_text(encoding="utf-8")
    typed = [
        line
        for block in re.findall(r"^```bash\n(.*?)^```", page, re.M | re.S)
        for line in block.splitlines()
        if line.startswith("velo judge ")
    ]
    assert len(typed) >= 4
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CI", raising=False)
    rng = Random(0)
    Path("logs").mkdir()
    for name in ("a.eval", "b.eval", "c.eval", "logs/first.eval", "logs/second.eval"):
        write_log(Path(name), Rates([0.7] * 20), rng)
    results = [
        {
            "testIdx": n,
            "promptIdx": 0,
            "success": n % 5 > 0,
            "namedScores": {"tone": n % 5 / 4},
            "vars": {"n": n},
        }
        for n in range(20)
    ]
    Path("results.json").write_text(json.dumps({"results": {"results": results}}), encoding="utf-8")

    for line in typed:
        said = judge_logs(*shlex.split(line.removeprefix("velo judge ")))
        assert said.exit_code in (0, 1), f"{line}: {said.output}"
        assert load(cache_dir="store").results
