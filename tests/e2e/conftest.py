"""Running pytest inside pytest, and a loopback server that speaks OpenAI's chat API."""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from pytest_velo.errors import UsageError
from pytest_velo.providers.embedded import check_installed
from pytest_velo.report.load import Run, load
from support.commands import velo
from support.listening import LoopbackServer
from support.schemas import faults
from support.settling import settled

# What pytest-asyncio otherwise warns of at the start of every inner run.
QUIET = ("-o", "asyncio_default_fixture_loop_scope=function")
# What a process of its own need not load: half of the time of its start, and no part in what we test here.
LEAN = ("-p", "no:randomly", "-p", "no:asyncio", "-p", "no:hypothesispytest")
CANARY = "sk-canary-7f3a91c2e5d84b60"
FOREIGN = ("GITHUB_", "VELO_", "OPENAI_", "ANTHROPIC_", "PYTEST_", "LAB_", "COV_")


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no setting of the machine or of the outer run reach an inner one."""
    for name in [*os.environ]:
        if name == "CI" or name.startswith(FOREIGN):
            monkeypatch.delenv(name)
    monkeypatch.setenv("COLUMNS", "120")


class Inner:
    """Runs pytest on files of its own folder, in this process or in another."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self._pytester = pytester
        self.path = pytester.path

    def file(self, source: str, name: str = "test_it.py") -> Path:
        """Write a test file; ours and pytest are imported for it, and scripted models `yes` and `no`."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(HEAD + source, encoding="utf-8")
        return path

    def ini(self, text: str) -> None:
        """Write pytest.ini."""
        (self.path / "pytest.ini").write_text(f"[pytest]\n{text}\n", encoding="utf-8")

    def velo(self, *words: str) -> str:
        """Run the command `velo` on the cache of the runs; return what it printed."""
        return velo(*words, "--cache-dir", str(self.path / ".pytest_velo"))

    def __call__(self, *args: str) -> pytest.RunResult:
        """Run in this process, tests in the order of their files; `-n` starts workers."""
        settled = LEAN if "-n" in args else ("-p", "no:randomly", *QUIET)
        return self._pytester.runpytest_inprocess(*settled, *args)

    def apart(self, *args: str, **env: str) -> pytest.RunResult:
        """Run in a process of its own."""
        with pytest.MonkeyPatch.context() as patch:
            for name, value in env.items():
                patch.setenv(name, value)
            return self._pytester.runpytest_subprocess(*LEAN, *args, timeout=500)

    def start(self, *args: str, **options: Any) -> subprocess.Popen[str]:
        """Start a process and leave it running."""
        command = [sys.executable, "-m", "pytest", *LEAN, *args]
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        return subprocess.Popen(command, cwd=self.path, **{**streams, **options})

    def start_to_interrupt(self, *args: str) -> subprocess.Popen[str]:
        """Start a process that `interrupt` may end; it gives calls under way a minute then, not a moment."""
        (self.path / "conftest.py").write_text(TELLS_OF_CTRL_C, encoding="utf-8")
        return self.start(*args)

    def interrupt(self, process: subprocess.Popen[str]) -> None:
        """Send Ctrl-C; return once what is sampled is cancelled, so that no call begins any more."""
        process.send_signal(signal.SIGINT)
        assert settled((self.path / "cancelled").exists, True)

    @property
    def record(self) -> Run:
        """The record of the latest run, which is as its schema says."""
        found = load(cache_dir=self.path / ".pytest_velo")
        assert faults(found.folder, most=2) == []
        return found

    @property
    def outcomes(self) -> list[str]:
        """The outcomes of the latest run, in the order of the tests."""
        return [result.outcome.value for result in self.record.results]

    @property
    def n_runs(self) -> int:
        """How many runs left a record."""
        return len([*(self.path / ".pytest_velo" / "runs").glob("*/run.json")])


TELLS_OF_CTRL_C = """
import pathlib
from pytest_velo.runner import run
from pytest_velo.sampling import loop

loop._HURRIED_S = 60
cancel_all = run.cancel_all

async def tell_and_cancel_all(tasks):
    pathlib.Path("cancelled").touch()
    return await cancel_all(tasks)

