"""Live calls beside batches: a draw that is under way in a batch is paid for twice if it is made live."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_velo import batches
from pytest_velo.integration.compat import terminal_reporter
from pytest_velo.report.numbers import count
from pytest_velo.report.text import inline

if TYPE_CHECKING:
    from pytest_velo.batches.under_way import UnderWay
    from pytest_velo.integration.config.payment import PayRule
    from pytest_velo.records import Address
    from pytest_velo.settings import Settings

_BOOK_FILE = "batches.sqlite"
"""`batches.book.BOOK_FILE`, once more: most sessions have none, and load nothing for it."""


class LiveBesideBatches:
    """Says once, before a session pays, that draws are under way; counts those that are made all the same."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._under_way: UnderWay | None = None
        self._begun = False

    def begin(self, settings: Settings, paying: PayRule) -> None:
        """Look at the book of batches, if there is one and the session may pay for live calls."""
        if self._begun:
            return
        self._begun = True
        is_live = not (settings.batch or settings.replays or settings.estimates)
        if not is_live or not (paying.everything or paying.node_ids):
            return
        if (settings.cache_dir / _BOOK_FILE).is_file():
            self._under_way = batches.UnderWay(settings.cache_dir)
            self._warn(self._under_way)

    def before_paid(self, address: Address) -> None:
        """Note a draw that is about to be made live."""
        if self._under_way is not None:
            self._under_way.before_paid(address)

    def end(self) -> list[str]:
        """Close the book; say how many draws were made although a batch brings them."""
        found, self._under_way = self._under_way, None
        if found is None:
            return []
        found.close()
        return [f"{count(found.n_twice, 'draw')} made live that a batch brings, too"] if found.n_twice else []

    def _warn(self, found: UnderWay) -> None:
        reporter = terminal_reporter(self._config)
        if found.n and reporter is not None:
            named = inline(", ".join(found.titles[:3]))
            reporter.ensure_newline()
            reporter.write_line(
                f"velo: {count(found.n, 'draw')} under way in batches ({named}). Those that this run needs"
                " are made live, and paid for twice; with --velo-batch it waits for them instead.",
                yellow=True,
            )
