"""A check as a test file that gives the same verdict from the same draws."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from types import FunctionType
from typing import Any

from pytest_velo.case_sets import case_stub
from pytest_velo.claims.text import claim_in
from pytest_velo.covariates import CovariateSource, EarlierRun, Learned
from pytest_velo.designing.models import model_ids
from pytest_velo.designing.parameters import CLIENTS
from pytest_velo.errors import UsageError
from pytest_velo.interactive.checking.bodies import NOTEBOOK
from pytest_velo.interactive.checking.calls import Asked
from pytest_velo.interactive.checking.carrying import Carried, carry, model_text, renamed, source_of, written
from pytest_velo.interactive.checking.cases_as_source import tell_cases
from pytest_velo.report.text import inline
from pytest_velo.stubs import Stub

_WIDTH = 100
_LONGEST = 88  # of a mark on one line


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class TestFile:
    """A test file; its text is what `print` and a notebook's cell show.

    Attributes:
        text: Its source.
        missing: What the body uses and could not be carried over: names, and what they are.
        files: Files that belong beside it, by name, with their content.
        path: Where it was written; None if it was not.
    """

    __test__ = False  # for pytest, which would collect a class of this name

    text: str
    missing: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    path: Path | None = None

    def __repr__(self) -> str:
        return self.text

    __str__ = __repr__


def test_of(asked: Asked, path: str | Path | None, *, overwrite: bool) -> TestFile:
    """Return a check as a test file, and write it where there is a path.

    Raises:
        UsageError: It cannot be told as a test; or a file is there with another content.
    """
    place = None if path is None else Path(path)
    if place is not None and not (place.match("test_*.py") or place.match("*_test.py")):
        raise UsageError(
            f"pytest would not collect {place.name}",
            where="to_test",
            fix=f"name it {place.with_name(f'test_{place.stem}.py')}",
        )
    made = _made(asked, place)
    if place is None:
        return made
    contents = {place: made.text, **{place.with_name(name): text for name, text in made.files.items()}}
    for file, text in contents.items():
        if not overwrite and file.exists() and file.read_text(encoding="utf-8") != text:
            raise UsageError("the file is there, with another content", where=str(file), fix="overwrite=True")
    place.parent.mkdir(parents=True, exist_ok=True)
    for file, text in contents.items():
        file.write_text(text, encoding="utf-8")
    return TestFile(text=made.text, missing=made.missing, files=made.files, path=place)


test_of.__test__ = False  # type: ignore[attr-defined]  # likewise


def _made(asked: Asked, place: Path | None) -> TestFile:
    _refuse_stubs(asked)
    function = asked.body.function
    source = source_of(function)
    assert isinstance(function, FunctionType)  # it has a source
    plain = asked.body.name.removeprefix("test_")
    name = f"test_{plain}"
    into = Carried()
    files: dict[str, str] = {}
    arguments = [_claim(asked, into)]
    for key, value in asked.keywords.items():
        if key == "cases":
            assert asked.cases is not None  # they were read
            file = f"{plain if place is None else place.stem.removeprefix('test_')}.jsonl"
            folder = None if place is None else place.parent
            told = tell_cases(value, asked.cases, function, into, name=file, folder=folder)
            arguments.append(f"cases={told.text}")
            files |= told.files
            if told.over and "over" not in asked.keywords:
                arguments.append(f'over="{told.over}"')
        elif key not in ("models", "judge"):
            arguments.append(f"{key}={_keyword(key, value, into)}")
    arguments += _models(asked, into)
    carry(function, into)
    parameters = _parametrized(asked)
    test = [*parameters, _mark(arguments), renamed(source, asked.body.name, name).rstrip()]
    head = [_notes(asked, place, files, into), "from __future__ import annotations", _imports(into)]
    constants = ["\n".join(into.constants.values())] if into.constants else []
    blocks = [helper.rstrip() for helper in into.helpers.values()]
    text = "\n\n\n".join(["\n\n".join([*head, *constants]), *blocks, "\n".join(test)]) + "\n"
    compile(text, "<test>", "exec", dont_inherit=True)
    return TestFile(text=text, missing=into.missing, files=files)


def _refuse_stubs(asked: Asked) -> None:
    """Refuse what would pass for real in the test: a stub's place and reason are of the call."""
    models = asked.keywords.get("models")
    given = [*(models if isinstance(models, list | tuple) else [models]), asked.keywords.get("judge")]
    if any(isinstance(each, Stub) for each in given) or case_stub(asked.keywords.get("cases")) is not None:
        raise UsageError(
            "a stub cannot be written into a file",
            where="to_test",
            fix="put the real thing in its place, or write stub(...) into the test by hand",
        )


def _claim(asked: Asked, into: Carried) -> str:
    text = str(asked.claim)
    try:
        same = str(claim_in(text)) == text
    except UsageError:
        same = False
    if not same:
        raise UsageError("this claim cannot be written into a file", where=text, fix="write the test")
    into.ours |= {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}
    return text


