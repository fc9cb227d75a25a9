"""The fixtures `openai_client` and `anthropic_client`: genuine clients whose calls are draws."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from e2e.conftest import CANARY, Inner, Mistakes

from support.sdk_server import Got, SdkServer, Sent, chat


@pytest.fixture
def server(run: Inner, monkeypatch: pytest.MonkeyPatch) -> Iterator[SdkServer]:
    """Serve `lab/tiny` and `claude/tiny`, with a key that must not leak."""
    monkeypatch.setenv("LAB_KEY", CANARY)
    serving = SdkServer()
    run.ini(
        "velo_endpoints =\n"
        f"    lab: api=openai-chat base_url={serving.address}/v1 key=LAB_KEY price=1/1\n"
        f"    claude: api=anthropic base_url={serving.address} key=LAB_KEY price=1/1"
    )
    yield serving
    serving.close()


EVERY_API = """
ASKED = [{"role": "user", "content": "Is 7 a prime?"}]

@pytest.mark.hypothesis(rate >= 0.5, models=["lab/tiny"], max_trials=20)
async def test_chat(openai_client):
    answer = await openai_client.chat.completions.create(model="tiny", messages=ASKED)
    return answer.choices[0].message.content == "yes"

@pytest.mark.hypothesis(rate >= 0.5, models=["lab/tiny"], max_trials=20)
def test_chat_in_a_plain_body(openai_client):
    answer = openai_client.chat.completions.create(model="tiny", messages=ASKED)
    return answer.choices[0].message.content == "yes"

@pytest.mark.hypothesis(rate >= 0.5, models=["lab/tiny"], max_trials=20)
async def test_stream(openai_client):
    stream = await openai_client.chat.completions.create(model="tiny", messages=ASKED, stream=True)
    return "".join([e.choices[0].delta.content or "" async for e in stream if e.choices]) == "yes"

@pytest.mark.hypothesis(rate >= 0.5, models=["lab/tiny"], max_trials=20)
async def test_responses(openai_client):
    return (await openai_client.responses.create(model="tiny", input="Is 7 a prime?")).output_text == "yes"

@pytest.mark.hypothesis(rate >= 0.5, models=["lab/small"], max_trials=20)
async def test_embeddings(openai_client):
    answer = await openai_client.embeddings.create(model="small", input=["abba", "c"])
    return answer.data[0].embedding == [2.0, 2.0, 0.0, 0.0]

@pytest.mark.slow
@pytest.mark.hypothesis(rate >= 0.5, models=["claude/tiny"], max_trials=20)
async def test_messages(anthropic_client):
    answer = await anthropic_client.messages.create(model="tiny", messages=ASKED, max_tokens=9)
    return answer.content[0].text == "yes"
"""


def test_every_api_is_drawn_once_and_read_ever_after(run: Inner, server: SdkServer) -> None:
    run.file(EVERY_API)
    result = run("--velo-mode=auto")
    result.assert_outcomes(passed=6)
    assert set(run.outcomes) == {"supported"}
    first = len(server.calls)
    results = run.record.results
    texts = {call.reply.text for result in results for trial in result.trials for call in trial.calls}
    assert texts == {"yes", "[2 embeddings of 4 numbers]"}
    assert None not in [result.cost_usd for result in results]
    assert sum(bool(result.cost_usd) for result in results) >= 5  # two send the same, and share their draws
    assert not any(outcome.notices for outcome in run.record.results)

    run("--velo-mode=auto").assert_outcomes(passed=6)
    assert len(server.calls) == first
    assert all(outcome.n_calls == outcome.n_cached > 0 for outcome in run.record.results)

    server.close()
    run("--velo-mode=replay").assert_outcomes(passed=6)
    files = [path for path in run.path.rglob("*") if path.is_file()]
    assert files
    assert not [path for path in files if CANARY.encode() in path.read_bytes()]


CLOUD = """
import openai
from pytest_velo.providers import openai_chat
from pytest_velo.providers.clients import HttpProvider, Wire
from pytest_velo.providers.transport import SdkTransport

WIRE = Wire(path="/chat/completions", to_wire=openai_chat.to_wire, from_wire=openai_chat.from_wire)

def azure(endpoint, *, slots):
    client = openai.AsyncAzureOpenAI(
        api_key={key!r}, api_version="2026-01-01", azure_endpoint={address!r}, max_retries=0
    )
    return HttpProvider(endpoint, WIRE, SdkTransport(client=client, sdk=openai))

def pytest_velo_providers():
    return {{"azure": azure}}
"""
OF_A_CLOUD = """
ASKED = [{"role": "user", "content": "Is 7 a prime?"}]

@pytest.mark.hypothesis(rate >= 0.5, models=["cloud/tiny"], max_trials=20)
async def test_awaited(openai_client):
    answer = await openai_client.chat.completions.create(model="tiny", messages=ASKED)
    return type(openai_client).__name__ == "AsyncAzureOpenAI" and answer.choices[0].message.content == "yes"

