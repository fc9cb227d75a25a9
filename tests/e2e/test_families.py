"""Many hypotheses: families under `velo_multiplicity = holm`, whatever is selected and wherever it runs."""

from __future__ import annotations

import json

import pytest

HOLM = "--velo-multiplicity=holm"
# What a trial gives depends on its index alone; n of ten come out 1. The last of each family is not decided
# at alpha / 4, but its p-value of 0.04 is enough when the other three are decided.
BODY = """
    return (trial.index * 7) % 10 < ones
"""
UP = f"""
@pytest.mark.parametrize("ones", [10, 9, 8, 7])
@pytest.mark.hypothesis(rate >= 0.5, max_trials=40)
def test_up(trial, ones):{BODY}"""
DOWN = f"""
@pytest.mark.parametrize("ones", [0, 1, 2, 3])
@pytest.mark.hypothesis(rate >= 0.5, max_trials=40)
def test_down(trial, ones):{BODY}"""
OPEN = f"""
@pytest.mark.parametrize("ones", [7, 3])
@pytest.mark.hypothesis(rate >= 0.5, max_trials=40)
def test_open(trial, ones):{BODY}"""


def told(run) -> dict[str, tuple]:
    """What the record says of each hypothesis, by its node id."""
    return {
        result.node_id: (
            result.outcome.value,
            result.alpha,
            (result.family.name, result.family.size, result.family.by_steps),
            (result.family.p_support, result.family.p_refute),
            result.decision.certified,
        )
        for result in run.record.results
    }


def sizes(run) -> dict[str, tuple[str, int]]:
    """Name and size of each hypothesis's family, by the name of its test."""
    results = run.record.results
    return {r.node_id.split("::")[-1]: (r.family.name, r.family.size) for r in results if r.family}


def test_without_holm_every_hypothesis_stands_for_itself(run):
    run.file(UP)
    result = run()
    assert result.ret == 0
    assert [(r.outcome.value, r.alpha, r.family) for r in run.record.results] == [
        ("supported", 0.05, None)
    ] * 4
    result.stdout.fnmatch_lines(["*expected false verdicts: at most 0.2"])
    assert "families" not in result.stdout.str()


def test_the_step_down_supports_what_its_own_level_left_open(run):
    run.file(UP)
    result = run(HOLM)
    assert result.ret == 0
    outcome, alpha, family, (p_support, _), certified = told(run)["test_it.py::test_up[7]"]
    assert (outcome, alpha, certified) == ("supported", 0.05 / 4, "rate > 0.5")
    assert family == ("test_it.py::test_up", 4, True)
    assert 0.05 / 4 < p_support <= 0.05
    first = run.record.results[0]
    assert (first.outcome.value, first.family.by_steps) == ("supported", False)
    assert (first.family.alpha, first.family.beta) == (0.05, 0.05)
    result.stdout.fnmatch_lines(
        [
            "*4 hypotheses*4 supported*",
            "*expected false verdicts: at most 0.1 (a family counts once)",
            "families (Holm)",
            "test_it.py::test_up",
            "*members *4 hypotheses: 4 supported",
            "*sampled *at alpha 0.05 / 4 and beta 0.05 / 4",
            "*P(any wrong supported in the family) <= 0.05, P(any wrong refuted in it) <= 0.05",
            "*test_up[[]10]",
            "*adjusted p 0.0* for supported, 1 for refuted",
            "*test_up[[]7]",
            "*adjusted p 0.0* for supported, 1 for refuted",
            "*decided *supported by the step-down at the end of the session",
        ]
    )


def test_the_step_down_refutes_and_the_session_fails(run):
    run.file(DOWN)
    result = run(HOLM, "--deselect=test_it.py::test_down[0]", "-k", "not 1]")
    assert (
        result.ret == pytest.ExitCode.TESTS_FAILED
    )  # two of four have no result: 2 of them are decided alone
    assert told(run)["test_it.py::test_down[3]"][0] == "inconclusive"
    result = run(HOLM)
    assert told(run)["test_it.py::test_down[3]"][:3] == (
        "refuted",
        0.05 / 4,
        ("test_it.py::test_down", 4, True),
    )
    result.stdout.fnmatch_lines(
        [
            "=*refuted at the end of the session*=",
            "_*test_it.py::test_down[[]3]*_",
            "refuted: rate < 0.5 (in a family of 4, any claim that is true is refuted at most 5% of*",
            "*levels *alpha 0.05 / 4 (family test_it.py::test_down, Holm); beta 0.05 / 4; refuted*",
            "*decided *refuted by the step-down at the end of the session",
        ]
    )


