"""A test file that begins with the draws of a first message."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from keyword import iskeyword
from pathlib import Path
from typing import Any

from pytest_velo.case_sets import Case
from pytest_velo.case_sets.sets import Cases
from pytest_velo.errors import UsageError
from pytest_velo.interactive.asking.answers import Answers
from pytest_velo.interactive.asking.inquiry import Inquiry, split_fields
from pytest_velo.interactive.asking.source import WIDTH, assigned, call, literal, value
from pytest_velo.interactive.asking.suggestion import Suggestion, suggest
from pytest_velo.records import JsonObject
from pytest_velo.report.numbers import count
from pytest_velo.writing import whole

_MOST_CASES = 50


def draft(replies: Answers, *, name: str = "test_idea", folder: Path | None = None) -> str:
    """Return the source of a test that asks the same, and so begins with the same draws.

    Args:
        replies: What `ask` returned.
        name: The test's name.
        folder: Where the file will be, for paths in it; by default the working directory.

    Raises:
        UsageError: What was asked cannot be written down: a prompt that is a function, an image, cases of a
            function; or `name` is no name of a function.
    """
    if not (isinstance(name, str) and name.isidentifier()) or iskeyword(name):
        raise UsageError(
            f"{name!r} is no name of a test", fix='to_test("test_capitals"); save("test_it.py") writes a file'
        )
    asked = replies.asked
    if asked is None:
        raise UsageError("these replies do not know what was asked", fix="use what ask(...) returned")
    suggestion = suggest(replies, asked.prompt if isinstance(asked.prompt, str) else "")
    prompt = _Prompt(asked)
    constants = prompt.constants
    if asked.system is not None:
        constants = [*constants, assigned("SYSTEM", asked.system)]
    cases, more = _cases(asked, folder or Path.cwd())
    parts = [
        '"""A first hypothesis, drafted from what models answered."""',
        f"import pytest\nfrom pytest_velo import {', '.join(suggestion.names)}",
        "\n".join([*constants, *more]),
    ]
    head = "\n\n".join(part for part in parts if part)
    return f"{head}\n\n\n{_test(asked, suggestion, name, prompt.argument, cases)}"


def _test(asked: Inquiry, suggestion: Suggestion, name: str, prompt: str, cases: str) -> str:
    mark = [suggestion.claim, *([f"cases={cases}"] if cases else [])]
    mark.append(f"models={value([*asked.models], indent=4, before=8)}")
    arguments = [prompt, *(["system=SYSTEM"] if asked.system is not None else [])]
    given = {name: each for name, each in asked.parameters.items() if each is not None}
    given |= {"allow_cut": True} if asked.allow_cut else {}
    given |= {"allow_empty": True} if asked.allow_empty else {}
    plain = {name: each for name, each in given.items() if name.isidentifier() and not iskeyword(name)}
    arguments += [f"{name}={value(each, indent=8, before=len(name) + 2)}" for name, each in plain.items()]
    if len(plain) < len(given):
        arguments.append("**" + value({name: given[name] for name in given if name not in plain}, indent=8))
    return "\n".join(
        [
            f"# Written after {_seen(suggestion)}: change it to what you believe.",
            "# Its first trials are those draws; --velo-profile=confirm tests it on fresh ones.",
            call("@pytest.mark.hypothesis", mark),
            f"async def {name}(model{', case' if asked.cases is not None else ''}):",
            f'    """{suggestion.belief}"""',
            call("reply = await model", arguments, indent=4),
            f"    {suggestion.test}",
            "",
        ]
    )


def _seen(suggestion: Suggestion) -> str:
    invalid = f" and {suggestion.n_invalid} are invalid" if suggestion.n_invalid else ""
    return f"{count(suggestion.n, 'draw')}, of which {suggestion.n_for} fit it{invalid}"


class _Prompt:
    """The prompt as source: constants above the test, and the argument of the call."""

    def __init__(self, asked: Inquiry) -> None:
        self.constants: list[str] = []
        prompt = asked.prompt
        if isinstance(prompt, str):
            self.argument = self._text(prompt) if asked.cases is None else self._template(prompt, asked)
            return
        messages = _messages(prompt)
        if asked.cases is None and messages:
            self.constants.append(f"PROMPT = {value(messages, before=9)}")
            self.argument = "PROMPT"
            return
        raise UsageError(
            "this prompt cannot be written into a test file",
            fix="ask with a text, or with messages of texts; or write the test by hand",
        )

    def _text(self, prompt: str) -> str:
        self.constants.append(assigned("PROMPT", prompt))
        return "PROMPT"

    def _template(self, prompt: str, asked: Inquiry) -> str:
        """Return an f-string where it is short, else the call of a template's `format`."""
        parts = split_fields(prompt)
        rows = asked.cases is not None and isinstance(asked.cases.items[0], Case)
        spelled = "".join(
            (f"{{case.{part}}}" if rows else "{case}") if place % 2 else _doubled(part)
            for place, part in enumerate(parts)
        )
        written = "f" + literal(spelled)
        is_simple = all(name.isascii() and not iskeyword(name) for name in parts[1::2])
        if is_simple and len(written) <= WIDTH - 40 and "\\" not in written:
            return written
        doubled = "".join(f"{{{part}}}" if place % 2 else _doubled(part) for place, part in enumerate(parts))
        self.constants.append(assigned("PROMPT", doubled))
        return f"PROMPT.format({'**case' if rows else 'case=case'})"


