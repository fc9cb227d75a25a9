"""Who says when a run may start its trials: nobody, or a scheduler of many runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pytest_velo.runner.run import Run


class Launcher(Protocol):
    """Says when a run may launch the trials it wants: at once, or as its turn comes among others."""

    def ready(self, run: Run, /) -> None:
        """Hear that `run` may want trials (see `Run.wanted`), and sooner or later call its `launch`."""
        ...


class AtOnce:
    """Lets a run launch all it wants: it has the session to itself."""

    @staticmethod
    def ready(run: Run) -> None:
        """Grant everything."""
        run.launch(run.wanted)
