"""What models answered, with what is alike put together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from pytest_velo.interactive.asking.inquiry import Inquiry
from pytest_velo.records import Reply, add_costs


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came of one question.

    Attributes:
        model: The model's id.
        reply: Its reply; None if the prompt got nothing but server errors or time-outs.
        invalid: Why a test's trial would be invalid: cut, filtered, empty; empty if it counts.
        case: The case; None without cases.
        case_id: Its name; empty without cases.
        repeat: How many earlier questions were about the same case, from 0.
    """

    model: str
    reply: Reply | None
    invalid: str = ""
    case: Any = None
    case_id: str = ""
    repeat: int = 0

    @property
    def text(self) -> str:
        """The reply's text, or the tools that it calls; empty if none came."""
        if self.reply is None:
            return ""
        called = (
            f"{call.name}({call.arguments_text or call.arguments or ''})" for call in self.reply.tool_calls
        )
        return "\n".join(part for part in (self.reply.text, *called) if part)


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Answers that are alike: the same text, apart from case and white space.

    Attributes:
        text: The first one's text.
        n: How many they are, from 1.
        invalid: Why they do not count; empty if they do.
        refused: The model declined, by the provider's own flag.
    """

    text: str
    n: int
    invalid: str = ""
    refused: bool = False


def grouped(answers: Iterable[Answer]) -> list[Group]:
    """Put alike answers together: those that count first, and the most frequent first among them."""
    found: dict[tuple[str, str, bool], list[Answer]] = {}
    for answer in answers:
        refused = answer.reply is not None and answer.reply.refused
        key = " ".join(answer.text.casefold().split())
        found.setdefault((answer.invalid, key, refused), []).append(answer)
    groups = [
        Group(text=alike[0].text, n=len(alike), invalid=invalid, refused=refused)
        for (invalid, _, refused), alike in found.items()
    ]
    # Stable: of groups of one size, the one that came first.
    return sorted(groups, key=lambda group: (group.invalid != "", group.invalid, -group.n))


class Answers:
    """What came of a round of questions.

    Attributes:
        answers: What came of every question that was answered, in their order.
        duration_s: How long it took, in seconds.
        notices: What the reader should know of them: a parameter that an API does not have, …
        asked: What was asked; None if nobody remembers.
    """

    def __init__(
        self,
        answers: Iterable[Answer],
        *,
        duration_s: float = 0.0,
        notices: Iterable[str] = (),
        asked: Inquiry | None = None,
    ) -> None:
        self.answers = tuple(answers)
        self.duration_s = duration_s
        self.notices = tuple(notices)
        self.asked = asked

    @property
    def invalid(self) -> tuple[Answer, ...]:
        """The answers that do not count, each with the reason."""
        return tuple(answer for answer in self.answers if answer.invalid)

    @property
    def groups(self) -> list[Group]:
        """What is alike, put together."""
        return grouped(self.answers)

    @property
    def cost_usd(self) -> float | None:
        """Dollars of the calls that were made now; None if one is unknown."""
        made = (answer.reply for answer in self.answers if answer.reply is not None)
        return add_costs(reply.cost_usd for reply in made if not reply.cached)

    @property
    def n_cached(self) -> int:
        """Replies that were in the cache already."""
        return sum(answer.reply is not None and answer.reply.cached for answer in self.answers)

    @property
    def by_model(self) -> Mapping[str, Self]:
        """The answers of each model."""
        return self._apart(lambda answer: answer.model)

    @property
    def by_case(self) -> Mapping[str, Self]:
        """The answers about each case, by its name; all under `""` without cases."""
        return self._apart(lambda answer: answer.case_id)

    def _apart(self, name: Callable[[Answer], str]) -> dict[str, Self]:
        apart: dict[str, list[Answer]] = {}
        for answer in self.answers:
            apart.setdefault(name(answer), []).append(answer)
        return {each: self._of(mine) for each, mine in apart.items()}

    def _of(self, answers: Iterable[Answer]) -> Self:
        """Return some of the answers, with what is known of all."""
        return type(self)(answers, duration_s=self.duration_s, notices=self.notices, asked=self.asked)