run.cancel_all = tell_and_cancel_all
"""

HEADLINE = re.compile(r"^_{3,} (?:ERROR [a-z ]+ )?(\S+) _{3,}$", re.MULTILINE)
ENDED = re.compile(r"^(?:={3,}|-{3,}) .*", re.MULTILINE | re.DOTALL)
KIND = re.compile(r"^(?:pytest_velo[\w.]*\.)?[A-Z]\w*Error: ")


def read_errors(result: pytest.RunResult) -> dict[str, str]:
    """Return what the terminal says went wrong, by the test or file in the headline.

    Of a traceback, what its last lines say, behind the place in the test file that it begins at. Line numbers
    of marks and of imports are `N`.
    """
    _, *parts = HEADLINE.split(result.stdout.str())
    return {
        name: _said(ENDED.sub("", text).strip("\n"))
        for name, text in zip(parts[::2], parts[1::2], strict=True)
    }


def _numberless(found: re.Match[str]) -> str:
    return "(line N)" if found[0].startswith("(") else "N"


def _said(text: str) -> str:
    raised = [line[4:] for line in text.splitlines() if line.startswith("E   ")]
    if not raised:
        return KIND.sub("", re.sub(r"\(line \d+\)|(?<=\.py:)\d+(?=: )", _numberless, text))
    place = re.match(r"(\S+?\.py):\d+: in ", text)
    assert place is not None, text
    return f"{place[1]}:N > {KIND.sub('', chr(10).join(raised))}"


class Mistakes:
    """Runs test files with one mistake each, all at once, and reads what is said of each."""

    def __init__(self, run: Inner) -> None:
        self._run = run
        self.code: int | pytest.ExitCode | None = None

    def read(self, *options: str) -> dict[str, str]:
        """Run what is there; what is read of `test_<name>`, a file or a test, is under `<name>`."""
        result = self._run("--tb=short", *options)
        self.code = result.ret
        assert "INTERNALERROR" not in result.stdout.str() + result.stderr.str()
        read = read_errors(result)
        return {name.removeprefix("test_").removesuffix(".py"): text for name, text in read.items()}

    def files(self, sources: Mapping[str, str], *options: str) -> dict[str, str]:
        """Run a file `test_<name>.py` for each."""
        for name, source in sources.items():
            self._run.file(source, f"test_{name}.py")
        return self.read(*options)

    def refused(self, source: str, *options: str) -> str:
        """Run one file that pytest refuses as a whole; returns what stands on stderr behind `ERROR: `."""
        self._run.file(source)
        result = self._run(*options)
        self.code = result.ret
        said = result.stderr.str().partition("ERROR: ")[2].strip("\n")
        return re.sub(r"\(line \d+\)", "(line N)", said)

    def tests(self, source: str, *options: str) -> dict[str, str]:
        """Run one file of tests."""
        self._run.file(source)
        return self.read(*options)


@pytest.fixture
def mistakes(run: Inner) -> Mistakes:
    """Read what is said of mistakes."""
    return Mistakes(run)


HEAD = """
import pytest
from pytest_velo import cases, rate, scripted
YES, NO = scripted("yes", ["yes"]), scripted("no", ["no"])
"""


@pytest.fixture
def run(pytester: pytest.Pytester) -> Inner:
    """Run pytest inside."""
    return Inner(pytester)


@pytest.fixture(scope="module")
def weights() -> Path:
    """Where the weights are, before a test moves the home folder."""
    try:
        return check_installed("smollm2-135m")
    except UsageError as error:
        pytest.skip(f"{error.what}: {error.fix}")


@dataclass
class Answer:
    """What the loopback server sends: a status, headers, and a JSON body (or raw bytes)."""

    body: Any
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


class Lab:
    """A loopback server; the same request with the same seed gets the same reply.

    Attributes:
        calls: The bodies of the requests so far.
        keys: The `Authorization` headers seen.
        answer: Makes the answer; may block, may be replaced by a test.
        share: How often the default answer is "yes" (else "no").
    """

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []
        self.keys: set[str] = set()
        self.share = 1.0
        self.answer: Callable[[dict[str, Any]], Answer] = self.reply
        self._lock = threading.Lock()
        self._server = LoopbackServer(_handler(self))
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def endpoint(self) -> str:
        """The line that declares it."""
        port = self._server.server_address[1]
        return f"lab: api=openai-chat base_url=http://127.0.0.1:{port}/v1 price=1/1 key=LAB_KEY"

    def note(self, body: dict[str, Any], key: str) -> int:
        """Count a request; returns how many there were."""
        with self._lock:
            self.calls.append(body)
            self.keys.add(key)
            return len(self.calls)

    def reply(self, body: dict[str, Any], share: float | None = None) -> Answer:
        """Answer yes or no, by the hash of the whole request; give a share that goes by the request."""
        drawn = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).digest()
        return Answer(chat("yes" if drawn[0] / 256 < (self.share if share is None else share) else "no"))

    def hold(self, n_answered: int) -> Held:
        """Answer so many calls at once from now on, and hold the others."""
        self.answer = held = Held(self, n_answered)
        return held

    def close(self) -> None:
        """Stop serving; connections are refused from now on."""
        self._server.shutdown()
        self._server.server_close()


class Held:
    """Answers some calls at once and holds the others.

    Attributes:
        reached: A call is held.
        release: Set it, and those that are held are answered.
    """

    def __init__(self, lab: Lab, n_answered: int) -> None:
        self._lab = lab
        self._left = n_answered
        self._lock = threading.Lock()
        self.reached = threading.Event()
        self.release = threading.Event()

    def __call__(self, body: dict[str, Any]) -> Answer:
        """Answer a call."""
        with self._lock:
            self._left -= 1
            held = self._left < 0
        if held:
            self.reached.set()
            self.release.wait(600)
        return self._lab.reply(body)


def chat(text: str, finish: str = "stop") -> dict[str, Any]:
    """Return a chat completion."""
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_790_000_000,
        "model": "tiny-2026-11-01",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": finish}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
    }


def _handler(lab: Lab) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            lab.note(body, self.headers.get("Authorization", ""))
            answer = lab.answer(body)
            data = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
            try:
                self.send_response(answer.status)
                for name, value in {"Content-Type": "application/json", **answer.headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)
            except OSError:
                self.close_connection = True  # the client was killed

        def log_message(self, *_: object) -> None:
            pass

    return Handler


@pytest.fixture
def lab(run: Inner, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    """Serve `lab/tiny`, declared in pytest.ini, with a key that must not leak."""
    monkeypatch.setenv("LAB_KEY", CANARY)
    server = Lab()
    run.ini(f"velo_endpoints =\n    {server.endpoint}")
    yield server
    server.close()
