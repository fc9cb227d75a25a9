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

from pytest_velo.integration.compat import mark_expression_holds


@dataclass(frozen=True, slots=True, kw_only=True)
class PayRule:
    """Who asked for paid draws: the whole session, or node ids by their prefix, with the path to their file.

    Attributes:
        everything: All hypotheses.
        node_ids: As they were typed, best with whole paths.
        root: The folder that the node ids of items start from; empty for the working directory.
    """

    everything: bool = False
    node_ids: tuple[str, ...] = ()
    root: str = ""

    def allows(self, node_id: str) -> bool:
        """Tell whether the item may make draws that cost."""
        return self.everything or any(_names(typed, node_id, self.root) for typed in self.node_ids)


def pay_rule(arguments: Sequence[str], *, here: str = "", root: str = "") -> PayRule:
    """Read the rule from what was typed.

    Args:
        arguments: The command line as invoked, without `addopts`.
        here: Where it was invoked; empty for the working directory.
        root: The folder that the node ids of items start from; empty likewise.

    Returns:
        Everything for a `-m` that asks for our marks and for a mode that was typed or is in `VELO_MODE`; else
        the node ids.
    """
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("-m", dest="expression")
    parser.add_argument("--velo-mode", dest="mode")
    typed, rest = parser.parse_known_args([str(argument) for argument in arguments])
    asked = typed.mode is not None or "VELO_MODE" in os.environ
    if not asked and typed.expression:
        # `hypothesis(tier="pr")` is true of our mark only: that of the Hypothesis library has no keywords.
        asked = mark_expression_holds(
            typed.expression, {"velo", "hypothesis"}, whatever_keywords=True
        ) and not mark_expression_holds(typed.expression, set())
    named = (os.path.join(here, text) for text in rest if "::" in text and text[0] != "-")
    return PayRule(everything=asked, node_ids=tuple(named), root=root)


def _names(typed: str, node_id: str, root: str) -> bool:
    """Tell whether what was typed (any path to the file) names the item or a class around it."""
    typed_file, *typed_parts = typed.split("::")
    file, *parts = node_id.split("::")
    if not _is_one_file(typed_file, file, root):
        return False
    plain = [*parts[:-1], parts[-1].split("[")[0]] if parts else parts
    return parts[: len(typed_parts)] == typed_parts or plain[: len(typed_parts)] == typed_parts


def _is_one_file(typed: str, file: str, root: str) -> bool:
    """Tell whether a typed path and the path of a node id are one file; its name alone may be that of two."""
    place = os.path.join(root, file)
    if os.path.exists(typed) and os.path.exists(place):
        return os.path.samefile(typed, place)
    # Below another root, or on another machine, a node id is not found.
    here = os.path.normpath(typed).replace(os.sep, "/")
    return here == file or here.endswith("/" + file) or file.endswith("/" + here)