def _doubled(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


def _messages(prompt: Any) -> list[JsonObject]:
    """Return a prompt that is messages of nothing but texts; nothing of another one."""
    if isinstance(prompt, str) or not isinstance(prompt, Sequence):
        return []
    plain = all(
        isinstance(message, Mapping) and isinstance(message.get("content"), str) for message in prompt
    )
    return [dict(message) for message in prompt] if plain else []


def _cases(asked: Inquiry, folder: Path) -> tuple[str, list[str]]:
    """Return the mark's `cases=`, and what stands above the test for it."""
    source = asked.cases_source
    if source is None:
        return "", []
    if isinstance(source, str | Path) and str(source).startswith("hf://"):
        return literal(str(source)), []
    if isinstance(source, str | Path):
        path = Path.cwd() / source
        try:
            shown = Path(os.path.relpath(path, folder)).as_posix()
        except ValueError:  # another drive
            shown = path.as_posix()
        return literal(shown), []
    if isinstance(source, Cases) or not isinstance(source, list | tuple) or len(source) > _MOST_CASES:
        raise UsageError(
            "these cases cannot be written into a test file", fix="put them into a file: cases.jsonl"
        )
    rows: list[JsonObject | Any] = [dict(row) if isinstance(row, Case | Mapping) else row for row in source]
    return "CASES", [f"CASES = {value(rows, before=8)}"]


def write(source: str, path: Path, *, force: bool = False) -> None:
    """Write a test file, whole or not at all.

    Raises:
        UsageError: There is a file already, or it cannot be written.
    """
    check_free(path, force=force)
    try:
        with whole(path, makes_folder=False) as part:
            part.write_text(source, encoding="utf-8", newline="\n")
    except OSError as error:
        raise UsageError(
            f"the file cannot be written: {error.strerror or error}", where=str(path), fix="name another"
        ) from None


def check_free(path: Path, *, force: bool = False) -> None:
    """Raise, before anything is asked, if a file would be overwritten or has no folder.

    Raises:
        UsageError: There is a file already, or its folder is missing.
    """
    if path.exists() and not (force and path.is_file()):
        raise UsageError("this file exists already", where=str(path), fix="name another, or add --force")
    if not path.parent.is_dir():
        raise UsageError("its folder does not exist", where=str(path), fix=f"mkdir -p {path.parent}")


def name_of_test(path: Path) -> str:
    """Return the name of a file's test: its own where that names one."""
    stem = path.stem
    return stem if stem.startswith("test_") and stem.isidentifier() and stem.isascii() else "test_idea"
