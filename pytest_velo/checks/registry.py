"""All checks: ours, in one table, and what is done with any."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from pytest_velo.checks import (
    arms,
    constants,
    dependence,
    duplicates,
    empties,
    endings,
    flips,
    judges,
    leaks,
    position,
    repeats,
    retries,
    shots,
    snapshots,
    truncation,
)
from pytest_velo.checks.check import Check, Remark, Seen, When
from pytest_velo.errors import UsageError, VeloError, nearest
from pytest_velo.found import Found, Level

OURS: tuple[Check, ...] = (
    truncation.CHECK,
    flips.CHECK,
    repeats.CHECK,
    shots.CHECK,
    duplicates.CHECK,
    constants.CHECK,
    position.CHECK,
    judges.CHECK,
    retries.CHECK,
    leaks.CHECK,
    empties.CHECK,
    arms.CHECK,
    endings.CHECK,
    snapshots.CHECK,
    dependence.CHECK,
)
"""By code. A code is never used again for another check; F10 was never used."""


def known_checks(offered: Iterable[Iterable[Check]] = ()) -> tuple[Check, ...]:
    """Return all checks by code: ours and those that plugins offer.

    Raises:
        UsageError: Two checks have one code.
    """
    found: dict[str, Check] = {}
    for check in (*OURS, *(check for checks in offered for check in checks)):
        if found.setdefault(check.code, check) is not check:
            raise UsageError(
                f"two checks have the code {check.code}: {found[check.code].name!r} and {check.name!r}",
                where="pytest_velo_checks",
                fix="give yours another code",
            )
    return tuple(found[code] for code in sorted(found))


def check_silence(silence: Mapping[str, str], checks: Sequence[Check]) -> None:
    """Refuse codes in `silence=` that no check has.

    Raises:
        UsageError: Without a place; the caller knows it.
    """
    codes = [check.code for check in checks]
    for code in silence:
        if code not in codes:
            raise UsageError(f"silence= names {code!r}, which is no check", fix=nearest(code, codes))


def look(checks: Iterable[Check], when: When, seen: Seen, silence: Mapping[str, str]) -> Iterator[Found]:
    """Yield what the checks of one time find, silenced where `silence` has a reason."""
    for check in checks:
        if check.when in (when, When.BOTH):
            for remark in _remarks(check, seen):
                reason = silence.get(check.code, "")
                yield _silenced(check.found(remark), reason) if reason else check.found(remark)


def needless(found: Iterable[Found], checks: Iterable[Check], silence: Mapping[str, str]) -> Iterator[Found]:
    """Say of each silenced check that found nothing that it need not be silenced."""
    seen = {each.code for each in found}
    for check in checks:
        if check.code in silence and check.code not in seen:
            yield Found(
                code=check.code,
                name=check.name,
                level=Level.NOTE,
                message="silence= names it, and it found nothing here",
                fix=f"take {check.code} out of silence=, or it will hide what comes later",
            )


def _remarks(check: Check, seen: Seen) -> Iterator[Remark]:
    """Yield what a check says; one that fails has not looked, and must not end a run that was paid for."""
    try:
        yield from check.look(seen)
    except VeloError:
        raise
    except Exception as error:
        yield Remark(
            message=f"this check failed, so it has not looked: {type(error).__name__}: {error}",
            fix="report it to whoever wrote the check",
            level=Level.NOTE,
        )


def _silenced(found: Found, reason: str) -> Found:
    return replace(found, silenced=reason)