@pytest.mark.processes
@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["one process", "two workers"])
def test_a_refutation_by_steps_alone_makes_the_exit_code_1(run, workers):
    # The first steps are taken by refutations that are expected: no test fails before the end.
    run.file(
        f"""
@pytest.mark.parametrize("ones", [*(pytest.param(n, marks=pytest.mark.xfail) for n in (0, 1, 2)), 3])
@pytest.mark.hypothesis(rate >= 0.5, max_trials=40)
def test_down(trial, ones):{BODY}"""
    )
    result = run.apart("-p", "no:randomly", HOLM, *workers)
    outcomes = {node: (entry[0], entry[2][2]) for node, entry in told(run).items()}
    assert outcomes.pop("test_it.py::test_down[3]") == ("refuted", True)
    assert set(outcomes.values()) == {("refuted", False)}
    result.stdout.fnmatch_lines(["*3 xfailed, 1 inconclusive in *"])
    assert result.ret == pytest.ExitCode.TESTS_FAILED


@pytest.mark.processes
def test_it_is_the_same_under_workers_and_in_any_order(run):
    run.file(UP + DOWN + OPEN)
    assert run(HOLM).ret == 1
    first = told(run)
    assert {entry[0] for entry in first.values()} == {"supported", "refuted", "inconclusive"}
    for arguments in (("-n", "2"), ("-p", "randomly", "-p", "no:xdist", "-p", "no:cacheprovider")):
        result = run.apart(HOLM, *arguments)
        assert result.ret == 1
        assert told(run) == first
        result.stdout.fnmatch_lines(["families (Holm)", "*decided *supported by the step-down*"])


@pytest.mark.parametrize(
    "selection",
    [("-k", "7"), ("test_it.py::test_up[7]",), ("-m", "velo and not other", "-k", "7"), ("--lf",)],
    ids=["-k", "node id", "-m", "--lf"],
)
def test_the_size_is_fixed_before_anything_is_selected(run, selection):
    run.file(UP + DOWN)
    if selection == ("--lf",):
        run(HOLM)
    result = run(HOLM, *selection)
    found = sizes(run)
    assert 0 < len(found) < 8
    assert {size for _, size in found.values()} == {4}
    if "7" in selection[-1]:
        # Nothing is known of the others: p = 1, so the last step is not reached.
        assert told(run)["test_it.py::test_up[7]"][0] == "inconclusive"
        result.stdout.fnmatch_lines(["*members *4 hypotheses: 1 inconclusive, 3 without a result (p = 1)"])


def test_a_member_is_what_can_be_wrong(run):
    run.file(
        """
WORDS = pytest.mark.parametrize("word", ["a", "b", "c"])
@WORDS
@pytest.mark.hypothesis(rate >= 0.5, models=[YES, NO])
async def test_models(model, word):
    return (await model(word)).answers("yes")
@pytest.mark.parametrize("word", [
    "plain",
    pytest.param("x", marks=pytest.mark.hypothesis(rate >= 0.5)),
    pytest.param("y", marks=[pytest.mark.hypothesis(rate >= 0.5), pytest.mark.skip]),
    pytest.param("z", marks=pytest.mark.hypothesis(rate >= 0.5, family="z")),
])
def test_claims_of_parameters(word):
    assert word
class TestA:
    @pytest.mark.hypothesis(rate >= 0.5)
    def test_in_a_class(self, trial):
        return trial.index >= 0
class TestB(TestA):
    pass
"""
    )
    run(HOLM)
    assert {r.node_id.removeprefix("test_it.py::"): r.family.size for r in run.record.results} == {
        **{f"test_models[scripted/{model}-{word}]": 6 for model in ("yes", "no") for word in "abc"},
        "test_claims_of_parameters[x]": 2,
        "test_claims_of_parameters[z]": 1,
        "TestA::test_in_a_class": 1,
        "TestB::test_in_a_class": 1,
    }
    assert {r.family.name.removeprefix("test_it.py::") for r in run.record.results} == {
        "test_models",
        "test_claims_of_parameters",
        "z",
        "TestA::test_in_a_class",
        "TestB::test_in_a_class",
    }


