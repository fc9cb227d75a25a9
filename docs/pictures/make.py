# /// script
# dependencies = ["pillow", "playwright", "rich"]
# ///
"""Make the pictures of the README from real runs: `python docs/pictures/make.py`.

The runs are replays of the examples, so no model is asked. It needs pytest-velo, the packages above, and a
Chromium that Playwright finds (or that CHROMIUM names).
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from io import BytesIO, StringIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright
from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

HERE = Path(__file__).parent
EXAMPLES = HERE.parents[1] / "examples"
COLUMNS = 96
SHOWN = ("-k", "capitals or first", "--velo-show=1")
HEADER = re.compile(r"(platform|rootdir|plugins|asyncio|configfile|cachedir|run record)\b")
LIGHT = TerminalTheme(
    (250, 250, 250),
    (36, 41, 46),
    [
        *((36, 41, 46), (176, 0, 32), (17, 99, 41), (135, 80, 0)),
        *((5, 80, 174), (130, 80, 223), (27, 124, 131), (87, 96, 106)),
    ],
)
DARK = TerminalTheme(
    (22, 27, 34),
    (201, 209, 217),
    [
        *((110, 118, 129), (255, 123, 114), (126, 231, 135), (227, 179, 65)),
        *((121, 192, 255), (210, 168, 255), (118, 227, 234), (201, 209, 217)),
    ],
)
SIZE = {"width": 1180, "height": 860}


def main() -> None:
    """Run the examples once, and draw what the terminal shows and the page."""
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "project"
        for name in ("quickstart", "verdicts"):
            shutil.copytree(EXAMPLES / name, project / name, ignore=shutil.ignore_patterns(".pytest_velo"))
        options = ("-p", "no:randomly", "-p", "no:cacheprovider", "--velo-mode=replay")
        said = run(project, "pytest", "--color=yes", *SHOWN, *options)
        for name, theme in (("light", LIGHT), ("dark", DARK)):
            (HERE / f"terminal-{name}.svg").write_text(terminal(said, theme), encoding="utf-8")
        shutil.rmtree(project / ".pytest_velo")
        run(project, "pytest", *options, "--velo-report=html:page.html")
        pages(project / "page.html")


def run(folder: Path, *command: str) -> str:
    """Return what a command prints; a refuted hypothesis ends it with 1."""
    kept = {k: v for k, v in os.environ.items() if k != "CI" and not k.startswith(("PYTEST_", "VELO_"))}
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=folder,
        env={**kept, "COLUMNS": str(COLUMNS)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode > 1:
        raise SystemExit(done.stdout + done.stderr)
    return done.stdout


def terminal(said: str, theme: TerminalTheme) -> str:
    """Return an SVG of a terminal, without the lines about the machine."""
    typed = shlex.join(["pytest", *SHOWN, "--velo-mode=replay"])
    lines = [line for line in said.splitlines() if not HEADER.match(line)]
    text = Text.from_ansi("\n".join([f"$ {typed}", *lines]))
    console = Console(record=True, width=COLUMNS, file=StringIO(), force_terminal=True)
    console.print(text)
    svg = console.export_svg(title="", theme=theme)
    return re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)  # a picture fetches nothing


def pages(page: Path) -> None:
    """Photograph the page of the run, light and dark."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=os.environ.get("CHROMIUM"))
        for scheme in ("light", "dark"):
            view = browser.new_page(viewport=SIZE, color_scheme=scheme)
            view.goto(page.as_uri())
            shot = Image.open(BytesIO(view.screenshot())).convert("RGB")
            shot.quantize(64).save(HERE / f"page-{scheme}.png", optimize=True)
        browser.close()


if __name__ == "__main__":
    main()
