"""One belief's way, on a model of this machine: tried, stubbed, on a ladder, confirmed, and run elsewhere.

What a researcher does in an afternoon, in one file that changes; each step is a run of its own.
"""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec

import pytest
from e2e.conftest import Answer, chat

from pytest_velo.providers.weights import cache_home, find_weights
from pytest_velo.records import HypothesisResult, Said
from pytest_velo.verdicts import Verdict

pytestmark = [
    pytest.mark.processes,
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("xllamacpp") is None, reason="pip install 'pytest-velo[local]'"),
    pytest.mark.skipif(find_weights() is None, reason="velo pull smollm2-135m"),
]

PULLED = cache_home()  # the inner runs have another home

VELO = "from pytest_velo.cli.main import main; main()"

HEAD = '''
"""Does a small model answer in a word?"""

from pytest_velo import stub
from pytest_velo.elicit import few_shot, zero_shot

COLOURS = {"black", "blue", "brown", "green", "grey", "orange", "pink", "purple", "red", "white", "yellow"}
THINGS = ["the sky", "a lemon", "a tomato", "a cherry", "an elephant"]
MODELS = ["local/smollm2-135m"]
SHOWN = [
    {"question": "colour of grass", "answer": "green"},
    {"question": "colour of snow", "answer": "white"},
    {"question": "colour of coal", "answer": "black"},
    {"question": "colour of blood", "answer": "red"},
    {"question": "colour of chocolate", "answer": "brown"},
    {"question": "colour of a flamingo", "answer": "pink"},
]


def names_a_colour(text):
    return text.strip(" .\\n").lower() in COLOURS


'''

STUBBED = '''
@pytest.mark.hypothesis(
    rate >= 0.6,
    cases=THINGS,
    models=MODELS,
    predict=0.7,
    judge=stub(names_a_colour, "the rubric is not written yet"),
)
async def test_it_answers_in_a_word(model, judge, case):
    """Asked for the colour of a thing, the model names a colour and says nothing else."""
    reply = await model(f"PROMPT {case}", max_tokens=8, allow_cut=True, temperature=0.7)
    return await judge("Is it one colour, and nothing else?", reply)
'''

SCORED = '''
@pytest.mark.hypothesis(rate >= 0.6, cases=THINGS, models=MODELS, predict=0.7)
async def test_it_answers_in_a_word(model, case):
    """Asked for the colour of a thing, the model names a colour and says nothing else."""
    reply = await model(f"colour of {case}", max_tokens=8, allow_cut=True, temperature=0.7)
    return names_a_colour(reply.text)
'''

ASSUMED = '''
@pytest.mark.hypothesis(rate >= 0.5, models=MODELS)
async def test_it_knows_what_it_does_not_know(model):
    """Asked for what nobody knows, the model says that it does not know."""
    reply = await model("What is the colour of the thing in my pocket?", max_tokens=12, allow_cut=True)
    return "know" in reply.text.lower()


@pytest.mark.hypothesis(rate >= 0.5, models=MODELS, assumes=[test_it_knows_what_it_does_not_know])
async def test_it_asks_back(model):
    """Where the model does not know, it asks back."""
    reply = await model("What is the colour of the thing in my other pocket?", max_tokens=12, allow_cut=True)
    return "?" in reply.text
'''

LADDER = '''
@pytest.mark.hypothesis(rate >= 0.6, cases=THINGS, models=MODELS, ladder=[zero_shot(), few_shot(SHOWN, k=4)])
async def test_it_answers_in_a_word(strategy, case):
    """Asked for the colour of a thing, the model names a colour and says nothing else."""
    reply = await strategy(f"colour of {case}", max_tokens=8, allow_cut=True, temperature=0.7)
    return names_a_colour(reply.text)
'''


def test_a_belief_from_a_first_prompt_to_another_model(run, lab, monkeypatch):
    monkeypatch.setenv("PYTEST_VELO_HOME", str(PULLED))

    def runs(body: str, *options: str) -> tuple[str, dict[str, HypothesisResult]]:
        run.file(HEAD + body)
        text = run.apart("--velo-mode=auto", *options).stdout.str()
        return text, {result.node_id.partition("::")[2]: result for result in run.record.results}

    # An idea, before there is a judge: two prompts fail, and both are remembered.
    text, found = runs(STUBBED.replace("PROMPT", "colour of"))
    tried = found["test_it_answers_in_a_word"]
    assert "refuted (judge stubbed)" in text
    assert "this attempt does not show the belief; another prompt or model may" in text
    assert [stub.why for stub in tried.stubs] == ["the rubric is not written yet"]
    assert tried.prediction is not None
    assert (tried.prediction.p, tried.prediction.said) == (0.7, Said.BEFORE)
    text, found = runs(STUBBED.replace("PROMPT", "Answer in one word. What is the colour of"))
    assert "attempt 2 on this belief, 2 prompts" in text

    # The judge is replaced. What was seen through the stub is no evidence about it, and the draws are known.
    text, found = runs(SCORED)
    scored = found["test_it_answers_in_a_word"]
    assert scored.decision.verdict is Verdict.REFUTED
    assert scored.stubs == ()
    assert scored.n_cached > 0
    assert scored.attempt.number == 3

    # An assumption is refuted: what rests on it makes no call.
    text, found = runs(ASSUMED)
    assert found["test_it_knows_what_it_does_not_know"].decision.verdict is Verdict.REFUTED
    spared = found["test_it_asks_back"]
    assert (spared.outcome.value, spared.n_calls, spared.trials) == ("inconclusive", 0, ())
    assert "assumption refuted" in text

    # Examples do what no prompt did.
    text, found = runs(LADDER)
    climbed = found["test_it_answers_in_a_word"]
    outcomes = {rung.name: rung.outcome.value for rung in climbed.ladder.rungs}
    assert outcomes == {"zero_shot": "refuted", "few_shot(k=4)": "supported"}
    assert climbed.alpha == pytest.approx(0.025)

    # Confirmed: the claim is frozen, and everything drawn afresh.
    text, found = runs(LADDER, "--velo-profile=confirm")
    confirmed = found["test_it_answers_in_a_word"]
    assert confirmed.decision.verdict is Verdict.SUPPORTED
    assert (confirmed.n_cached, confirmed.confirmation.doubt) == (0, "")
    first = min(call.drawn_at for trial in confirmed.trials for call in trial.calls)
    assert confirmed.confirmation.frozen_at <= first

    # And another model? It answers at once, without examples.
    lab.answer = lambda body: Answer(chat("Blue."))
    moved = subprocess.run(
        [sys.executable, "-c", VELO, "rerun", "--on", "lab/tiny", "--budget", "0.10"],
        cwd=run.path, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert moved.returncode == 0, moved.stdout + moved.stderr
    assert "test_it_answers_in_a_word" in moved.stdout
    again = {result.node_id.partition("::")[2]: result for result in run.record.results}
    rerun = again["test_it_answers_in_a_word"]
    assert rerun.model == "lab/tiny"
    assert rerun.ladder.rungs[0].outcome.value == "supported"
    assert len(lab.calls) == rerun.n_calls
