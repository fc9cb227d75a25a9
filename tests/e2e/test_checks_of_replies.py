"""Checks of replies in real runs: each speaks of a test with its mistake, and not of its clean twin."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from pytest_velo import check_sync, rate, scripted
from pytest_velo.cli.main import main

FILE = """
import json
from pytest_velo import Reply

GUESTS = [{"guest": n, "drinks": ["tea", "beer"]} for n in range(6)]
NUMBERS = [{"question": f"Is {n} odd?", "answer": "yes" if n % 2 else "no"} for n in range(60)]
RIGHT = {row["question"]: row["answer"] for row in NUMBERS}
LAZY = scripted("lazy", lambda request, rng: "(A)" if rng.random() < 0.9 else "(B)")
SAYS = ["yes", "yes", "no", "Let me think about that", "It depends"]
CHATTY = scripted("chatty", lambda request, rng: rng.choice(SAYS))
QUIET = scripted("quiet", lambda request, rng: rng.choice(["", "Certainly.", "Certainly, sir."]))


def by_content(request, rng):
    a, b = request.messages[-1]["content"].splitlines()[-2:]
    tea, beer = ("(A)", "(B)") if a.endswith("tea") else ("(B)", "(A)")
    return tea if rng.random() < 0.8 else beer


def reads(request, rng):
    said = request.messages[-1]["content"]
    return next(answer for question, answer in RIGHT.items() if question in said)


def grade(request):
    return json.dumps({"answer": "yes" if "Certainly" in request.messages[-1]["content"] else "no"})


def snapshots(*names):
    def answer(request, rng):
        return Reply(text="yes", model_served=rng.choice(names))

    return scripted(f"atlas-{len(names)}", answer)


async def offered(model, case, trial):
    first, second = trial.rng.sample(case.drinks, 2)
    reply = await model(f"Guest {case.guest}. What do you offer?\\n(A) {first}\\n(B) {second}")
    return (first if reply == "(A)" else second) == "tea"


def drinks(model, threshold=0.4):
    return pytest.mark.hypothesis(rate >= threshold, cases=GUESTS, models=[model])


@drinks(LAZY)
async def test_f07_by_place(model, case, trial):
    return await offered(model, case, trial)


@drinks(scripted("sober", by_content), 0.65)
async def test_clean_by_content(model, case, trial):
    return await offered(model, case, trial)


@pytest.mark.hypothesis(rate >= 0.4, models=[CHATTY])
async def test_f09_until_it_parses(model):
    for _ in range(5):
        reply = await model("Is 7919 a prime?")
        if reply.text in ("yes", "no"):
            return reply == "yes"
    return False


@pytest.mark.hypothesis(rate >= 0.2, models=[CHATTY])
async def test_clean_vote(model):
    votes = [await model("Is 7919 a prime?") for _ in range(3)]
    return sum(vote == "yes" for vote in votes) >= 2


@pytest.mark.hypothesis(rate >= 0.9, cases=NUMBERS, over="population", models=[scripted("reader", reads)])
async def test_f11_prints_the_case(model, case):
    return await model(f"Answer yes or no: {case}") == case.answer


@pytest.mark.hypothesis(rate >= 0.9, cases=NUMBERS, over="population", models=[scripted("reader", reads)])
async def test_clean_question(model, case):
    return await model(f"Answer yes or no: {case.question}") == case.answer


@pytest.mark.hypothesis(rate >= 0.4, models=[QUIET])
async def test_f12_empty(model):
    return (await model("May I have a receipt?", allow_empty=True)).answers("certainly")


@pytest.mark.hypothesis(rate >= 0.3, models=[QUIET])
async def test_clean_empty_is_invalid(model):
    return (await model("May I have a receipt?")).answers("certainly")


@pytest.mark.hypothesis(rate >= 0.4, models=[QUIET], judge=scripted("grader", grade), silence={SILENCE})
async def test_f08_f12_judged(model, judge):
    reply = await model("May I have a receipt?", allow_empty=True)
    return await judge("Is this polite?", reply.text)


@pytest.mark.hypothesis(rate >= 0.9, models=[snapshots("may", "june")])
async def test_f18_two_snapshots(model):
    return await model("Hello?") == "yes"


