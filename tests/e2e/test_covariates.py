"""Covariates: where their numbers come from, what is said of them, and what is refused before a call."""

from __future__ import annotations

from dataclasses import replace

import pytest
from click.testing import CliRunner

from pytest_velo import covariate, rate, recorded
from pytest_velo.case_sets import load as load_cases
from pytest_velo.cli.main import main
from pytest_velo.designing.frame import make_frame
from pytest_velo.designing.spec import make_spec
from pytest_velo.errors import UsageError
from pytest_velo.report.page.path import path_of
from pytest_velo.settings import Settings
from support.importing import imported_anew

HEAD = """
from pytest_velo import covariate, difference, mean, rate, recorded, estimate

def reply(request, rng):
    level = int(request.messages[-1]["content"].split()[-1])
    return "yes" if rng.random() < 1 - level / 60 else "no"

PUPIL, OTHER = scripted("pupil", reply), scripted("other", reply)
CASES = [{"id": f"q{level}", "question": f"level {level}", "level": level} for level in range(50)]
"""


def body(name, claim, more, of="PUPIL"):
    return f"""
@pytest.mark.hypothesis({claim}, models=[{of}], cases=CASES, {more})
async def test_{name}(model, case):
    return (await model(case.question)).text == "yes"
"""


def test_a_verdict_with_a_covariate_is_said_recorded_drawn_and_planned(run, monkeypatch):
    run.file(
        HEAD
        + body("used", "rate >= 0.5", 'covariate="level", max_trials=300')
        + body("weak", "rate >= 0.5", 'covariate=covariate("level", correlation=0.1), max_trials=300')
        + body("inside", "rate.within(0.2, 0.95)", "covariate=lambda case: case.level, max_trials=300")
        + """
@pytest.mark.hypothesis(difference("a", "b") >= -0.2, arms=("a", "b"), models=[PUPIL], cases=CASES,
                        covariate="level", draws_per_case=2, max_trials=300)
async def test_pairs(model, case, arm):
    return (await model(f"{arm} {case.question}")).text == "yes"
"""
    )
    said = run().stdout.str()
    record = run.record
    used, weak, pairs = record["test_used"], record["test_weak"], record["test_pairs"]
    assert run.outcomes == ["supported"] * 4
    assert "covariate level: correlation -0." in said
    assert "(an estimate)" in said
    assert "the verdict does not use it" in said
    seen = used.covariate
    assert seen.used
    assert seen.correlation < 0
    assert 0.4 < seen.adjusted < 0.8
    assert used.decision.evidence.rule == "ville"
    assert not weak.covariate.used
    assert weak.decision.evidence.rule == "calibrated"
    assert pairs.covariate.used
    assert record["test_inside"].covariate.name == "a function of the case"
    drawn = {trial.case_id for trial in used.trials}
    assert set(seen.centres) == drawn
    for result in (used, weak, pairs, record["test_inside"]):  # the page follows the rule along its trials
        path = path_of(replace(result.without_trials, trials=result.trials))
        assert path is not None
        assert path.followed
    again = run("-n", "2").stdout.str()
    assert "test_used" in again
    workers = {result.node_id: (result.outcome, result.covariate) for result in run.record.results}
    assert workers == {result.node_id: (result.outcome, result.covariate) for result in record.results}
    monkeypatch.setenv("COLUMNS", "200")
    with imported_anew(run.path):
        planned = CliRunner().invoke(main, ["plan", "-p", "no:randomly"]).output
        scored = CliRunner().invoke(main, ["rescore", "-p", "no:randomly"]).output
    assert "a correlation of 0.50 with the outcomes is assumed, which saves about 12%" in planned
    assert "which is too little" in planned
    assert "rror" not in scored


LEARNED = """
from pytest_velo import covariate, difference, learned, rate

def reply(request, rng):
    level = int(request.messages[-1]["content"].split()[-1])
    return "yes" if rng.random() < (0.97 if level % 3 else 0.1) else "no"

PUPIL = scripted("pupil", reply)
CASES = [{"id": f"q{level}", "question": f"level {level}", "topic": level % 3} for level in range(12)]
"""