def test_an_estimate_belongs_to_no_family(run):
    run.file(
        """
from pytest_velo import estimate
pytestmark = pytest.mark.velo(family="all")
@pytest.mark.hypothesis(rate >= 0.5)
def test_claim(trial):
    return trial.index >= 0
@pytest.mark.hypothesis(estimate(rate, halfwidth=0.2))
def test_number(trial):
    return trial.rng.random() < 0.5
"""
    )
    assert run(HOLM).ret == 0
    assert sizes(run) == {"test_claim": ("all", 1)}
    assert {r.node_id: r.alpha for r in run.record.results} == {
        "test_it.py::test_claim": 0.05,
        "test_it.py::test_number": 0.05,
    }


def test_a_claim_about_a_baseline_is_a_member_when_it_is_compared(run):
    run.file(
        """
from pytest_velo import baseline
@pytest.mark.parametrize("least", [0.5, 0.7])
@pytest.mark.hypothesis(rate >= baseline - 0.4, max_trials=60)
def test_guard(trial, least):
    return (trial.index * 7) % 10 < 8
"""
    )
    assert run(HOLM).ret == 0
    assert run.outcomes == ["inconclusive"] * 2
    assert run(HOLM, "--velo-update").ret == 0
    assert (run.outcomes, sizes(run)) == (["measured"] * 2, {})
    assert run(HOLM).ret == 0
    assert run.outcomes == ["supported"] * 2
    assert {(r.alpha, r.family.size) for r in run.record.results} == {(0.025, 2)}


def test_claims_of_every_kind_may_be_one_family(run):
    run.file(
        """
from pytest_velo import difference, mean
pytestmark = pytest.mark.velo(family="all", max_trials=100)
@pytest.mark.hypothesis(rate.within(0.3, 0.7))
def test_within(trial):
    return trial.rng.random() < 0.5
@pytest.mark.hypothesis(mean(0, 10) >= 4)
def test_mean(trial):
    return 7 + trial.index % 2
@pytest.mark.hypothesis(difference("a", "b") >= 0, arms=("a", "b"))
def test_difference(trial, arm):
    return arm == "a"
@pytest.mark.hypothesis((rate("x") >= 0.5) & (rate("y") <= 0.5))
def test_joint(trial):
    return {"x": trial.index >= 0, "y": trial.index < 0}
@pytest.mark.hypothesis(rate >= 0.5, cases=list(range(60)), once=True)
def test_census(case):
    return case >= 0
"""
    )
    assert run(HOLM).ret == 0
    assert run.outcomes == ["supported"] * 5
    for result in run.record.results:
        assert result.alpha == 0.05 / 5
        assert result.decision.evidence.p_support <= result.alpha
        assert result.family.p_support <= 0.05
        assert result.family.if_supported == result.decision.certified
        assert not result.family.if_refuted.startswith("undecided")


def test_a_name_joins_functions_of_all_collected_files(run):
    joined = "pytestmark = pytest.mark.velo(family='session')\n"
    run.file(UP + joined, "test_one.py")
    run.file(DOWN + OPEN + joined, "test_two.py")
    run(HOLM)
    assert set(sizes(run).values()) == {("session", 10)}
    run(HOLM, "test_one.py")
    assert set(sizes(run).values()) == {("session", 4)}


def test_an_error_counts_as_no_result(run):
    run.file(
        f"""
@pytest.mark.parametrize("ones", [10, 9, 8, 7])
@pytest.mark.hypothesis(rate >= 0.5, max_trials=40)
def test_up(trial, ones):
    if ones == 10 and trial.index == 3:
        raise RuntimeError("broken")
{BODY}"""
    )
    result = run(HOLM)
    assert run.outcomes == ["error", "supported", "supported", "inconclusive"]
    assert run.record.results[0].family.p_support is None
    result.stdout.fnmatch_lines(
        ["*members *: 2 supported, 1 inconclusive, 1 error", "*none: it did not finish"]
    )


def test_strict_keeps_the_failure_of_what_the_steps_support(run):
    run.file(UP)
    result = run(HOLM, "--velo-strict")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert run.outcomes == ["supported"] * 4
    result.stdout.fnmatch_lines(
        [
            "*decided *supported by the step-down at the end of the session; its test failed as undecided*",
            "*1 failed, 3 passed*",
        ]
    )


@pytest.mark.parametrize("strict", [False, True])
def test_an_expected_refutation_by_steps_is_no_failure(run, strict):
    marks = f"@pytest.mark.xfail(strict={strict}, reason='known')\n"
    run.file(DOWN.replace("\n@", "\n" + marks + "@", 1))
    result = run(HOLM)
    assert run.outcomes == ["refuted"] * 4
    assert told(run)["test_it.py::test_down[3]"][2][2]
    assert result.ret == 0


