"""One round of questions: asked at once, heard as the answers come."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from pytest_velo.errors import InvalidTrial, VeloError
from pytest_velo.interactive.asking.answers import Answer
from pytest_velo.interactive.asking.inquiry import Inquiry, Question, questions
from pytest_velo.interactive.asking.replies import Replies
from pytest_velo.interactive.session import Session, in_keywords
from pytest_velo.sampling.model import AsyncModel
from pytest_velo.sampling.scope import TrialScope, enter
from pytest_velo.sampling.seeds import derive
from pytest_velo.sampling.trial import Trial

Heard = Callable[[Answer], None]


def _ignore(_: Answer) -> None:
    """Do nothing with an answer."""


class Round:
    """The questions of an inquiry on their way to answers.

    Args:
        session: What they are asked with.
        asked: What is asked.

    Attributes:
        heard: Called with each answer when it is there, on the sampling loop.
        questions: The calls to make, by model.
        troubles: Why models could not be asked to the end, by their ids.

    Raises:
        UsageError: A prompt cannot be made of a case.
    """

    def __init__(self, session: Session, asked: Inquiry) -> None:
        self.questions = questions(asked, session.settings)
        self.heard: Heard = _ignore
        self.troubles: dict[str, Exception] = {}
        self._session = session
        self._asked = asked
        self._answers: dict[int, Answer] = {}  # by the question's identity
        self._notices: dict[str, None] = {}
        self._begun_s = time.monotonic()

    async def go(self) -> None:
        """Ask all questions, on the sampling loop. A model in trouble does not keep the others from it."""
        self._begun_s = time.monotonic()
        await asyncio.gather(*(self._ask(model, mine) for model, mine in self.questions.items()))

    @property
    def replies(self) -> Replies:
        """What has come so far, in the order of the questions."""
        every = (question for mine in self.questions.values() for question in mine)
        came = [self._answers[id(question)] for question in every if id(question) in self._answers]
        duration_s = time.monotonic() - self._begun_s
        return Replies(came, duration_s=duration_s, notices=self._notices, asked=self._asked)

    def conclude(self) -> Replies:
        """Return the replies.

        Raises:
            VeloError: A model could not be asked to the end.
        """
        for trouble in self.troubles.values():
            if isinstance(trouble, VeloError):
                trouble.fix = in_keywords(trouble.fix)
            if self._answers:
                trouble.add_note(
                    f"{len(self._answers)} replies came before, and are kept: asking again goes on from there"
                )
            raise trouble
        return self.replies

    async def _ask(self, model: str, mine: list[Question]) -> None:
        """Ask one model; its first trouble ends what it is asked."""
        tasks = [asyncio.create_task(self._answer(question)) for question in mine]
        try:
            for task in asyncio.as_completed(tasks):
                await task
        except Exception as error:
            self.troubles[model] = error
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _answer(self, question: Question) -> None:
        """Ask one question as a test's trial would, so that its draw is that trial's."""
        scope = TrialScope(
            trial=Trial(index=question.repeat, repeat=question.repeat, seed=self._seed(question)),
            case=question.case,
            case_digest=question.case_digest,
            stream="",
            may_pay=True,
            drawer=self._session.sampler,
            block=None,
            folder=Path.cwd(),
        )
        enter(scope)
        asked = self._asked
        model = AsyncModel(question.target)
        ask = partial(model, system=asked.system, allow_cut=asked.allow_cut, allow_empty=asked.allow_empty)
        invalid = ""
        try:
            await ask(question.prompt, **asked.parameters)
        except InvalidTrial as error:
            invalid = error.reason
        finally:
            scope.end()
        self._notices |= dict.fromkeys(scope.notices)
        answer = Answer(
            model=question.target.id,
            reply=scope.calls[-1].reply if scope.calls else None,
            invalid=invalid,
            case=question.case,
            case_id=question.case_id,
            repeat=question.repeat,
        )
        self._answers[id(question)] = answer
        self.heard(answer)

    def _seed(self, question: Question) -> int:
        return derive(self._session.settings.seed, question.case_digest, question.repeat)
