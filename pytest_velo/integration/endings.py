"""How tests ended in this session, for those that assume them: in this process, and in those of workers."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from pytest_velo.canonical import digest

SKIPPED = "skipped"
ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a test ended.

    Attributes:
        outcome: The value of its hypothesis's outcome; `skipped` or `error` without one.
        word: The same with what was stubbed.
        was_sampled: What it assumes itself did not keep it from being sampled.
    """

    outcome: str
    word: str
    was_sampled: bool = True


class Endings:
    """What is known of the tests that have ended.

    Args:
        folder: Where the workers of pytest-xdist leave what others may ask for; None in one process.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._known: dict[str, Ending] = {}
        self._asked: set[str] = set()

    def ask(self, node_ids: Iterable[str]) -> None:
        """Remember which tests others assume: of these, workers leave a file."""
        self._asked.update(node_ids)

    def note(self, node_id: str, ending: Ending) -> None:
        """Note how a test ended; one that ran again ended anew."""
        self._known[node_id] = ending
        if self._folder is not None and node_id in self._asked:
            file = self._file(self._folder, node_id)
            new = file.with_suffix(f".{id(self)}.new")
            new.write_text(json.dumps(asdict(ending)), encoding="ascii")
            new.replace(file)

    def of(self, node_id: str) -> Ending | None:
        """Return how a test ended, here or in another worker; None if it has not, or nobody can tell."""
        if node_id in self._known or self._folder is None:
            return self._known.get(node_id)
        try:
            told = json.loads(self._file(self._folder, node_id).read_text(encoding="ascii"))
            return Ending(**told)
        except (OSError, ValueError, TypeError):
            return None

    @staticmethod
    def _file(folder: Path, node_id: str) -> Path:
        return folder / f"{digest(node_id)[:32]}.ending"
