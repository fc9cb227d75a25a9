"""Every kind of record is as the published schema says, with no field that it does not name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_velo.cli.main import main
from support.schemas import faults

SOURCE = """
from pytest_velo import baseline, difference, estimate, image, mean
NOISY = scripted("noisy", lambda request, rng: "yes" if rng.random() < 0.8 else "no")
JUDGE = scripted("judge", ['{"answer": "yes"}'])
QUESTIONS = [{"id": n, "question": f"{n}?", "target": ["yes", "y"], "parts": [1, None]} for n in range(40)]
pytestmark = pytest.mark.velo(models=[NOISY])

@pytest.mark.parametrize("word", ["a", "b"])
@pytest.mark.hypothesis(rate >= 0.5, cases=QUESTIONS)
async def test_a_family(model, case, word, velo, trial):
    if case.id == 3:
        velo.invalid("no threes")
    trial.note("noted")
    chat = model.chat(system="Be brief.")
    await chat(word)
    assert await chat(case.question) == "yes"

@pytest.mark.hypothesis((rate("a") >= 0.3) & (mean(0, 10, "b") >= 2), judge=JUDGE)
async def test_a_joint_claim(model, judge):
    reply = await model("?")
    return {"a": await judge("Fine?", reply), "b": len(reply.text)}

@pytest.mark.hypothesis(difference("b", "a") >= -0.5, arms=("a", "b"))
def test_a_difference(model, arm):
    return model(arm, temperature=1, max_tokens=5, allow_cut=True) == "yes"

@pytest.mark.hypothesis(estimate(rate, halfwidth=0.2))
async def test_an_estimate(model):
    return await model("?") == "yes"

@pytest.mark.hypothesis(rate >= baseline - 0.3, cases=QUESTIONS, max_trials=40)
async def test_a_baseline(model, case):
    return await model(case.question) == "yes"

@pytest.mark.hypothesis(rate >= 0.5, models=["lab/tiny"], max_trials=30)
async def test_live(model):
    return await model("live?") == "yes"

@pytest.mark.hypothesis(rate >= 0.8, max_trials=20)
async def test_undecided(model):
    return await model("?") == "yes"

@pytest.mark.hypothesis(rate >= 0.5)
async def test_an_error(model, trial):
    await model("?")
    assert 1 / (2 - trial.index)

@pytest.mark.slow
@pytest.mark.skip(reason="later")
@pytest.mark.hypothesis(rate >= 0.5)
async def test_skipped(model):
    return await model("?") == "yes"
"""


def test_records_of_every_kind_are_as_their_schema_says(
    run, lab, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run.file(SOURCE)
    monkeypatch.chdir(run.path)
    options = ("-m", "velo", "-o", "velo_multiplicity=holm")
    run(*options, "--velo-update")
    run(*options)
    run(*options, "--velo-mode=replay")
    run(*options, "--velo-mode=estimate")
    rows = [{"id": n, "correct": n % 3 > 0, "output": "yes"} for n in range(60)]
    Path("log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    main(["judge", "log.jsonl", "-c", "rate >= 0.5"], standalone_mode=False)
    folders = sorted((run.path / ".pytest_velo" / "runs").glob("*/"))
    told = {folder.name: faults(folder, most=20) for folder in folders if folder.is_dir()}
    assert {name: found[:5] for name, found in told.items() if found} == {}
    modes = [json.loads((folder / "run.json").read_text(encoding="utf-8"))["mode"] for folder in folders]
    assert {"auto", "replay", "judge"} <= {*modes}, "an estimate leaves no record"
    outcomes = {
        result["outcome"]
        for folder in folders
        for result in json.loads((folder / "run.json").read_text(encoding="utf-8"))["results"]
    }
    assert outcomes >= {"supported", "measured", "error", "inconclusive"}
