"""What is said of a claim that was tried again on fresh draws until it was supported."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from pytest_velo.verdicts import Verdict

_MOST_LISTED = 6
_NUMBERS = ("zero", "one", "two", "three", "four", "five", "six")


def until_green(verdicts: Sequence[str], *, is_paid_for: bool) -> str:
    """Say that a claim is supported at the n-th try only; empty if it is not so.

    Args:
        verdicts: Those on each fresh set of draws for the same claim, prompt, body and model, the last one's
            last.
        is_paid_for: All attempts share alpha.
    """
    *before, last = verdicts or ("",)
    if last != Verdict.SUPPORTED or all(verdict == Verdict.SUPPORTED for verdict in before):
        return ""
    n = len(before)
    text = f"the {_ordinal(n + 1)} fresh set of draws for the same claim, prompt and body; {_told(before)}"
    if is_paid_for:
        return text
    return f'{text}: a rerun until green, which alpha does not cover (family="attempts" in the mark does)'


def _told(before: Sequence[str]) -> str:
    n = len(before)
    if n > _MOST_LISTED:
        return f"before: {', '.join(f'{m} {verdict}' for verdict, m in Counter(before).most_common())}"
    were = "the first was" if n == 1 else f"the first {_NUMBERS[n]} were"
    return f"{were} {', '.join(before)}"


def _ordinal(n: int) -> str:
    ending = "th" if 10 <= n % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th")
    return f"{n}{ending}"
