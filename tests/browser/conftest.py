"""The page of a run in headless Chromium. Screenshots go to `PAGE_SHOTS`, if it names a folder."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_velo.report.earlier import earlier_run
from pytest_velo.report.page.writing import write_page
from support.pages import attacked, everyday, hostile, without_decisions
from support.reports import recorded

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
MOST_MS = 120_000  # against what never comes; a busy machine may need Playwright's own 30 s
READY = "() => document.documentElement.dataset.ready === 'true'"  # a mere expression takes `eval`


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Return the browser."""
    api = pytest.importorskip("playwright.sync_api", reason="pip install playwright")
    if CHROMIUM is None:
        pytest.skip("apt-get install chromium")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def everyday_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the page of 10 beliefs about 3 models, and of a run before."""

    def write(folder: Path) -> None:
        everyday(folder, seed=2, beliefs=(0, 5), shift=0.4)
        run = everyday(folder, seed=1)
        write_page(run, folder / "page.html", earlier_run(run))

    return _written(write, tmp_path_factory.mktemp("everyday"))


@pytest.fixture(scope="session")
def hostile_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the page of a run whose texts try to be more."""
    folder = tmp_path_factory.mktemp("hostile")
    return _written(lambda folder: write_page(hostile(folder), folder / "page.html"), folder)


@pytest.fixture(scope="session")
def attacked_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the page of searches: one that found cases, and two that found none."""

    def write(folder: Path) -> None:
        none = attacked(found=False)
        more = [replace(none, node_id=f"test_it.py::test_{at}") for at in range(2)]
        write_page(recorded(folder, attacked(), *more), folder / "page.html")

    return _written(write, tmp_path_factory.mktemp("attacked"))


@pytest.fixture(scope="session")
def without_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the page of a run that lacks most of what there can be."""
    folder = tmp_path_factory.mktemp("without")
    return _written(lambda folder: write_page(without_decisions(folder), folder / "page.html"), folder)


def _written(write: Callable[[Path], None], folder: Path) -> Path:
    """Write in a thread of its own: Playwright keeps an event loop in this one."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(write, folder).result()
    return folder / "page.html"


@pytest.fixture
def visit(chromium: Browser, request: pytest.FixtureRequest) -> Iterator[Callable[..., Page]]:
    """Open a page from its file; what the console says, and any error, fails the test."""
    opened: list[Any] = []
    said: list[str] = []

    def visit(file: Path, hash: str = "", **options: Any) -> Page:
        context = chromium.new_context(
            **{"viewport": {"width": 1280, "height": 900}, "permissions": ["clipboard-read"], **options}
        )
        context.set_default_timeout(MOST_MS)
        opened.append(context)
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(f"file://{file}#{hash}")
        if options.get("java_script_enabled", True):
            page.wait_for_function(READY)
        return page

    yield visit
    if (shots := os.environ.get("PAGE_SHOTS")) is not None:
        Path(shots).mkdir(parents=True, exist_ok=True)
        name = re.sub(r"\W+", "-", request.node.name).strip("-")
        for number, page in enumerate(page for context in opened for page in context.pages):
            page.screenshot(path=Path(shots) / f"{name}-{number}.png")
    for context in opened:
        context.close()
    assert said == []
