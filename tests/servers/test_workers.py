"""Trials on workers of a real dask scheduler, on loopback: the same verdicts, whatever dies.

Run them with `pytest -m servers`; `pip install 'pytest-velo[dask]'` brings what they need.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from pytest_velo.cache.store import Store
from pytest_velo.report.load import Run, load
from pytest_velo.sampling.resources import STORE_FILE

pytest.importorskip("distributed", reason="pip install 'pytest-velo[dask]'")
pytestmark = [pytest.mark.servers]

CANARY = "sk-canary-7f3a91c2e5d84b60"
PATIENCE_S = 180.0  # a machine may be busy
LEAN = ("-p", "no:randomly", "-p", "no:asyncio", "-p", "no:hypothesispytest", "-m", "velo")
PRICE = 15e-6  # of one call: ten tokens and five, at a dollar a million
CIRCUMSTANCES = ("latency_s", "drawn_at", "cached")

MANY = """
import pytest
from pytest_velo import cases, difference, ranking, rate

ROWS = cases([{"q": f"Is {n} even?", "options": ["yes", "no"]} for n in range(40)])


@pytest.fixture
def suffix():
    return "?!"


@pytest.mark.parametrize("style", [f"style {n}" for n in range(24)])
@pytest.mark.hypothesis(rate >= 0.3, cases=ROWS, max_trials=30)
async def test_async(model, case, style):
    reply = await model(f"{style}: {case.q}", temperature=1.0)
    assert reply == "yes", f"it said {reply}"


@pytest.mark.hypothesis(rate >= 0.3, cases=ROWS, max_trials=30)
def test_plain(model, case, trial):
    trial.note("half a pair: \\ud83d")
    return model(case.q) == "yes"


@pytest.mark.hypothesis(rate >= 0.3, cases=ROWS, max_trials=12)
def test_with_a_fixture(model, case, suffix):
    return model(case.q + suffix) == "yes"


@pytest.mark.hypothesis(rate >= 0.1, cases=ROWS, max_trials=20, judge="lab/judge")
async def test_judged(model, judge, case):
    reply = await model(case.q)
    return await judge(reply, "It answers.")


@pytest.mark.hypothesis(
    difference("lab/tiny", "lab/small") >= -0.9, arms=("lab/tiny", "lab/small"), cases=ROWS, max_trials=20
)
async def test_pairs(model, case):
    return await model(case.q) == "yes"


@pytest.mark.hypothesis(ranking(), models=["lab/tiny", "lab/small", "lab/other"], cases=ROWS, max_trials=30)
async def test_which_is_the_best(model, case):
    return await model(case.q) == "yes"


@pytest.mark.hypothesis(rate >= 0.3, cases=ROWS, max_trials=20)
async def test_a_conversation(velo, case):
    chat = velo.model().chat()
    first = await chat(case.q)
    if first == "no" and case.q.endswith("7 even?"):
        velo.invalid("it is odd")
    return await chat("Are you sure?") == "yes"
