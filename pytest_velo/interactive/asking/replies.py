"""The replies of a round, as notebooks and scripts get them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import overload

from pytest_velo.interactive.asking.answers import Answer, Answers
from pytest_velo.interactive.asking.display import answers_html, answers_text
from pytest_velo.interactive.asking.draft import draft, name_of_test, write
from pytest_velo.interactive.asking.inquiry import Inquiry
from pytest_velo.records import Reply


class Replies(Answers, Sequence[Reply]):
    """The replies that count, in the order of the questions; shown with what is alike put together.

    Those that do not count (cut, filtered, empty) are in `invalid`, each with its reason.

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
        super().__init__(answers, duration_s=duration_s, notices=notices, asked=asked)
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

    def to_test(self, name: str = "test_idea") -> str:
        """Return the source of a test that asks the same, and so begins with the same draws.

        Raises:
            UsageError: What was asked cannot be written down: a prompt that is a function, an image, …
        """
        return draft(self, name=name)

    def save(self, path: str | Path, *, force: bool = False) -> Path:
        """Write that test to a file, and return its path.

        Raises:
            UsageError: As in `to_test`; or there is a file already, and `force` is not set.
        """
        file = Path(path)
        write(draft(self, name=name_of_test(file), folder=file.parent), file, force=force)
        return file

    def __repr__(self) -> str:
        return answers_text(self)

    def _repr_html_(self) -> str:
        return answers_html(self)
