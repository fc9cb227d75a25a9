from pathlib import Path

import pytest

from pytest_velo import check_sync, covariate, difference, learned, rate, recorded
from pytest_velo.case_sets import load
from pytest_velo.designing.earlier_runs import outcomes_by_case
from pytest_velo.designing.frame import make_frame
from pytest_velo.designing.spec import checked, make_spec
from pytest_velo.errors import UsageError
from pytest_velo.records import OutcomeKind, TrialRecord
from pytest_velo.settings import Settings

ROWS = [{"id": f"q{level}", "question": "?", "level": level, "easy": level < 4} for level in range(10)]


def is_easy(case):
    return case.level < 7


def frame_with(source, rows=ROWS, **options):
    cases = load(rows, base=Path())
    spec = make_spec(rate >= 0.5, checked({"cases": rows, "covariate": source, **options}, "the mark"))
    return make_frame(spec, cases, Settings())


def test_centres_lie_around_the_mean_of_the_list_in_widths_of_its_range():
    known = frame_with("level").covariate
    assert known.foresight["q0"] == pytest.approx(-0.5)
    assert known.foresight["q9"] == pytest.approx(0.5)
    assert sum(known.foresight.values()) == pytest.approx(0.0, abs=1e-15)
    assert known.centring.low == pytest.approx(-0.5)
    assert known.centring.variance == pytest.approx(sum(c**2 for c in known.foresight.values()) / 10)
    assert known.explained == pytest.approx(0.25)
    assert not known.declared


def test_the_scale_of_a_covariate_does_not_matter_but_its_numbers_do():
    known = frame_with("level").covariate
    other = frame_with(lambda case: 1e6 - 3.0 * case.level).covariate
    assert other.foresight["q0"] == pytest.approx(-known.foresight["q0"])
    assert known.digest != other.digest
    assert frame_with("easy").covariate.foresight["q0"] == pytest.approx(0.6)


def test_a_covariate_that_is_the_same_for_every_case_is_not_used():
    known = frame_with(lambda case: 3).covariate
    assert set(known.foresight.values()) == {0.0}
    assert known.centring.variance == 0.0


def test_what_is_declared_is_expected():
    known = frame_with(covariate("level", correlation=-0.8)).covariate
    assert known.explained == pytest.approx(0.64)
    assert known.declared


@pytest.mark.parametrize(
    ("source", "word", "fix"),
    [
        ("lvel", "'q0', 'q1', 'q2' and 7 more", "level"),
        ("question", "of case 'q0' is no number: '?'", "finite"),
        (lambda case: 1 / (case.level - 7), "on case 'q7': ZeroDivisionError", "a number for each case"),
        (lambda case: None if case.level == 3 else 1, "no number for case 'q3'", "missing=0.5"),
        (lambda case: float("nan"), "of case 'q0' is no number", "finite"),
    ],
    ids=["misspelt", "text", "raises", "none", "nan"],
)
def test_a_case_without_a_number_is_named(source, word, fix):
    with pytest.raises(UsageError) as caught:
        frame_with(source)
    assert word in str(caught.value)
    assert fix in caught.value.fix


@pytest.mark.parametrize(
    ("source", "fix"), [("lvel", "did you mean 'level'?"), (lambda case: None, "a number for each case")]
)
def test_what_stands_for_a_missing_number_does_not_stand_for_all_of_them(source, fix):
    """A misspelt field with `missing=` was the same number for every case, in silence."""
    with pytest.raises(UsageError) as caught:
        frame_with(covariate(source, missing=3))
    assert "has no number for any of the 10 cases" in caught.value.what
    assert fix in caught.value.fix
    assert "missing=" not in caught.value.fix


@pytest.mark.parametrize("source", ["level", learned("level"), covariate("level", missing=1)], ids=str)
def test_cases_without_fields_have_no_field_to_misspell(source):
    """The fix was `there is none yet`."""
    with pytest.raises(UsageError) as caught:
        frame_with(source, ["a", "b", "c"])
    assert caught.value.fix.startswith("the cases have no fields: give each as {")


def test_a_field_that_is_empty_everywhere_is_not_taken_for_a_typo():
    with pytest.raises(UsageError) as caught:
        frame_with("level", [{**row, "level": None} for row in ROWS])
    assert "did you mean" not in caught.value.fix
    assert "missing=0.5" in caught.value.fix


def test_learned_without_its_parentheses_is_shown_with_them():
    with pytest.raises(UsageError) as caught:
        frame_with(learned)
    assert "learned()" in caught.value.fix


