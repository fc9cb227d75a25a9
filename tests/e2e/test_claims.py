"""Joint claims, estimates, censuses, ceilings: each verdict in terminal, run record and exit code."""

from __future__ import annotations

import re

import pytest

IMPORTS = "from pytest_velo import difference, estimate, mean\n"
COIN = (
    IMPORTS
    + """
COIN = scripted("coin", lambda request, rng: "yes" if rng.random() < 0.3 else "no")
SCORE = scripted("score", lambda request, rng: f"{rng.uniform(7, 9):.1f}")
LIST = [f"question {n}" for n in range(40)]
"""
)


def hypothesis(mark: str, body: str, arguments: str = "trial") -> str:
    """A test file with one hypothesis."""
    return f"{COIN}\n\n@pytest.mark.hypothesis({mark})\ndef test_h({arguments}):\n    {body}\n"


def only(run):
    """The only result of the latest run."""
    (result,) = run.record.results
    return result


def evidence_of(result):
    """What came of a hypothesis, without what happened to be in flight."""
    decision = result.decision
    return decision.verdict, decision.certified, decision.evidence, decision.parts


def text_of(result: pytest.RunResult) -> str:
    """Everything that was printed, on one line, as wrapping does not matter."""
    return re.sub(r"\s+", " ", result.stdout.str() + result.stderr.str())


JOINT = '(rate("bad") <= 0.2) & (mean(0, 10, "help") >= {})'
BOTH = 'return {{"bad": trial.rng.random() < {}, "help": trial.rng.uniform(7, 9)}}'


@pytest.mark.parametrize(
    ("claim", "bad", "verdict", "parts"),
    [
        (JOINT.format(6), 0.02, "supported", ["supported", "supported"]),
        (JOINT.format(9.3), 0.02, "refuted", ["inconclusive", "refuted"]),
        (JOINT.format(7.5), 0.6, "refuted", ["refuted", "inconclusive"]),
        (JOINT.format(7.9), 0.02, "inconclusive", ["supported", "inconclusive"]),
    ],
)
def test_a_joint_claim_shows_the_verdict_of_each_part(run, claim, bad, verdict, parts):
    run.file(hypothesis(claim + ", max_trials=60", BOTH.format(bad)))
    result = run("-v")
    recorded = only(run)
    assert recorded.outcome == verdict
    assert result.ret == (pytest.ExitCode.TESTS_FAILED if verdict == "refuted" else 0)
    assert [part.verdict for part in recorded.decision.parts] == parts
    assert [part.claim for part in recorded.decision.parts] == claim[1:-1].split(") & (")
    assert recorded.decision.evidence.estimate is None
    text = text_of(result)
    for part in recorded.decision.parts:
        assert part.interval.low <= part.estimate <= part.interval.high
        word = "open" if part.verdict == "inconclusive" else part.verdict
        assert f"{word}: {part.claim}, observed" in text
    assert f"test_it.py::test_h {verdict.upper()}" in text


def test_a_joint_claim_certifies_all_of_its_parts_or_the_one_that_fails(run):
    run.file(hypothesis(JOINT.format(6), BOTH.format(0.02)))
    run()
    assert only(run).decision.certified == 'rate("bad") < 0.2 and mean(0, 10, "help") > 6'
    run.file(hypothesis(JOINT.format(9.5), BOTH.format(0.02)))
    result = run()
    assert only(run).decision.certified == 'mean(0, 10, "help") < 9.5'
    assert 'refuted: mean(0, 10, "help") < 9.5 (a true claim is refuted at most 5% of the time)' in text_of(
        result
    )


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('return {"bad": 1 > 0}', "the claim is about the outcome 'help'"),
        ("return 1 > 0", "the claim is about the outcome 'bad', but the body returned True"),
        (
            'return {"bad": 1 > 0, "help": 11}',
            "the outcome 'help' is 11, but the claim is about mean(0, 10, \"help\")",
        ),
        ("assert trial.index < 0", "an assert failed, but the claim is about several outcomes"),
    ],
)
def test_a_body_that_does_not_give_each_outcome_is_an_error(run, body, said):
    run.file(hypothesis(JOINT.format(6), body))
    result = run()
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert run.outcomes == ["error"]
    assert said in text_of(result)