def test_unequal_levels_in_one_family_are_each_its_own(run):
    run.file(
        f"""
pytestmark = pytest.mark.velo(family="all", max_trials=40)
@pytest.mark.parametrize("ones", [10, 9, 8])
@pytest.mark.hypothesis(rate >= 0.5)
def test_wide(trial, ones):{BODY}
@pytest.mark.hypothesis(rate >= 0.5, alpha=0.03)
def test_narrow(trial):
    ones = 7{BODY}"""
    )
    result = run(HOLM)
    by_name = {r.node_id.split("::")[-1]: r for r in run.record.results}
    assert by_name["test_narrow"].alpha == 0.03 / 4
    assert 0.03 < by_name["test_narrow"].family.p_support <= 0.05
    assert by_name["test_narrow"].outcome.value == "inconclusive"
    result.stdout.fnmatch_lines(["*sampled *at alpha 0.03 to 0.05 / 4 and beta 0.05 / 4"])


def test_a_claim_out_of_reach_at_its_share_names_the_family(run):
    run.file(
        """
@pytest.mark.parametrize("word", list("abcdefghij"))
@pytest.mark.hypothesis(rate >= 0.5, max_trials=6)
def test_many(trial, word):
    return trial.index >= 0
"""
    )
    assert run().ret == 0
    result = run(HOLM)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["*test_many*be supported within 6 trials*alpha 0.05 / 10 (family test_it.py::test_many, Holm)*"]
    )
    said = result.stdout.str() + result.stderr.str()
    assert said.count("be supported within 6 trials") == 1


@pytest.mark.parametrize("name", ["''", "'a::b'", "3", "None"])
def test_a_family_has_a_name(run, name):
    run.file(f"@pytest.mark.hypothesis(rate >= 0.5, family={name})\ndef test_a(trial):\n    return 1 > 0\n")
    result = run()
    assert result.ret != 0
    result.stdout.fnmatch_lines([f"*family={name}: expected a name without*"])


def test_another_procedure_is_refused(run):
    run.file(UP)
    result = run("--velo-multiplicity=bonferroni")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--velo-multiplicity: 'bonferroni' cannot be read: one of none, holm*"])


def test_a_mistake_of_one_parameter_is_seen_when_its_family_is_counted(run):
    run.file(
        """
@pytest.mark.parametrize("word", ["a", pytest.param("b", marks=pytest.mark.hypothesis(rate >= 0.5, alpa=1))])
def test_many(word):
    assert word
"""
    )
    result = run(HOLM, "-k", "test_many[a]")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*test_it.py::test_many*no keyword 'alpa'*"])


def test_the_ini_file_and_the_environment_say_it_too(run, monkeypatch):
    run.file(UP)
    run.ini("velo_multiplicity = holm")
    run()
    assert {size for _, size in sizes(run).values()} == {4}
    monkeypatch.setenv("VELO_MULTIPLICITY", "none")
    run()
    assert sizes(run) == {}


def test_other_levels_on_draws_already_seen_are_exploratory(run, lab):
    run.file(
        """
@pytest.mark.parametrize("word", ["tea", "coffee"])
@pytest.mark.hypothesis(rate >= 0.5, models=["lab/tiny"], max_trials=20)
async def test_it(model, word):
    return (await model(word, max_tokens=5)).answers("yes")
"""
    )
    assert run("-m", "velo").ret == 0
    result = run("-m", "velo", HOLM)
    result.stdout.fnmatch_lines(["*exploratory: the design (alpha, *"])
    notices = json.dumps([r.notices for r in run.record.results])
    assert notices.count("exploratory: the design") == 2


def test_a_test_whose_attempts_share_alpha_is_in_no_family(run) -> None:
    run.file(
        """
@pytest.mark.parametrize("share", [0.95, 0.9])
@pytest.mark.hypothesis(rate >= 0.5, max_trials=30)
def test_family(trial, share):
    return trial.rng.random() < share

@pytest.mark.hypothesis(rate >= 0.5, max_trials=30, family="attempts")
def test_alone(trial):
    return trial.rng.random() < 0.95
"""
    )
    run("-o", "velo_multiplicity=holm")
    *members, alone = run.record.results
    assert [result.family.size for result in members if result.family] == [2, 2]
    assert alone.family is None
    assert alone.attempt.alpha == 0.05
