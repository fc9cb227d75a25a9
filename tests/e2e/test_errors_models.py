"""What is read of a mistake about models: scripted ones, the embedded one, judges, and requests."""

from __future__ import annotations

import re

import pytest

from pytest_velo.providers import embedded, weights

BODY = """
async def test_h(model):
    return (await model("q")).answers("yes")
"""
HERE = "from pathlib import Path\nHERE = Path(__file__).parent\n"
LISTED = 'scripted("parrot", ["yes", "no"])'

# name: (the call, where, what is wrong with it, what to do)
SCRIPTS = {
    "nameless": (
        "scripted('', ['yes'])",
        "scripted('', ...)",
        "a scripted model needs a name",
        'scripted("parrot", replies)',
    ),
    "backwards": (
        "scripted('s', ['yes'], latency_s=-1)",
        "scripted('s', ...)",
        "`latency_s` must be >= 0 and finite, got -1",
        "latency_s=0.05",
    ),
    "a_text": (
        "scripted('s', 'yes')",
        "scripted('s', ...)",
        "replies must be a function, a list of texts or a Path, got str",
        LISTED,
    ),
    "empty": (
        "scripted('s', [])",
        "scripted('s', ...)",
        "replies must be a list of at least one text",
        LISTED,
    ),
    "numbers": (
        "scripted('s', [1, 2])",
        "scripted('s', ...)",
        "replies must be a list of at least one text",
        LISTED,
    ),
    "not_utf8": (
        "scripted('s', HERE / 'latin.jsonl')",
        "scripted('s', ...)",
        "HERE/latin.jsonl is not UTF-8 (byte 10)",
        "save it as UTF-8",
    ),
    "no_file": (
        "scripted('s', HERE / 'none.jsonl')",
        "scripted('s', ...)",
        "HERE/none.jsonl cannot be read (No such file or directory)",
        'name a .jsonl file by its full path, e.g. Path(__file__).with_name("replies.jsonl")',
    ),
    "no_reply": (
        "scripted('s', HERE / 'cut.jsonl')",
        "scripted('s', ...)",
        "line 2 of HERE/cut.jsonl is not a reply",
        '{"text": "Lyon"}',
    ),
}


def test_a_scripted_model_that_cannot_be_made(run, mistakes):
    (run.path / "latin.jsonl").write_bytes(b'{"text": "\xe9"}\n')
    (run.path / "cut.jsonl").write_text('{"text": "yes"}\n{"txet": "no"}\n')
    read = mistakes.files({name: HERE + call for name, (call, *_) in SCRIPTS.items()})
    assert mistakes.code == pytest.ExitCode.INTERRUPTED
    assert {name: text.replace(str(run.path), "HERE") for name, text in read.items()} == {
        name: f"test_{name}.py:N > {where}: {what}\n  fix: {fix}"
        for name, (_, where, what, fix) in SCRIPTS.items()
    }


def test_a_scripted_model_that_nobody_made(mistakes):
    mark = "@pytest.mark.hypothesis(rate >= 0.5, models=['scripted/parot'])"
    read = mistakes.tests(f"scripted('parrot', ['yes'])\n{mark}{BODY}")
    assert mistakes.code == pytest.ExitCode.TESTS_FAILED
    assert read["h"] == (
        "no replies are registered for the model scripted/parot\n  fix: did you mean"
        " 'parrot'?; or register them where the test is collected: scripted('parot', replies)"
    )


TESTS = """
import asyncio, json
SEVEN = scripted("seven", lambda request: 7)
GRADE = scripted("grade", ['{"score": "high"}'])
KEPT = []

@pytest.mark.hypothesis(rate >= 0.5, models=[SEVEN])
async def test_seven(model):
    return (await model("q")).answers("yes")

@pytest.mark.hypothesis(rate >= 0.5, models=[YES])
async def test_no_judge(model, request):
    judge = request.getfixturevalue("judge")
    return await judge("Is it?", await model("q"))

@pytest.mark.hypothesis(rate >= 0.5, models=[YES])
async def test_unknown_endpoint(velo):
    return (await velo.model("opena/gpt")("q")).answers("yes")

@pytest.mark.hypothesis(rate >= 0.5, models=[YES], max_trials=5)
def test_a_keeps(model):
    KEPT.append(model)
    return model("q").answers("yes")

@pytest.mark.hypothesis(rate >= 0.5, models=[YES])
async def test_b_borrows():
    return KEPT[0]("q").answers("yes")

def test_plain_model(request):
    request.getfixturevalue("model")

def test_plain_judge(request):
    request.getfixturevalue("judge")
"""
HYPOTHESIS = "mark the test: @pytest.mark.hypothesis(rate >= 0.5)"
TOLD = {
    "seven": "model scripted/seven: the script returned int, not a text, a ToolCall or a Reply\n"
    "  fix: return a str from the function given to scripted(...)",
    "no_judge": "test_it.py::test_no_judge: no judge is set\n"
    "  fix: judge=... in the mark, or --velo-judge=...",
    "unknown_endpoint": "test_it.py:N: the model id 'opena/gpt' names the unknown endpoint 'opena'\n"
    "  fix: did you mean 'openai'?, or declare it under velo_endpoints",
    "b_borrows": "test_it.py:N: a blocking model was called on the sampling loop\n"
    "  fix: make the body `async def`",
    "plain_model": "test_it.py:N > test_it.py::test_plain_model: the fixture 'model' is for hypotheses only"
    f"\n  fix: {HYPOTHESIS}",
    "plain_judge": "test_it.py:N > test_it.py::test_plain_judge: the fixture 'judge' is for hypotheses only"
    f"\n  fix: {HYPOTHESIS}",
}