def test_an_invalid_trial_is_invalid_in_every_part(run):
    body = 'if trial.index % 4 == 0:\n        pytest.skip("odd")\n    ' + BOTH.format(0.02)
    results = {}
    for invalid in ("bound", "exclude", "against"):
        run.file(hypothesis(f"{JOINT.format(3)}, invalid={invalid!r}, max_trials=60", body))
        run()
        results[invalid] = only(run)
    assert results["exclude"].outcome == "supported"
    assert "among valid replies" in results["exclude"].decision.certified
    # A quarter is invalid: that many more may be bad than the fifth which is claimed.
    assert results["bound"].decision.parts[0].verdict == "inconclusive"
    assert results["against"].decision.parts[0].verdict != "supported"


@pytest.mark.parametrize(
    ("mark", "body", "statistic"),
    [
        ("estimate(rate, halfwidth=0.15)", "assert trial.rng.random() < 0.3", "rate"),
        ('estimate(rate("x"), halfwidth=0.15)', 'return {"x": trial.rng.random() < 0.3}', 'rate("x")'),
        ("estimate(mean(0, 10), halfwidth=1.5)", "return trial.rng.uniform(2, 4)", "mean(0, 10)"),
    ],
)
def test_a_number_is_measured_and_passes(run, mark, body, statistic):
    run.file(hypothesis(mark, body))
    result = run("--velo-strict", "-v")
    assert result.ret == 0
    recorded = only(run)
    decision, interval = recorded.decision, recorded.decision.evidence.interval
    assert (recorded.outcome, decision.verdict, decision.stop) == ("measured", "measured", "decided")
    assert (interval.high - interval.low) / 2 <= float(mark.rpartition("=")[2].rstrip(")"))
    assert interval.level == 0.95
    low, high = map(float, decision.certified.split(f" <= {statistic} <= "))
    assert (low, high) == pytest.approx((interval.low, interval.high), abs=0.01)
    assert decision.evidence.p_support is decision.evidence.log_e_support is None
    text = text_of(result)
    assert "test_it.py::test_h MEASURED" in text
    assert "= measured test_h" in text
    assert "1 measured" in text
    design = "of the design of few looks, which ended the sampling: exact"
    kind = "valid at any moment" if statistic.startswith("mean") else design
    assert f"interval {kind}" in text


def test_a_difference_is_measured_pair_by_pair(run):
    run.file(
        hypothesis(
            'estimate(difference("new", "old"), halfwidth=0.3), arms=("old", "new"), cases=LIST',
            'return trial.rng.random() < (0.9 if arm == "new" else 0.4)',
            "trial, case, arm",
        )
    )
    assert run().ret == 0
    decision = only(run).decision
    assert re.fullmatch(r'0\.\d+ <= difference\("new", "old"\) <= 0\.\d+', decision.certified)
    assert decision.evidence.estimate == pytest.approx(
        decision.evidence.arms["new"] - decision.evidence.arms["old"]
    )


def test_a_number_that_is_not_measured_yet_is_inconclusive_and_says_what_it_may_take(run):
    run.file(hypothesis("estimate(rate, halfwidth=0.05), max_trials=100", "assert trial.rng.random() < 0.3"))
    result = run()
    assert result.ret == 0
    assert (only(run).outcome, only(run).decision.stop) == ("inconclusive", "max_trials")
    text = text_of(result)
    assert "inconclusive: estimate(rate, halfwidth=0.05) is not reached yet" in text
    assert "observed rate 0." in text
    assert "100 of at most 100: 100 valid, 0 invalid" in text
    assert "--velo-max-trials" not in text  # the mark would win
    needed = int(re.search(r"set max_trials=(\d+) in its mark", text)[1])
    assert 200 < needed < 1000
    assert needed % 10 == 0
    assert run("--velo-strict").ret == pytest.ExitCode.TESTS_FAILED


