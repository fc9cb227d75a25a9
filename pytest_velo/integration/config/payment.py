"""Whether paid calls are enabled. Plain `pytest` never spends by accident.

They are enabled if the `-m` expression is true for our marks and false without any, if an item is named by
its node id, or if the mode is set on the command line or as VELO_MODE. `addopts` and ini files do not
count: paying must be requested for this run.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass

from pytest_velo.integration.compat import mark_expression_holds


@dataclass(frozen=True, slots=True, kw_only=True)
class PayRule:
    """Which hypotheses may make paid calls.

    Attributes:
        everything: All of them.
        node_ids: Those with these node ids or prefixes, as typed, preferably with absolute paths.
        root: The folder that items' node ids are relative to; empty for the working directory.
    """

    everything: bool = False
    node_ids: tuple[str, ...] = ()
    root: str = ""

    def allows(self, node_id: str) -> bool:
        """Tell whether the item may make paid calls."""
        return self.everything or any(_names(typed, node_id, self.root) for typed in self.node_ids)


def pay_rule(arguments: Sequence[str], *, here: str = "", root: str = "") -> PayRule:
    """Read the rule from what was typed.

    Args:
        arguments: The command line as invoked, without `addopts`.
        here: Where it was invoked; empty for the working directory.
        root: The folder that items' node ids are relative to; empty for the working directory.

    Returns:
        Everything for a `-m` that selects our marks, and for a mode that is typed or in `VELO_MODE`;
        otherwise the node ids.
    """
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("-m", dest="expression")
    parser.add_argument("--velo-mode", dest="mode")
    typed, rest = parser.parse_known_args([str(argument) for argument in arguments])
    asked = typed.mode is not None or "VELO_MODE" in os.environ
    if not asked and typed.expression:
        # `hypothesis(tier="pr")` can only mean our mark: the Hypothesis library's has no keywords.
        asked = mark_expression_holds(
            typed.expression, {"velo", "hypothesis"}, whatever_keywords=True
        ) and not mark_expression_holds(typed.expression, set())
    named = (os.path.join(here, text) for text in rest if "::" in text and text[0] != "-")
    return PayRule(everything=asked, node_ids=tuple(named), root=root)


def _names(typed: str, node_id: str, root: str) -> bool:
    """Tell whether a typed argument, with any path to the file, names the item or its class."""
    typed_file, *typed_parts = typed.split("::")
    file, *parts = node_id.split("::")
    if not _is_one_file(typed_file, file, root):
        return False
    plain = [*parts[:-1], parts[-1].split("[")[0]] if parts else parts
    return parts[: len(typed_parts)] == typed_parts or plain[: len(typed_parts)] == typed_parts


def _is_one_file(typed: str, file: str, root: str) -> bool:
    """Tell whether a typed path and a node id's path are one file; names alone may be ambiguous."""
    place = os.path.join(root, file)
    if os.path.exists(typed) and os.path.exists(place):
        return os.path.samefile(typed, place)
    # Not found, e.g. under another root or on another machine: compare the text.
    here = os.path.normpath(typed).replace(os.sep, "/")
    return here == file or here.endswith("/" + file) or file.endswith("/" + here)
