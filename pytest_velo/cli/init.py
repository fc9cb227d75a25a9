"""`velo init`: a first test, and what a project needs around it."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import click

from pytest_velo.cli.first_files import FOLDER_NOTE, WORKFLOW, first_test
from pytest_velo.errors import UsageError
from pytest_velo.integration.config.addition import lines, title, with_options
from pytest_velo.integration.config.folder import cache_folder, project
from pytest_velo.integration.config.found import found_settings
from pytest_velo.providers.registry import resolve
from pytest_velo.providers.weights import SMOLLM2, find_weights
from pytest_velo.writing import whole

_TESTS = Path("tests")
_TEST = "test_first_belief.py"
_WORKFLOW = Path(".github") / "workflows" / "velo.yml"
_EMBEDDED = f"local/{SMOLLM2.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    """One file: what is done to it, and why; `text` is None where nothing is written."""

    verb: str
    path: Path
    note: str = ""
    text: str | None = None


@click.command()
@click.option("--model", metavar="ID", help="The model that the first test asks (default: a stand-in).")
def init(model: str | None) -> None:
    """Begin here: a first test, the settings, and a workflow that costs nothing.

    It adds to the project in this folder and changes nothing that is there. Running it again only says so.

    \f

    """  # noqa: D301 - click shows nothing below \f
    if model is not None:
        _check(model)
    here = Path.cwd()
    located = project()
    if located.root != here:
        raise UsageError(
            f"this folder belongs to the project in {located.root}",
            where=str(here),
            fix=f"cd {shlex.quote(str(located.root))} && velo init",
        )
    steps = [*_plan(model, located.file)]
    for step in steps:
        if step.text is not None:
            _write(step.path, step.text)
    for step in steps:
        click.echo(f"{step.verb:<9}{step.path.as_posix()}: {step.note}")
    click.echo("\nnext:")
    for command in _next(steps[0].path.parent):
        click.echo(f"  {command}")


def _check(model: str) -> None:
    """Raise if there is no such model here, or its id would not be itself in a file."""
    resolve(model, found_settings().endpoints)
    if not re.fullmatch(r"[\w./:@+-]+", model):
        raise UsageError(
            f"{model!r} is no id that a file can hold", where="--model", fix=f"--model={_EMBEDDED}"
        )


def _plan(model: str | None, file: Path | None) -> Iterator[_Step]:
    """Yield what is to be done; nothing is written yet."""
    tests = Path("test") if Path("test").is_dir() and not _TESTS.is_dir() else _TESTS
    cassettes = tests / "cassettes"
    yield _new(tests / _TEST, first_test(model), "a first test")
    yield _new(
        cassettes / "README.md", FOLDER_NOTE.format(cassettes=cassettes.as_posix()), "for recorded draws"
    )
    yield _settings(file or Path("pytest.ini"), model or _EMBEDDED)
    yield from _ignoring(cache_folder())
    yield _new(
        _WORKFLOW, WORKFLOW.format(cassettes=cassettes.as_posix()), "tests on recorded draws, at no cost"
    )


def _new(path: Path, text: str, note: str) -> _Step:
    """Return the step that makes a file, unless there is one."""
    if path.exists():
        return _Step(verb="kept", path=path, note="it is there already")
    return _Step(verb="made", path=path, note=note, text=text)


def _settings(file: Path, model: str) -> _Step:
    """Return the step that adds the settings to an ini file, or names the lines to add by hand."""
    path = Path(os.path.relpath(file))
    name = path.name
    # pytest.toml and pyproject.toml's own table take lists where ini files take lines.
    options = {"velo_model": [model], "velo_budget": "1.00"}
    text = _read(path) if path.exists() else ""
    added = None if text is None else with_options(name, text, options)
    if added is None:
        wanted = ", ".join(lines(name, options))
        return _Step(verb="LEFT", path=path, note=f"add by hand, under {title(name, text or '')}: {wanted}")
    if added == text:
        return _Step(verb="kept", path=path, note="it has velo_model and velo_budget already")
    verb = "changed" if text else "made"
    return _Step(verb=verb, path=path, note=f"velo_model, velo_budget under {title(name, added)}", text=added)


def _ignoring(cache: Path) -> Iterator[_Step]:
    """Yield the step that keeps the cache out of version control, if it is in this folder."""
    if cache.is_absolute() or cache.parts[:1] == ("..",):
        return
    entry = cache.as_posix()
    path = Path(".gitignore")
    text = _read(path) if path.exists() else ""
    if text is None:
        yield _Step(verb="LEFT", path=path, note=f"add by hand: {entry}/")
    elif {entry, f"{entry}/", f"/{entry}", f"/{entry}/"} & {line.strip() for line in text.splitlines()}:
        yield _Step(verb="kept", path=path, note=f"it has {entry} already")
    else:
        end = "\r\n" if "\r\n" in text else "\n"
        gap = end if text and not text.endswith("\n") else ""
        verb = "changed" if text else "made"
        yield _Step(verb=verb, path=path, note=f"{entry}/, the cache", text=f"{text}{gap}{entry}/{end}")


def _read(path: Path) -> str | None:
    """Return a file's text with its own line ends; None if it is not text that can be changed."""
    try:
        return path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError):
        return None


def _write(path: Path, text: str) -> None:
    try:
        with whole(path) as part:
            part.write_bytes(text.encode())
    except OSError as error:
        raise UsageError(
            f"the file cannot be written: {error.strerror or error}",
            where=path.as_posix(),
            fix="run it where you may write; it goes on from here",
        ) from None


def _next(tests: Path) -> tuple[str, str]:
    """Return the two commands to go on with."""
    first_message = f'velo try "What is the capital of Italy?" --save {(tests / "test_italy.py").as_posix()}'
    if found_settings().models[:1] == (_EMBEDDED,):
        if find_weights() is None:
            first_message = f"velo pull && {first_message}"
        if find_spec("xllamacpp") is None:
            first_message = f"pip install 'pytest-velo[local]' && {first_message}"
    return f"pytest {(tests / _TEST).as_posix()}", first_message