def test_an_estimate_bounds_what_invalid_trials_may_have_been(run):
    body = 'if trial.index % 10 == 0:\n        pytest.skip("odd")\n    assert trial.rng.random() < 0.3'
    widths = {}
    for invalid in ("bound", "exclude"):
        run.file(hypothesis(f"estimate(rate, halfwidth=0.01), invalid={invalid!r}", body))
        run()
        ends = only(run).decision.evidence.interval
        widths[invalid] = ends.high - ends.low
        assert only(run).decision.evidence.n_invalid == 20
    assert widths["bound"] >= widths["exclude"] + 0.08


def test_what_an_estimate_needs_names_its_invalid_trials_where_these_are_why(run):
    body = 'if trial.index % 10 == 0:\n        pytest.skip("odd")\n    assert trial.rng.random() < 0.3'
    mark = "estimate(rate, halfwidth={}), max_trials=40, invalid={!r}"
    why = "fewer are enough if you fix the cause of the invalid trials"
    runs = ((0.15, "bound", why), (0.05, "bound", "more open than halfwidth="), (0.1, "exclude", ""))
    for halfwidth, invalid, told in runs:
        run.file(hypothesis(mark.format(halfwidth, invalid), body))
        text = text_of(run())
        assert told in text
        assert (why in text) == (told == why)


@pytest.mark.parametrize(
    ("mark", "body", "verdict", "certified"),
    [
        ("rate <= 0.2, cases=LIST, once=True", "return case.endswith('7')", "supported", "rate <= 0.2"),
        ("rate >= 0.9, cases=LIST, once=True", "return case.endswith('7')", "refuted", "rate < 0.9"),
        (
            "rate.within(0.05, 0.15), cases=LIST, once=True",
            "return case.endswith('7')",
            "supported",
            "0.05 <= rate <= 0.15",
        ),
    ],
)
def test_a_census_is_about_the_recorded_outcomes_and_says_so(run, mark, body, verdict, certified):
    """Each case is looked at once: of the last, nothing is unknown."""
    run.file(hypothesis(mark, body, "case"))
    result = run()
    recorded = only(run)
    assert recorded.outcome == verdict
    assert result.ret == (pytest.ExitCode.TESTS_FAILED if verdict == "refuted" else 0)
    assert recorded.scope == "these 40 recorded outcomes"
    assert recorded.decision.certified == f"{certified} of these recorded outcomes"
    cases = [trial.case_id for trial in recorded.trials]
    assert len({*cases}) == len(cases) <= 40
    assert recorded.max_trials == 40


def test_a_census_that_invalid_trials_leave_open_is_inconclusive(run):
    run.file(
        hypothesis(
            "rate <= 0.1, cases=LIST, once=True",
            'if case.endswith(("3", "7")):\n        pytest.skip("lost")\n    return False',
            "case",
        )
    )
    result = run()
    assert only(run).outcome == "inconclusive"
    text = text_of(result)
    assert re.search(r"\d+ of \d+ trials are invalid: lost", text)
    assert "advice too many outcomes are invalid: fix the cause" in text
    assert "add cases" not in text


GAIN = 'difference("helped", "alone") >= 0.1, cases=LIST, '
CHANCES = 'return trial.rng.random() < {"alone": 0.3, "helped": 0.7, "expert": 0.9}[arm]'


@pytest.mark.parametrize(
    ("more", "share"),
    [
        ('arms=("alone", "helped", "expert"), ceiling="expert"', (0.4, 0.95)),
        ('arms=("alone", "helped"), ceiling=0.9', (0.4, 0.95)),
    ],
)
def test_a_gain_is_shown_as_a_share_of_the_gap_to_the_ceiling(run, more, share):
    run.file(hypothesis(GAIN + more, CHANCES, "case, arm, trial"))
    result = run()
    assert result.ret == 0
    evidence = only(run).decision.evidence
    means = evidence.arms
    top = means.get("expert", 0.9)
    assert evidence.share_of_gap == pytest.approx((means["helped"] - means["alone"]) / (top - means["alone"]))
    assert share[0] < evidence.share_of_gap < share[1]
    assert "of the gap)" in text_of(result)


