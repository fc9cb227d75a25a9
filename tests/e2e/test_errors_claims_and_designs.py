"""What is read of a mistake in a claim, in the keywords of a mark, and in what a body gives."""

from __future__ import annotations

import pytest

BODY = """
async def test_h(model):
    return (await model("q")).answers("yes")
"""
CASE_BODY = """
async def test_h(model, case):
    return (await model(str(case))).answers("yes")
"""


def marked(arguments: str, body: str = BODY) -> str:
    return (
        "from pytest_velo import baseline, difference, estimate, mean\n"
        f"@pytest.mark.hypothesis({arguments}, models=[YES]){body}"
    )


# name: (the claim as it is written, what is wrong with it, what to do)
CLAIMS = {
    "joint_in_an_if": (
        '((rate("a") >= 0.5) & (rate("b") >= 0.5)) and rate("c") >= 0.5',
        'the claim `(rate("a") >= 0.5) & (rate("b") >= 0.5)` has no truth value',
        "join claims with & alone",
    ),
    "claim_and": (
        'rate("a") >= 0.5 and rate("b") >= 0.5',
        'the claim `rate("a") >= 0.5` has no truth value',
        "claims cannot be chained: write rate.within(0.2, 0.4) for 0.2 <= rate <= 0.4; join two with"
        " & and parentheses around each",
    ),
    "or": (
        "(rate >= 0.5) | (rate <= 0.1)",
        "claims cannot be joined with |",
        "write one test for each, or claim both with &",
    ),
    "no_parentheses": (
        '(rate("a") >= 0.5) & rate("b") <= 0.5',
        "parentheses are missing around &",
        '(rate("a") >= 0.5) & (rate("name") <= 0.05)',
    ),
    "no_parentheses_of_the_third": (
        '(rate("a") >= 0.5) & (rate("b") <= 0.5) & 0.5',
        "parentheses are missing around &",
        '(rate("a") >= 0.5) & (rate("b") <= 0.5) & (rate("name") <= 0.05)',
    ),
    "unnamed": (
        "(rate >= 0.5) & (mean(0, 10) >= 7)",
        "`(rate >= 0.5) & (mean(0, 10) >= 7)` joins claims that name no outcome",
        'name each: (rate("asr") <= 0.05) & (rate("over_refusal") <= 0.05), returned as a dict',
    ),
    "joined_differences": (
        '(difference("a", "b") >= 0.1) & (rate("c") >= 0.5)',
        '`(difference("a", "b") >= 0.1) & (rate("c") >= 0.5)` joins differences (of arms, or from a'
        " baseline)",
        "write one test for each; & joins rates and means of named outcomes",
    ),
    "estimate_in_an_if": (
        "estimate(rate, halfwidth=0.1) or 1",
        "`estimate(rate, halfwidth=0.1)` has no truth value",
        "pass it to the mark as it is",
    ),
    "joined_estimate": (
        '(rate("a") >= 0.5) & estimate(rate, halfwidth=0.1)',
        "`estimate(rate, halfwidth=0.1)` claims nothing, so it cannot be joined",
        "write a separate test for it",
    ),
    "estimate_of_a_claim": (
        "estimate(rate >= 0.5, halfwidth=0.1)",
        "rate >= 0.5 cannot be estimated",
        "estimate(rate, halfwidth=0.05)",
    ),
    "wide_estimate": (
        "estimate(mean(0, 10), halfwidth=5)",
        "the half-width of mean(0, 10) must be between 0 and 5, got 5",
        "estimate(mean(0, 10), halfwidth=0.5)",
    ),
    "of_a_claim": (
        'difference("a", "b", of=rate >= 0.5) >= 0.1',
        "of= must be rate or mean(low, high), got rate >= 0.5",
        "of=mean(0, 10)",
    ),
    "one_arm": (
        'difference("a", "a") >= 0.1',
        "a difference needs two different arms, got 'a' and 'a'",
        'difference("hinted", "plain") >= 0.1, with arms=("plain", "hinted")',
    ),
    "empty_mean": ("mean(10, 0) >= 5", "mean(10, 0) is not a range of scores", "mean(0, 10) >= 7"),
    "baseline_in_an_if": (
        "rate >= (baseline or 0.5)",
        "`baseline` has no truth value",
        "rate >= baseline - 0.05",
    ),
    "baseline_minus_a_text": (
        'rate >= baseline - "0.05"',
        "a distance from the baseline must be a number, got '0.05'",
        "baseline - 0.05",
    ),
    "baseline_minus_all": (
        'rate >= baseline - float("inf")',
        "a distance from the baseline must be a number, got inf",
        "baseline - 0.05",
    ),
    "share_of_baseline": (
        "rate >= 0.9 * baseline",
        "a baseline can only be moved by a distance, not scaled",
        "baseline - 0.05, in the statistic's own units",
    ),
}