@pytest.mark.hypothesis(rate >= 0.5, models=["cloud/tiny"], max_trials=20)
def test_plain(openai_client):
    answer = openai_client.chat.completions.create(model="tiny", messages=ASKED)
    return type(openai_client).__name__ == "AzureOpenAI" and answer.choices[0].message.content == "yes"
"""


def test_a_clouds_client_of_either_kind_draws_and_replays(run: Inner, server: SdkServer) -> None:
    run.path.joinpath("conftest.py").write_text(CLOUD.format(key=CANARY, address=server.address))
    run.ini("velo_endpoints =\n    cloud: api=azure price=1/1")
    run.file(OF_A_CLOUD)
    run("--velo-mode=auto").assert_outcomes(passed=2)
    assert run.outcomes == ["supported", "supported"]
    assert {path.partition("?")[0] for path in server.paths()} == {
        "/openai/deployments/tiny/chat/completions"
    }

    server.close()
    run("--velo-mode=replay").assert_outcomes(passed=2)
    assert all(result.n_calls == result.n_cached > 0 for result in run.record.results)


ASKS = """
async def ask(client, model="tiny", **more):
    asked = [{"role": "user", "content": "Is 7 a prime?"}]
    answer = await client.chat.completions.create(model=model, messages=asked, **more)
    return answer.choices[0].message.content
"""


def test_a_test_that_cannot_be_what_it_says_is_told(run: Inner, server: SdkServer) -> None:
    """Another model, a reply that is cut, a limit that is meant, an endpoint with a client of each SDK."""
    run.file(
        ASKS
        + """
@pytest.mark.hypothesis(rate >= 0.5, models=["lab/tiny"], max_trials=20)
async def test_another_model(openai_client):
    return await ask(openai_client, "large") == "yes"

@pytest.mark.hypothesis(rate >= 0.5, models=["lab/tiny"], max_trials=20)
async def test_cut(openai_client):
    return await ask(openai_client, max_tokens=1) == "yes"

@pytest.mark.hypothesis(rate >= 0.5, models=["lab/tiny"], max_trials=20, allow_cut=True)
async def test_cut_on_purpose(openai_client):
    return await ask(openai_client, max_tokens=1) == "yes"
"""
    )

    def answer(got: Got) -> Sent:
        return Sent(chat(got.body, "yes", finish="length" if "max_tokens" in got.body else "stop"))

    server.answer = answer
    run("--velo-mode=auto")
    another, cut, on_purpose = run.record.results
    assert another.outcome == on_purpose.outcome == "supported"
    assert not on_purpose.notices
    (told,) = another.notices
    assert "no call asked lab/tiny" in told
    assert "lab/large" in told
    assert cut.outcome == "inconclusive"
    assert {trial.kind for trial in cut.trials} == {"invalid"}


LOOPS = """
import openai, time

@pytest.mark.hypothesis(rate >= 0.5, models=["lab/tiny"], max_trials=20)
def test_a_loop_of_retries(openai_client):
    while True:
        try:
            asked = [{"role": "user", "content": "Hi"}]
            made = openai_client.chat.completions.create(model="tiny", messages=asked)
            return made.choices[0].message.content == "yes"
        except openai.APIError:
            pass

@pytest.mark.slow
@pytest.mark.hypothesis(rate >= 0.5, models=["lab/tiny"], max_trials=20)
async def test_everything_is_caught(openai_client):
    said = "yes"
    try:
        await openai_client.with_options(max_retries=5).models.with_raw_response.list()
        said = (await openai_client.responses.create(model="tiny", input="Hi")).output_text
    except Exception:
        pass
    return said == "yes"
"""


def test_what_a_body_makes_of_an_error_is_no_outcome(run: Inner, server: SdkServer) -> None:
    run.file(LOOPS)
    error = {"error": {"message": "No such thing.", "type": "invalid_request_error"}}
    server.answer = lambda got: Sent(error, 404) if got.method == "POST" else server.reply(got)
    result = run("--velo-mode=auto")
    result.assert_outcomes(errors=2)
    assert [outcome.problem.count("No such thing.") for outcome in run.record.results] == [1, 1]
    n_calls = len(server.calls)
    run("--velo-mode=replay").assert_outcomes(errors=2)
    missing, opened = run.record.results
    assert "this draw is not in the cache" in missing.problem
    assert "opens a connection" in opened.problem
    assert len(server.calls) == n_calls


OUTSIDE = """
import openai

@pytest.mark.hypothesis(rate >= 0.5, max_trials=20)
def test_a_client_of_its_own():
    client = openai.OpenAI()
    made = client.chat.completions.create(model="tiny", messages=[{"role": "user", "content": "Hi"}])
    return made.choices[0].message.content == "yes"
