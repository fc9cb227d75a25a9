"""`velo label`: say what is true of some trials of a recorded run, without seeing how they were judged."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import click

from pytest_velo.cli.cache_dir import cache_dir_option
from pytest_velo.cli.compare import run_id
from pytest_velo.cli.printing import print_lines
from pytest_velo.errors import UsageError
from pytest_velo.integration.config.folder import root_folder
from pytest_velo.labelling import EVERY, Label, LabelFile, label_text, one_line
from pytest_velo.records import HypothesisResult
from pytest_velo.report.blind import Blind, Place, blind_lines, blinds_of, range_of
from pytest_velo.report.labelled import agreement_lines, counted, mark_of, next_lines
from pytest_velo.report.lines import Line, Style, paragraph
from pytest_velo.report.load import Run, load
from pytest_velo.report.numbers import count
from pytest_velo.report.sheet import read_sheet, write_sheet
from pytest_velo.report.show import find, list_lines
from pytest_velo.report.text import inline

_MOST_COLUMNS = 120
_LABELS = "labels.csv"
_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.argument("run", default="latest")
@click.option("-k", "--test", default="", metavar="TEST", help="A node id, a part of one, or its number.")
@click.option(
    "--to", type=_FILE, metavar="FILE", help="The labels (default: the test's, or labels.csv beside it)."
)
@click.option("-n", "--n", "most", type=click.IntRange(min=1), metavar="N", help="Stop after N labels.")
@click.option(
    "--every",
    type=click.IntRange(2, 1000),
    metavar="K",
    help=f"Label one of K (default: the test's, or {EVERY}).",
)
@click.option("--by", default="", metavar="NAME", help="Who labels, where several people do.")
@click.option("--question", default="", metavar="TEXT", help="What is asked about each trial.")
@click.option("--hide", multiple=True, metavar="NAME", help="A field, or a model's part, not to show.")
@click.option("--export", type=_FILE, metavar="SHEET", help="Write a sheet to label elsewhere.")
@click.option("--import", "imported", type=_FILE, metavar="SHEET", help="Take the labels of a sheet.")
@cache_dir_option()
def label(
    run: str,
    test: str,
    to: Path | None,
    most: int | None,
    every: int | None,
    by: str,
    question: str,
    hide: tuple[str, ...],
    export: Path | None,
    imported: Path | None,
    cache_dir: Path,
) -> None:
    """Label trials of RUN (default: latest) blind: what the judge said, and how they came out, is hidden.

    Of each K trials in a row one is shown, chosen by the seed (--every). Type y or n, a score, or s for
    "cannot say". Each label is in the file at once, and the next session goes on where this one stops. For
    people with a spreadsheet, write a sheet with --export, and take it back with --import. File, K and NAME
    are those of the test, if its mark has truth=labels(...).

    \f

    """  # noqa: D301 - click shows nothing below \f
    if export is not None and imported is not None:
        raise UsageError("a sheet goes out or comes back", where="--export", fix="leave --import out")
    recorded = load(run_id(run, cache_dir), cache_dir)
    result = _one(recorded, test)
    truth = result.truth
    every = every or (EVERY if truth is None else truth.every)
    by = one_line(by).strip() or ("" if truth is None else truth.by)
    desk = Desk(result, _file(result, to), every=every, by=by, hidden=hide)
    if export is not None:
        desk.export(export, question, most)
    elif imported is not None:
        desk.take(imported)
    else:
        desk.ask(question, most)


def _one(run: Run, test: str) -> HypothesisResult:
    """Return the hypothesis that is meant, with its trials."""
    results = find(run, test)
    if len(results) > 1:
        for line in list_lines(run, results, _width()):
            click.echo(line.text)
    if len(results) != 1:
        raise UsageError(
            f"{len(results):,} hypotheses are meant" if results else "the run has no hypothesis",
            where=str(run.folder),
            fix="velo label -k NUMBER, or a part of the name",
        )
    return replace(results[0], trials=run.trials_of(results[0].node_id))


def _file(result: HypothesisResult, typed: Path | None) -> Path:
    if typed is not None:
        return typed
    folder = (root_folder() / result.node_id.partition("::")[0]).parent
    here = Path.cwd()
    name = _LABELS if result.truth is None else result.truth.source
    if not folder.is_dir():
        return Path(name)
    return (folder.relative_to(here) if folder.is_relative_to(here) else folder) / name


def _width() -> int:
    return max(40, min(shutil.get_terminal_size().columns, _MOST_COLUMNS))


class Desk:
    """Where a person labels: the trials of one hypothesis, and the file that labels go to."""

    def __init__(
        self,
        result: HypothesisResult,
        path: Path,
        *,
        every: int,
        by: str,
        hidden: Sequence[str],
    ) -> None:
        self._result = result
        self._scale = range_of(result)
        trials = blinds_of(result, every, hidden)
        self._trials = {blind.digest: (blind, place) for blind, place in trials}
        self._every = every
        self._hidden = hidden
        self._by = by
        self._file = LabelFile(path)
        for each in self._of_test(self._file.labels):
            if not self._scale.has(each.label):
                raise UsageError(
                    f"the label of trial {each.trial} is {label_text(each.label)!r}, and this claim's"
                    f" outcomes are {self._scale.keys}",
                    where=str(path),
                    fix="correct the file, or name another one with --to",
                )

    def ask(self, question: str, most: int | None) -> None:
        """Show one trial after another, and take what is typed, until all are labelled or it is enough."""
        waiting = self._waiting[:most]
        self._begin(question, len(waiting))
        at = 0
        while at < len(waiting):
            blind, place = self._trials[waiting[at]]
            print_lines(
                [Line(""), Line(f"{at + 1} of {len(waiting)}", Style.BOLD), *blind_lines(blind, _width())]
            )
            step = self._typed(blind, place)
            if step == 0:
                break
            at += step
        self._end()

    def export(self, path: Path, question: str, most: int | None) -> None:
        """Write a sheet of the trials that are not labelled yet."""
        blinds = [self._trials[digest][0] for digest in self._waiting[:most]]
        n = write_sheet(path, blinds, question)
        _say(f'{path}: {count(n, "trial")}, to be labelled {self._scale.keys}, or skip for "cannot say"')
        again = ["velo", "label", "--import", str(path), "-k", self._result.node_id]
        again += [] if self._every == EVERY else [f"--every={self._every}"]
        again += [f"--hide={name}" for name in self._hidden]
        print_lines([Line(f"it comes back with: {inline(shlex.join(again))}")])

    def take(self, path: Path) -> None:
        """Take the labels of a sheet that people have filled in."""
        returned = read_sheet(path, self._result.node_id, self._trials, self._scale, self._by, _now())
        mine = {(each.trial, each.by): each.label for each in self._file.labels}
        for each in returned.labels:
            before = mine.get((each.trial, each.by), each.label)
            if before != each.label:
                raise UsageError(
                    f"{each.by or 'one person'} says {label_text(each.label)!r} of trial {each.trial}, and"
                    f" {label_text(before)!r} in {self._file.path}",
                    where=str(path),
                    fix="correct one of both, or tell people apart with --by",
                )
        new = [each for each in returned.labels if (each.trial, each.by) not in mine]
        for each in new:
            self._file.add(each)
        _say(f"{path}: {count(len(new), 'new label')}, {len(returned.labels) - len(new):,} known already")
        if returned.n_missing:
            have = "has" if returned.n_missing == 1 else "have"
            _say(f"{count(returned.n_missing, 'trial')} of the sheet {have} no label yet", Style.WARN)
        self._end()

    @property
    def _waiting(self) -> list[str]:
        """The digests of trials that this person has not labelled, in the order of the labels."""
        known = {label.trial for label in self._file.labels if label.by == self._by}
        return [digest for digest in self._trials if digest not in known]

    def _of_test(self, labels: Sequence[Label]) -> list[Label]:
        return [label for label in labels if label.trial in self._trials]

    def _begin(self, question: str, n: int) -> None:
        """Say what is asked; without a question of the user's, what the test says."""
        print_lines([Line(inline(self._result.node_id, _width()), Style.BOLD)])
        if question:
            _say(question)
        else:
            _say(self._result.belief)
            _say("Does it count as 1 here?" if self._scale.binary else "Which score should it have here?")
        people = sorted({label.by for label in self._of_test(self._file.labels)} - {self._by, ""})
        if people and not self._by:
            _say(f"already here: {', '.join(people)}; with --by NAME you go on where you stopped", Style.WARN)
        if n:
            _say(f"{count(n, 'trial')} to label, into {self._file.path}", Style.DIM)
            _say(self._help, Style.DIM)

    @property
    def _help(self) -> str:
        """What may be typed."""
        return f"{self._scale.keys}, and a note if you like; s: cannot say; u: undo; q: quit"

    def _typed(self, blind: Blind, place: Place) -> int:
        """Take one answer, and return how many trials to go on; 0 to end."""
        while True:
            try:
                typed = click.prompt(
                    f"{self._scale.keys}/s/u/q", default="", show_default=False, prompt_suffix=": "
                )
            except click.Abort:  # Ctrl-C, or the input ends
                click.echo()
                return 0
            word, _, note = typed.strip().partition(" ")
            match word.casefold():
                case "q" | "quit":
                    return 0
                case "u" | "undo":
                    if self._file.take_back() is not None:
                        return -1
                    _say("there is no label of this session to undo", Style.WARN)
                    continue
                case "s" | "skip":
                    said = None
                case _:
                    try:
                        said = self._scale.read(word)
                    except ValueError:
                        _say(self._help, Style.WARN)
                        continue
            self._file.add(
                Label(
                    trial=blind.digest,
                    label=said,
                    test=self._result.node_id,
                    case=blind.case_id,
                    arm=place.arm,
                    repeat=place.repeat,
                    by=self._by,
                    at=_now(),
                    note=note.strip(),
                )
            )
            return 1

    def _end(self) -> None:
        """Say what is in the file, and what comes next."""
        here = self._of_test(self._file.labels)
        n_left = len(self._waiting)
        mine = [label for label in here if label.by == self._by]
        print_lines([Line("")])
        _say(f"{self._file.path}: {counted(mine if mine else here)} of this test")
        if n_left:
            _say(f"{count(n_left, 'trial')} of this run to label: the same command goes on there")
        else:
            _say("no trial of this run is left to label")
            print_lines(agreement_lines(here, _width()))
        if not here:
            return
        mark = mark_of(self._path_in_test(), self._by, self._every)
        print_lines(next_lines("" if mark == self._marked else mark, self._result.rerun))

    @property
    def _marked(self) -> str:
        """What the mark of the test says already; empty if it says nothing of labels."""
        truth = self._result.truth
        return "" if truth is None else mark_of(truth.source, truth.by, truth.every)

    def _path_in_test(self) -> str:
        """Return the file as the test names it: relative to the folder of the test's file."""
        folder = (root_folder() / self._result.node_id.partition("::")[0]).parent
        try:
            return Path(os.path.relpath(self._file.path, folder)).as_posix()
        except ValueError:  # another drive
            return self._file.path.as_posix()


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _say(text: str, style: Style = Style.PLAIN) -> None:
    print_lines(paragraph(text, style, _width()))
