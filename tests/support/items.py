"""A hypothesis in a line of text, collected for real."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

from pytest_velo.integration.session import SESSION, VeloSession
from pytest_velo.settings import Settings

if TYPE_CHECKING:
    from pytest_velo.runner.hypothesis import Hypothesis

_FILE = """\
import pytest
from pytest_velo import *

{test}
"""


def collected(request: pytest.FixtureRequest, test: str) -> list[pytest.Function]:
    """Collect the tests of a file that holds `test`, as this session of pytest collects any.

    Args:
        request: The fixture, which brings the session and a folder.
        test: The file's text; pytest and all that pytest-velo exports are imported above it.

    Returns:
        Its items, which are in no session's list and not prepared: nothing runs them.
    """
    path = request.getfixturevalue("tmp_path") / "test_it.py"
    path.write_text(_FILE.format(test=test), encoding="utf-8")
    module = ModuleType("test_it")
    module.__file__ = str(path)
    # Compiled here: a .pyc cannot tell two texts of one length apart that were written within a second.
    exec(compile(path.read_bytes(), path, "exec"), vars(module))
    file: Any = pytest.Module.from_parent(request.session, path=path, nodeid=path.name)
    file.obj = module
    return list(file.collect())


def hypothesis_item(
    request: pytest.FixtureRequest, mark: str, test: str, **settings: Any
) -> tuple[pytest.Function, VeloSession]:
    """Collect one hypothesis and prepare it, in a session of its own that keeps its files to itself.

    Args:
        request: The fixture, which brings pytest's session and a folder.
        mark: What stands between the parentheses of the mark.
        test: The test function on one line.
        **settings: Of the session, where they are not the defaults.

    Returns:
        The item and its session, which is the configuration's until the example ends, and is closed then.
    """
    from pytest_velo.integration.collect.items import prepare

    session = VeloSession(request.config)
    request.addfinalizer(session.close)
    folder = request.getfixturevalue("tmp_path")
    session.settings = Settings(
        **{"cache_dir": folder / "cache", "baseline": folder / "velo-baseline.json", **settings}
    )
    session.worker = None  # what an example draws is none of what a worker of pytest-xdist tells
    patched = request.getfixturevalue("monkeypatch")
    patched.setitem(request.config.stash, SESSION, session)
    patched.delenv("CI", raising=False)  # where baselines are not stored: examples are the same everywhere
    (item,) = collected(request, f"@pytest.mark.hypothesis({mark})\n{test}")
    prepare([item], session)
    return item, session


def built(request: pytest.FixtureRequest, mark: str, test: str, **settings: Any) -> Hypothesis:
    """Return the hypothesis of an item, as `hypothesis_item` makes one.

    Args:
        request: The fixture, which brings pytest's session and a folder.
        mark: What stands between the parentheses of the mark.
        test: The test function on one line; of fixtures it takes `case`, `arm` and `trial` only.
        **settings: Of the session, where they are not the defaults.

    Returns:
        What the runner is given; it may not make draws that cost money.
    """
    from pytest_velo.integration.collect.stash import FACTS, SPEC
    from pytest_velo.integration.compat import fixture_info
    from pytest_velo.integration.run.hypothesis import build
    from pytest_velo.integration.run.outcomes import HostOutcomes

    item, session = hypothesis_item(request, mark, test, **settings)
    return build(
        item,
        session.settings,
        HostOutcomes(item.stash[FACTS], item.stash[SPEC].claim),
        may_pay=False,
        in_order=False,
        fixtures=dict.fromkeys(fixture_info(item).argnames),
    )