def _keyword(key: str, value: Any, into: Carried) -> str:
    text = (
        _covariate(value, into)
        if key == "covariate"
        else written(value.value if isinstance(value, Enum) else value)
    )
    if text is None:
        raise UsageError(f"{key}= cannot be written into a file", where="to_test", fix="give a plain value")
    return text


def _covariate(value: Any, into: Carried) -> str | None:
    """Return the expression of a covariate; None of a function, which would have to come along."""
    match value:
        case Learned(by=by):
            into.ours.add("learned")
            return f"learned({'' if by is None else written(by)})"
        case EarlierRun():
            into.ours.add("recorded")
            return f"recorded({', '.join([str(written(value.run)), *_given(value, 'test', 'model')])})"
        case CovariateSource():
            into.ours.add("covariate")
            source = _covariate(value.source, into)
            return source and f"covariate({', '.join([source, *_given(value, 'correlation', 'missing')])})"
    return written(value)


def _given(value: Any, *names: str) -> Iterator[str]:
    """Yield the keywords that are not left at None."""
    yield from (f"{name}={written(own)}" for name in names if (own := getattr(value, name)) is not None)


def _models(asked: Asked, into: Carried) -> Iterator[str]:
    """Yield `models=` and `judge=`; the settings' own too, so that the test asks the same ones anywhere."""
    first = asked.members[0].spec
    asks = any(name in asked.body.uses for name in ("model", "velo", "strategy", *CLIENTS))
    if asked.over is not None and "model" in asked.over:
        ids = list(asked.over["model"])
    else:
        ids = [] if first.arms_are_models else list(model_ids(first, asked.settings))
    if ids and (asks or "models" in asked.keywords):
        yield f"models=[{', '.join(model_text(model, into) for model in ids)}]"
    judge = asked.keywords.get("judge") or (asked.settings.judge if "judge" in asked.body.uses else None)
    if judge:
        yield f"judge={model_text(judge, into)}"


def _parametrized(asked: Asked) -> Iterator[str]:
    """Yield the mark that gives the test an item for each setting of a sweep."""
    names = [name for name in asked.over or () if name != "model"]
    if not names:
        return
    rows: dict[str, str] = {}
    for member in asked.members:
        assert member.setting is not None  # it is a sweep
        values = [written(member.setting.values[name]) for name in names]
        for name, value in zip(names, values, strict=True):
            if value is None:
                raise UsageError(
                    f"a value of {name!r} cannot be written into a file",
                    where="to_test",
                    fix="sweep over texts or numbers, and make the object inside the body",
                )
        said = ", ".join(map(str, values))
        rows[f"({said})" if len(names) > 1 else said] = ""
    asked_for = written(names[0] if len(names) == 1 else tuple(names))
    yield f"@pytest.mark.parametrize(\n    {asked_for},\n    ["
    yield from (f"        {row}," for row in rows)
    yield "    ],\n)"


def _mark(arguments: list[str]) -> str:
    line = f"@pytest.mark.hypothesis({', '.join(arguments)})"
    if len(line) <= _LONGEST:
        return line
    return "\n".join(["@pytest.mark.hypothesis(", *(f"    {argument}," for argument in arguments), ")"])


def _imports(into: Carried) -> str:
    ours = [f"from pytest_velo import {', '.join(sorted(into.ours))}"] if into.ours else []
    lines = sorted({"import pytest", *into.imports, *ours}, key=lambda line: (line.startswith("from"), line))
    own = [line for line in lines if line.split()[1].partition(".")[0] in sys.stdlib_module_names]
    others = [line for line in lines if line not in own]
    return "\n".join([*own, *([""] if own else []), *others])


def _notes(asked: Asked, place: Path | None, files: Mapping[str, str], into: Carried) -> str:
    """Say where it comes from, what to run it with, and what is missing."""
    place_then = "a notebook" if asked.body.place == NOTEBOOK else asked.body.place
    lines = [f"# {inline(f'{asked.claim}, as it was checked in {place_then}', _WIDTH)}"]
    options = [f"--velo-seed={asked.settings.seed}"] if asked.settings.seed else []
    if asked.over is not None and len(asked.members) > 1:
        options.append("--velo-multiplicity=holm")
    if options:
        lines.append(f"# The same verdicts come from: pytest {' '.join(options)}")
    if files and place is None:
        lines.append(f"# Its cases belong into {', '.join(files)}, which to_test(PATH) writes beside it.")
    if "trial" in asked.body.uses and asked.cases is None:
        lines.append(
            "# Without cases, trial.rng and trial.seed follow from the test's name: they are others."
        )
    if into.missing:
        lines.append("# NOT CARRIED OVER, the body needs them here:")
        lines += [f"#   {name}: {inline(what, _WIDTH)}" for name, what in into.missing.items()]
    return "\n".join(lines)
