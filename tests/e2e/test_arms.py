"""Means, differences between arms, and models as arms, as a researcher writes them."""

from __future__ import annotations

import pytest

IMPORTS = "from pytest_velo import difference, mean\n"
CAVES = (
    IMPORTS
    + """
ECHO = scripted("echo", lambda request: request.messages[-1]["content"])

@pytest.mark.hypothesis(
    difference("hinted", "plain") >= 0.1, arms=("plain", "hinted"), cases=["7 + 5?", "8 + 4?"], models=[ECHO]
)
async def test_a_hint_moves_the_answer(model, case, arm):
    "A hint moves the answer."
    hint = " A friend says 13." if arm == "hinted" else ""
    return (await model(case + hint)).answers("13")
"""
)
SCORES = (
    IMPORTS
    + """
SCORE = scripted("score", lambda request, rng: f"{rng.uniform(6, 10):.1f}")

@pytest.mark.hypothesis(mean(0, 10) >= 9, models=[SCORE])
def test_essays_are_great(model):
    return float(model("An essay").text)
"""
)


def test_a_difference_is_supported_and_both_arms_are_in_the_record(run):
    run.file(CAVES)
    result = run()
    assert result.ret == 0
    result.stdout.fnmatch_lines(['*difference("hinted", "plain") >= 0.1 *1.00*'])
    (recorded,) = run.record.results
    assert recorded.scope == "over these 2 cases, paired on the case"
    assert recorded.decision.certified == 'difference("hinted", "plain") > 0.1'
    assert [trial.arm for trial in recorded.trials[:2]] == ["plain", "hinted"]
    assert recorded.decision.evidence.arms == {"plain": 0.0, "hinted": 1.0}
    assert len(recorded.trials) == 2 * recorded.decision.evidence.n


def test_a_refuted_difference_shows_pairs_with_the_mean_of_each_arm(run):
    run.file(CAVES.replace('difference("hinted", "plain")', 'difference("plain", "hinted")'))
    result = run()
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        [
            'refuted: difference("plain", "hinted") < 0.1 (a true claim is refuted at most 5% of the time)',
            "*trials     5 pairs: plain better in 0, hinted better in 5, alike in 0; 0 invalid, of at most*",
            "*observed   difference -1.00 (plain 0.00, hinted 1.00)*",
            "pairs, those that differ first (first 3 of 5; --velo-show=5 shows all)",
            "  case * · repeat 0 · plain 0, hinted 1",
            "*arm plain*",
            "*arm hinted*",
            "*5 pairs: plain better in 0, hinted better in 5, alike in 0",
        ]
    )
    (recorded,) = run.record.results
    pairs = recorded.decision.evidence.pairs
    assert (pairs.n_first, pairs.n_second, pairs.n_equal, pairs.n) == (0, 5, 0, 5)


def test_a_mean_is_shown_in_its_own_units(run):
    run.file(SCORES)
    result = run()
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["refuted: mean(0, 10) < 9*", "*observed   mean 7.*", "*outcome    6*"])
    interval = run.record["essays"].decision.evidence.interval
    assert 1 < interval.low < 7 < interval.high <= 9


def test_two_models_are_two_arms(run):
    run.file(
        IMPORTS
        + """
@pytest.mark.hypothesis(difference("scripted/yes", "scripted/no") >= 0.3)
def test_the_first_agrees_more(model):
    return model("Agree?").answers("yes")
"""
    )
    assert run().ret == 0
    (recorded,) = run.record.results
    assert recorded.model == "scripted/yes and scripted/no"
    assert recorded.trials[1].calls[0].model == "scripted/no"


@pytest.mark.processes
def test_a_difference_is_the_same_under_two_workers(run):
    run.file(CAVES + SCORES)
    run()
    alone = {r.node_id: (r.decision.verdict, r.decision.evidence) for r in run.record.results}
    run("-n", "2")
    assert {r.node_id: (r.decision.verdict, r.decision.evidence) for r in run.record.results} == alone


BODY = "\ndef test_h(model, arm):\n    return model(arm).answers('yes')\n"


@pytest.mark.parametrize(
    ("mark", "body", "said", "fix"),
    [
        ('difference("a", "b") >= 0.1', BODY, "compares arms, but arms= is missing", "arms=('a', 'b')"),
        ('difference("a", "c") >= 0.1, arms=("a", "b")', BODY, "there is no arm 'c'", "known: a, b"),
        ('rate >= 0.1, arms=("a", "b")', BODY, "arms= is for differences", "difference("),
        ('difference("a", "b") >= 0.1, arms=("a",)', BODY, "two or more different names", "arms"),
        (
            'difference("a", "b") >= 0.1, arms=("a", "b")',
            BODY.replace(", arm", "").replace("(arm)", "('x')"),
            "the arms cannot differ",
            "make `arm` an argument",
        ),
        ("rate >= 0.1", BODY, "uses `arm`, but the mark has no arms", "arms=("),
        ('difference("a", "a") >= 0.1', BODY, "two different arms", "difference("),
        ('difference("a", "b") >= 2', BODY, "between -1 and 1", "inside the range"),
        ("mean(10, 0) >= 2", BODY, "not a range of scores", "mean(0, 10)"),
        ("mean(0, 10) >= 7, margin=8", BODY.replace(", arm", ""), "margin 8", "margin below 7"),
        ("mean(0, 10) >= 7, expect=0.5", BODY.replace(", arm", ""), "expect= needs", "leave it out"),
    ],
)
def test_what_cannot_be_compared_is_refused_before_any_call(run, mark, body, said, fix):
    run.file(f"{IMPORTS}@pytest.mark.hypothesis({mark}, models=[YES])".replace("\n@", "\n\n@") + body)
    result = run()
    assert result.ret in (pytest.ExitCode.INTERRUPTED, pytest.ExitCode.USAGE_ERROR)
    text = result.stdout.str() + result.stderr.str()
    assert said in text
    assert fix in text
    assert run.n_runs == 0


def test_an_assert_in_a_body_about_a_mean_is_an_error(run):
    run.file(SCORES.replace("return float", "assert 11 < float"))
    assert run().ret == pytest.ExitCode.TESTS_FAILED
    assert run.outcomes == ["error"]


def test_a_score_outside_its_range_is_an_error_and_no_outcome(run):
    run.file(SCORES.replace("uniform(6, 10)", "uniform(11, 12)"))
    result = run()
    result.stdout.fnmatch_lines(["*the claim is about mean(0, 10)*"])
    assert run.outcomes == ["error"]
