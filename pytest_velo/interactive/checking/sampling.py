"""The hypotheses of a call on their way to results: sampled alone, or together as those of tests are."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from weakref import WeakKeyDictionary

from pytest_velo.bodies.shape import body_digest
from pytest_velo.checks.registry import OURS
from pytest_velo.designing.afresh import confirmed_afresh
from pytest_velo.designing.books import Books, entered
from pytest_velo.designing.checking import Checking, checking_of
from pytest_velo.designing.conclusion import concluded
from pytest_velo.designing.hypothesis import make_hypothesis, rule_maker
from pytest_velo.designing.loading import load_what_the_loop_needs
from pytest_velo.designing.models import model_label
from pytest_velo.designing.supplies import Taker
from pytest_velo.errors import UsageError
from pytest_velo.interactive.checking.calls import Asked, Member
from pytest_velo.interactive.checking.outcomes import PlainOutcomes
from pytest_velo.interactive.session import Session
from pytest_velo.records import HypothesisResult
from pytest_velo.report.document import RunDocument
from pytest_velo.report.exports.spans import told
from pytest_velo.report.whole_run import write_whole_run
from pytest_velo.runner.confirming import Confirming
from pytest_velo.runner.holm import settle
from pytest_velo.runner.hypothesis import Hypothesis
from pytest_velo.runner.result import with_brief_details
from pytest_velo.runner.run import Run
from pytest_velo.scheduling.earlier import Earlier
from pytest_velo.scheduling.policies import policy_of
from pytest_velo.scheduling.pool import Pool, endpoint_of
from pytest_velo.settings import Scheduler

Watch = Callable[[Run], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A hypothesis whose run is ready to start."""

    run: Run
    outcomes: PlainOutcomes
    books: Books
    checking: Checking
    confirming: Confirming | None

    def recall(self, session: Session, earlier: MutableMapping[Run, Earlier]) -> None:
        """Tell the scheduler what earlier runs saw of the hypothesis."""
        hypothesis = self.run.hypothesis
        seen = session.store.last_seen(hypothesis.recorded_as)
        found = self.books.earlier(hypothesis, None if seen is None else seen.usd_per_trial)
        if found is not None:
            earlier[self.run] = found


