"""Logs that Inspect itself wrote, of a scripted model with known rates: read, judged, and never fooled by."""

from __future__ import annotations

import json
import math
import re
import shlex
import shutil
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import pytest
from click.testing import CliRunner
from scipy.stats import binom

from pytest_velo import load
from pytest_velo.claims import Claim, difference, rate
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


# 200 pairs of logs at known rates. To evaluate 500 samples in 4 epochs takes Inspect half a minute, so each
# of the two logs holds 200 exams: a reply has an answer for each, of a seed and rates of its own; the scorer
# gives each a score. The pairs (exam 17 of a, exam 17 of b) are independent of each other.


N_EXAMS = 200
N_SAMPLES = 500
N_EPOCHS = 4


class Kept(NamedTuple):
    """What is claimed of an exam, by how much its rates differ, and what a verdict on that would be.

    Attributes:
        gain: P(right) of a minus that of b, on each sample.
        least: The claim is `difference("a", "b") >= least`.
        right: The verdict that is right; None at the boundary, where supported and refuted each are wrong
            for models a hair worse and a hair better, so that each may come as often as ALPHA.
    """

    gain: float
    least: float
    right: Verdict | None


KINDS = (
    Kept(gain=0.0, least=0.0, right=None),
    Kept(gain=0.15, least=0.05, right=Verdict.SUPPORTED),
    Kept(gain=0.15, least=0.15, right=None),
    Kept(gain=0.1, least=0.2, right=Verdict.REFUTED),
)


def kind_of(exam: int) -> Kept:
    return KINDS[exam % len(KINDS)]


def claim_on(exam: int) -> Claim:
    return difference("a", "b", of=rate(f"exam.{exam}")) >= kind_of(exam).least


Answers = list[list[list[bool]]]
"""Whether an answer is right, by exam, sample and epoch."""


def drawn_answers() -> dict[str, Answers]:
    """Draw what both models answer. Samples differ in how hard they are, anew in each exam."""
    answers: dict[str, Answers] = {"a": [], "b": []}
    for exam in range(N_EXAMS):
        rng = Random(exam)
        low = [0.8 * rng.random() for _ in range(N_SAMPLES)]
        for arm, gain in (("a", kind_of(exam).gain), ("b", 0.0)):
            answers[arm].append([[rng.random() < p + gain for _ in range(N_EPOCHS)] for p in low])
    return answers


def sit_exams(path: Path, answers: Answers, *, breaks: Callable[[bool], bool] = lambda _: False) -> Path:
    """Let Inspect evaluate a model that gives these answers, and return the log.

    Args:
        path: Where the log shall be.
        answers: What it answers.
        breaks: Whether a call fails, by whether its answer in the first exam would have been right.
    """
    from inspect_ai import Task, eval
    from inspect_ai.dataset import MemoryDataset, Sample
    from inspect_ai.model import ModelOutput, ModelUsage, get_model
    from inspect_ai.scorer import Score, scorer
    from inspect_ai.solver import generate

    n_samples, n_epochs = len(answers[0]), len(answers[0][0])
    calls = Counter[int]()

    def answer(messages: Any, *_: Any) -> ModelOutput:
        sample = int(messages[-1].text)
        epoch, calls[sample] = calls[sample], calls[sample] + 1
        if breaks(answers[0][sample][epoch]):
            raise RuntimeError("429: too many requests")
        output = ModelOutput.from_content("m", "".join("01"[exam[sample][epoch]] for exam in answers))
        output.usage = ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2)
        return output

    @scorer(metrics=[], name="exam")
    def marks() -> Any:
        async def score(state: Any, target: Any) -> Score:
            return Score(value={str(exam): int(mark) for exam, mark in enumerate(state.output.completion)})

        return score

    samples = [Sample(id=f"q{n}", input=str(n), target="") for n in range(n_samples)]
    [log] = eval(
        Task(dataset=MemoryDataset(samples), solver=generate(), scorer=marks(), name="exams"),
        model=get_model("mockllm/model", custom_outputs=answer, memoize=False),
        epochs=n_epochs,
        log_dir=str(path.parent),
        log_format="eval",
        log_realtime=False,
        score_display=False,
        fail_on_error=False,
        display="none",
    )
    assert log.status == "success"
    return Path(log.location).rename(path)


@dataclass(frozen=True)
class Exams:
    """The two logs, and what was answered in them.

    Attributes:
        answers: What was answered, by arm.
        paths: The logs that Inspect wrote, by arm.
        logs: The same, read.
    """

    answers: dict[str, Answers]
    paths: dict[str, Path]
    logs: dict[str, Log]


@pytest.fixture(scope="module")
def exams(tmp_path_factory: pytest.TempPathFactory) -> Exams:
    folder = tmp_path_factory.mktemp("exams")
    answers = drawn_answers()
    paths = {arm: sit_exams(folder / f"{arm}.eval", answers[arm]) for arm in answers}
    return Exams(answers, paths, {arm: read_one(path) for arm, path in paths.items()})


def judged(claim: Claim, logs: Mapping[str, Log], seed: int = 0) -> Verdict | None:
    return judge(claim, make_grid(logs), Options(alpha=ALPHA, beta=ALPHA, seed=seed)).verdict


def in_one_line(text: str) -> str:
    return " ".join(text.split())


