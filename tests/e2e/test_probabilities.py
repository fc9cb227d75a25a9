"""Probabilities instead of draws: what `reply.prob` settles, that sampling agrees, and how it can fail."""

from __future__ import annotations

from math import log
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from pytest_velo import load
from pytest_velo.cli.main import main

EXAMPLE = Path(__file__).parents[2] / "examples" / "probabilities" / "test_probabilities.py"
HEAD = """
from math import log
from pytest_velo import mean
from pytest_velo.records import Reply
from pytest_velo.logprobs import TokenLogprob

def says(name, *listed, text=None, **more):
    top = {text: log(p) for text, p in listed}
    token = TokenLogprob(token=listed[0][0], logprob=log(listed[0][1]), top=top)
    reply = Reply(text=listed[0][0] if text is None else text, logprobs=(token,), **more)
    return scripted(name, lambda request: reply)

SURE = says("sure", ("A", 0.75), ("B", 0.2), (" A", 0.005))
"""


def body(returned: str, *, model: str = "SURE", claim: str = "mean(0, 1) >= 0.5", call: str = "") -> str:
    """Return a hypothesis whose body returns this of a reply."""
    return f"""{HEAD}
@pytest.mark.hypothesis({claim}, models=[{model}], max_trials=60)
async def test_h(model):
    reply = await model("A or B?", {call})
    return {returned}
"""


def flat(result: pytest.RunResult) -> str:
    """Return what a run printed, with its lines joined."""
    return " ".join(" ".join(result.outlines).split())