def test_a_model_that_cannot_be_used_here(mistakes):
    read = mistakes.tests(TESTS, "--velo-scheduler=in-order")
    assert mistakes.code == pytest.ExitCode.TESTS_FAILED
    assert read == TOLD


@pytest.mark.parametrize(
    ("asked", "reply", "why"),
    [
        ("judge('Is it?', 'a')", '{"answer": "maybe"}', "the judge's answer cannot be read"),
        ("judge.score('How is it?', 'a') > 5", '{"score": "high"}', "the judge's answer cannot be read"),
        ("judge.score('How is it?', 'a') > 5", '{"points": 3}', "the judge's answer cannot be read"),
        ("judge('Is it?', 'a')", "yes", "the judge's reply does not follow the schema"),
    ],
)
def test_a_judge_that_cannot_be_read_makes_invalid_trials(run, asked, reply, why):
    run.file(
        f"GRADER = scripted('grader', [{reply!r}])\n"
        "@pytest.mark.hypothesis(rate >= 0.5, judge=GRADER, max_trials=10)\n"
        f"def test_h(judge):\n    return {asked}\n"
    )
    result = run("-rs")
    assert run.outcomes == ["inconclusive"]
    told = f"{why} (scripted/grader)\nit said: {reply!r}"
    assert {trial.detail for trial in run.record["test_h"].trials} == {told}
    result.stdout.fnmatch_lines(
        ["*0 for the claim, 0 against it, 10 invalid*", f"*10 of 10 trials are invalid: {why}*"]
    )
    assert f"it said: {reply!r}" in result.stdout.str()


@pytest.fixture
def no_weights(monkeypatch, tmp_path):
    monkeypatch.setenv("PYTEST_VELO_HOME", str(tmp_path))
    monkeypatch.setattr(weights, "_installed_path", lambda weights: None)
    monkeypatch.setattr(embedded, "_running", {})
    return tmp_path / "weights"


LOCAL = f"@pytest.mark.hypothesis(rate >= 0.5, models=['local/smollm2-135m']){BODY}"


def test_the_embedded_model_is_not_here(mistakes, no_weights, monkeypatch):
    pull = "  fix: velo pull smollm2-135m"
    assert mistakes.tests(LOCAL)["h"] == (
        f"model local/smollm2-135m: the embedded model's weights are not on this machine\n{pull}"
    )
    no_weights.mkdir()
    path = no_weights / weights.SMOLLM2.filename
    with path.open("wb") as file:
        file.truncate(weights.SMOLLM2.size_bytes)
    assert mistakes.tests(LOCAL)["h"] == (
        f"model local/smollm2-135m: {path} is not the pinned file: its checksum is wrong\n{pull}"
    )
    monkeypatch.setattr(embedded.importlib.util, "find_spec", lambda name: None)
    assert mistakes.tests(LOCAL)["h"] == (
        "model local/smollm2-135m: the embedded model's engine is not installed\n"
        "  fix: pip install 'pytest-velo[local]'"
    )
    assert mistakes.code == pytest.ExitCode.TESTS_FAILED


PICTURE = [
    {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}}]}
]
LATE = [{"role": role, "content": role} for role in ("user", "system", "user")]
# name: (the model, the call, where, what is wrong with it, what to do)
CALLS = {
    "late_system": (
        "ant/tiny",
        f"model({LATE})",
        "model tiny",
        "Anthropic's API takes system messages only before all others",
        "move the system message to the front, or say it in a user message",
    ),
    "logprobs": (
        "lab/tiny",
        "model('q', logprobs=True)",
        "model tiny",
        "`logprobs` must be a whole number from 0 to 20, got True",
        "logprobs=5",
    ),
    "many_logprobs": (
        "lab/tiny",
        "model('q', logprobs=21)",
        "model tiny",
        "`logprobs` must be a whole number from 0 to 20, got 21",
        "logprobs=5",
    ),
    "no_logprobs": (
        "lab/tiny",
        "ask_prob(model, 'A')",
        "test_it.py:N",
        "prob(...) reads log probabilities, but the reply has none",
        "request them: model(prompt, logprobs=20); a scripted model returns Reply(logprobs=...)",
    ),
}
PROB_HEAD = """
class Told:
    def __init__(self, value): self.value = value
    def answers(self, _): return self.value > 0.5
async def ask_prob(model, token):
    return Told((await model("q")).prob(token))
"""


