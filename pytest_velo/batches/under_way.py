"""What a live run must know of batches: draws that it makes may be under way, and are then paid for twice."""

from __future__ import annotations

import threading
from pathlib import Path

from pytest_velo.batches.book import Book
from pytest_velo.batches.entry import OPEN
from pytest_velo.records import Address


class UnderWay:
    """The draws that are waited for in the batches of one cache folder, for a session that makes live calls.

    Attributes:
        n: How many there were at its start; 0 where no batch was ever submitted.
        n_twice: Those of them that were made live.
    """

    def __init__(self, folder: Path) -> None:
        self._book = Book.found(folder)
        batches = [] if self._book is None else self._book.batches(*OPEN)
        self.n = sum(batch.n_waiting for batch in batches)
        self.titles = [batch.title for batch in batches if batch.n_waiting]
        self.n_twice = 0
        self._lock = threading.Lock()

    def before_paid(self, address: Address) -> None:
        """Note a draw that is about to be made live."""
        with self._lock:
            if self.n and self._book is not None and self._book.is_waited_for(address):
                self.n_twice += 1

    def close(self) -> None:
        """Close the book; nothing is noted from now on."""
        with self._lock:
            if self._book is not None:
                self._book.close()
            self._book = None
