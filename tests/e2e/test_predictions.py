"""Predictions are kept before the data, and scored against what was found."""

from __future__ import annotations

import json

from pytest_velo.records import Prediction, Said

SOURCE = '''
@pytest.mark.parametrize("share", [0.95, 0.05, 0.5])
@pytest.mark.hypothesis(rate >= 0.5, max_trials=20, predict=0.8)
def test_h(trial, share):
    """The coin lands heads."""
    return trial.rng.random() < share

@pytest.mark.hypothesis(rate >= 0.5, max_trials=20)
def test_late(trial):
    """Another coin."""
    return trial.rng.random() < 0.95
'''


def predicted(run) -> dict[str, Prediction | None]:
    return {result.node_id.partition("::")[2]: result.prediction for result in run.record.results}


def test_what_is_said_before_the_data_is_scored_and_what_is_said_later_is_told(run) -> None:
    run.file(SOURCE)
    told = run(f"--velo-report=md:{run.path / 'run.md'}", f"--velo-report=html:{run.path / 'run.html'}")
    opening = "3 predictions: 1 of 2 right, Brier 0.34, 1 undecided"  # (0.04 + 0.64) / 2
    lines = told.stdout.str().splitlines()
    section = next(at for at, line in enumerate(lines) if line.strip("= ") == "hypotheses")
    assert lines[section + 1] == opening
    assert opening in (run.path / "run.md").read_text(encoding="utf-8")
    page = (run.path / "run.html").read_text(encoding="utf-8")
    assert page.index(opening) < page.index("</header>")
    assert "0.8 that it is supported, said before the data" in page
    assert "this attempt does not show the belief; another prompt or model may" in page
    assert "this attempt does not show the belief; another prompt or model may" in told.stdout.str()
    assert {prediction.said for prediction in predicted(run).values() if prediction} == {Said.BEFORE}

    run.file(
        SOURCE.replace("predict=0.8", "predict=0.3").replace(
            "20)\ndef test_late", "20, predict=0.9)\ndef test_late"
        )
    )
    told = run("--velo-seed=1").stdout.str()
    found = predicted(run)
    assert found["test_late"] == Prediction(p=0.9, said=Said.AFTER)
    first = found["test_h[0.95]"]
    assert first is not None
    assert (first.p, first.said, first.first) == (0.3, Said.AFTER, 0.8)
    assert "1 said too late to score" in told
    assert "said 0.3 after the data were seen; first said 0.8, which counts" in " ".join(told.split())

    listed = run.velo("predictions")
    assert "4 predictions · 2 scored · 1 undecided · 1 said too late to score" in listed
    assert "too few to tell skill from luck" in listed
    surprises = [line for line in listed.splitlines() if "nats)  " in line]
    assert [line.split()[3] for line in surprises] == ["refuted", "supported"]
    scores = [json.loads(line) for line in run.velo("predictions", "--json").splitlines()]
    assert sorted(each["brier"] for each in scores if each["brier"] is not None) == [
        (1 - 0.8) ** 2,
        0.8**2,
    ]


LADDERS = '''
from pytest_velo import scripted
from pytest_velo.elicit import few_shot, zero_shot

def says(request, rng):
    shown = len(request.messages) > 1
    question = request.messages[-1]["content"]
    return "yes" if question == "chance" and rng.random() < 0.5 or question == "shown" and shown else "no"

SAYS = scripted("says", says)
SHOWN = [{"question": "a", "answer": "yes"}]

@pytest.mark.parametrize("question", ["shown", "never", "chance"])
@pytest.mark.hypothesis(
    rate >= 0.5, models=[SAYS], max_trials=20, predict=0.8, ladder=[zero_shot(), few_shot(SHOWN, k=1)]
)
async def test_h(strategy, question):
    """It says yes."""
    return await strategy(question) == "yes"
'''


def test_a_prediction_about_a_ladder_is_settled_by_its_end_not_by_a_rung_on_the_way(run) -> None:
    run.file(LADDERS)
    assert "3 predictions: 1 of 2 right, Brier 0.34, 1 undecided" in run().stdout.str()
    scores = [json.loads(line) for line in run.velo("predictions", "--json").splitlines()]
    verdicts = {each["test"].partition("[")[2]: each["verdict"] for each in scores}
    assert verdicts == {"shown]": "supported", "never]": "refuted", "chance]": None}
