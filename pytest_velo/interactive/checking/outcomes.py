"""What a body returned or raised, where no pytest rewrote its asserts."""

from __future__ import annotations

from pytest_velo.bodies.plain_asserts import explained
from pytest_velo.designing.outcomes import BodyOutcomes
from pytest_velo.errors import BodyError
from pytest_velo.interactive.checking.progress import in_notebook
from pytest_velo.runner.hypothesis import Reading


class PlainOutcomes(BodyOutcomes):
    """Reads the outcomes of a body of a notebook or a script."""

    def exception(self, error: BaseException) -> Reading:
        """Say what an exception raised by a body means."""
        if any(kind.__module__ == "_pytest.outcomes" for kind in type(error).__mro__):  # some say "builtins"
            named = type(error).__name__
            return Reading(
                error=BodyError(
                    f"the body raised pytest's {named}, and no pytest runs here",
                    fix="`assert`, or return the outcome; velo.invalid(why) in a trial that has none",
                ).with_traceback(error.__traceback__)
            )
        return super().exception(error)

    def detail(self, error: BaseException) -> str:
        """Say what failed: its message, or its line with the values of its names."""
        return explained(error)

    def place(self, location: str) -> str:
        """Return a `file:line` as it is shown; that of a notebook's cell as `In[3]:2`."""
        file, _, line = location.rpartition(":")
        shell = in_notebook()
        told = None if shell is None else shell.compile.format_code_name(file)
        return super().place(location) if told is None else f"{told[1]}:{line}"