def test_cases_are_learned_while_the_trials_come(run):
    run.file(
        LEARNED
        + body("case", "rate >= 0.55", "covariate=learned(), max_trials=400")
        + body(
            "topic", "rate >= 0.55", 'covariate=covariate(learned("topic"), correlation=0.8), max_trials=400'
        )
        + body("long", "rate >= 0.3", "covariate=learned(), max_trials=20")
        + body("inside", "rate.within(0.3, 0.95)", "covariate=learned(), max_trials=400, draws_per_case=2")
        + """
@pytest.mark.hypothesis(difference("a", "b") >= -0.2, arms=("a", "b"), models=[PUPIL], cases=CASES,
                        covariate=learned(), max_trials=400)
async def test_pairs(model, case, arm):
    return (await model(f"{arm} {case.question}")).text == "yes"


@pytest.mark.hypothesis(rate >= 0.4, models=[PUPIL], cases=CASES, covariate=learned(), max_trials=400)
async def test_invalid(model, case, trial):
    if trial.index % 10 == 0:
        pytest.skip("no matter")
    return (await model(case.question)).text == "yes"
"""
    )
    said = run().stdout.str()
    record = run.record
    assert run.outcomes == ["supported"] * 6, said
    assert "covariate learned by case: correlation 0." in said
    assert "was expected on average while it is learned, and the calibrated rule" in " ".join(said.split())
    seen, topics = record["test_case"].covariate, record["test_topic"].covariate
    assert seen.used
    assert topics.used
    assert not record["test_long"].covariate.used
    assert seen.kinds == {case_id: case_id for case_id in seen.centres}
    assert sum(seen.shares.values()) == pytest.approx(1.0)
    assert topics.shares == {str(topic): pytest.approx(1 / 3) for topic in range(3)}
    assert topics.centres["q0"] < -0.4
    for result in record.results:  # the page follows the rule along its trials
        path = path_of(replace(result.without_trials, trials=result.trials))
        assert path is not None
        assert path.followed, result.node_id


def test_the_draws_are_those_of_the_same_test_without_learning(run):
    run.file(LEARNED + body("same", "rate >= 0.55", "max_trials=60"))
    run()
    first = run.record["test_same"]
    run.file(LEARNED + body("same", "rate >= 0.55", "max_trials=60, covariate=learned()"))
    run("--velo-mode=replay")
    again = run.record["test_same"]
    n = min(len(first.trials), len(again.trials))
    assert n > 5
    for one, other in zip(first.trials[:n], again.trials[:n], strict=True):
        assert (one.case_id, one.repeat, one.values) == (other.case_id, other.repeat, other.values)


def test_the_outcomes_of_an_earlier_run_are_a_covariate_unless_they_are_judged_themselves(run):
    run.file(HEAD + body("seen", "rate >= 0.2", 'over="population"'), "test_first.py")
    run("test_first.py")
    first = run.record.folder.name
    given = f'covariate=covariate(recorded("{first}"), missing=0.5)'
    run.file(
        HEAD
        + body("other", "rate >= 0.2", given, "OTHER")
        + body("anew", "rate >= 0.2", f'{given}, stream="judged"'),
        "test_second.py",
    )
    run("test_second.py")
    assert run.outcomes == ["supported", "supported"]
    assert run.record["test_other"].covariate.name == f"recorded in {first}"
    settings = Settings(cache_dir=run.path / ".pytest_velo")
    cases = load_cases([{"id": f"q{level}", "level": level} for level in range(50)], base=run.path)

    def refused(source, model, **options):
        spec = make_spec(rate >= 0.2, {"cases": [], "covariate": source, **options})
        with pytest.raises(UsageError) as caught:
            make_frame(spec, cases, settings, model=model)
        return str(caught.value)

    again, seen = run.record.folder.name, f'recorded("{first}")  # 10 of 50 cases, test_seen, scripted/pupil'
    assert seen in refused(covariate(recorded("latest"), missing=0.5), "scripted/other")
    assert seen in refused(recorded("2026"), "scripted/other")
    itself = refused(covariate(recorded(first), missing=0.5), "scripted/pupil")
    assert "the very draws that are judged" in itself
    assert 'stream="judged"' in itself
    holes = refused(recorded(first), "scripted/other")
    assert "has no number for case 'q" in holes
    assert "missing=0.5" in holes
    assert seen in holes
    assert "no hypothesis fits" in refused(recorded(first, test="test_x"), "scripted/other")
    both = refused(recorded(run.record.folder), "scripted/third")
    assert f'recorded("{again}", test="test_anew")  # ' in both
    assert f'recorded("{again}", test="test_other")  # ' in both
    assert "test_other" not in refused(recorded("latest"), "scripted/other"), "that is what is judged"