def test_a_request_that_cannot_be_sent(run, lab, mistakes):
    port = lab.endpoint.split("127.0.0.1:")[1].split("/")[0]
    run.ini(
        f"velo_endpoints =\n    lab: api=openai-chat base_url=http://127.0.0.1:{port}/v1 price=free\n"
        f"    ant: api=anthropic base_url=http://127.0.0.1:{port} price=free"
    )
    source = PROB_HEAD
    for name, (model, call, *_) in CALLS.items():
        source += (
            f"@pytest.mark.hypothesis(rate >= 0.5, models=['{model}'])\n"
            f"async def test_{name}(model):\n    return (await {call}).answers('yes')\n"
        )
    read = mistakes.tests(source)
    assert mistakes.code == pytest.ExitCode.TESTS_FAILED
    assert read == {
        name: f"{where}: {what}\n  fix: {fix}" for name, (_, _, where, what, fix) in CALLS.items()
    }


def test_the_embedded_model_sees_no_pictures(mistakes):
    if weights.find_weights() is None:
        pytest.skip("needs the weights: velo pull smollm2-135m")
    read = mistakes.tests(LOCAL.replace('"q"', repr(PICTURE)))
    assert (
        read["h"]
        == "model local/smollm2-135m: the embedded model reads text only\n  fix: send text parts only"
    )


WITHIN = """
KEPT = []
ECHO = scripted("echo", lambda request: KEPT[0]("again").text)

@pytest.mark.hypothesis(rate >= 0.5, models=[ECHO])
def test_h(model):
    KEPT.append(model)
    return model("q").answers("yes")
"""


def test_a_script_that_calls_a_model_that_blocks(mistakes):
    assert mistakes.tests(WITHIN)["h"] == (
        "a blocking call on the sampling loop would wait for itself\n"
        "  fix: await it instead; run a helper that blocks with asyncio.to_thread"
    )
    assert mistakes.code == pytest.ExitCode.TESTS_FAILED


# name: (the API, what the server answers with 200, what is said of it)
GARBAGE = {
    "content": (
        "openai-chat",
        {"choices": [{"message": {"role": "assistant", "content": 7}, "finish_reason": "stop"}]},
        "HTTP 200, but the body is not a reply (TypeError: content is int)",
    ),
    "logprob": (
        "openai-chat",
        {
            "choices": [
                {
                    "message": {"role": "assistant", "content": "A"},
                    "finish_reason": "stop",
                    "logprobs": {"content": [{"token": "A", "logprob": "-0.1", "top_logprobs": []}]},
                }
            ]
        },
        "HTTP 200, but the body is not a reply (TypeError: a log probability is str)",
    ),
    "failed": (
        "openai-responses",
        {"status": "failed", "error": {"code": "server_error", "message": "we are sorry"}, "output": []},
        "HTTP 200, but inside it an error 502: we are sorry",
    ),
}


@pytest.mark.slow
def test_a_server_that_answers_what_is_no_reply(run, lab, mistakes):
    port = lab.endpoint.split("127.0.0.1:")[1].split("/")[0]
    lines = [
        f"{name}: api={api} base_url=http://127.0.0.1:{port}/v1 price=free"
        for name, (api, _, _) in GARBAGE.items()
    ]
    run.ini("velo_endpoints =\n    " + "\n    ".join(lines))
    answer = type(lab.reply({}))
    lab.answer = lambda body: answer(GARBAGE[body["model"]][1])
    read = mistakes.tests(
        "\n".join(
            f"@pytest.mark.hypothesis(rate >= 0.5, models=['{name}/{name}'], cases=[*map(str, range(20))])\n"
            f"async def test_{name}(model, case):\n"
            "    return (await model(case, logprobs=5)).answers('yes')\n"
            for name in GARBAGE
        )
    )
    assert mistakes.code == pytest.ExitCode.TESTS_FAILED
    in_a_row = re.compile(
        r"\d+ (?:answers in a row were no replies|calls in a row went unanswered), the last"
    )
    for name, (_, _, what) in GARBAGE.items():
        assert in_a_row.search(read[name])
        assert what in read[name]
        assert "\n  fix: " in read[name]