@pytest.mark.hypothesis(rate >= 0.9, models=[snapshots("may")])
async def test_clean_one_snapshot(model):
    return await model("Hello?") == "yes"


MOOD = {"good": True}


@pytest.mark.hypothesis(rate >= 0.3, min_trials=100)
def test_f19_keeps_a_state(trial):
    if trial.rng.random() < 0.1:
        MOOD["good"] = not MOOD["good"]
    return MOOD["good"]


@pytest.mark.hypothesis(rate >= 0.3, min_trials=100)
def test_clean_begins_afresh(trial):
    return trial.rng.random() < 0.5
"""
LABELLED = """

POLITE = [{"text": f"Certainly, guest {n}.", "label": "yes"} for n in range(40)]
RUDE = [{"text": f"No, dog {n}.", "label": "no"} for n in range(40)]


@pytest.mark.hypothesis(rate >= 0.8, cases=POLITE + RUDE, over="population", judge=scripted("grader", grade))
async def test_the_grader_agrees_with_people(judge, case):
    return await judge("Is this polite?", case.text) == (case.label == "yes")
"""


def codes(run) -> dict[str, set[str]]:
    """Return what counts and what is a note of each test, without what is silenced."""
    return {
        result.node_id.partition("::test_")[2]: {each.code for each in result.found if not each.silenced}
        for result in run.record.results
    }


def test_each_check_speaks_of_its_mistake_alone(run) -> None:
    run.file(FILE.replace(", silence={SILENCE}", ""))

    run("-q", "-m", "velo")

    found = codes(run)
    assert len(found) == 13
    for name, told in found.items():
        expected = {part.upper() for part in name.split("_") if part[0] == "f" and part[1:].isdecimal()}
        assert told == expected, name
    levels = {each.code: each.level for result in run.record.results for each in result.found}
    assert {code for code, level in levels.items() if level == "warning"} == {"F07", "F09", "F11", "F12"}
    assert {code for code, level in levels.items() if level == "error"} == {"F19"}


def test_a_verdict_over_dependent_trials_is_void_unless_its_author_says_why_not(run) -> None:
    run.file(FILE.replace(", silence={SILENCE}", ""))
    void = run("-m", "velo", "-k", "f19", "--velo-profile=explore")
    assert void.ret == 1
    void.stdout.fnmatch_lines(["FAILED *test_f19_keeps_a_state - F19 dependent trials (error): *"])
    again = run(
        "-m", "velo", "-k", "f19 or afresh", "--velo-profile=explore"
    )  # the same draws, in their order
    again.assert_outcomes(passed=1, failed=1)
    silenced = FILE.replace(
        "min_trials=100)", 'min_trials=100, silence={"F19": "its mood is what we claim"})', 1
    )
    run.file(silenced.replace(", silence={SILENCE}", ""))
    assert run("-m", "velo", "-k", "f19", "--velo-profile=explore").ret == 0


@pytest.mark.processes
def test_labels_and_reasons_quiet_them_under_xdist_too(run) -> None:
    run.file(FILE.replace("{SILENCE}", '{"F12": "silence is impolite"}') + LABELLED)

    run("-q", "-m", "velo", "-n", "2", "-k", "judged or people or by_place")

    found = codes(run)
    assert found == {
        "f08_f12_judged": set(),
        "the_grader_agrees_with_people": set(),
        "f07_by_place": {"F07"},
    }


def test_check_and_the_command_know_them(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    chatty = scripted("chatty", lambda request, rng: rng.choice(["yes", "no", "Well", "It depends"]))

    async def until_it_parses(model):
        while True:
            reply = await model("Is 7919 a prime?")
            if reply.text in ("yes", "no"):
                return reply == "yes"

    found = check_sync(rate >= 0.2, until_it_parses, models=[chatty])
    assert [each.code for each in found.result.found] == ["F09"]
    listed = CliRunner().invoke(main, ["checks"]).output
    assert all(code in listed for code in ("F07", "F08", "F09", "F11", "F12", "F18", "F19"))
    shown = CliRunner().invoke(main, ["checks", "F09"]).output
    assert shown.startswith("# F09: resample until valid")
