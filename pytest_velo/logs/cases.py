"""`cases=from_log(...)`: the samples of logs as the cases of a test, with what was recorded of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any

from pytest_velo.case_sets.case import Case
from pytest_velo.case_sets.formats import Row
from pytest_velo.case_sets.sets import Cases
from pytest_velo.case_sets.sources import Opened, Source
from pytest_velo.errors import InvalidTrial, UsageError, nearest, tell
from pytest_velo.logs.arms import read_arms
from pytest_velo.logs.grid import Grid, make_grid
from pytest_velo.logs.log import Kind, Sample
from pytest_velo.logs.scores import is_binary, score_of

_OWN = ("id", "epoch", "input", "target", "group")


def from_log(
    *logs: str | PathLike[str],
    score: str | None = None,
    group: str | None = None,
    id: str | None = None,
    format: str | None = None,
    each_epoch: bool = False,
    **named: str | PathLike[str],
) -> Cases:
    r"""Take the samples of logs as cases: `cases=from_log("a.eval", "b.eval")`.

    A body sees `case.id`, `case.input`, `case.target`, and what each log recorded: `case["a"].outcome`,
    `case["a"].output` (of a single log `case.outcome` and `case.output`). A sample that a log lacks, or that
    broke, makes the trial invalid when the body asks for it. The epochs of a log are the draws of a case,
    whose mean is the unit. Claims are about what the samples were drawn from, unless the mark says
    `over="cases"` or `once=True`.

    Args:
        *logs: Files of Inspect, lm-evaluation-harness, promptfoo, deepeval or rows, relative to the test
            file. An arm is named after the file's stem.
        score: The score that `outcome` gives; by default the log's only or usual one.
        group: A field of the samples: those with the same value belong together.
        id: A field that says which samples are the same, e.g. `input`; by default the logs' ids.
        format: What wrote the logs, if it cannot be told: `inspect`, `lm-eval`, `promptfoo`, `deepeval` or
            `rows`.
        each_epoch: Make every epoch a case of its own, as a census (`once=True`) counts them.
        **named: More logs, by the arm's name: `from_log(old="x.eval", new="y.eval")`.

    Raises:
        UsageError: No log is named, or the format is unknown.

    Example:
        ```python
        import json
        from pathlib import Path

        import pytest
        from pytest_velo import difference, from_log

        for name, right in (("old", 40), ("new", 80)):  # elsewhere, an evaluation writes them
            rows = [{"id": n, "correct": n % 100 < right} for n in range(200)]
            lines = "\n".join(map(json.dumps, rows))
            Path(__file__).with_name(f"{name}.jsonl").write_text(lines)


        @pytest.mark.hypothesis(
            difference("new", "old") >= 0.1, arms=("new", "old"), cases=from_log("new.jsonl", "old.jsonl")
        )
        def test_the_new_prompt_is_better(case, arm):
            "The new prompt is better than the old one."
            return case[arm].outcome
        ```
    """
    if not logs and not named:
        raise UsageError("from_log() names no log", where="cases", fix='from_log("a.eval", "b.eval")')
    if format is not None and format not in list(Kind):
        raise UsageError(
            f"there is no format {format!r}",
            where="cases",
            fix=nearest(format, [kind.value for kind in Kind]),
        )
    source = _Logs(
        files=tuple(map(Path, logs)),
        named={name: Path(file) for name, file in named.items()},
        score=score,
        group=group,
        id_field=id,
        kind=None if format is None else Kind(format),
        each_epoch=each_epoch,
    )
    return Cases(source=source, id=lambda case: case.name, group=None if group is None else "group")


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged:
    """What one log recorded of one sample in one epoch.

    Attributes:
        arm: The log's arm.
        invalid: Why there is no outcome; empty if there is one.
        scores: The numbers the log has, by name.
        fields: Everything else the log says, by name.
    """

    arm: str
    invalid: str
    scores: Mapping[str, float]
    fields: Mapping[str, Any]
    _score: str = field(repr=False)
    _binary: bool = field(repr=False)
    _faults: Mapping[str, str] = field(repr=False)

    @property
    def outcome(self) -> bool | float:
        """What the sample came to: True or False, or a score.

        Raises:
            InvalidTrial: The log has no outcome of it.
        """
        value = self.score(self._score)
        return value == 1.0 if self._binary else value

    @property
    def output(self) -> str:
        """What the model answered.

        Raises:
            InvalidTrial: The log has no answer of it.
        """
        self._check()
        answer = self.fields.get("output")
        if answer is None:
            raise tell(InvalidTrial(f"the log of {self.arm} has no output of this sample"))
        return answer if isinstance(answer, str) else str(answer)

    def score(self, name: str) -> float:
        """Return one of the scores.

        Raises:
            InvalidTrial: The log has no such score of it.
        """
        self._check()
        if name not in self.scores:
            raise tell(InvalidTrial(self._faults.get(name, f"the sample has no score {name!r}")))
        return self.scores[name]

    def _check(self) -> None:
        if self.invalid:
            raise tell(InvalidTrial(self.invalid))


class LoggedCase(Case):
    """A sample of one or more logs: `id`, `epoch`, `input`, `target`, and a `Logged` under each arm."""

    __slots__ = ("_where",)  # beside the fields

    _where: tuple[_Pairing, str, int, bool]

    def __init__(self, logs: _Pairing, name: str, draw: int, *, fixed: bool) -> None:
        fields: dict[str, Any] = {"id": name, "epoch": draw + 1}
        for arm in logs.grid.arms:
            fields[arm] = logged = logs.at(arm, name, draw)
            for known in ("input", "target"):
                if fields.get(known) is None:
                    fields[known] = logged.fields.get(known)
        if logs.grid.groups is not None:
            fields["group"] = logs.group_of[name]
        super().__init__(fields)
        object.__setattr__(self, "_where", (logs, name, draw, fixed))

    @property
    def name(self) -> str:
        """Names the case uniquely."""
        _, name, draw, fixed = self._where
        return f"{name} (epoch {draw + 1})" if fixed else name

    @property
    def n_draws(self) -> int:
        """How many draws of it the logs hold, from 1."""
        logs, _, _, fixed = self._where
        return 1 if fixed else logs.grid.n_draws

    def drawn(self, repeat: int) -> LoggedCase:
        """Return the case in another epoch; one that the logs do not have is invalid."""
        logs, name, _, fixed = self._where
        if fixed:
            return self if repeat == 0 else LoggedCase(logs, name, logs.grid.n_draws, fixed=True)
        return LoggedCase(logs, name, repeat, fixed=False)

    @property
    def outcome(self) -> bool | float:
        """The outcome in the only log.

        Raises:
            InvalidTrial: The log has none.
            UsageError: There are several logs.
        """
        return self._only.outcome

    @property
    def output(self) -> str:
        """The answer in the only log.

        Raises:
            InvalidTrial: The log has none.
            UsageError: There are several logs.
        """
        return self._only.output

    @property
    def _only(self) -> Logged:
        arms = self._where[0].grid.arms
        if len(arms) > 1:
            raise UsageError(
                f"the case has outcomes of {len(arms)} logs: {', '.join(arms)}",
                fix=f'say which: case["{arms[0]}"].outcome, or case[arm].outcome',
            )
        logged: Logged = self[arms[0]]
        return logged


class _Pairing:
    """Logs side by side, each with the score that is its outcome."""

    def __init__(self, grid: Grid, score: str | None) -> None:
        self.grid = grid
        self.group_of = dict(zip(grid.ids, grid.groups or (), strict=False))
        self._scores = {arm: score_of(log, score) for arm, log in grid.logs.items()}
        self._binary = {arm: is_binary(grid.logs[arm], name) for arm, name in self._scores.items()}

    def at(self, arm: str, name: str, draw: int) -> Logged:
        sample = self._sample(arm, name, draw)
        return Logged(
            arm=arm,
            invalid=sample.invalid,
            scores=sample.scores,
            fields=sample.fields,
            _score=self._scores[arm],
            _binary=self._binary[arm],
            _faults=sample.faults,
        )

    def _sample(self, arm: str, name: str, draw: int) -> Sample:
        if draw >= self.grid.n_draws:
            why = f"picked more often than the log has draws of a sample ({self.grid.n_draws})"
            return Sample(id=name, epoch=draw + 1, invalid=why)
        return self.grid.at(arm, name, draw)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Logs(Source):
    """The logs that `from_log` names, read when the cases are."""

    files: tuple[Path, ...]
    named: Mapping[str, Path]
    score: str | None
    group: str | None
    id_field: str | None
    kind: Kind | None
    each_epoch: bool

    def open(self, base: Path) -> Opened:
        """Read the logs: a case for each sample, or for each epoch of each."""
        arms = read_arms(self.files, self.named, base=base, kind=self.kind, id_field=self.id_field)
        for arm in arms:
            if arm in _OWN:
                raise UsageError(
                    f"an arm cannot be named {arm!r}, which is a field of the case",
                    where=str(arms[arm].path),
                    fix=f"from_log(log_{arm}=...)",
                )
        logs = _Pairing(make_grid(arms, self.group), self.score)
        return Opened(rows=self._rows(logs), generated=True, notices=logs.grid.notices)

    def _rows(self, logs: _Pairing) -> Iterator[Row]:
        draws = range(logs.grid.n_draws) if self.each_epoch else range(1)
        for name in logs.grid.ids:
            for draw in draws:
                yield f"sample {name}", LoggedCase(logs, name, draw, fixed=self.each_epoch)
