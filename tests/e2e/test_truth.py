"""Claims about labels: run, label, run again; what is said, recorded, refused, and never taken for truth."""

from __future__ import annotations

import re
import shlex
from dataclasses import replace

import pytest
from click.testing import CliRunner

from pytest_velo import check_sync, labels, rate, scripted
from pytest_velo.cli.main import main
from pytest_velo.labelling import Label, LabelFile, label_order, labels_in, trial_digest
from pytest_velo.report.document import result_from_json, result_to_json
from pytest_velo.report.page.path import path_of
from support.importing import imported_anew

TESTS = """
from pytest_velo import estimate, labels, mean, rate

def reply(request, rng):
    polite = rng.random() < 0.4
    return f"{'Dear friend' if polite else 'Hey'} {rng.randrange(1000)}"

LETTERS = scripted("letters", reply)
CASES = [{"id": f"q{n}", "q": f"write {n}"} for n in range(30)]

def lenient(text):  # half of what is not polite passes, too
    return "Dear" in text or int(text.split()[-1]) % 2 == 0

@pytest.mark.hypothesis(rate <= 0.6, models=[LETTERS], cases=CASES, max_trials=1000,
                        truth=labels("labels.csv", every=5))
async def test_polite(model, case):
    return lenient((await model(case.q)).text)
"""


def say(run, *, every=5, most=None, truth=lambda text: "Dear" in text):
    """Label what the last run chose, as a person would who reads the letters; return how many are new."""
    record = run.record
    [result] = record.results
    trials = {trial.index: trial for trial in record.trials_of(result.node_id)}
    file = LabelFile(run.path / "labels.csv")
    known, new = {label.trial for label in file.labels}, 0
    for index in label_order(result.node_id, len(trials), result.seed, every):
        trial = trials[index]
        name = trial_digest(result.node_id, trial)
        if name not in known and (most is None or new < most):
            said = truth(trial.calls[0].reply.text)
            file.add(Label(trial=name, label=said, case=trial.case_id, repeat=trial.repeat))
            new += 1
    return new


