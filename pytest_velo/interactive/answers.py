"""What models answered, with what is alike put together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, overload

from pytest_velo.interactive.inquiry import Inquiry
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
    """Put alike answers together: those that count first, and the most frequent first among them.

    >>> replies = [Reply(text=text) for text in ("Paris.", "Lyon.", "paris. ")]
    >>> [(group.text, group.n) for group in grouped(Answer(model="a/b", reply=reply) for reply in replies)]
    [('Paris.', 2), ('Lyon.', 1)]
    """
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


class Replies(Sequence[Reply]):
    """The replies that count, in the order of the questions; it shows what is alike together.

    Attributes:
        answers: What came of every question, of those too that do not count.
        duration_s: How long it took, in seconds.
        notices: What the reader should know of them: a parameter that an API does not have, …

    Examples:
        >>> replies = Replies([Answer(model="a/b", reply=Reply(text="Paris."))])
        >>> replies.texts, len(replies), replies.invalid
        (['Paris.'], 1, ())
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
        self._replies = [
            answer.reply for answer in self.answers if answer.reply is not None and not answer.invalid
        ]

    @overload
    def __getitem__(self, place: int) -> Reply: ...
    @overload
    def __getitem__(self, place: slice) -> list[Reply]: ...
    def __getitem__(self, place: int | slice) -> Reply | list[Reply]:
        return self._replies[place]

    def __len__(self) -> int:
        return len(self._replies)

    @property
    def texts(self) -> list[str]:
        """The texts of the replies that count."""
        return [reply.text for reply in self._replies]

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
    def by_model(self) -> Mapping[str, Replies]:
        """The replies of each model."""
        return self._by(lambda answer: answer.model)

    @property
    def by_case(self) -> Mapping[str, Replies]:
        """The replies about each case, by its name; all under `""` without cases."""
        return self._by(lambda answer: answer.case_id)

    def _by(self, name: Any) -> dict[str, Replies]:
        apart: dict[str, list[Answer]] = {}
        for answer in self.answers:
            apart.setdefault(name(answer), []).append(answer)
        return {
            each: Replies(mine, duration_s=self.duration_s, notices=self.notices, asked=self.asked)
            for each, mine in apart.items()
        }

    def __repr__(self) -> str:
        from pytest_velo.interactive.display import replies_text  # weight: once it is shown

        return replies_text(self)

    def _repr_html_(self) -> str:
        from pytest_velo.interactive.display import replies_html  # weight: once it is shown

        return replies_html(self)
