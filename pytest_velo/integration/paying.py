"""Whether draws that cost money were asked for. Plain `pytest` never spends by accident.

They were, when the `-m` expression is true for our marks and false for none, when an item is named by
its node id, or when the mode was given on the command line or as VELO_MODE. What `addopts` or an ini
file say does not count: only what somebody typed for this run.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass

from pytest_velo.integration.private import mark_expression_holds


@dataclass(frozen=True, slots=True, kw_only=True)
class PayRule:
    """Who asked for paid draws: the whole session, or node ids by their prefix."""

    everything: bool = False
    node_ids: tuple[str, ...] = ()

    def allows(self, node_id: str) -> bool:
        """Tell whether the item may make draws that cost."""
        return self.everything or any(_names(typed, node_id) for typed in self.node_ids)


def pay_rule(arguments: Sequence[str]) -> PayRule:
    """Read the rule from what was typed.

    Args:
        arguments: The command line as invoked, without `addopts`.

    Returns:
        Everything for a `-m` that asks for our marks and for a mode that was typed or is in `VELO_MODE`; else
        the node ids.

    Examples:
        >>> getfixture("monkeypatch").delenv("VELO_MODE", raising=False)
        >>> pay_rule(["-m", "velo"]).everything, pay_rule(["-m", "not velo"]).everything
        (True, False)
        >>> named = pay_rule(["-q", "tests/test_tone.py::test_short"])
        >>> named.allows("tests/test_tone.py::test_short[fr]"), named.allows("tests/test_tone.py::test_warm")
        (True, False)
    """
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("-m", dest="expression")
    parser.add_argument("--velo-mode", dest="mode")
    typed, rest = parser.parse_known_args([str(argument) for argument in arguments])
    asked = typed.mode is not None or "VELO_MODE" in os.environ
    if not asked and typed.expression:
        asked = mark_expression_holds(typed.expression, {"velo", "hypothesis"}) and not mark_expression_holds(
            typed.expression, set()
        )
    return PayRule(everything=asked, node_ids=tuple(text for text in rest if "::" in text and text[0] != "-"))


def _names(typed: str, node_id: str) -> bool:
    """Tell whether what was typed (any path to the file) names the item or a class around it."""
    typed_file, *typed_parts = typed.split("::")
    file, *parts = node_id.split("::")
    here = os.path.normpath(typed_file).replace(os.sep, "/")
    if not (here == file or here.endswith("/" + file) or file.endswith("/" + here)):
        return False
    plain = [*parts[:-1], parts[-1].split("[")[0]] if parts else parts
    return parts[: len(typed_parts)] == typed_parts or plain[: len(typed_parts)] == typed_parts