def test_what_stands_for_a_missing_number_is_said_by_the_author():
    rows = [*ROWS[:-1], {"id": "q9", "question": "?"}]
    with pytest.raises(UsageError, match="'q9'"):
        frame_with("level", rows)
    assert frame_with(covariate("level", missing=4), rows).covariate.foresight["q9"] == pytest.approx(0.0)


def test_a_population_has_no_known_mean():
    with pytest.raises(UsageError, match="a list of cases that the claim is about"):
        frame_with("level", over="population")


@pytest.mark.parametrize("value", [1.5, float("nan"), True, "strong"], ids=str)
def test_a_correlation_is_a_number_from_minus_one_to_one(value):
    with pytest.raises(UsageError, match="from -1 to 1"):
        covariate("level", correlation=value)


TOPICS = [{"id": f"q{n}", "question": "?", "topic": topic} for n, topic in enumerate(["a", "a", "a", 7])]


def test_what_is_learned_are_the_cases_or_their_kinds_with_their_shares_of_the_list():
    cases, topics = frame_with(learned()).covariate, frame_with(learned("topic"), TOPICS).covariate
    assert cases.foresight.shares == {f"q{n}": 0.1 for n in range(10)}
    assert cases.foresight.of_cases["q3"] == "q3"
    assert topics.foresight.of_cases == {"q0": "a", "q1": "a", "q2": "a", "q3": "7"}
    assert topics.foresight.shares == {"a": 0.75, "7": 0.25}
    assert topics.centring.learning.least_share == 0.25
    assert cases.digest != topics.digest


def test_learning_is_expected_to_tell_less_the_more_there_is_to_learn():
    short, long = (frame_with(learned(), ROWS, max_trials=n).covariate.explained for n in (400, 20))
    assert long < 0.15 < short < 0.49
    assert frame_with(covariate(learned(), correlation=0.9)).covariate.explained > short


@pytest.mark.parametrize(
    ("by", "rows", "word", "fix"),
    [
        ("topik", TOPICS, "'q0' has no kind: nothing is in its field 'topik'", "topic"),
        ("topic", [*TOPICS, {"id": "q9"}], "'q9' has no kind", "learned()"),
        ("topic", [{"id": "x", "topic": ["a"]}], "is ['a']", "a text or a number"),
    ],
)
def test_a_case_of_no_kind_is_named(by, rows, word, fix):
    with pytest.raises(UsageError) as caught:
        frame_with(learned(by), rows)
    assert word in str(caught.value)
    assert fix in caught.value.fix


def test_what_learning_does_not_take_is_refused():
    with pytest.raises(UsageError, match="kinds of cases are learned"):
        covariate(learned("topic"), missing=0.5)
    with pytest.raises(UsageError, match="expected a field of the cases"):
        learned("")
    for bare in (learned, covariate(learned)):
        with pytest.raises(UsageError, match="with its parentheses"):
            frame_with(bare)
    with pytest.raises(UsageError, match="a list of cases that the claim is about"):
        frame_with(learned(), over="population")


def test_check_learns_cases(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = check_sync(rate >= 0.55, is_easy, cases=ROWS, covariate=learned(), max_trials=400)
    seen = found.result.covariate
    assert seen.used
    assert seen.correlation > 0.5
    assert {case_id for case_id, centre in seen.centres.items() if centre < 0} == {"q7", "q8", "q9"}
    assert seen.shares == dict.fromkeys(seen.kinds.values(), 0.1)
    assert "learned by case" in found._repr_html_()


def trial(case_id, repeat, value, arm="", kind=OutcomeKind.VALUE):
    return TrialRecord(
        index=0, case_id=case_id, repeat=repeat, seed=0, kind=kind, values={"": value}, arm=arm
    )


def test_of_an_earlier_run_valid_outcomes_count_and_of_a_difference_whole_pairs():
    trials = [
        trial("a", 0, 1.0, "x"),
        trial("a", 0, 0.0, "y"),
        trial("a", 1, 1.0, "x"),
        trial("b", 0, 0.0, kind=OutcomeKind.INVALID),
    ]
    assert outcomes_by_case(trials, (difference("x", "y") >= 0).statistic) == {"a": [1.0]}
    assert outcomes_by_case(trials, (rate >= 0.5).statistic) == {"a": [0.5, 1.0]}


def test_check_takes_a_covariate_and_refuses_one_without_cases(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="needs cases"):
        check_sync(rate >= 0.5, is_easy, covariate="level")
    found = check_sync(rate >= 0.3, is_easy, cases=ROWS, covariate="level", max_trials=99)
    assert found.result.covariate.used
    assert found.result.covariate.correlation < 0


def test_a_run_is_named_by_its_id_or_its_folder():
    assert recorded(Path("a") / "b", test="test_x").run == str(Path("a") / "b")