"""


def test_what_is_not_adopted_is_told_with_its_fix(
    run: Inner, server: SdkServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", CANARY)
    monkeypatch.setenv("OPENAI_BASE_URL", f"{server.address}/v1")
    run.file(OUTSIDE)
    left = run("--velo-mode=auto", "--velo-clients=leave")
    left.assert_outcomes(passed=1)
    assert 'clients="adopt" in the mark' in " ".join(left.stdout.str().split())
    (result,) = run.record.results
    assert result.outside
    assert not result.n_calls

    run("--velo-mode=auto", "--velo-clients=adopt", "--velo-budget=none").assert_outcomes(passed=1)
    (result,) = run.record.results
    assert not result.outside
    assert result.n_calls


@pytest.mark.parametrize(
    ("models", "fixture", "said", "fix"),
    [
        ("[YES]", "openai_client", "scripted", "local/smollm2-135m"),
        ('["claude/tiny"]', "openai_client", "speaks anthropic", "anthropic_client"),
        ('["lab/tiny"]', "anthropic_client", "speaks openai-chat", "openai_client"),
        ("None", "openai_client", "no model is set", "models="),
    ],
)
def test_a_client_that_cannot_post_there_is_refused(
    mistakes: Mistakes, server: SdkServer, models: str, fixture: str, said: str, fix: str
) -> None:
    given = "" if models == "None" else f", models={models}"
    source = f"@pytest.mark.hypothesis(rate >= 0.5{given})\nasync def test_x({fixture}):\n    return True\n"
    (told,) = mistakes.tests(source).values()
    assert said in told
    assert fix in told.partition("fix:")[2]


NOT_PAID = """
@pytest.mark.hypothesis(rate >= 0.5, models=["lab/tiny"], max_trials=20)
async def test_given(openai_client):
    return await ask(openai_client) == "yes"

@pytest.mark.hypothesis(rate >= 0.5, clients="adopt", max_trials=20)
async def test_adopted():
    import openai
    return await ask(openai.AsyncOpenAI()) == "yes"
"""


def test_nothing_is_paid_that_was_not_asked_for(
    run: Inner, server: SdkServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", CANARY)
    monkeypatch.setenv("OPENAI_BASE_URL", f"{server.address}/v1")
    run.file(ASKS + NOT_PAID)
    run().assert_outcomes(skipped=2)
    estimated = run("--velo-mode=estimate")
    estimated.assert_outcomes(skipped=2)
    assert not server.calls
    run("--velo-mode=auto", "--velo-budget=0").assert_outcomes()
    assert run.outcomes == ["inconclusive", "inconclusive"]
    assert not server.calls


LOST = """
import threading

@pytest.mark.hypothesis(rate >= 0.5, models=["lab/tiny"], max_trials=20)
def test_a_thread_of_its_own(openai_client):
    said = ["yes"]

    def thread():
        try:
            asked = [{"role": "user", "content": "Hi"}]
            made = openai_client.chat.completions.create(model="tiny", messages=asked)
            said.append(made.choices[0].message.content)
        except BaseException:
            pass

    started = threading.Thread(target=thread)
    started.start()
    started.join()
    return said[-1] == "yes"
"""


def test_a_call_that_lost_its_trial_is_an_error(run: Inner, server: SdkServer) -> None:
    run.file(LOST)
    run("--velo-mode=auto").assert_outcomes(errors=1)
    (result,) = run.record.results
    assert "outside a running trial" in result.problem
    assert not server.calls


TOGETHER = """
import openai

@pytest.mark.hypothesis(rate >= 0.5, models=["lab/tiny"], max_trials=20)
async def test_model(model, openai_client):
    asked = [{"role": "user", "content": "Is 11 a prime?"}]
    own = await openai.AsyncOpenAI().chat.completions.create(model="tiny", messages=asked)
    given = await openai_client.chat.completions.create(model="tiny", messages=asked)
    said = {own.choices[0].message.content, given.choices[0].message.content, (await model("Hi")).text}
    return said == {"yes"}
"""


@pytest.mark.processes
def test_model_and_clients_of_both_kinds_together_in_workers(
    run: Inner, server: SdkServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An adopted client of a declared endpoint has its price, and shares nothing with a call of `model`."""
    monkeypatch.setenv("OPENAI_API_KEY", CANARY)
    monkeypatch.setenv("OPENAI_BASE_URL", f"{server.address}/v1")
    run.file(TOGETHER)
    run("-n", "2", "--velo-mode=auto", "--velo-clients=adopt").assert_outcomes(passed=1)
    (result,) = run.record.results
    assert not result.outside
    assert result.cost_usd
    slots = [call.address.slot.rpartition(":")[2] for call in result.trials[0].calls]
    assert slots == ["0", "1", "0"]
    n_calls = len(server.calls)
    run("-n", "2", "--velo-mode=auto", "--velo-clients=adopt").assert_outcomes(passed=1)
    assert len(server.calls) == n_calls