def test_a_run_of_other_cases_is_no_covariate_and_an_error_says_which_run_is(run):
    """Lists without ids were matched by position, whatever they held."""

    def asked(things, of="pupil", keywords="over='population', min_trials=8, max_trials=8"):
        return f"""
from pytest_velo import covariate, rate, recorded
MODEL = scripted("{of}", lambda request: "yes" if int(request.messages[-1]["content"][-1]) % 3 else "no")
@pytest.mark.hypothesis(rate >= 0.5, models=[MODEL], cases={things}, {keywords})
async def test_{of}(model, case):
    return (await model(case["q"])).text == "yes"
"""

    ours, theirs = ([{"q": f"{word} {n}"} for n in range(8)] for word in ("our", "their"))
    for things in (ours, theirs):
        run.file(asked(things), "test_pupils.py")
        run("test_pupils.py")
    right, wrong = sorted(folder.name for folder in run.record.folder.parent.glob("2*"))
    given = "covariate=covariate(recorded({!r}), missing=0.5)"
    run.file(asked(ours, "other", given.format(wrong)), "test_others.py")
    ended = run("test_others.py")
    refused = ended.stdout.str() + ended.stderr.str()
    assert f'recorded("{wrong}") answers none of these 8 cases' in refused
    told = f'fix: paste this:\n    recorded("{right}")  # all 8 cases, test_pupil, scripted/pupil'
    assert told in refused

    edited = [{"q": "our new 9"}, *ours[3::-1]]  # 0 and 3 came out as 0
    run.file(asked(edited, "other", given.format(right)), "test_others.py")
    run("test_others.py")
    result = run.record["test_other"]
    centres = {trial.case["q"]: result.covariate.centres[trial.case_id] for trial in result.trials}
    told = {"our 0": 0.0, "our 1": 1.0, "our 2": 1.0, "our 3": 0.0, "our new 9": 0.5}
    assert centres == pytest.approx({question: number - 0.5 for question, number in told.items()})


CHEAP_AND_DEAR = """
from pytest_velo import covariate, rate, recorded

def answers(slips):
    def reply(request, rng):
        knows = int(request.messages[-1]["content"].split()[-1]) * 37 % 100 < 55
        return "right" if knows != (rng.random() < slips) else "wrong"
    return reply

CHEAP, DEAR = scripted("cheap", answers(0.08)), scripted("dear", answers(0.0))
CASES = [{"id": f"q{n}", "question": f"question {n}"} for n in range(100)]

@pytest.mark.hypothesis(MARK)
async def test_it(model, case):
    return (await model(case.question)).text == "right"
"""


def test_a_cheap_model_that_went_first_saves_trials_of_a_dear_one(run):
    def mark(keywords):
        return CHEAP_AND_DEAR.replace("MARK", f"{keywords}, cases=CASES")

    every = 'rate >= 0.5, models=[CHEAP], over="population", min_trials=100, max_trials=100'
    run.file(mark(every), "test_cheap.py")
    said = run("test_cheap.py").stdout.str()
    assert len(run.record["test_it"].trials) == 100
    words = f'recorded("{run.record.folder.name}")'
    assert f"\ncovariate of 100 cases: {words}\n" in said
    assert CliRunner().invoke(main, ["report", "-o", str(run.path / "page.html")]).exit_code == 0
    assert "covariate of 100 cases" in (run.path / "page.html").read_text(encoding="utf-8")
    dear = "rate >= 0.45, models=[DEAR], max_trials=500"
    known = f'covariate(recorded("{run.record.folder.name}"), correlation=0.8)'
    run.file(mark(f"{dear}, covariate={known}"), "test_dear.py")
    assert "covariate of" not in run("test_dear.py").stdout.str()
    n_with = len(run.record["test_it"].trials)
    run.file(mark(dear), "test_alone.py")
    run("test_alone.py")
    assert run.outcomes == ["supported"]
    assert n_with < 0.6 * len(run.record["test_it"].trials)


def test_keywords_that_do_not_go_with_a_covariate_are_refused_in_words(mistakes):
    said = mistakes.files(
        {
            name: HEAD + body(name, claim, more)
            for name, claim, more in [
                ("joint", '(rate("x") >= 0.5) & (rate("y") <= 0.9)', 'covariate="level"'),
                ("estimate", "estimate(rate, halfwidth=0.1)", 'covariate="level"'),
                ("excluded", "rate >= 0.5", 'covariate="level", invalid="exclude"'),
                ("once", "rate >= 0.5", 'covariate="level", once=True'),
                ("kind", "rate >= 0.5", "covariate=3"),
            ]
        }
    )
    words = {
        "joint": "one rate, mean or difference",
        "estimate": "one rate, mean or difference",
        "excluded": 'does not go with invalid="exclude"',
        "once": "once=True looks at each once",
        "kind": "expected a field of the cases, a function of the case, recorded(...), or learned(...)",
    }
    told = {name: " ".join(text.split()) for name, text in said.items()}
    assert ("each part" in told["joint"], "each part" in told["estimate"]) == (True, False)  # it has none
    assert {name: word in told[name] for name, word in words.items()} == dict.fromkeys(words, True), told
