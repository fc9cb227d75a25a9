"""`velo checks`: what each check sees, what was measured of it, and its page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import click

from pytest_velo.checks.check import Check
from pytest_velo.checks.pages import page_of, rates
from pytest_velo.checks.registry import OURS
from pytest_velo.errors import UsageError, nearest
from pytest_velo.report.lines import UNWRAPPED, as_text, block


@click.command()
@click.argument("code", required=False)
def checks(code: str | None) -> None:
    """List the checks, with what was measured of each; or show the page of one: velo checks F05.

    A check sees a mistake that a verdict alone does not show. Above the level `note` it fails a test under
    --velo-strict, unless silence={"F05": "why"} in its mark gives a reason. Checks of plugins are not listed.

    \f

    """  # noqa: D301 - click shows nothing below \f
    by_code = {check.code: check for check in OURS}
    if code is None:
        for check in sorted(OURS, key=lambda check: check.code):
            click.echo("\n".join(_listed(check)))
        return
    found = by_code.get(code.upper())
    if found is None:
        raise UsageError(f"there is no check {code!r}", fix=nearest(code.upper(), by_code))
    click.echo(page_of(found.code, found.name))


def _listed(check: Check) -> Iterator[str]:
    """Yield the lines of a check."""
    yield as_text(block(check.code, f"{check.name} ({check.level}): {check.sees}", UNWRAPPED, indent=0))
    measured = rates().get(check.code)
    if measured is not None:
        yield as_text(block("", _measured(measured), UNWRAPPED, indent=0))


def _measured(measured: Mapping[str, Any]) -> str:
    """Say what was measured."""
    return "; ".join(
        f"{label} {rate['found']} of {rate['n']} ({rate['low']:.1%} to {rate['high']:.1%})"
        for label, rate in (("detection", measured["detection"]), ("false alarms", measured["false_alarms"]))
    )
