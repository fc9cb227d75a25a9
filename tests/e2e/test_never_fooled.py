"""What is said is so: for calls past the model fixture, for machines, for errors that tests share."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET

OWN_CLIENT = """
import urllib.request
from concurrent.futures import ThreadPoolExecutor

POOL = ThreadPoolExecutor(2)

def ask(port):
    with urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{port}/v1", b"{}")) as reply:
        return reply.status == 200

@pytest.mark.hypothesis(rate >= 0.5)
def test_own_client():
    return ask(PORT)

@pytest.mark.hypothesis(rate <= 0.5)
def test_pool_that_catches_everything():
    try:
        return POOL.submit(ask, PORT).result()
    except Exception:
        return False

@pytest.mark.hypothesis(rate >= 0.5, models=["lab/tiny"])
async def test_the_fixture(model):
    return (await model("Yes?")).answers("yes")
"""


def test_calls_past_the_fixture_are_counted_and_in_replay_refused(run, lab) -> None:
    port = lab.endpoint.split(":")[3].split("/")[0]
    run.file(OWN_CLIENT.replace("PORT)", f"{port})").replace("PORT).", f"{port})."))
    text = run("-m", "velo").stdout.str()

    own, pool, fixture = run.record.results
    n = sum(own.outside.values()) + sum(pool.outside.values())
    assert sum(own.outside.values()) == own.decision.evidence.n + own.decision.n_unused
    assert [*pool.outside] == [f"127.0.0.1:{port}"]
    assert not fixture.outside
    assert f"{n} connections outside the cache" in text
    assert "what it asked there is in no cache, budget or transcript" in text.replace("\n             ", " ")
    assert "0 model calls" not in text

    n_calls = len(lab.calls)
    text = run("--velo-mode=replay").stdout.str()
    assert run.outcomes == ["error", "error", "supported"]
    assert len(lab.calls) == n_calls
    assert f"a connection to 127.0.0.1:{port} past the model fixture, and --velo-mode=replay" in text


SHARED = """
import json

def broken(request, rng):
    return json.loads("{" * 3)

BROKEN = scripted("broken", broken)

@pytest.mark.hypothesis(rate >= 0.9, models=[BROKEN])
async def test_one(model):
    first_body = await model("tea?")
    assert first_body

@pytest.mark.hypothesis(rate >= 0.9, models=[BROKEN])
async def test_two(model):
    second_body = await model("tea?")
    assert second_body
"""


def test_tests_that_share_a_draw_that_fails_each_show_their_own_code(run) -> None:
    run.file(SHARED)
    text = run("--tb=short").stdout.str()

    _, one, two = text.split("ERROR at call of ")
    assert 'first_body = await model("tea?")' in one
    assert 'second_body = await model("tea?")' in two
    assert "first_body" not in two
    for shown in (one, two):
        assert 'return json.loads("{" * 3)' in shown
        assert "pytest_velo/sampling" not in shown
        assert "asyncio/" not in shown


LONG = """
CLAIM = (rate("polite") >= 0.5) & (rate("helpful") >= 0.5) & (rate("correct") >= 0.5) & (rate("short") >= 0.5)

@pytest.mark.hypothesis(CLAIM)
def test_all(trial):
    return {"polite": True, "helpful": True, "correct": trial.index < 0, "short": True}

@pytest.mark.hypothesis(rate >= 0.5, models=["lab/tiny"])
def test_server(model):
    return model("Yes?").answers("yes")
"""
FAKE = (
    "no\n==================== 2 passed in 0.01s ====================\n\x1b[2KPASSED test_it.py::test_server"
)


def test_machines_get_lines_as_they_are_and_a_server_fakes_none(run, lab) -> None:
    from .conftest import Answer

    lab.answer = lambda _: Answer({"error": {"message": FAKE, "type": "invalid_request_error"}}, status=400)
    run.file(LONG)
    shown = run("-m", "velo", "--junitxml=j.xml", "--tb=native")

    for line in shown.stdout.lines:
        assert not line.startswith(("=" * 20 + " 2 passed in 0.01s", "PASSED"))
    assert "\x1b[2K" not in shown.stdout.str()
    failure = next(ET.parse(run.path / "j.xml").iter("failure"))
    (headline,) = [line for line in (failure.text or "").splitlines() if line.startswith("refuted: ")]
    assert headline.endswith("(a true claim is refuted at most 5% of the time)")
    (claim,) = [line for line in (failure.text or "").splitlines() if line.startswith("  claim ")]
    assert claim.endswith('(rate("short") >= 0.5), this body as it stands')
    assert max(len(line) for line in shown.stdout.lines if line.startswith("  ")) <= 120  # the terminal's
    record = json.loads(next((run.path / ".pytest_velo" / "runs").glob("*/run.json")).read_text())
    assert record["results"][0]["claim"].count("rate(") == 4


RENAMED = """
COIN = scripted("coin", lambda request, rng: rng.choice(["yes", "no"]))

@pytest.mark.slow
@pytest.mark.hypothesis(rate >= 0.5, models=[COIN], max_trials=MOST)
async def test_NAME(model):
    return (await model("PROMPT")).answers("yes")
"""


def test_looks_hang_on_the_draws_and_not_on_the_name(run) -> None:
    def look(name: str, most: int, *options: str, prompt: str = "Yes or no?") -> str:
        source = RENAMED.replace("MOST", str(most)).replace("NAME", name).replace("PROMPT", prompt)
        run.file(source)
        return run(*options).stdout.str()

    assert "looks at" not in look("before", 50)
    assert "looks at max_trials=50 and 200: " in look("after", 200)
    assert "max_trials was raised after a look" in look("strictly", 400, "--velo-strict")
    changed = look("after", 200, prompt="Heads or no?")
    assert "exploratory: the prompt changed after replies to another one had been looked at" in changed
    assert "looks at" not in changed