def test_a_ceiling_that_is_no_higher_leaves_no_gap(run):
    run.file(hypothesis(GAIN + 'arms=("alone", "helped"), ceiling=0.1', CHANCES, "case, arm, trial"))
    result = run()
    assert only(run).decision.evidence.share_of_gap is None
    assert "of the gap" not in text_of(result)


@pytest.mark.processes
def test_claims_of_every_kind_are_the_same_under_two_workers(run):
    tests = [
        hypothesis(JOINT.format(6), BOTH.format(0.02)),
        hypothesis("estimate(rate, halfwidth=0.15)", "assert trial.rng.random() < 0.3"),
        hypothesis("rate <= 0.2, cases=LIST, once=True", "return case.endswith('7')", "case"),
        hypothesis(GAIN + 'arms=("alone", "helped"), ceiling=0.9', CHANCES, "case, arm, trial"),
    ]
    for number, source in enumerate(tests):
        run.file(source, f"test_{number}.py")
    run()
    alone = {result.node_id: evidence_of(result) for result in run.record.results}
    assert len(alone) == len(tests)
    run("-n", "2")
    assert {result.node_id: evidence_of(result) for result in run.record.results} == alone


def test_an_edited_threshold_or_halfwidth_is_no_new_design(run):
    body = "assert model('q') == 'yes'"
    source = hypothesis("estimate(rate, halfwidth=0.2), models=[COIN]", body, "model")
    run.file(source)
    run()
    run.file(source.replace("0.2)", "0.15)"))
    run()
    assert not [notice for notice in only(run).notices if "exploratory" in notice]


@pytest.mark.parametrize(
    ("mark", "body", "error"),
    [
        ("estimate(rate, halfwidth=0.05), max_trials={}", "assert trial.rng.random() < 0.3", "10.0%"),
        (
            '(rate("a") <= 0.31) & (rate("b") <= 0.9), max_trials={}',
            'return {"a": trial.rng.random() < 0.3, "b": 0}',
            "10.0%",
        ),
        (
            'difference("x", "y") >= 0, arms=("x", "y"), max_trials={}',
            "return trial.rng.random() < 0.3 and trial.index % 7 > 0 and len(arm) == 1",
            "5.8%",
        ),
    ],
)
def test_a_raised_max_trials_after_a_calibrated_look_is_said_and_refused_under_strict(run, mark, body, error):
    """Limits that are calibrated to a horizon hold for that one: two of them have two chances to err."""
    arguments = "trial, arm" if "arm" in mark else "trial"
    run.file(hypothesis(mark.format(60), body, arguments))
    run()
    assert only(run).decision.evidence.rule == "calibrated"
    run.file(hypothesis(mark.format(120), body, arguments))
    result = run("--velo-strict")
    assert result.ret != 0
    assert "max_trials was raised after a look: looks at max_trials=60 and 120: the chance" in text_of(result)
    run()
    assert f"is up to {error}, not 5.0%" in " ".join(only(run).notices)


