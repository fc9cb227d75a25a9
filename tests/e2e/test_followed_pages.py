"""Pages that are followed: their files are written, their commands typed, what is printed is compared."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from click.testing import CliRunner
from e2e.conftest import QUIET

from pytest_velo.cli.main import main
from support.documents import FOLLOWED, ROOT, blocks_of, missing, name_of
from support.importing import imported_anew

ADDRESS = "http://127.0.0.1:8000"  # as pages say it


class House(BaseHTTPRequestHandler):
    """The server of the page about providers: it has a format of its own."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        assert asked["turns"] == [{"who": "user", "says": "What is the capital of France?"}]
        said = {"text": "Paris.", "stopped": "end", "tokens_in": 8, "tokens_out": 2, "model": asked["model"]}
        body = json.dumps(said).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def served() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), House)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.slow
@pytest.mark.parametrize("page", FOLLOWED, ids=name_of)
def test_a_page_that_is_followed_prints_what_it_shows(run, monkeypatch, page: Path) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for name in {*re.findall(r"^\$ pytest (examples/\w+)", page.read_text(encoding="utf-8"), re.MULTILINE)}:
        shutil.copytree(ROOT / name, run.path / name, ignore=shutil.ignore_patterns(".pytest_velo"))
    with served() as address:
        for block in blocks_of(page):
            if block.file:
                path = run.path / block.file
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(block.code.replace(ADDRESS, address), encoding="utf-8")
            elif block.language == "console":
                for typed, shown in block.commands:
                    printed = typed_in(run, monkeypatch, typed)
                    assert missing(shown, printed) is None, f"{block}: $ {typed}\n{printed}"


def typed_in(run, monkeypatch: pytest.MonkeyPatch, typed: str) -> str:
    """Return what a command prints, on both of its streams."""
    piped, _, typed_last = typed.rpartition(" | velo ")
    words = shlex.split(f"velo {typed_last}" if piped else typed)
    given = subprocess.run(piped, shell=True, capture_output=True, text=True, check=True).stdout
    with monkeypatch.context() as patch:
        while "=" in words[0]:
            patch.setenv(*words.pop(0).split("=", 1))
        if words[0] == "pytest":
            result = run(*words[1:])
            return f"{result.stdout.str()}\n{result.stderr.str()}"
        if words[0] == "velo":
            patch.setenv("PYTEST_ADDOPTS", shlex.join(QUIET))
            with imported_anew(run.path):
                return CliRunner().invoke(main, words[1:], input=given).output
    done = subprocess.run(typed, shell=True, cwd=run.path, capture_output=True, text=True, check=True)
    return done.stdout + done.stderr


def test_a_line_that_is_not_printed_is_found() -> None:
    assert missing("a\n...\nd ... f\n", "a\nb\nd e f\n") is None
    assert missing("a\nd\n", "a\nb\nd\n") == "d"
    assert missing("d\n...\na\n", "a\nd\n") == "d"
    assert missing("of 2026-01-02\n", "of 2031-11-12\n") is None