@pytest.fixture
def embedded_model(weights: Path, run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let inner runs find the weights that this machine has."""
    monkeypatch.setattr("pytest_velo.providers.embedded.find_weights", lambda _weights: weights)


# --- What it settles -------------------------------------------------------------------------------


def test_a_probability_is_the_outcome_of_a_mean(run):
    run.file(body("reply.prob('A')"))
    assert run("-m", "velo").ret == 0
    result = run.record["test_h"]
    assert result.outcome == "supported"
    assert {trial.kind for trial in result.trials} == {"value"}
    assert result.decision.evidence.estimate == pytest.approx(0.755)


def test_a_comparison_of_it_is_the_outcome_of_a_rate(run):
    run.file(body("reply.prob('A') > 0.5", claim="rate >= 0.5"))
    assert run("-m", "velo").ret == 0
    assert {trial.kind for trial in run.record["test_h"].trials} == {"one"}


def test_its_upper_end_is_an_outcome_too_for_claims_that_something_is_rare(run):
    run.file(body("reply.prob('B').upper", claim="mean(0, 1) <= 0.5"))
    assert run("-m", "velo").ret == 0
    assert run.record["test_h"].decision.evidence.estimate == pytest.approx(0.2 + 0.005)


# --- The embedded model ----------------------------------------------------------------------------

N = 150
ONE_PROMPT = f"""
from pytest_velo import mean
pytestmark = pytest.mark.velo(models=["local/smollm2-135m"], max_trials={N}, alpha=0.005, beta=0.005)
PROMPT = "Choose A or B.\\nA: tea\\nB: coffee\\nAnswer:"
FIRST = {{"temperature": 1.0, "max_tokens": 1, "allow_cut": True, "allow_empty": True}}

@pytest.mark.hypothesis(rate >= 0.6, min_trials={N})
async def test_drawn(model):
    return (await model(PROMPT, **FIRST)).text.strip() == "A"

@pytest.mark.hypothesis(mean(0, 1) >= 0.5)
async def test_read(model):
    return (await model(PROMPT, logprobs=20, **FIRST)).prob("A")

@pytest.mark.slow
@pytest.mark.hypothesis(mean(0, 1) >= 0.5)
async def test_cold(model):
    return (await model(PROMPT, logprobs=20, **FIRST | {{"temperature": 0.2, "top_k": 3}})).prob("A")
"""


def test_the_probability_is_within_the_interval_of_the_sampled_rate(run, embedded_model):
    run.file(ONE_PROMPT)
    run("-m", "velo")
    drawn, read, cold = (run.record[name] for name in ("test_drawn", "test_read", "test_cold"))
    outcomes = [trial.values[""] for trial in read.trials if trial.kind == "value"]
    assert 5 <= len(outcomes) < N / 3
    assert max(outcomes) - min(outcomes) < 1e-3, "a probability does not depend on what was drawn"
    interval = drawn.decision.evidence.interval
    assert drawn.decision.evidence.n == N
    assert interval.high - interval.low < 0.35
    assert interval.low < outcomes[0] < interval.high
    share = drawn.decision.evidence.n_ones / N
    assert outcomes[0] == pytest.approx(share, abs=3.5 * (0.25 / N) ** 0.5)
    # They are the model's own, at temperature 1: a colder reply from fewer tokens has the same.
    assert cold.trials[0].values[""] == pytest.approx(outcomes[0], abs=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("max_tokens", [1, 6])
def test_a_character_of_several_tokens_makes_the_trial_invalid(run, embedded_model, max_tokens):
    """Its engine lists the numbers of the last of them only, or none: neither is those of the first token."""
    call = f"logprobs=5, max_tokens={max_tokens}, allow_cut=True, logit_bias=[['\u663d', 60]]"
    run.file(body("reply.prob('A')", model="'local/smollm2-135m'", call=call))
    run("-m", "velo")
    trials = run.record["test_h"].trials
    assert {trial.kind for trial in trials} == {"invalid"}
    assert "a character of several tokens" in trials[0].detail
    assert not trials[0].calls[0].reply.text[0].isascii()


@pytest.mark.processes
def test_the_example_settles_one_belief_twice_and_reading_takes_a_fraction_of_the_calls(run, embedded_model):
    (run.path / "test_it.py").write_text(EXAMPLE.read_text(encoding="utf-8"), encoding="utf-8")
    assert run("-m", "velo").parseoutcomes() == {"passed": 2}
    read, drawn = (
        run.record[f"test_it_takes_the_first_by_{way}"].decision for way in ("probability", "sampling")
    )
    assert read.verdict == drawn.verdict == "supported"
    assert 4 * read.evidence.n < drawn.evidence.n
    assert drawn.evidence.interval.low < read.evidence.estimate < drawn.evidence.interval.high


# --- Stored draws ----------------------------------------------------------------------------------


def give_logprobs(lab) -> None:
    """Let the loopback server list the probabilities of its answer's one token."""
    plain = lab.reply

    def answer(asked: dict[str, Any]) -> Any:
        told = plain(asked)
        top = [{"token": text, "logprob": log(p), "bytes": None} for text, p in (("yes", 0.7), ("no", 0.295))]
        token = {"token": "yes", "logprob": log(0.7), "bytes": None, "top_logprobs": top}
        told.body["choices"][0]["logprobs"] = {"content": [token], "refusal": None}
        return told

    lab.answer = answer


STORED = body("reply.prob('yes')", model="'lab/tiny'", call="logprobs=2, max_tokens=1")


def test_stored_draws_and_cassettes_keep_the_probabilities(run, lab):
    give_logprobs(lab)
    run.file(STORED)
    assert run("-m", "velo").parseoutcomes() == {"passed": 1}
    assert all((call["logprobs"], call["top_logprobs"]) == (True, 2) for call in lab.calls)
    first, n_calls = [trial.values for trial in run.record["test_h"].trials], len(lab.calls)
    assert first[0][""] == pytest.approx(0.7)
    run("-m", "velo").stdout.fnmatch_lines(["0 model calls*"])
    assert [trial.values for trial in run.record["test_h"].trials] == first
    exported = CliRunner().invoke(main, ["cassette", "export", "cassettes/draws.jsonl"])
    assert exported.exit_code == 0, exported.output
    run("--velo-mode=replay", "--velo-cache-dir=fresh")
    assert [trial.values for trial in load(cache_dir=run.path / "fresh")["test_h"].trials] == first
    assert len(lab.calls) == n_calls


# --- What ends a hypothesis as an error ------------------------------------------------------------

WRONG = {
    "not set": (body("reply.prob('yes')", model="YES"), "the reply has none fix: request them"),
    "no variant": (body("reply.prob()"), "takes the tokens to add up, got none fix: reply.prob("),
    "an empty cell": (body("reply.prob('')"), "takes the tokens to add up, got '' fix: reply.prob("),
    "no position": (body("reply.prob('A', position=-1)"), "position=-1 is not a token position fix: "),
    "no tolerance": (body("reply.prob('A', max_hidden=5)"), "max_hidden=5 is not a probability fix: "),
    "two words": (body("reply.prob('the first')"), "prob('the first'): this is several tokens"),
    "scores": (
        body("reply.prob('A')", model="says('scores', ('A', 0.9), ('B', 0.8))"),
        "add up to 1.700: they are not probabilities fix: request the model's own",
    ),
    "reasoning": (
        body("reply.prob('A')", model="says('thinks', ('Hmm', 0.9), text='A', reasoning='Hmm')"),
        "belong to the model's reasoning, not to its answer fix: turn reasoning off",
    ),
    "a rate of probabilities": (body("reply.prob('A')", claim="rate >= 0.5"), "or claim mean(0, 10) about"),
}


@pytest.mark.parametrize(("source", "told"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_in_the_body_is_an_error_and_says_what_to_write(run, source, told):
    run.file(source)
    result = run("-m", "velo")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert result.parseoutcomes() == {"errors": 1}
    assert run.outcomes == ["error"]
    assert told in flat(result)


def test_a_text_of_several_tokens_is_an_error_where_the_reply_spells_it_so(run, embedded_model):
    run.file(
        body(
            "reply.prob('Napoleon')",
            model="'local/smollm2-135m'",
            call="logprobs=20, max_tokens=6, allow_cut=True, temperature=0.0",
        ).replace("A or B?", "Who was Napoleon?")
    )
    result = run("-m", "velo")
    assert "prob('Napoleon'): this is several tokens" in flat(result)
    assert run.outcomes == ["error"]


def test_a_server_that_gives_none_is_named_and_the_record_says_so(run, lab):
    run.file(STORED)
    result = run("-m", "velo")
    assert run.outcomes == ["error"]
    assert "logprobs= was set, but the provider returned none with this reply" in flat(result)
    assert "not honoured: logprobs" in flat(result)


def test_anthropic_says_before_any_call_that_it_has_none(run, lab):
    port = lab.endpoint.split("base_url=")[1].split("/v1")[0]
    run.ini(f"velo_endpoints =\n    claude: api=anthropic base_url={port} price=1/1 key=LAB_KEY")
    run.file(STORED.replace("lab/tiny", "claude/tiny"))
    told = flat(run("-m", "velo"))
    assert run.outcomes == ["error"]
    assert "Anthropic's API gives no log probabilities fix: leave logprobs= out and claim a rate" in told
    assert lab.calls == []


def test_probabilities_after_the_filters_are_refused(run, embedded_model):
    call = "logprobs=5, max_tokens=1, post_sampling_probs=True"
    run.file(body("reply.prob('A')", model="'local/smollm2-135m'", call=call))
    told = flat(run("-m", "velo"))
    assert run.outcomes == ["error"]
    assert "model local/smollm2-135m: post_sampling_probs=True replaces the model's log probabilities" in told
    assert run.record["test_h"].n_calls == 0


# --- What makes a trial invalid --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "told"),
    [
        (
            body("reply.prob('B', max_hidden=0.001)"),
            "prob('B') is between 0.2 and 0.205: 1 of its 2 spellings",
        ),
        (body("reply.prob('C')", model="says('flat', ('A', 0.5), ('B', 0.2))"), "ask for more, logprobs=20"),
        (
            body("reply.prob('Lyon')", model="says('parts', ('Ly', 0.5), ('B', 0.49))"),
            "where they may begin with 'Ly'",
        ),
        (body("reply.prob('A', position=1)"), "reads the token at position 1, but the reply lists only 1"),
        (
            body("reply.prob('A')", model="scripted('mute', [''])", call="allow_empty=True"),
            "the reply is empty: there is no token",
        ),
    ],
    ids=["hidden", "few alternatives", "in parts", "position", "empty"],
)
def test_what_the_reply_does_not_tell_is_an_invalid_trial_and_no_zero(run, source, told):
    run.file(source)
    result = run("-m", "velo")
    trials = run.record["test_h"].trials
    assert {trial.kind for trial in trials} == {"invalid"}
    assert told in trials[0].detail
    assert told in flat(result)


def test_a_token_that_a_model_wrote_is_shown_and_not_obeyed(run):
    run.file(body("reply.prob('\\x1b[31mA')", model=r"says('bad', ('\x1b[31m', 0.9))"))
    result = run("-m", "velo")
    assert "\x1b[31m" not in result.stdout.str()
    assert {trial.kind for trial in run.record["test_h"].trials} == {"invalid"}