def test_a_run_asks_for_labels_and_decides_by_them_and_not_by_the_judge(run, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    run.file(TESTS)
    said = run().stdout.str()
    result = run.record["test_polite"]
    assert run.outcomes == ["inconclusive"]
    assert len(result.trials) == 100  # twenty labels are asked for, and no more is sampled
    assert (result.truth.n_labelled, result.truth.n_waiting, result.decision.stop) == (0, 20, "unlabelled")
    assert result.decision.evidence.interval is None  # nothing is known of the truth
    assert result.truth.judged > 0.6
    assert re.search(r"inconclusive +test_polite .* no label +", said)
    assert "velo label latest -k test_it.py::test_polite\n" in said
    assert "label 20 trials of this run, one in 5; then pytest" in said
    assert "0.7" not in said.partition("undecided")[0]  # what the judge says is not said in its place

    for _ in range(4):
        say(run)
        said = run().stdout.str()
        if run.outcomes == ["supported"]:
            break
    assert run.outcomes == ["supported"]
    result = run.record["test_polite"]
    evidence, truth = result.decision.evidence, result.truth
    assert evidence.n == truth.n_labelled
    assert evidence.n_for + evidence.n_against == truth.n_labelled
    assert evidence.interval.low < 0.4 < evidence.interval.high < 0.61
    assert truth.judged_interval.low > 0.6  # the judge alone would have refuted it
    assert truth.n_judged == 5 * truth.n_labelled
    assert 0 < truth.correlation < 1
    assert f"from {truth.n_judged:,} judged and {truth.n_labelled} labelled trials" in said
    assert f"judge alone says {truth.judged:.2f} [" in said
    assert "which is not the truth: off by +0." in said
    assert "true 0." in said
    assert result_from_json(result_to_json(result)).truth == truth
    path = path_of(replace(result.without_trials, trials=result.trials))
    assert path is not None
    assert path.followed
    run()
    assert run.record["test_polite"].truth == truth
    with imported_anew(run.path):
        planned = CliRunner().invoke(main, ["plan", "-p", "no:randomly"]).output
    assert "a label: of one trial in 5, all of which are judged" in planned
    assert "a correlation of 0.63 with the labels is assumed" in planned
    assert "assuming that the judge and the labels correlate by 0.63" in planned
    assert "covariate" not in planned


def test_a_missing_label_ends_the_evidence_and_one_that_cannot_say_may_be_either(run):
    run.file(TESTS)
    run()
    say(run, most=8, truth=lambda text: None if "Dear" in text else False)
    run()
    result = run.record["test_polite"]
    skipped = result.truth.n_skipped
    assert (result.truth.n_labelled, result.decision.evidence.n) == (8, 8)
    assert skipped == result.decision.evidence.n_invalid > 0
    assert result.truth.n_waiting == 20  # twelve of them had no label before, either
    assert [*result.truth.labels.values()].count(None) == skipped
    assert result.decision.evidence.interval.high > skipped / 8  # each of them may be a yes


def test_a_trial_that_is_shown_says_its_label_before_what_was_judged(run):
    run.file(TESTS.replace("rate <= 0.6", "rate >= 0.9"))
    run()
    say(run)
    said = run().stdout.str()
    assert run.outcomes == ["refuted"]
    shown = said.partition("trials against the claim")[2].partition("run it again")[0]
    outcomes = [line.split(maxsplit=1)[1] for line in shown.splitlines() if line.startswith("    outcome")]
    assert len(outcomes) == 3  # a label of 0 is against the claim, whatever the judge found
    assert {text.partition(", judged ")[0] for text in outcomes} == {"label 0"}
    assert "label 0, judged 1" in outcomes  # the lenient judge passed it
    evidence = run.record["test_polite"].decision.evidence
    for kind, n, label in (("against", evidence.n_against, 0), ("for", evidence.n_for, 1)):
        asked = ["show", "latest", f"--{kind}", "-n", "99", "--cache-dir", str(run.path / ".pytest_velo")]
        chosen = [
            line for line in CliRunner().invoke(main, asked).output.splitlines() if "    outcome" in line
        ]
        assert len(chosen) == n, "those without a label are on no side"
        assert all(f"label {label}, judged" in line for line in chosen)
    kept = CliRunner().invoke(main, ["report", "latest", "--cache-dir", str(run.path / ".pytest_velo")])
    page = (run.path / kept.output.strip()).read_text(encoding="utf-8")
    assert "label 0, judged 1" in page


def test_the_line_that_is_printed_labels_that_test_into_its_file_wherever_it_is_typed(run, monkeypatch):
    more = "\n@pytest" + TESTS.partition("@pytest")[2].replace("test_polite", "test_polite_too").replace(
        "labels.csv", "our people/labels.csv"
    ).replace("every=5", 'every=4, by="zoe"')
    run.ini("")
    run.file(TESTS + more, name="deep/test_it.py")
    said = run("deep").stdout.str()
    lines = [line.strip() for line in said.splitlines() if line.strip().startswith("velo label latest -k ")]
    assert len(lines) == 2  # the name of one test is a part of the other's
    monkeypatch.chdir(run.path / "deep")
    for line in lines:
        done = CliRunner().invoke(main, [*shlex.split(line)[1:]], input="y\n")
        assert "1 label (1 yes) of this test" in done.output, done.output
    by_name = CliRunner().invoke(main, ["label", "-k", "test_polite"], input="q\n").output
    assert "deep/test_it.py::test_polite\n" in by_name, "a whole name is meant before a part of another"
    assert [label.by for label in labels_in(run.path / "deep/labels.csv")] == [""]
    assert [label.by for label in labels_in(run.path / "deep/our people/labels.csv")] == ["zoe"]


def test_a_label_of_another_reply_does_not_count_and_is_told(run):
    run.file(TESTS)
    run()
    say(run)
    run.file(TESTS.replace("Dear friend", "Dear colleague"))
    said = run("--velo-mode=refresh").stdout.str()
    truth = run.record["test_polite"].truth
    assert truth.n_labelled < 20
    assert truth.n_changed > 0
    assert "of something else that was said" in said


def test_a_label_file_that_is_damaged_is_an_error_and_no_verdict(run):
    (run.path / "labels.csv").write_text("trial,label\nt1,perhaps\n")
    run.file(TESTS)
    done = run()
    done.assert_outcomes(errors=1)
    assert "labels.csv:2: its label is 'perhaps', which is neither yes, no" in done.stdout.str()
    assert not (run.path / ".pytest_velo" / "runs").exists()  # nothing was sampled


def test_a_name_that_no_label_file_has_is_said_before_a_trial(run):
    run.file(TESTS.replace("labels.csv", "labels.xlsx"))
    done = run()
    done.assert_outcomes(errors=1)
    assert "the name of a file of labels ends in .csv, .tsv or .jsonl" in done.stdout.str()
    assert not (run.path / ".pytest_velo" / "runs").exists()  # nothing was sampled


@pytest.mark.parametrize("by", ["", ', by="zoe"'])
@pytest.mark.parametrize("content", ["", "trial,label,by\n"])
def test_a_file_without_labels_has_none_yet(run, content, by):
    (run.path / "labels.csv").write_text(content)
    run.file(TESTS.replace("every=5", f"every=5{by}"))
    run()
    assert run.outcomes == ["inconclusive"]
    assert (run.record["test_polite"].truth.n_labelled, run.record["test_polite"].truth.n_waiting) == (0, 20)


@pytest.mark.parametrize("head", ["trial,label,test,by\nt1,yes,{other},ann\nt1,no,{other},bob\n",
                                  "trial,label,by\nt1,yes,ann\nt1,no,bob\n",
                                  "trial,label,by\nt1,yes,ann\nt1,no,ann\n"])  # fmt: skip
def test_people_who_differ_about_another_test_do_not_concern_this_one(run, head):
    (run.path / "labels.csv").write_text(head.format(other="test_it.py::test_other"))
    run.file(TESTS)
    run()
    assert run.outcomes == ["inconclusive"]
    assert run.record["test_polite"].truth.n_waiting == 20


def test_people_who_differ_about_a_trial_of_the_test_are_its_error(run):
    run.file(TESTS)
    run()
    say(run)
    path = run.path / "labels.csv"
    first = labels_in(path)[0]
    LabelFile(path).add(replace(first, label=not first.label, by="bob"))
    assert run().parseoutcomes() == {"errors": 1}
    assert f"people differ: of trial {first.trial}" in run.record["test_polite"].problem
    LabelFile(path).add(Label(trial="t0", label=True, by="ann", test="test_it.py::test_polite"))
    LabelFile(path).add(Label(trial="t0", label=False, by="bob", test="test_it.py::test_polite"))
    said = " ".join(run().stdout.str().split())
    assert "people differ: of trial t0 ann says 'yes', bob 'no'" in said
    assert 'fix: say whose labels count: labels("labels.csv", by="ann")' in said


def test_a_label_of_another_test_is_none_of_something_else_that_was_said(run):
    file = LabelFile(run.path / "labels.csv")
    for number in range(30):
        file.add(
            Label(trial=f"t{number}", label=True, case=f"q{number}", repeat=0, test="test_it.py::test_other")
        )
        file.add(
            Label(trial=f"t9{number}", label=True, case=f"q{number}", repeat=1, test="test_it.py::test_other")
        )
    run.file(TESTS)
    run()
    assert run.record["test_polite"].truth.n_changed == 0


def test_where_nothing_could_be_judged_the_advice_is_to_mend_that(run):
    run.file(
        TESTS.replace(
            "return lenient((await model(case.q)).text)", "await model(case.q); pytest.skip('unread')"
        )
    )
    said = " ".join(run().stdout.str().split())
    assert run.record["test_polite"].decision.stop == "all_invalid"
    assert "too many trials are invalid: fix the cause" in said
    assert "too near the threshold" not in said  # nothing was observed


def test_a_score_is_no_label_of_a_rate(run):
    run.file(TESTS)
    run()
    say(run, most=1, truth=lambda text: 0.5)
    said = run().stdout.str()
    assert run.outcomes == ["error"]
    assert "is '0.5', and `rate` takes yes or no" in said


@pytest.mark.parametrize(
    ("claim", "more", "told"),
    [
        ('difference("a", "b") >= 0.1', 'arms=("a", "b")', "about one rate or mean"),
        ('(rate("a") >= 0.3) & (rate("b") >= 0.3)', "", "about one rate or mean"),
        ("rate >= 0.3", 'covariate="q"', "truth= does not go with covariate="),
        ("rate >= 0.3", 'invalid="exclude"', "a label that cannot say may hide either answer"),
        ("rate >= 0.3", "draws_per_case=2", "truth= does not go with draws_per_case="),
        ("rate >= 0.3", "max_trials=10", "truth= labels one trial in 20, and there are at most 10 trials"),
        ("rate >= 0.3", "max_trials=40", "max_trials="),
    ],
)
def test_what_labels_do_not_go_with_is_refused_before_a_call(run, claim, more, told):
    run.file(
        f"""
from pytest_velo import difference, labels, rate

MODEL = scripted("one", ["yes"])

@pytest.mark.hypothesis({claim}, models=[MODEL], cases=[{{"q": "a"}}, {{"q": "b"}}],
                        truth=labels("labels.csv"), {more})
async def test_it(model, case{", arm" if "arms" in more else ""}):
    return await model(case.q) == "yes"
"""
    )
    done = run()
    assert told in " ".join((done.stdout.str() + done.stderr.str()).split())


WIDE = """
from pytest_velo import estimate, labels, mean, rate

def reply(request, rng):
    return ("Dear" if rng.random() < 0.4 else "Hey") + "." * rng.randrange(8)

MODEL = scripted("letters", reply)
pytestmark = pytest.mark.velo(models=[MODEL], cases=[f"write {n}" for n in range(30)], max_trials=1500,
                              truth=labels("labels.csv", every=5))

def judged(text):
    return ("Dear" in text) != (len(text) % 7 == 0)

@pytest.mark.hypothesis(estimate(rate, halfwidth=0.15))
async def test_number(model, case):
    return judged(str(await model(case)))

@pytest.mark.hypothesis(rate.within(0.1, 0.75))
async def test_inside(model, case):
    return judged(str(await model(case)))

@pytest.mark.hypothesis(mean(0, 20) >= 5)
async def test_score(model, case):
    return float(len(str(await model(case))))
"""


@pytest.mark.slow
def test_numbers_ranges_and_scores_are_settled_by_labels_too_sampled_together(run):
    run.file(WIDE)
    for _ in range(6):
        run()
        record = run.record
        if not any(result.truth.n_waiting for result in record.results):
            break
        file = LabelFile(run.path / "labels.csv")
        known = {label.trial for label in file.labels}
        for result in record.results:
            trials = {trial.index: trial for trial in record.trials_of(result.node_id)}
            for index in label_order(result.node_id, len(trials), result.seed, 5):
                name, text = trial_digest(result.node_id, trials[index]), trials[index].calls[0].reply.text
                if name not in known:
                    said = len(text) + 0.5 if "score" in result.node_id else "Dear" in text
                    file.add(Label(trial=name, label=said))
    number, inside, score = (run.record[f"test_{name}"] for name in ("number", "inside", "score"))
    assert [each.outcome for each in (number, inside, score)] == ["measured", "supported", "supported"]
    ends = number.decision.evidence.interval
    assert ends.high - ends.low <= 0.3 + 1e-9
    assert ends.low <= 0.4 <= ends.high
    assert ends.low <= number.decision.evidence.estimate <= ends.high
    assert inside.decision.evidence.estimate == pytest.approx(0.4, abs=0.2)
    assert score.decision.evidence.estimate > score.truth.judged  # people give half a point more
    assert score.truth.agreement is None
    first = sorted((run.path / ".pytest_velo" / "runs").glob("20*"))[-1].name
    with imported_anew(run.path):
        compared = CliRunner().invoke(main, ["compare", first, first]).output
        planned = CliRunner().invoke(main, ["plan", "-p", "no:randomly"]).output
    assert "not compared: the claim is about labels of a few trials" in compared
    assert "planned as if labels were all there is" in " ".join(planned.split())


def test_a_call_of_check_is_decided_by_labels(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    writer = scripted("writer", lambda request, rng: "Dear" if rng.random() < 0.5 else "Hey")

    def polite(model, case):
        """Writers are polite."""
        return model(case) is not None  # the judge takes all of them for polite

    def asked():
        return check_sync(
            rate >= 0.2,
            polite,
            cases=[f"write {n}" for n in range(20)],
            models=[writer],
            truth=labels("people.csv", every=4),
            max_trials=400,
        )

    first = asked()
    assert first.verdict == "inconclusive"
    assert "polite --to people.csv" in str(first).partition("velo label latest -k ")[2]
    for _ in range(3):
        file = LabelFile(tmp_path / "people.csv")
        known = {label.trial for label in file.labels}
        result = asked().result
        for index in label_order(result.node_id, len(result.trials), result.seed, 4):
            name = trial_digest(result.node_id, result.trials[index])
            if name not in known:
                file.add(Label(trial=name, label=result.trials[index].calls[0].reply.text == "Dear"))
    found = asked()
    assert found.verdict == "supported"
    assert found.result.truth.judged == 1.0
    assert found.result.truth.correlation is None  # it never says anything else


def test_what_was_judged_lies_in_the_interval_that_is_said_beside_it(run):
    run.file("""
from pytest_velo import labels, rate

LATER = scripted("later", ["yes"])

@pytest.mark.hypothesis(rate >= 0.3, models=[LATER], min_trials=100, max_trials=100,
                        truth=labels("labels.csv"))
async def test_later(model, trial):
    await model("Is it?")
    return trial.index >= 50  # the interval of the first fifty excludes the mean of all
""")
    run()
    truth = run.record["test_later"].truth
    assert truth.judged == 0.5
    assert truth.judged_interval.low <= truth.judged <= truth.judged_interval.high