def test_a_claim_that_cannot_be_made(mistakes):
    read = mistakes.files({name: marked(claim) for name, (claim, _, _) in CLAIMS.items()})
    assert mistakes.code == pytest.ExitCode.INTERRUPTED
    assert read == {
        name: f"test_{name}.py:N > {what}\n  fix: {fix}" for name, (_, what, fix) in CLAIMS.items()
    }


ENDLESS = "lambda rng: iter(rng.random, 2)"
ROWS = "[{'q': str(n), 'topic': n % 3} for n in range(30)]"

# name: (the mark, what is wrong with it, what to do)
MARKS = {
    "arms_that_are_no_texts": (
        'difference("a", "b") >= 0.1, arms=("a", 2)',
        "arms=('a', 2): expected a list of names (strings)",
        'for example arms=("plain", "hinted")',
    ),
    "no_arms": (
        'difference("a", "b") >= 0.1',
        '`difference("a", "b")` compares arms, but arms= is missing',
        "arms=('a', 'b'), and make `arm` an argument of the body",
    ),
    "once_without_cases": (
        "rate >= 0.5, once=True",
        "once=True needs cases",
        "cases=[...] or cases='file.jsonl'",
    ),
    "once_of_scores": (
        "mean(0, 10) >= 5, once=True, cases=['a', 'b']",
        "once=True counts the ones in a list, but the claim is `mean(0, 10) >= 5`",
        "claim a rate of one outcome, or leave once= out",
    ),
    "guards_without_a_baseline": (
        "rate >= 0.5, guards='prompt'",
        "guards= is for claims about the baseline",
        "rate >= baseline - 0.05, or leave it out",
    ),
    "alpha_of_an_estimate": (
        "estimate(rate, halfwidth=0.1), beta=0.1",
        "beta= does not apply to an estimate, which claims nothing",
        "leave it out",
    ),
}


def test_a_mark_that_does_not_fit(mistakes):
    read = mistakes.files(
        {name: marked(mark, CASE_BODY if "cases=" in mark else BODY) for name, (mark, _, _) in MARKS.items()}
    )
    assert mistakes.code == pytest.ExitCode.INTERRUPTED
    assert read == {
        name: f"test_{name}.py::test_h (line N): {what}\n  fix: {fix}"
        for name, (_, what, fix) in MARKS.items()
    }


# The same, of what is seen when the cases are read.
DESIGNS = {
    "draws_without_cases": (
        "rate >= 0.5, draws_per_case=3",
        "draws_per_case= needs cases=",
        "without cases every trial is its own unit",
    ),
    "over_endless_cases": (
        f"rate >= 0.5, cases={ENDLESS}, over='cases'",
        'over="cases" needs a fixed set of cases, but this source is endless',
        'say how many: cases(..., n=100), or use over="population"',
    ),
    "groups_of_endless_cases": (
        f"rate >= 0.5, cases=cases({ENDLESS}, group=round)",
        "group= needs a fixed set of cases",
        "say how many: cases(..., n=100)",
    ),
    "groups_over_cases": (
        f"rate >= 0.5, cases=cases({ROWS}, group='topic'), over='cases'",
        'group= does not apply with over="cases", where each trial picks a single case',
        'drop group=, or use over="population", where the unit is the group\'s mean',
    ),
    "once_over_endless_cases": (
        f"rate >= 0.5, once=True, cases={ENDLESS}",
        "once=True needs a fixed set of cases",
        "say how many: cases(..., n=100)",
    ),
    "once_of_groups": (
        f"rate >= 0.5, once=True, cases=cases({ROWS}, group='topic')",
        "once=True counts cases, not groups of them",
        "drop group=",
    ),
}


@pytest.mark.parametrize("name", DESIGNS)
def test_a_design_that_does_not_fit(mistakes, name):
    mark, what, fix = DESIGNS[name]
    read = mistakes.refused(marked(mark, CASE_BODY if "cases=" in mark else BODY))
    assert mistakes.code == pytest.ExitCode.USAGE_ERROR
    assert read == f"test_it.py::test_h (line N): {what}\n  fix: {fix}"


