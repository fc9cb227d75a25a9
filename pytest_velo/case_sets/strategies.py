"""Independent draws from a strategy of the Hypothesis library.

The library's own engine looks for bugs and does not sample a population. Its first example is the simplest
value, no example comes twice (`booleans()` is False, then True, always), and later ones are mutations of
earlier ones. One primitive in twenty is a "nasty" constant, some of them taken from whatever modules are
imported, so that the same seed gives other cases when another test file is collected. So every case is drawn
in a run of its own, by our own backend (an extension point that the library documents): bounded integers and
floats are uniform, text is mostly ASCII. Strategies keep their meaning (`one_of`, `filter`, `@composite`,
list sizes). The draws are independent, identically distributed and depend on the seed alone.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import Any

import hypothesis
from hypothesis.internal.conjecture.providers import AVAILABLE_PROVIDERS

from pytest_velo.case_sets.backend import Plain
from pytest_velo.errors import UsageError

_BACKEND = "pytest_velo"
_ALONE = threading.Lock()


def draw_cases(strategy: Any, seed: int) -> Iterator[Any]:
    """Draw from `strategy` without end, about 1,000 values a second; draw k depends on `seed` and k alone.

    Raises:
        UsageError: The strategy gives nothing, or its own code raises.
    """
    index = 0
    while True:
        yield _draw(strategy, _own_seed(seed, index), index)
        index += 1


@contextmanager
def drawing_again(seed: int, index: int) -> Iterator[hypothesis.settings]:
    """Give the settings with which the library's engine begins with draw `index`, and goes on from there.

    It tries the simplest value, then the draw, and asks our backend for nothing after that. Until then
    nobody else draws. The phases are the caller's to choose.
    """
    with _drawing(_own_seed(seed, index)):
        yield _settings()


def _own_seed(seed: int, index: int) -> int:
    return int.from_bytes(sha256(f"case {seed} {index}".encode()).digest()[:8], "big")


def _draw(strategy: Any, seed: int, index: int) -> Any:
    """Return one draw: the engine tries the simplest value first; the next one is ours."""
    values: list[tuple[bool, Any]] = []
    try:
        with _drawing(seed):
            _run(strategy, seed, lambda value: values.append((Plain.n_begun > 0, value)))
            n_begun = Plain.n_begun
    except Exception as error:
        raise UsageError(
            f"draw {index} from the strategy failed: {type(error).__name__}: {error}",
            where="cases",
            fix="build values instead of filtering most of them away; strategy.example() shows one",
        ) from error
    drawn = [value for ours, value in values if ours]
    if not drawn and (n_begun or not values):
        raise UsageError(
            "the strategy rejects nearly every value",
            where="cases",
            fix="build values instead of filtering most of them away",
        )
    return drawn[0] if drawn else values[0][1]  # a strategy with one value: the engine stopped after it


def _run(strategy: Any, seed: int, keep: Callable[[Any], None]) -> None:
    """Let the library run `keep` on two examples, without touching the disk."""

    def body(value: Any) -> None:
        keep(value)

    options: Any = hypothesis.settings(_settings(), phases=[hypothesis.Phase.generate])
    given: Any = hypothesis.given(strategy)
    hypothesis.seed(seed)(options(given(body)))()


def _settings() -> hypothesis.settings:
    """Return settings for two examples, without touching the disk; with the backend registered."""
    return hypothesis.settings(
        backend=_BACKEND,
        max_examples=2,
        database=None,
        deadline=None,
        derandomize=False,
        print_blob=False,
        verbosity=hypothesis.Verbosity.quiet,
        suppress_health_check=list(hypothesis.HealthCheck),
    )


@contextmanager
def _drawing(seed: int) -> Iterator[None]:
    """Register our backend during one draw only, so that no listing of settings shows it.

    It has one source of randomness, so one thread draws at a time.
    """
    with _ALONE:
        Plain.start(seed)
        AVAILABLE_PROVIDERS[_BACKEND] = "pytest_velo.case_sets.backend.Plain"
        try:
            yield
        finally:
            del AVAILABLE_PROVIDERS[_BACKEND]
