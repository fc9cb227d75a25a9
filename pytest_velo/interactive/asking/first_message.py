"""A first message from the command line: asked, shown as the answers come, and kept as a test if wanted."""

from __future__ import annotations

import logging
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pytest_velo.errors import VeloError
from pytest_velo.integration.config.folder import cache_folder
from pytest_velo.integration.config.found import found_settings
from pytest_velo.integration.leaving import leave_with
from pytest_velo.interactive.asking.answers import Answer
from pytest_velo.interactive.asking.draft import check_free, draft, name_of_test, write
from pytest_velo.interactive.asking.inquiry import Inquiry, inquiry
from pytest_velo.interactive.asking.live import final_lines
from pytest_velo.interactive.asking.price import price_line, price_of
from pytest_velo.interactive.asking.replies import Replies
from pytest_velo.interactive.asking.round import Round
from pytest_velo.interactive.asking.terminal import Terminal
from pytest_velo.interactive.session import Dollars, load_providers, opened, settings_here
from pytest_velo.report.lines import Line, Style
from pytest_velo.report.numbers import count
from pytest_velo.report.text import neutralise
from pytest_velo.settings import Settings

FAILED = 1
INTERRUPTED = 130  # as shells say it of a command that Ctrl-C ended


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """Where a test is written to, and whether it may replace a file."""

    path: Path
    force: bool = False


def send(
    prompt: str,
    models: Sequence[str],
    *,
    n: int | None,
    system: str | None,
    cases: str | None,
    parameters: Mapping[str, Any],
    allow_cut: bool,
    allow_empty: bool,
    budget: Dollars | None,
    seed: int | None,
    saved: Saved | None,
) -> int:
    """Ask, show, and write the test if one is wanted; return the exit code.

    Raises:
        VeloError: A mistake that can be seen before a call.
    """
    if saved is not None:
        check_free(saved.path, force=saved.force)  # before anything is paid for
    settings = settings_here(budget=budget, seed=seed)
    asked = inquiry(
        settings,
        models,
        prompt,
        n=n,
        cases=cases,
        folder=Path.cwd(),
        no_model="--model=local/smollm2-135m, the embedded model, which needs no key",
        system=system,
        parameters=parameters,
        allow_cut=allow_cut,
        allow_empty=allow_empty,
    )
    out = Terminal()
    begun, was_interrupted = _asked(asked, settings, out)
    replies = begun.replies
    if replies.answers:
        out.lines(final_lines(_as_options(replies), out.width))
    for model, trouble in begun.troubles.items():
        out.tell(f"Error: {_told(trouble, model)}")
    if not was_interrupted and not begun.troubles:
        _keep(replies, saved, settings, out)
        return 0
    if was_interrupted:
        out.tell(f"interrupted: {_kept(replies)}")
    elif replies.answers:
        out.tell(_kept(replies))
    if saved is not None:
        out.tell(f"{saved.path} was not written: the same command goes on from here")
    return INTERRUPTED if was_interrupted else FAILED


def _asked(asked: Inquiry, settings: Settings, out: Terminal) -> tuple[Round, bool]:
    """Ask, showing answers as they come; return what came, and whether Ctrl-C ended it."""
    # What the loop logs of an end in a hurry is no news to who pressed Ctrl-C.
    logging.getLogger("pytest_velo").addHandler(logging.NullHandler())
    was_interrupted = False
    with opened(settings) as session:
        load_providers(settings, asked.models)
        begun = Round(session, asked)
        if line := price_line(session.run(price_of(begun.questions, session, asked)), settings):
            out.tell(line)
        begun.heard = out.show({model: len(mine) for model, mine in begun.questions.items()})
        try:
            session.run(begun.go())
        except KeyboardInterrupt:
            was_interrupted = True
            leave_with(INTERRUPTED)  # the embedded model's threads end when they have answered
        finally:
            out.end()
    return begun, was_interrupted


def _keep(replies: Replies, saved: Saved | None, settings: Settings, out: Terminal) -> None:
    """Write the test, or say how to have one."""
    if saved is None:
        out.lines([Line("keep it as a test: the same command with --save=test_idea.py", Style.DIM)])
        return
    path = saved.path
    write(draft(replies, name=name_of_test(path), folder=path.parent), path, force=saved.force)
    found = found_settings()
    command = f"pytest -m hypothesis {shlex.quote(str(path))}"
    if settings.seed != found.seed:
        command += f" --velo-seed={settings.seed}"
    n = min(len(of_model.answers) for of_model in replies.by_model.values())
    told = f"wrote {path}, whose first {count(n, 'trial')} make no call: the draws are there"
    if found.profile == "confirm":
        told = f"wrote {path}; its trials draw afresh, since the profile is confirm"
    out.lines([Line(told, Style.GOOD), Line(f"  {command}")])
    theirs = cache_folder(None, [str(path.parent)]).absolute()
    if theirs != settings.cache_dir.absolute():
        out.tell(f"note: tests there use the cache {theirs}, and these draws are in {settings.cache_dir}")


def _as_options(replies: Replies) -> Replies:
    """Return replies whose reasons name options of the command line, not keywords."""

    def spelled(answer: Answer) -> Answer:
        reason = answer.invalid.replace("allow_cut=True", "--allow-cut")
        return replace(answer, invalid=reason.replace("allow_empty=True", "--allow-empty"))

    answers = map(spelled, replies.answers)
    return Replies(answers, duration_s=replies.duration_s, notices=replies.notices, asked=replies.asked)


def _kept(replies: Replies) -> str:
    n = sum(answer.reply is not None for answer in replies.answers)
    verb = "is" if n == 1 else "are"
    return f"{count(n, 'reply', 'replies')} came and {verb} kept; the same command goes on from there"


def _told(trouble: Exception, model: str) -> str:
    """Return an error with the model that it is about, and the fix as this command spells it."""
    if not isinstance(trouble, VeloError):
        return neutralise(f"model {model}: {type(trouble).__name__}: {trouble}")
    trouble.fix = trouble.fix.replace("--velo-budget", "--budget")
    return neutralise(str(trouble.at(f"model {model}")))
