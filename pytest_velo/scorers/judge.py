"""The judge: a model that answers a question about a text, yes or no, or with a score.

`grading` has what it is sent and how its answer is read, `context` what it is shown beside the text, and
`validating` holds it against labels of people.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

from pytest_velo.errors import BodyError, InvalidTrial
from pytest_velo.providers.stubbed import ANSWER
from pytest_velo.records import Reply
from pytest_velo.sampling.model import AsyncModel, Model
from pytest_velo.sampling.pending import Pending
from pytest_velo.sampling.scope import TrialScope, current
from pytest_velo.scorers.agreement import Agreement
from pytest_velo.scorers.context import CONVERSATION, Context, shown_with
from pytest_velo.scorers.grading import (
    SYSTEM,
    YES_NO_SCHEMA,
    read_score,
    read_yes_no,
    score_prompt,
    score_schema,
    yes_no_prompt,
)
from pytest_velo.scorers.labels import Labelled, labels_of
from pytest_velo.scorers.stubbed import StubbedAnswers
from pytest_velo.scorers.validating import agreement_on

_MOST_SAID = 200


class AsyncJudge:
    """The judge inside an `async def` body.

    Example:
        ```python
        import json

        import pytest
        from pytest_velo import mean, scripted


        def grade(request):
            return json.dumps({"score": 8 if "because" in request.messages[-1]["content"] else 3})


        STUDENT = scripted("student", ["It rains because air cools.", "It rains."])


        @pytest.mark.hypothesis(mean(0, 10) >= 4, models=[STUDENT], judge=scripted("grader", grade))
        async def test_its_explanations_are_fair(model, judge):
            "On average an explanation scores more than 4 points out of 10."
            return await judge.score("How well does this explain rain?", await model("Why does it rain?"))
        ```
    """

    _stays_here: ClassVar[str] = "the judge"

    def __init__(self, model: AsyncModel, stubbed: StubbedAnswers | None = None) -> None:
        """Take the model that judges, or the one that says what a stub gives."""
        self._model = model
        self._stubbed = stubbed

    @property
    def _lost(self) -> BodyError | None:
        """Why a call found no trial."""
        return self._model._lost

    def __call__(
        self, question: str, text: str | Reply, *, context: Context = CONVERSATION, **options: Any
    ) -> Pending[bool]:
        """Ask whether `question` holds of `text`.

        Args:
            question: That can be answered by yes or no.
            text: What is judged: a reply, or any text.
            context: What the judge is shown beside it: by default the conversation that led to a reply (a
                text of your own has none), else a text, or messages; None for the text alone.
            **options: Keywords of the model call.

        Raises:
            BodyError: `context` is nothing that can be shown.
            InvalidTrial: The answer cannot be read, or there is none.
        """
        shown = shown_with(text, context, self._scope())
        prompt = yes_no_prompt(question, str(text), shown)
        if self._stubbed is not None:
            options[ANSWER] = self._stubbed.yes_no(question, str(text))
        call = self._model(prompt, system=SYSTEM, schema=YES_NO_SCHEMA, **options)

        async def answer() -> bool:
            with _blamed(self._model):
                return read_yes_no(await call)

        return Pending("judge(...)", answer)

    def score(
        self,
        rubric: str,
        text: str | Reply,
        *,
        low: float = 0,
        high: float = 10,
        context: Context = CONVERSATION,
        **options: Any,
    ) -> Pending[float]:
        """Score `text` by `rubric`, from `low` to `high`; the rest is as in a call.

        Raises:
            BodyError: `context` is nothing that can be shown.
            InvalidTrial: The score cannot be read, is out of its range, or there is none.
        """
        shown = shown_with(text, context, self._scope())
        prompt = score_prompt(rubric, str(text), low, high, shown)
        if self._stubbed is not None:
            options[ANSWER] = self._stubbed.score(rubric, str(text), low, high)
        call = self._model(prompt, system=SYSTEM, schema=score_schema(low, high), **options)

        async def answer() -> float:
            with _blamed(self._model):
                return read_score(await call, low, high)

        return Pending("judge.score(...)", answer)

    def validate(
        self, labels: Any, question: str | None = None, *, level: float = 0.95, **options: Any
    ) -> Pending[Agreement]:
        """Ask about texts that people have labelled, and say how far the judge agrees with them.

        A verdict that cannot be read is counted apart; it makes no trial invalid.

        Args:
            labels: A file, a list or anything else that `cases=` takes. A row has a `text` (or `reply`) and a
                `label`: yes or no, true or false, 1 or 0. It may have a `context` (or `prompt`), which the
                judge is shown, and a `question`.
            question: What the judge is asked about each text; None if each row has a `question`.
            level: Of the intervals, in (0, 1).
            **options: Keywords of the model call.

        Raises:
            UsageError: The labels cannot be read; nothing is asked then.
        """
        scope = self._scope()
        rows = labels_of(labels, question, scope.folder, level)
        scope.issue()
        return Pending(
            "judge.validate(...)",
            lambda: agreement_on(rows, self._asked(options), scope, level=level, judge=self._model.id),
        )

    def _asked(self, options: dict[str, Any]) -> Any:
        def ask(row: Labelled, slot: str) -> Pending[bool]:
            return self(row.question, row.text, context=row.context, slot=slot, **options)

        return ask

    def _scope(self) -> TrialScope:
        return self._model._scope()


class Judge:
    """The judge inside a plain `def` body.

    Example:
        ```python
        import pytest
        from pytest_velo import rate, scripted

        GRADED = [{"text": "2 + 2 = 4", "right": True}, {"text": "2 + 2 = 5", "right": False}]


        def grade(request):
            return '{"answer": "yes"}' if "= 4" in request.messages[-1]["content"] else '{"answer": "no"}'


        @pytest.mark.hypothesis(rate >= 0.9, cases=GRADED, judge=scripted("checker", grade))
        def test_the_judge_agrees_with_people(judge, case):
            "The judge agrees with people about sums."
            return judge("Is this sum right?", case.text) == case.right
        ```
    """

    _stays_here: ClassVar[str] = "the judge"

    def __init__(self, model: Model, stubbed: StubbedAnswers | None = None) -> None:
        """Take the model that judges, or the one that says what a stub gives."""
        self._model = model
        self._stubbed = stubbed

    @property
    def _lost(self) -> BodyError | None:
        """Why a call found no trial."""
        return self._model._lost

    def __call__(
        self, question: str, text: str | Reply, *, context: Context = CONVERSATION, **options: Any
    ) -> bool:
        """Ask whether `question` holds of `text`; arguments and errors as in `AsyncJudge`."""
        shown = shown_with(text, context, self._model._scope())
        prompt = yes_no_prompt(question, str(text), shown)
        if self._stubbed is not None:
            options[ANSWER] = self._stubbed.yes_no(question, str(text))
        with _blamed(self._model):
            return read_yes_no(self._model(prompt, system=SYSTEM, schema=YES_NO_SCHEMA, **options))

    def score(
        self,
        rubric: str,
        text: str | Reply,
        *,
        low: float = 0,
        high: float = 10,
        context: Context = CONVERSATION,
        **options: Any,
    ) -> float:
        """Score `text` by `rubric`, from `low` to `high`; arguments and errors as in `AsyncJudge.score`."""
        shown = shown_with(text, context, self._model._scope())
        prompt = score_prompt(rubric, str(text), low, high, shown)
        if self._stubbed is not None:
            options[ANSWER] = self._stubbed.score(rubric, str(text), low, high)
        with _blamed(self._model):
            reply = self._model(prompt, system=SYSTEM, schema=score_schema(low, high), **options)
            return read_score(reply, low, high)

    def validate(
        self, labels: Any, question: str | None = None, *, level: float = 0.95, **options: Any
    ) -> Agreement:
        """Ask about texts that people have labelled; arguments and errors as in `AsyncJudge.validate`."""
        scope = self._model._blocking_scope()
        assert scope.block is not None
        judge = AsyncJudge(self._model._twin(), self._stubbed)
        rows = labels_of(labels, question, scope.folder, level)
        scope.issue()
        return scope.block(
            agreement_on(rows, judge._asked(options), scope, level=level, judge=self._model.id)
        )


@contextmanager
def _blamed(model: AsyncModel | Model) -> Iterator[None]:
    """Make what comes out invalid say that the judge failed, and not the model under test."""
    try:
        yield
    except InvalidTrial as error:
        said = f"\nit said: {error.said[:_MOST_SAID]!r}" if error.said else ""
        current("judge(...)").blame("the judge", error, f" ({model.id}){said}")
        raise
