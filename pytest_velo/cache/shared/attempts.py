"""The ledger of attempts that many machines share.

Each machine keeps a ledger of its own, which has what others did as far as it was ever asked for. Entries go
to the shared one when their belief is looked at next; so what was written while the network was away is
pushed later, and nothing needs a queue.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from pytest_velo.cache.attempt_ledger import AttemptLedger, in_time, numbered_in, row_of
from pytest_velo.cache.attempts import Entry, Tried, belief_of, keys_of
from pytest_velo.cache.shared import rows as sql
from pytest_velo.cache.shared.answers import AwayError
from pytest_velo.cache.shared.line import Connection, Line, ReadOnlyError
from pytest_velo.records import Belief

_ALONE = (
    "the shared store was away, or does not let this user add attempts: they were counted on this machine"
    " alone, and another one may have the same numbers"
)


class SharedAttempts(AttemptLedger):
    """The attempts at beliefs on disk and in PostgreSQL."""

    def __init__(
        self, path: Path, line: Line, *, note: Callable[[str], None], may_add: Callable[[], bool]
    ) -> None:
        super().__init__(path)
        self._line = line
        self._note = note
        self._may_add = may_add

    def history(self, belief: Belief) -> list[Entry]:
        """Return every entry about a belief, of this machine and of others, oldest first."""
        mine = super().history(belief)

        def exchange(connection: Connection) -> list[Entry]:
            return self._exchanged(connection, belief, mine)

        try:
            theirs = self._line.wait(exchange)
        except (AwayError, ReadOnlyError):
            self._note(_ALONE)
            return mine
        self.add(theirs)
        return in_time({row_of(entry)[0]: entry for entry in (*theirs, *mine)}.values())

    def number(self, attempt: Tried) -> Tried:
        """Enter an attempt with its number, unless it is there already; return what is there.

        Machines number their attempts one after the other.
        """
        belief = belief_of(attempt)
        mine = super().history(belief)

        def exchange(connection: Connection) -> Tried:
            with connection.transaction():
                if self._may_add():
                    sql.number_attempts(connection)
                theirs = self._exchanged(connection, belief, mine)
                numbered, is_new = numbered_in(in_time([*theirs, *mine]), attempt)
                if is_new and self._may_add():
                    sql.attempts_at(connection, keys_of(belief), [row_of(numbered)])
                return numbered

        try:
            numbered = self._line.wait(exchange)
        except (AwayError, ReadOnlyError):
            self._note(_ALONE)
            return super().number(attempt)
        self.add([numbered])
        return numbered

    def _exchanged(self, connection: Connection, belief: Belief, mine: Iterable[Entry]) -> list[Entry]:
        rows = [row_of(entry) for entry in mine] if self._may_add() else []
        return [self._read(body) for body in sql.attempts_at(connection, keys_of(belief), rows)]
