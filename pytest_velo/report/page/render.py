"""From what a page shows to its HTML: one file that needs nothing else, and runs nothing but our script.

Every text is escaped by the template. A content security policy allows our one script and one style sheet, by
their hashes, and no connection at all: a reply that slipped through could still run nothing and tell nobody.
"""

from __future__ import annotations

import base64
import gzip
import json
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from pytest_velo.report.page.data import Page

if TYPE_CHECKING:
    import jinja2

_ROLES = ("system", "user", "assistant", "reasoning", "tool call", "tool", "prefill", "note")


def html_of(page: Page) -> bytes:
    """Return a page as UTF-8; equal pages give equal bytes."""
    script, style = asset("page.js"), asset("page.css")
    text = (
        environment()
        .get_template("page.html.j2")
        .render(
            page=page,
            policy=policy_of(script, style),
            script=_markup(script),
            style=_markup(style),
            data=packed(page.data),
        )
    )
    return text.encode("utf-8")


def packed(data: Any) -> str:
    """Return data as compressed JSON in base64, which has no character that HTML reads."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    return base64.b64encode(gzip.compress(text.encode("ascii"), 9, mtime=0)).decode("ascii")


def policy_of(script: str, style: str) -> str:
    """Return the content security policy that allows this script and this style sheet, and nothing else."""
    sources = {
        "default-src": "'none'",
        "script-src": f"'sha256-{_digest(script)}'",
        "style-src": f"'sha256-{_digest(style)}'",
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in sources.items())


def asset(name: str) -> str:
    """Return a built asset; see `page/` in the source tree for what it is built from."""
    return files("pytest_velo.report.page").joinpath("assets", name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return base64.b64encode(sha256(text.encode("utf-8")).digest()).decode("ascii")


def _markup(text: str) -> Any:
    """Mark one of our own assets as HTML that is not escaped."""
    from markupsafe import Markup  # weight: for pages only

    return Markup(text)


@cache
def environment() -> jinja2.Environment:
    """Return the environment of all templates: every text in them is escaped."""
    import jinja2  # weight: for pages only

    made = jinja2.Environment(
        loader=jinja2.PackageLoader("pytest_velo.report.page"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    made.globals["roles"] = _ROLES
    return made
