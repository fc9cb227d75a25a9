"""What an attempt is an attempt at, and of which draws."""

from __future__ import annotations

from pytest_velo.designing.spec import Spec
from pytest_velo.records import Belief
from pytest_velo.settings import Settings


def belief_at(node_id: str, docstring: str | None, *without: str | None) -> Belief:
    r"""Return the belief of a test: its id, and the first line of its docstring.

    Tests without a docstring may have one name in many files; so the name makes no sentence.

    Args:
        node_id: Of the test.
        docstring: Of its function.
        *without: Parameters that are no part of the belief: its model, its rung.
    """
    head, bracket, rest = node_id.partition("[")
    parameters = rest.removesuffix("]") if bracket else ""
    for name in filter(None, without):
        parameters = f"-{parameters}-".replace(f"-{name}-", "-", 1).strip("-")
    told = f"[{parameters}]" if parameters else ""
    line = docstring.strip().splitlines()[0].strip() if docstring and docstring.strip() else ""
    line = line.encode("utf-8", "backslashreplace").decode()  # half of a surrogate pair is no text
    return Belief(test=head + told, sentence=f"{line} {told}".strip() if line else "")


def stream_of(spec: Spec, settings: Settings) -> str:
    """Return the stream of draws: the profile `confirm` never reuses exploratory draws."""
    stream: str = spec.get("stream", "")
    return f"confirm:{stream}" if settings.profile == "confirm" else stream