"""


class Lab:
    """A loopback server; the same request with the same seed gets the same reply.

    Attributes:
        calls: The models that were asked, a call each.
        before: Called with the number of each call, before it is answered.
    """

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.before: Callable[[int], None] = lambda _: None
        self._lock = threading.Lock()
        lab = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with lab._lock:
                    lab.calls.append(body["model"])
                    n = len(lab.calls)
                lab.before(n)
                data = json.dumps(_chat(body)).encode()
                try:
                    self.send_response(200)
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(data)))
                    self.end_headers()
                    self.wfile.write(data)
                except OSError:
                    self.close_connection = True  # who asked is dead

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def endpoint(self) -> str:
        """The line that declares it."""
        port = self._server.server_address[1]
        return f"lab: api=openai-chat base_url=http://127.0.0.1:{port}/v1 price=1/1 key=LAB_KEY"

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()


def _chat(body: dict[str, Any]) -> dict[str, Any]:
    drawn = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).digest()[0]
    text = "yes" if drawn < 180 else "no"
    if body["model"] == "judge":
        text = json.dumps({"answer": text})
    return {
        "id": "c",
        "object": "chat.completion",
        "created": 1_790_000_000,
        "model": body["model"],
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
    }


class Cluster:
    """A dask scheduler with workers, a process each; only the workers have the key."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.folder.mkdir()
        self.port = 0
        self.scheduler: subprocess.Popen[bytes] | None = None
        self.workers: list[subprocess.Popen[bytes]] = []

    @property
    def address(self) -> str:
        """Where it is, as `--velo-workers` has it."""
        return f"dask://127.0.0.1:{self.port}"

    def start(self, n: int = 2, **environment: str) -> None:
        """Start it; once more, at the same port."""
        file = self.folder / "scheduler.json"
        file.unlink(missing_ok=True)
        place = ("--host", "127.0.0.1", "--port", str(self.port), "--no-dashboard")
        self.scheduler = self._run("dask_scheduler", *place, "--scheduler-file", str(file))
        _until(lambda: file.exists() and file.read_text().endswith("}"), "the scheduler starts")
        self.port = int(json.loads(file.read_text())["address"].rpartition(":")[2])
        self.workers = [self.worker(LAB_KEY=CANARY, **environment) for _ in range(n)]

    def worker(self, **environment: str) -> subprocess.Popen[bytes]:
        """Start a worker."""
        plain = ("--no-nanny", "--nthreads", "1", "--no-dashboard", "--host", "127.0.0.1")
        return self._run("dask_worker", f"tcp://127.0.0.1:{self.port}", *plain, **environment)

    def restart(self) -> None:
        """Kill the scheduler and start all anew, as a supervisor would: workers end without a scheduler."""
        self.kill()
        self.start()

    def kill(self) -> None:
        """Kill all of it."""
        for process in (self.scheduler, *self.workers):
            if process is not None:
                process.kill()
                process.wait()

    @property
    def logs(self) -> str:
        """What scheduler and workers have written."""
        return "".join(file.read_text(errors="replace") for file in self.folder.glob("*.log"))

    def _run(self, module: str, *args: str, **environment: str) -> subprocess.Popen[bytes]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("LAB_", "DASK_"))}
        with (self.folder / f"{module}-{time.monotonic_ns()}.log").open("wb") as log:
            return subprocess.Popen(
                [sys.executable, "-m", f"distributed.cli.{module}", *args],
                cwd=self.folder,
                env={**clean, **environment},
                stdout=log,
                stderr=subprocess.STDOUT,
            )


def _until(holds: Callable[[], bool], what: str) -> None:
    """Wait until something holds."""
    moment = threading.Event()
    end = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < end, f"in vain: {what}"
        moment.wait(0.05)