REFUSED = [
    (
        "estimate(rate, halfwidth=0.05), margin=0.1",
        "margin= does not apply to an estimate",
        "leave it out",
    ),
    (
        "estimate(rate, halfwidth=0.05), beta=0.1",
        "beta= does not apply to an estimate",
        "leave it out",
    ),
    (
        "estimate(rate, halfwidth=0.05), expect=0.1",
        "expect= does not apply to an estim",
        "leave it out",
    ),
    (
        'estimate(rate, halfwidth=0.05), invalid="against"',
        "no side to count on for an estimate",
        "bound",
    ),
    ("estimate(rate, halfwidth=0.6)", "half-width of rate must be between 0 and 0.5", "halfwidth=0.05"),
    ("estimate(0.3, halfwidth=0.1)", "0.3 cannot be estimated", "estimate(rate"),
    (
        "estimate(rate, halfwidth=0.001)",
        "can never be measured within 200 trials",
        "a larger halfwidth",
    ),
    (
        "estimate(rate, halfwidth=0.05) & (rate <= 0.2)",
        "claims nothing, so it cannot be joined",
        "a separate test",
    ),
    ('rate.within(0.2, 0.4), invalid="against"', "no side to count on for `within`", 'invalid="bound"'),
    ("(rate <= 0.1) & (rate >= 0.05)", "joins claims that name no outcome", 'rate("asr") <= 0.05'),
    ('(rate("a") <= 0.1) | (rate("b") <= 0.1)', "cannot be joined with |", "&"),
    ('rate("a") <= 0.1 & rate("b") <= 0.1', "parentheses are missing around &", "(rate >= 0.2) &"),
    ('(rate("a") <= 0.1) & (rate("b") <= 0.1), margin=0.95', "margin 0.95", "margin below"),
    (
        '(rate("a") <= 0.1) & (rate("b") <= 0.1), expect=0.05',
        "expect= needs one claim",
        "leave it out",
    ),
    ('(rate("a") <= 0.1) & (rate("b") <= 0.01)', "can never be supported within 200", "max_trials="),
    ("rate >= 0.5, ceiling=0.9", "ceiling= is for differences", 'ceiling="expert"'),
    (
        GAIN + 'arms=("alone", "helped"), ceiling="expert"',
        "ceiling='expert' is not a third arm",
        'arms=(..., "ex',
    ),
    (
        GAIN + 'arms=("alone", "helped", "expert"), ceiling="expertt"',
        "ceiling='expertt' is not a third arm",
        "expert",
    ),
    (GAIN + 'arms=("alone", "helped"), ceiling=2', "ceiling=2 is outside the outcomes", "ceiling=1"),
    (
        GAIN + 'arms=("alone", "helped"), ceiling=True',
        "a number in the outcome's units, or an arm",
        "ceiling=",
    ),
    ("rate >= 0.5, once=True", "once=True needs cases", "cases=[...]"),
    ("mean(0, 10) >= 5, cases=LIST, once=True", "once=True counts the ones in a list", "claim a rate"),
    (
        "estimate(rate, halfwidth=0.1), cases=LIST, once=True",
        "once=True counts the ones",
        "claim a rate",
    ),
    (GAIN + 'arms=("alone", "helped"), once=True', "once=True counts the ones", "claim a rate"),
    (
        'rate >= 0.5, cases=LIST, once=True, over="cases"',
        "over= does not apply with once=True",
        "leave it",
    ),
    (
        "rate >= 0.5, cases=LIST, once=True, draws_per_case=2",
        "draws_per_case= does not apply with",
        "leave",
    ),
    (
        'rate >= 0.5, cases=LIST, once=True, invalid="exclude"',
        "would change how many outcomes",
        "bound",
    ),
    (
        "rate >= 0.5, cases=endless, once=True",
        "once=True needs a fixed set of cases",
        "cases(..., n=100)",
    ),
    (
        "rate >= 0.5, cases=cases([{'g': 1}], group='g'), once=True",
        "counts cases, not groups",
        "drop group=",
    ),
    ("rate >= 0.5, cases=LIST, once=1", "True or False", "once="),
    ("rate >= 0.5, over='cases'", "over= needs cases", "cases=[...]"),
    (
        "rate >= 0.5, cases=LIST, over='population', min_trials=60",
        "there are at most 40 trials",
        "more cases",
    ),
]


@pytest.mark.parametrize(("mark", "said", "fix"), REFUSED)
def test_what_makes_no_sense_is_refused_before_any_call(run, mark, said, fix):
    arguments = "case, arm" if "arms=" in mark else "case" if "cases=" in mark else "trial"
    source = hypothesis(mark, f"return bool({arguments.split(', ')[-1]})", arguments)
    endless = "def endless(rng):\n    while True:\n        yield rng.random()\n"
    run.file(source.replace("\n\n@", f"\n\n{endless}\n\n@"))
    result = run()
    text = text_of(result)
    assert said in text
    assert fix in text
    assert result.ret in (pytest.ExitCode.INTERRUPTED, pytest.ExitCode.USAGE_ERROR)
    assert run.n_runs == 0


def test_a_census_of_a_strategy_needs_a_number_and_says_so_when_it_is_drawn(run):
    run.file(
        "from hypothesis import strategies as st\n"
        + hypothesis("rate >= 0.5, cases=st.integers(), once=True", "return case > 0", "case")
    )
    result = run()
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert "once=True needs a fixed set of cases" in text_of(result)