class Sampling:
    """The runs of one call, made on the caller's thread and not yet started.

    Raises:
        UsageError: Something that a body takes cannot be made; or a history of looks that strict forbids.
    """

    def __init__(self, asked: Asked, session: Session, watch: Watch) -> None:
        self._asked = asked
        self._session = session
        self._started_at = datetime.now(UTC)
        settings = asked.settings
        together = len(asked.members) > 1
        self._earlier: WeakKeyDictionary[Run, Earlier] = WeakKeyDictionary()
        self._pool = Pool(policy_of(settings.scheduler, self._earlier), settings.concurrency, endpoint_of)
        self.prepared = [self._prepare(member, watch, together) for member in asked.members]
        if together and settings.scheduler is Scheduler.GAIN:
            for prepared in self.prepared:
                prepared.recall(session, self._earlier)
        self._before = None if together else session.sampler.stats()

    async def go(self) -> None:
        """Sample all; on the sampling loop."""
        if self._before is not None:
            await self.prepared[0].run.go()
            return
        runs = [prepared.run for prepared in self.prepared]
        self._pool.start(runs)
        try:
            for run in runs:
                await self._pool.wait(run)
        finally:
            await self._pool.close()

    def results(self) -> list[HypothesisResult]:
        """Make the results, with the family's further steps in a sweep; each with all of its trials."""
        settings, sampler = self._asked.settings, self._session.sampler
        after = None if self._before is None else sampler.stats()
        found = [
            self._told(
                prepared,
                concluded(
                    prepared.run,
                    prepared.outcomes,
                    prepared.books,
                    strict=settings.strict,
                    checking=prepared.checking,
                    before=self._before,
                    after=after,
                ),
            )
            for prepared in self.prepared
        ]
        return [with_brief_details(_in_keywords(result), settings.show) for result in settle(found)]

    def _told(self, prepared: Prepared, result: HypothesisResult) -> HypothesisResult:
        if (earlier := self._earlier.get(prepared.run)) is not None:
            result = replace(result, n_earlier=earlier.n_attempts)
        return told(result if prepared.confirming is None else prepared.confirming.told(result))

    def write(self, results: Sequence[HypothesisResult]) -> RunDocument:
        """Write the record.

        Raises:
            StoreError: It cannot be written.
        """
        settings = self._asked.settings
        models = dict.fromkeys(result.model for result in results if result.model is not None)
        return write_whole_run(
            settings.cache_dir,
            self._started_at,
            results,
            seed=settings.seed,
            mode=settings.mode.value,
            models=tuple(models),
            environment={
                "python": platform.python_version(),
                "platform": f"{platform.system()} {platform.machine()}",
            },
        )

    def _prepare(self, member: Member, watch: Watch, together: bool) -> Prepared:
        asked, session = self._asked, self._session
        spec, settings = member.spec, asked.settings
        load_what_the_loop_needs(spec, settings)
        outcomes = PlainOutcomes(asked.body.facts, spec.claim, _folder_of(asked))
        hypothesis = self._hypothesis(member, outcomes)
        checking = checking_of(spec, member.frame, asked.cases, asked.body.function, OURS)
        with _placed(asked.where):
            checking.refuse(strict=settings.strict)  # before a claim is frozen
        confirmed = None
        if settings.profile == "confirm":
            writes = not settings.replays
            confirmed = confirmed_afresh(
                session.store, hypothesis, spec, asked.cases, settings, writes=writes
            )
            hypothesis = confirmed.hypothesis
        with _placed(asked.where):
            books, hypothesis = entered(session, hypothesis)
        launcher, n_known = self._pool if together else None, books.looks.n_known
        run = Run(hypothesis, session.sampler, session.loop, watch, n_known=n_known, launcher=launcher)
        return Prepared(run=run, outcomes=outcomes, books=books, checking=checking, confirming=confirmed)

    def _hypothesis(self, member: Member, outcomes: PlainOutcomes) -> Hypothesis:
        """Return a hypothesis, whose body has what it takes."""
        asked, body = self._asked, self._asked.body
        spec, settings = member.spec, asked.settings
        taker = Taker(
            where=asked.where,
            spec=spec,
            settings=settings,
            is_async=body.facts.is_async,
            factories=self._session.provider_factories,
        )
        setting = {} if member.setting is None else member.setting.values
        call, supplied = body.with_arguments(taker, setting)
        outcomes.watch(supplied)
        return make_hypothesis(
            spec,
            member.frame,
            asked.cases,
            settings,
            node_id=member.node_id,
            folder=Path.cwd(),
            belief=body.belief,
            model=model_label(spec, settings, body.uses, None),
            body=call,
            body_digest=body_digest(body.function),
            is_async=body.facts.is_async,
            outcomes=outcomes,
            make_rule=rule_maker(spec.claim, {}),
            may_pay=True,
            notices=[member.warning] if member.warning else [],
            tries=member.tries,
        )


@contextmanager
def _placed(where: str) -> Iterator[None]:
    """Put the call before the place of what is refused."""
    try:
        yield
    except UsageError as error:
        raise error.within(where) from None


def _folder_of(asked: Asked) -> Path:
    code = getattr(asked.body.function, "__code__", None)
    return Path.cwd() if code is None else Path(code.co_filename).parent


def _in_keywords(result: HypothesisResult) -> HypothesisResult:
    """Return the result with options told as the keywords that they are in a call."""
    notices = result.notices
    for option, keyword in _KEYWORDS.items():
        notices = tuple(notice.replace(option, keyword) for notice in notices)
    return replace(result, notices=notices)


_KEYWORDS = {"--velo-budget": "budget=", "--velo-profile=confirm": 'stream="confirm"'}