class Project:
    """A folder with tests, run by pytest in a process of its own that has no key."""

    def __init__(self, folder: Path, endpoint: str) -> None:
        self.folder = folder
        self.folder.mkdir()
        self.ini = (
            f"[pytest]\nvelo_model = lab/tiny\nvelo_concurrency = 12\nvelo_endpoints =\n    {endpoint}\n"
        )
        (folder / "pytest.ini").write_text(self.ini)

    def file(self, source: str) -> None:
        """Write the tests."""
        (self.folder / "test_it.py").write_text(source)

    def start(self, *args: str, cache: str = "one", **environment: str) -> subprocess.Popen[str]:
        """Start pytest."""
        clean = {
            name: value
            for name, value in os.environ.items()
            if name != "CI" and not name.startswith(("LAB_", "VELO_", "PYTEST_", "DASK_"))
        }
        return subprocess.Popen(
            [sys.executable, "-m", "pytest", *LEAN, f"--velo-cache-dir={cache}", *args],
            cwd=self.folder,
            env={**clean, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *args: str, cache: str = "one", **environment: str) -> str:
        """Run pytest, and return what it wrote."""
        process = self.start(*args, cache=cache, **environment)
        out, _ = process.communicate(timeout=4 * PATIENCE_S)
        return out

    def record(self, cache: str = "one") -> Run:
        """The latest record."""
        return load(cache_dir=self.folder / cache)

    def trials(self, cache: str) -> list[Any]:
        """The record's trials, without circumstances."""
        lines = (self.record(cache).folder / "trials.jsonl").read_text().splitlines()
        return [_without(json.loads(line)) for line in lines]

    def verdicts(self, cache: str) -> list[Any]:
        """Outcome, evidence and number of trials of each hypothesis."""
        return [
            (result.node_id, result.outcome, result.decision and result.decision.evidence, len(result.trials))
            for result in self.record(cache).results
        ]


def _without(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without(part) for name, part in value.items() if name not in CIRCUMSTANCES}
    return [_without(part) for part in value] if isinstance(value, list) else value


@pytest.fixture
def lab() -> Iterator[Lab]:
    """Serve models."""
    server = Lab()
    yield server
    server.close()


@pytest.fixture
def project(tmp_path: Path, lab: Lab) -> Project:
    """A folder whose tests ask the lab."""
    return Project(tmp_path / "project", lab.endpoint)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """A scheduler with two workers."""
    made = Cluster(tmp_path / "cluster")
    made.start()
    yield made
    made.kill()


class Recorder:
    """Passes connections on to a port, and keeps all that goes either way."""

    def __init__(self, port: int) -> None:
        self.heard = bytearray()
        self._to = port
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                here, _ = self._listening.accept()
            except OSError:
                return
            there = socket.create_connection(("127.0.0.1", self._to))
            for one, other in ((here, there), (there, here)):
                threading.Thread(target=self._pass, args=(one, other), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(1 << 16):
                self.heard += data
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def close(self) -> None:
        """Take no more connections."""
        self._listening.close()


def test_30_hypotheses_are_as_in_one_process_and_no_key_travels(
    project: Project, cluster: Cluster, lab: Lab
) -> None:
    project.file(MANY)
    project.run(cache="one", LAB_KEY=CANARY)
    n_alone = len(lab.calls)
    recorder = Recorder(cluster.port)
    out = project.run(f"--velo-workers=dask://127.0.0.1:{recorder.port}", cache="many")
    recorder.close()
    assert project.verdicts("many") == project.verdicts("one"), out
    assert project.trials("many") == project.trials("one")

    assert b"even?" in recorder.heard
    assert CANARY.encode() not in recorder.heard
    assert CANARY not in cluster.logs + out
    assert not [
        file for file in project.folder.rglob("*") if file.is_file() and CANARY.encode() in file.read_bytes()
    ]

    # No worker makes a call that it was not told to make.
    with closing(Store.open(project.folder / "many" / STORE_FILE)) as store:
        assert len(lab.calls) - n_alone == len([*store.recorded()])

    # Everything is stored here: a second run needs no worker, and a replay needs none either.
    n_calls = len(lab.calls)
    project.run("--velo-workers=dask://127.0.0.1:1", cache="many")
    project.run("--velo-workers=dask://127.0.0.1:1", "--velo-mode=replay", cache="many")
    assert len(lab.calls) == n_calls
    assert project.trials("many") == project.trials("one")


def test_a_killed_worker_and_a_restarted_scheduler_change_no_verdict(
    project: Project, cluster: Cluster, lab: Lab
) -> None:
    project.file(MANY)
    project.run(cache="one", LAB_KEY=CANARY)
    n_alone = len(lab.calls)
    lab.calls.clear()
    killed, restarted = threading.Event(), threading.Event()

    def trouble(n: int) -> None:
        if n == 20:
            cluster.workers[0].kill()
            killed.set()
        elif n == n_alone // 2:
            cluster.restart()
            restarted.set()

    lab.before = trouble
    out = project.run(f"--velo-workers={cluster.address}", cache="many")
    assert killed.is_set(), out
    assert restarted.is_set(), out
    assert project.verdicts("many") == project.verdicts("one"), out
    assert project.trials("many") == project.trials("one")


DYING = """
import os, pathlib, signal
import pytest
from pytest_velo import cases, rate

ROWS = cases([{{"q": f"Is {{n}} even?"}} for n in range(60)])


@pytest.mark.parametrize("who", range(5))
@pytest.mark.hypothesis(rate >= 0.5, cases=ROWS, max_trials=60)
async def test_it_dies_once(model, case, who, trial):
    mark = pathlib.Path({folder!r}) / f"died-{{who}}"
    if trial.index == 3 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    await model(f"{{who}}: {{case.q}}", max_tokens=5)
    return trial.index % 2 == 0  # so it is never decided
"""


@pytest.mark.parametrize("session", range(4))
def test_five_kills_never_exceed_the_budget(project: Project, lab: Lab, session: int) -> None:
    """In each of four sessions: what the server answered, at its price, is within the budget."""
    project.file(DYING.format(folder=str(project.folder)))
    budget = (60 + 15 * session) * PRICE
    options = (f"--velo-budget={budget:.6f}", f"--velo-seed={session}", "--velo-scheduler=round-robin")
    out = project.run("--velo-workers=local:2", *options, LAB_KEY=CANARY)
    assert "does not allow another call" in out
    assert len([*project.folder.glob("died-*")]) == 5, out
    assert 0 < len(lab.calls) * PRICE <= budget + 1e-9, out


def test_a_worker_without_the_key_is_an_error_that_says_where(
    project: Project, cluster: Cluster, lab: Lab
) -> None:
    project.file(MANY)
    for worker in cluster.workers:
        worker.kill()
    cluster.workers = [cluster.worker()]
    out = project.run(f"--velo-workers={cluster.address}", "-k", "test_plain")
    assert "LAB_KEY is not set" in out
    assert f"on the worker's host {socket.gethostname()}" in out
    assert lab.calls == []


def test_other_cases_on_a_worker_are_an_error_that_names_both(
    project: Project, cluster: Cluster, lab: Lab
) -> None:
    project.file(MANY.replace("range(40)", 'range(40 + ("LAB_KEY" in __import__("os").environ))'))
    out = project.run(f"--velo-workers={cluster.address}", "-k", "test_plain")
    assert "its cases are different there" in out
    assert "check out the same files" in out
    assert lab.calls == []


def test_a_cluster_that_is_gone_for_good_is_an_error_and_draws_are_kept(
    project: Project, cluster: Cluster, lab: Lab
) -> None:
    project.file(MANY)
    lab.before = lambda n: cluster.kill() if n == 12 else None
    _until(lambda: cluster.logs.count("Registered to") == 2, "the workers register")
    soon = {"DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "10s"}
    out = project.run(f"--velo-workers={cluster.address}", "-k", "test_async", cache="many", **soon)
    assert len(lab.calls) >= 12, out
    assert "there has been no worker for 10 s" in out
    assert {result.outcome.value for result in project.record("many").results} >= {"error"}
    assert "refuted" not in {result.outcome.value for result in project.record("many").results}


def test_ctrl_c_leaves_no_process(project: Project, lab: Lab) -> None:
    mark = (
        f"    import os, pathlib\n    pathlib.Path({str(project.folder)!r}, f'pid-{{os.getpid()}}').touch()\n"
    )
    head = "async def test_async(model, case, style):\n"
    project.file(MANY.replace(head, head + mark))
    under_way, over = threading.Event(), threading.Event()

    def hold(_: int) -> None:
        under_way.set()
        over.wait(PATIENCE_S)

    lab.before = hold
    process = project.start("--velo-workers=local:2", "-k", "test_async", LAB_KEY=CANARY)
    assert under_way.wait(PATIENCE_S)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=PATIENCE_S)
    over.set()
    assert process.returncode == pytest.ExitCode.INTERRUPTED
    pids = [int(file.name.partition("-")[2]) for file in project.folder.glob("pid-*")]
    assert pids
    _until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids), "the workers' processes end")
