"""The documents as data: their fenced blocks, and pages whose blocks can be followed from top to bottom."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
FENCE = re.compile(r"^```(?P<language>\w+)[^\n]*\n(?P<code>.*?)^```", re.MULTILINE | re.DOTALL)
NAMED = re.compile(r"# (?P<file>[\w./-]+\.\w+)\n")
LEFT_OUT = "..."
# Pages that are followed from top to bottom by a test: what a block needs is in the blocks before it.
FOLLOWED = tuple(
    DOCS / f"{page}.md"
    for page in (
        "checks/F07-position-bias",
        "checks/F08-judge-never-checked",
        "checks/F09-resample-until-valid",
        "checks/F11-answer-in-the-prompt",
        "checks/F12-empty-replies-scored",
        "checks/F18-mixed-snapshots",
        "checks/F19-dependent-trials",
        "tutorial/first-baseline",
        "how-to/assumptions",
        "how-to/attempts",
        "how-to/checks",
        "how-to/compare-models",
        "how-to/confirm-a-finding",
        "how-to/gallery",
        "how-to/label-a-run",
        "how-to/plan",
        "how-to/predictions",
        "how-to/rank-models",
        "how-to/read-a-verdict",
        "how-to/red-team",
        "how-to/rerun-and-replicate",
        "how-to/stubs",
        "how-to/truth",
        "how-to/write-a-claim",
        "how-to/write-a-provider",
    )
)


@dataclass(frozen=True)
class Block:
    """One fenced block of one document."""

    path: Path
    line: int
    language: str
    code: str

    def __str__(self) -> str:
        return f"{name_of(self.path)}:{self.line}"

    @property
    def file(self) -> str | None:
        """The file that it is, named in its first line; None if it names none."""
        named = NAMED.match(self.code)
        return named["file"] if named else None

    @cached_property
    def commands(self) -> tuple[tuple[str, str], ...]:
        """What a console block types, with what is then printed."""
        parts = re.split(r"^\$ (.*)\n", self.code, flags=re.MULTILINE)[1:]
        return tuple(zip(parts[::2], parts[1::2], strict=True))


def name_of(path: Path) -> str:
    """Return the document's path in the repository: several are called README.md."""
    return path.relative_to(ROOT).as_posix()


def blocks_of(path: Path) -> Iterator[Block]:
    """Return the fenced blocks of one document, in order."""
    text = path.read_text(encoding="utf-8")
    for found in FENCE.finditer(text):
        line = text.count("\n", 0, found.start()) + 1
        yield Block(path, line, found["language"], found["code"])


def missing(shown: str, printed: str) -> str | None:
    """Return the first shown line that is not printed, in order; None if all are.

    A line `...` leaves lines out, and `...` within a line words. Dates may differ.

    >>> missing("a\\n...\\nd\\n", "a\\nb\\nc\\nd\\n"), missing("a\\nd\\n", "a\\nb\\nd\\n")
    (None, 'd')
    """
    rest, skips = [_dateless(line) for line in printed.splitlines()], False
    for line in shown.splitlines():
        if line == LEFT_OUT:
            skips = True
            continue
        wanted = re.compile(re.escape(_dateless(line)).replace(re.escape(LEFT_OUT), ".+"))
        found = next((n for n, text in enumerate(rest) if wanted.fullmatch(text.rstrip())), None)
        if found is None or (found > 0 and not skips):
            return line
        rest, skips = rest[found + 1 :], False
    return None


def _dateless(line: str) -> str:
    return re.sub(r"\d{4}-\d\d-\d\d", "YYYY-MM-DD", line)