# name: (the claim, the body, where, what is wrong, what to do)
BODIES = {
    "key": (
        'rate("a") >= 0.5',
        "return {1: 1 > 0}",
        "test_it.py:N",
        "outcome names must be non-empty strings, but the body returned a dict with key 1",
        'return {"some_name": True or False}',
    ),
    "other": (
        'rate("a") >= 0.5',
        'return {"a": True, "b": "x"}',
        "test_it.py:N",
        "the outcome 'b' is a str",
        'return a comparison, e.g. `return text == "..."`',
    ),
    "prompt": (
        "rate >= 0.5",
        "return (await model(7)).answers('yes')",
        "test_it.py:N",
        "a prompt must be a text or a list of messages, got 7",
        'model("…") or model([{"role": "user", "content": "…"}])',
    ),
    "answers": (
        "rate >= 0.5",
        "return (await model('q')).answers(7)",
        "test_it.py:N",
        "answers(...) takes the strings to look for, got 7",
        'reply.answers("Lyon", "Lyons"); write str(...) around a number',
    ),
    "unawaited": (
        "rate >= 0.5",
        "return model('q').answers('yes')",
        "test_it.py:N",
        "model(...) was used without await",
        "write `await model(...)`",
    ),
    "under_way": (
        "rate >= 0.5",
        "TASKS.append(asyncio.ensure_future(ask(velo.model(SLOW)))); await asyncio.sleep(0); return True",
        "",
        "a model call was still under way when the body ended",
        "await every task the body starts, e.g. in an asyncio.TaskGroup",
    ),
    "nan": (
        "rate >= 0.5",
        "return (await model('q', temperature=float('nan'))).answers('yes')",
        "a model call",
        "request.parameters.temperature is nan, which JSON does not have",
        "use None for unknown",
    ),
    "number_key": (
        "rate >= 0.5",
        "return (await model('q', extra={1: 2})).answers('yes')",
        "a model call",
        "request.parameters.extra has the key 1, which is not text",
        "write it as '1'",
    ),
    "half_a_character": (
        "rate >= 0.5",
        r"return (await model('\ud83d')).answers('yes')",
        "a model call",
        "request.messages[0].content contains half of a surrogate pair at character 0, which is not text",
        'text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")',
    ),
    "endless": (
        "rate >= 0.5",
        "return (await model('q', extra=ENDLESS)).answers('yes')",
        "a model call",
        "request contains itself, or is nested too deeply to be written as JSON",
        "pass only the part you need",
    ),
    "endless_record": (
        "rate >= 0.5",
        "return (await model('q', extra=NODE)).answers('yes')",
        "a model call",
        "request.parameters.extra.next contains itself",
        "only finite values can be written as JSON",
    ),
}
BODIES_HEAD = """
import asyncio
from dataclasses import dataclass
from pytest_velo import mean
TASKS, ENDLESS = [], []
ENDLESS.append(ENDLESS)

@dataclass
class Node:
    next: object = None

NODE = Node()
NODE.next = NODE

SLOW = scripted("slow", ["yes"], latency_s=0.5)

async def ask(model):
    return await model("q")
"""


def test_a_body_that_misbehaves(mistakes):
    source = BODIES_HEAD
    for name, (claim, body, *_) in BODIES.items():
        source += (
            f"@pytest.mark.hypothesis({claim}, models=[YES])\n"
            f"async def test_{name}(model, velo):\n    {body}\n"
        )
    read = mistakes.tests(source)
    assert mistakes.code == pytest.ExitCode.TESTS_FAILED
    assert read == {
        name: f"{where}{': ' if where else ''}{what}\n  fix: {fix}"
        for name, (_, _, where, what, fix) in BODIES.items()
    }


def test_a_body_without_source_that_returns_nothing(mistakes):
    read = mistakes.tests(
        "exec('def made(): return None')\ntest_made = pytest.mark.hypothesis(rate >= 0.5)(made)\n"
    )
    assert mistakes.code == pytest.ExitCode.TESTS_FAILED
    assert read["made"] == (
        "<string>:1: the body returned None, and its source cannot be read: this may be a value that was"
        " None\n  fix: return True at its end"
    )
