"""One pytest session's state: settings, and what sampling needs, opened on first use.

The session itself is opened on first use too (`startup.session_of`), so heavy imports are deferred.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_velo.errors import StoreError
from pytest_velo.integration.config.payment import PayRule, pay_rule
from pytest_velo.integration.config.settings import read_settings
from pytest_velo.integration.endings import ERROR, SKIPPED, Ending, Endings
from pytest_velo.integration.fitted import fit_to_terminal
from pytest_velo.integration.leaving import leave_with
from pytest_velo.integration.live import LiveBesideBatches
from pytest_velo.integration.names import REPEAT, REPEAT_PLUGIN, RESCORE_PLUGIN
from pytest_velo.integration.totals import Drawn
from pytest_velo.records import Outcome
from pytest_velo.report.chosen import choose
from pytest_velo.report.document import RunDocument, from_compact, shown_trials
from pytest_velo.report.earlier import hypothesis_before
from pytest_velo.report.estimates import Estimate
from pytest_velo.report.header import header_lines
from pytest_velo.report.record import Packed, append_result, append_trials, create_run, run_name, trial_lines
from pytest_velo.report.repeats import repeat_from_json
from pytest_velo.report.text import neutralise
from pytest_velo.report.waits import session_waits
from pytest_velo.sampling.session import SamplingSession, cassettes_in
from pytest_velo.settings import ShowKind
from pytest_velo.version import __version__

if TYPE_CHECKING:
    from pytest_velo.records import Address, HypothesisResult, Repeat
    from pytest_velo.sampling.sampler import Sampler
    from pytest_velo.settings import Settings


class VeloSession(SamplingSession):
    """What the hooks of one process share.

    Attributes:
        config: Pytest's.
        results: Of this process's items, in the order they ran, with the trials that a report shows.
        reported: Of all processes' items, by node id; a test that ran again replaces its first run.
        endings: How the tests of this process ended, for those that assume them.
        begun: What workers are sampling, by node id, in the form of an error.
        unsampled: Why we skipped hypotheses, by node id.
        estimates: What hypotheses would take, by node id, where the session only estimates.
        sampled_together: Hypotheses share the sampler, so waits cannot be attributed to one of them.
        n_selected: Tests to run: hypotheses, and with workers all tests; None until it is known.
        summarised: The summary has been written.
        places: File, relative to the root folder, and line from 0 of each reported hypothesis, by node id.
        expected: Node ids of tests that were expected to fail, and did.
        stopped: Why the session ended before all tests had run; empty if it did not.
        inside_a_test: This run was started by a test of another.
        order: Position of each test by node id, where workers run them; empty otherwise.
        hurried: Ctrl-C came while something was sampled, or could be.
        exit_code: How the process ends.
        wrote: What became of the reports for other tools, a line each.
        batched: What came from batches, and what of them goes on, a line each.
        drawn: What each process drew in all, known once it has closed.
        worker: The xdist worker's id; None in the main process.
        notes_file: Where a worker tells the controller how far it is; None in the main process.
        told: An option was set when the session began.
        started_at: When this was opened: at the session's start, or when its first hypothesis was collected.
    """

    def __init__(self, config: pytest.Config, *, told: bool = False) -> None:
        self.config = config
        self.told = told
        shared: dict[str, Any] = getattr(config, "workerinput", {})
        self.worker: str | None = shared.get("workerid")
        notes = shared.get("velo_notes")
        self.notes_file = None if notes is None else Path(notes) / f"{self.worker}.json"
        self._from_controller: dict[str, Any] = json.loads(shared.get("velo", "{}"))
        self.endings = Endings(None if notes is None else Path(notes))
        self.started_at = datetime.now(UTC)
        self.results: list[HypothesisResult] = []
        self._unwritten: dict[str, Packed] = {}
        self._problems: list[str] = []
        self.reported: dict[str, HypothesisResult] = {}
        self.begun: dict[str, HypothesisResult] = {}
        self.unsampled: dict[str, str] = {}
        self.estimates: dict[str, Estimate] = {}
        self.drawn: list[Drawn] = []
        self.wrote: list[str] = []
        self.batched: list[str] = []
        self._live = LiveBesideBatches(config)
        self.places: dict[str, tuple[str, int | None]] = {}
        self.expected: set[str] = set()
        self.stopped = ""
        self.inside_a_test = "PYTEST_CURRENT_TEST" in os.environ
        self.sampled_together = False
        self.n_selected: int | None = None
        self.summarised = False
        self.hurried = False
        self.exit_code = int(pytest.ExitCode.INTERRUPTED)
        self.order: dict[str, int] = {}
        self._run_folder: Path | None = None
        self._name_for_workers: str | None = None
        self._cassette_files: dict[Path, None] = {}

    @cached_property
    def settings(self) -> Settings:
        """The settings, resolved on first use so that a plain session reads nothing."""
        workers = int(getattr(self.config, "workerinput", {}).get("workercount", 1))
        settings = read_settings(self.config, told=self.told, workers=workers)
        if self.repeat is None or not self.repeat.on:
            return settings
        return replace(settings, models=(self.repeat.on,), on=self.repeat.on)

    @cached_property
    def repeat(self) -> Repeat | None:
        """The recorded run that this session repeats; None if it repeats none."""
        told = self.config.getoption(REPEAT, None)
        return None if told is None else repeat_from_json(json.loads(told))

    @cached_property
    def paying(self) -> PayRule:
        """Which hypotheses may make paid calls; workers learn it from the controller."""
        root = str(self.config.rootpath)
        if "pay" in self._from_controller:
            pay = self._from_controller["pay"]
            return PayRule(everything=pay["everything"], node_ids=tuple(pay["node_ids"]), root=root)
        invoked = self.config.invocation_params
        return pay_rule(invoked.args, here=str(invoked.dir), root=root)

    @property
    def _name(self) -> str:
        return self.run_folder.name

    @property
    def sampler(self) -> Sampler:
        """The sampler that makes every model call of this process."""
        self._live.begin(self.settings, self.paying)
        return super().sampler

    def _before_paid(self, address: Address) -> None:
        self._live.before_paid(address)

    @property
    def run_folder(self) -> Path:
        """The folder of this run's record, created on first use; the same for all workers."""
        if self._run_folder is None:
            name = self._from_controller.get("run", self._name_for_workers)
            self._run_folder = create_run(self.settings.cache_dir, self.started_at, name)
        return self._run_folder

    def header(self) -> list[str]:
        """Return the lines of the report header."""
        return [line.text for line in header_lines(self.settings, encoding=sys.stdout.encoding)]

    def for_worker(self) -> str:
        """Return what a worker must know, as text that any transport can carry."""
        pay = {"everything": self.paying.everything, "node_ids": list(self.paying.node_ids)}
        if self._name_for_workers is None:
            # Must be unique: the folder is created only once a hypothesis is sampled.
            self._name_for_workers = f"{run_name(self.started_at)}-{os.getpid()}"
        return json.dumps({"pay": pay, "run": self._name_for_workers})

    def settings_of(self, item: pytest.Item) -> Settings:
        """Return the settings an item is sampled with: those of its record where that is done again."""
        plugin = self.config.pluginmanager.get_plugin
        again = plugin(RESCORE_PLUGIN) or plugin(REPEAT_PLUGIN)
        if again is None:
            return self.settings
        settings: Settings = again.settings_of(item)
        return settings

    def may_pay(self, node_id: str) -> bool:
        """Tell whether an item may make paid calls."""
        return not self.settings.estimates and self.paying.allows(node_id)

    def in_order(self) -> bool:
        """Tell whether a debugger wants one trial at a time."""
        return bool(self.config.getoption("usepdb", False) or self.config.getoption("trace", False))

    def close(self) -> None:
        """Write this process's last trials, end the loop and close the store. Safe to call twice."""
        try:
            self._write_trials()
        finally:
            if (resources := self._opened) is not None:
                sampler = resources.opened_sampler
                for part in resources.parts():
                    with noting(self._problems):
                        part.close()
                self.hurried |= resources.is_hurried
                self.batched += self._live.end()
                if sampler is not None and not self.settings.estimates:
                    self._note_drawn(sampler, resources.notes)

    def hurry(self) -> None:
        """Wait for nothing longer than a moment: Ctrl-C came."""
        self.hurried = True
        if (resources := self._opened) is not None:
            resources.hurry()

    def leave(self) -> None:
        """See to it that the process ends after Ctrl-C, whatever bodies left behind."""
        if self.hurried and self.worker is None:
            leave_with(self.exit_code)

    def keep(self, result: HypothesisResult) -> HypothesisResult:
        """Keep a result for the run record; return it with only the trials that a report shows.

        Its trials are written when the item is reported.
        """
        self._unwritten[result.node_id] = Packed(trial_lines(result))
        light = self._light(result)
        self.results.append(light)
        return light

    def keep_rung(self, result: HypothesisResult) -> None:
        """Keep the trials of a rung that did not decide its ladder, under the rung's own name."""
        self._unwritten[result.node_id] = Packed(trial_lines(result))

    def _light(self, result: HypothesisResult) -> HypothesisResult:
        """Return a result with only the trials that a report shows."""
        show, kind = self.settings.show, self.settings.show_kind
        if kind is None or result.decision is None or result.outcome is Outcome.ERROR:
            return replace(result, trials=shown_trials(result, show))
        before = None
        if kind is ShowKind.CHANGED:
            before = hypothesis_before(result.node_id, self.run_folder.name, self.settings.cache_dir)
        chosen = choose(result, kind, show, before=before)
        told = (f"--velo-show={kind} shows nothing: {chosen.why_none}",) if chosen.why_none else ()
        return replace(result, trials=chosen.trials, notices=(*result.notices, *told))

    def document(self, results: Iterable[HypothesisResult] = (), duration_s: float = 0.0) -> RunDocument:
        """Return the document of this run."""
        return RunDocument(
            velo_version=__version__,
            run_id=self.run_folder.name,
            started_at=self.started_at.isoformat(timespec="seconds"),
            duration_s=duration_s,
            seed=self.settings.seed,
            mode=self.settings.mode.value,
            models=self.settings.models,
            repeats=self.repeat,
            results=tuple(results),
            environment={
                "python": platform.python_version(),
                "pytest": pytest.__version__,
                "platform": f"{platform.system()} {platform.machine()}",
            },
        )

    def _write_trials(self) -> None:
        lines, self._unwritten = self._unwritten, {}
        if lines and not self._problems:  # nothing is written behind half a line
            with noting(self._problems):
                append_trials(self.run_folder, lines, self.worker)

    def _note_drawn(self, sampler: Sampler, notes: Sequence[str]) -> None:
        """Keep, or send to the controller, what this process drew; final once the loop has ended."""
        stats = sampler.stats()
        waits: tuple[str, ...] = ()
        if self.sampled_together:
            waits = session_waits(stats)
        waits += tuple(notes)
        drawn = Drawn(
            n_calls=stats.n_calls, cost_usd=stats.cost_usd, problems=tuple(self.take_problems()), waits=waits
        )
        self.drawn.append(drawn)
        if self.worker is not None:
            self.config.workeroutput["velo"] = drawn.to_json()  # type: ignore[attr-defined]

    def take_problems(self) -> list[str]:
        """Return why a part of the record was not written, once."""
        problems, self._problems = self._problems, []
        return problems

    def drop_run_folder(self) -> None:
        """Remove the folder of a run that sampled nothing."""
        if self._run_folder is not None:
            with suppress(OSError):  # it is not empty
                self._run_folder.rmdir()

    @cached_property
    def provider_factories(self) -> dict[str, Any]:
        """The wire families that plugins offer, by name."""
        factories: dict[str, Any] = {}
        for offered in self.config.hook.pytest_velo_providers():
            factories |= offered
        return factories

    def _cassettes_here(self) -> Iterable[Path]:
        """Return those next to the tests."""
        return self._cassette_files

    def add_cassettes(self, test_file: Path) -> None:
        """For replay, remember `cassettes/*.jsonl*` next to a test file."""
        if self.settings.replays and not self.settings.cassettes:
            found = cassettes_in(test_file.parent / "cassettes")
            self._cassette_files |= dict.fromkeys(found)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Collect the results carried by reports, from workers too, in order of arrival.

        They are written at once: what follows may crash.
        """
        if report.when == "call":
            self._write_trials()
        self._note_ending(report)
        if self.worker is not None:
            return
        if (begun := getattr(report, "velo_begun", None)) is not None:
            self.begun[report.nodeid] = from_compact(begun)
        if (why := getattr(report, "velo_unsampled", None)) is not None:
            self.unsampled[report.nodeid] = why
        if (told := getattr(report, "velo_estimate", None)) is not None:
            self.estimates[report.nodeid] = Estimate.from_json(told)
        if (text := getattr(report, "velo_result", None)) is not None:
            self.begun.pop(report.nodeid, None)
            self.reported[report.nodeid] = result = from_compact(text)
            self.places[report.nodeid] = report.location[:2]
            if hasattr(report, "wasxfail") and report.skipped:
                self.expected.add(report.nodeid)
            if not self._problems:
                with noting(self._problems):
                    append_result(self.run_folder, self.document(), result)
            settings, verbosity = self.settings, self.config.get_verbosity()
            fit_to_terminal(report, result, show=settings.show, verbosity=verbosity, kind=settings.show_kind)

    def _note_ending(self, report: pytest.TestReport) -> None:
        """Note a test that ended without a result: what assumes it must not wait."""
        if getattr(report, "velo_result", None) is None and (report.failed or report.skipped):
            word = ERROR if report.failed else SKIPPED
            if self.endings.of(report.nodeid) is None or report.failed:
                self.endings.note(report.nodeid, Ending(outcome=word, word=word))

    @pytest.hookimpl(tryfirst=True)
    def pytest_warning_recorded(self, warning_message: warnings.WarningMessage) -> None:
        """Make a warning harmless: bodies may warn of a model's words, which pytest prints as they are."""
        text = str(warning_message.message)
        if (safe := neutralise(text)) != text:
            warning_message.message = UserWarning(safe)

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Learn why tests may be missing."""
        told = session.shouldfail or session.shouldstop
        if told:
            self.stopped = str(told)
        elif exitstatus == pytest.ExitCode.INTERRUPTED:
            self.stopped = "it was interrupted"
        elif exitstatus in (pytest.ExitCode.INTERNAL_ERROR, pytest.ExitCode.USAGE_ERROR):
            self.stopped = "pytest ended with an error, which its log has"

    def pytest_keyboard_interrupt(self) -> None:
        """Report the interrupted item, for which pytest makes no report."""
        if self.worker is None:
            for result in self.results:
                self.reported.setdefault(result.node_id, result)


@contextmanager
def noting(problems: list[str]) -> Iterator[None]:
    """Turn a failed write into a line below the verdicts, so that a full disk does not hide them."""
    try:
        yield
    except Exception as error:
        if not isinstance(error, StoreError):
            raise
        problems.append(str(error))


SESSION = pytest.StashKey[VeloSession]()