def test_two_logs_of_500_samples_in_4_epochs_are_judged_by_what_they_say(
    exams: Exams, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CI", raising=False)
    true, false = 1, 3

    said = judge_logs(
        *map(str, exams.paths.values()),
        *("-c", str(claim_on(true))),
        *("-c", str(claim_on(false))),
        *("-c", f'rate("exam.{true}") >= 0.5'),
    )

    right = {
        arm: [mark for sample in answers[true] for mark in sample] for arm, answers in exams.answers.items()
    }
    a, b = (sum(right[arm]) / 2_000 for arm in ("a", "b"))
    told = in_one_line(said.output)
    assert "2,000 pairs: a better in " in told
    assert f"observed difference {a - b:.2f} (a {a:.2f}, b {b:.2f})" in told
    for_a = sum(right["a"])
    assert f"{for_a:,} for the claim, {2_000 - for_a:,} against it, 0 invalid" in told
    supported, refuted, of_a, of_b = load(cache_dir="store").results
    assert (supported.outcome, refuted.outcome) == ("supported", "refuted")
    assert said.exit_code == 1
    assert math.isclose(supported.decision.evidence.estimate, a - b)
    assert math.isclose(of_a.decision.evidence.estimate, a)
    assert math.isclose(of_b.decision.evidence.estimate, b)
    assert {result.decision.evidence.n for result in (supported, refuted, of_a, of_b)} == {500}


def test_of_200_pairs_of_500_samples_in_4_epochs_few_are_judged_wrong(exams: Exams) -> None:
    """Judged by what the command calls; it would read both logs again for each of its runs."""
    found = {kind: Counter[Verdict | None]() for kind in KINDS}
    grid = make_grid(exams.logs)
    for exam in range(N_EXAMS):
        run = judge(claim_on(exam), grid, Options(alpha=ALPHA, beta=ALPHA, seed=exam))
        found[kind_of(exam)][run.verdict] += 1
    print(found)

    assert [verdicts.total() for verdicts in found.values()] == [50] * 4
    # Far from the boundary (by 7 standard errors), a wrong verdict or none would be no bad luck.
    assert all(found[kind] == {kind.right: 50} for kind in KINDS if kind.right is not None)
    # At it, 100 independent pairs: each wrong verdict is a throw at ALPHA at most.
    at_the_boundary = sum((found[kind] for kind in KINDS if kind.right is None), Counter[Verdict | None]())
    assert at_the_boundary[Verdict.SUPPORTED] <= MOST_OF_100
    assert at_the_boundary[Verdict.REFUTED] <= MOST_OF_100


def test_errors_that_could_overturn_a_verdict_leave_none(exams: Exams) -> None:
    """A fifth of the answers of a broke, all of them wrong ones: a is 0.15 better, among the rest 0.29."""
    for exam in range(2, 42, len(KINDS)):
        score = f"exam.{exam}"
        logs = exams.logs | {"a": hiding(exams.logs["a"], score, Random(exam))}
        claim = difference("a", "b", of=rate(score)) >= 0.2
        assert judged(claim, logs, seed=exam) is Verdict.INCONCLUSIVE, exam


def hiding(log: Log, score: str, rng: Random) -> Log:
    """Return the log with some of the samples broken that are wrong by this score: a fifth of all."""
    samples = (
        replace(sample, invalid="429") if not sample.scores[score] and rng.random() < 0.44 else sample
        for sample in log.samples
    )
    return replace(log, samples=tuple(samples))


def test_a_verdict_on_a_log_with_errors_is_the_one_that_both_extremes_get(
    exams: Exams, tmp_path: Path
) -> None:
    """A fifth of the calls failed while Inspect evaluated: those that the first exam would have got wrong."""
    rng = Random(0)
    answers = [[sample[:1] for sample in exam] for exam in exams.answers["a"][:20]]
    log = read_one(
        sit_exams(tmp_path / "broken.eval", answers, breaks=lambda right: not right and rng.random() < 0.4)
    )
    n_broken = sum(bool(sample.invalid) for sample in log.samples)
    assert 0.18 <= n_broken / N_SAMPLES <= 0.26

    found = Counter[Verdict | None]()
    for exam, least in product(range(0, 20, 5), (0.2, 0.4, 0.5, 0.6, 0.9)):
        claim = rate(f"exam.{exam}") >= least
        verdict = judged(claim, {"a": log}, seed=exam)
        extremes = {judged(claim, {"a": filled(log, f"exam.{exam}", value)}, exam) for value in (0.0, 1.0)}
        found[verdict] += 1
        assert verdict is Verdict.INCONCLUSIVE or extremes == {verdict}, (exam, least, verdict, extremes)
    # Errors do not hide what is beyond doubt.
    assert min(found[each] for each in (Verdict.SUPPORTED, Verdict.REFUTED, Verdict.INCONCLUSIVE)) >= 4
    # The rate is 0.4, and that of the samples that did not break looks like more than 0.45.
    right = sum(sample.scores.get("exam.0", 0.0) for sample in log.samples) / (N_SAMPLES - n_broken)
    assert right > 0.5
    assert judged(rate("exam.0") >= 0.45, {"a": log}) is Verdict.INCONCLUSIVE


def filled(log: Log, score: str, value: float) -> Log:
    """Return the log as if every broken sample had come out like this."""
    samples = (
        replace(sample, scores={score: value}, invalid="") if sample.invalid else sample
        for sample in log.samples
    )
    return replace(log, samples=tuple(samples))


def test_the_commands_in_the_page_on_logs_judge(
    evaluated: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
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
    Path("logs").mkdir()
    for name, log in (
        ("a", "good"),
        ("b", "bad"),
        ("c", "bad"),
        ("logs/first", "bad"),
        ("logs/second", "good"),
    ):
        shutil.copy(evaluated[log], f"{name}.eval")
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
