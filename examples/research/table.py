"""The table of the gallery in the README, made of what replay gives: no figure of ours is typed by hand.

`python examples/research/table.py` replays the tests of this folder from their cassettes, and writes the
table and the line `Ours:` of each file. With `--check` it writes nothing, and fails where they differ. All
other arguments go to pytest. No model is called.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from pytest_velo import load
from pytest_velo.records import HypothesisResult
from pytest_velo.report.numbers import interval, percent, rate
from pytest_velo.verdicts import Interval

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parents[1]
README = ROOT / "README.md"
TABLE = re.compile(r"(?<=<!-- gallery -->\n\n).*?(?=\n<!-- end of the gallery -->)", re.DOTALL)
OURS = re.compile(r"^Ours: .*$", re.MULTILINE)
HEAD = "| belief | paper | its number | ours | verdict |\n| --- | --- | --- | --- | --- |\n"
LEVEL = 0.9  # of the intervals of claims with one part


def replay(*args: str) -> dict[str, HypothesisResult]:
    """Return the result of each test of the folder, by the name of its file."""
    with TemporaryDirectory() as cache:
        options = ["--velo-mode=replay", "--velo-profile=explore", f"--velo-cache-dir={cache}"]
        command = [sys.executable, "-m", "pytest", "-q", "-m", "velo", "-p", "no:cacheprovider", *options]
        run = subprocess.run([*command, *args, str(FOLDER)], cwd=ROOT, capture_output=True, text=True)
        if run.returncode not in (0, 1):  # 1: something is refuted
            sys.exit(run.stdout + run.stderr)
        results = load(cache_dir=cache).results
        if broken := [result.node_id for result in results if result.outcome == "error"]:
            sys.exit(f"{run.stdout}\nended in an error: {', '.join(broken)}")
        found = {Path(result.node_id.partition("::")[0]).name: result.without_trials for result in results}
        return dict(sorted(found.items()))


def estimate(value: float | None, ends: Interval | None) -> str:
    """Return an estimate with its interval, and the level of that where it is not that of most."""
    other = f" at {percent(ends.level)}" if ends and abs(ends.level - LEVEL) > 1e-9 else ""
    return f"{rate(value)} {interval(ends)}{other}"


def ours(result: HypothesisResult) -> str:
    """Return what the run gave: estimate and interval of the claim, or of its parts, and its units."""
    decision = result.decision
    if decision is None:
        return "no verdict"
    evidence = decision.evidence
    parts = [estimate(part.estimate, part.interval) for part in decision.parts]
    return f"{'; '.join(parts) or estimate(evidence.estimate, evidence.interval)}, n = {evidence.n}"


def verdict(result: HypothesisResult) -> str:
    """Return the outcome, and what was stubbed."""
    stubbed = sorted({f"{stub.what} stubbed" for stub in result.stubs})
    return ", ".join([result.outcome.value, *stubbed])


def fields(path: Path) -> dict[str, str]:
    """Return the lines `Name: text` of a file's docstring, and its first line as `Belief`."""
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    belief, *lines = text.splitlines()
    named = (line.partition(": ") for line in lines if line)
    return {"Belief": belief.rstrip("."), **{name: said for name, _, said in named}}


def row(path: Path, result: HypothesisResult) -> str:
    """Return the line of the table."""
    said = fields(path)
    name, _, paper = said["Paper"].rpartition(", arXiv:")
    cells = (
        f"[{said['Belief']}]({path.relative_to(ROOT).as_posix()})",
        f"[{name}](https://arxiv.org/abs/{paper})",
        said["Number"],
        f"`{result.claim}`: {ours(result)}",
        verdict(result),
    )
    return f"| {' | '.join(cells)} |\n"


def main(*args: str) -> None:
    """Write the table and the files, or compare them with what replay gives."""
    results = replay(*(arg for arg in args if arg != "--check"))
    paths = sorted(FOLDER.glob("test_*.py"))
    table = HEAD + "".join(row(path, results[path.name]) for path in paths)
    made = {README: TABLE.sub(lambda _: table, README.read_text(encoding="utf-8"))}
    for path in paths:
        line = f"Ours: {ours(results[path.name])}, {verdict(results[path.name])}"
        made[path] = OURS.sub(line.replace("\\", r"\\"), path.read_text(encoding="utf-8"), count=1)
    changed = [path for path, text in made.items() if path.read_text(encoding="utf-8") != text]
    if "--check" in args:
        if changed:
            names = ", ".join(path.relative_to(ROOT).as_posix() for path in changed)
            sys.exit(f"not what replay gives: {names}\n  fix: python examples/research/table.py")
        print(f"{len(paths)} verdicts of the gallery are those of the README")
        return
    for path in changed:
        path.write_text(made[path], encoding="utf-8")
        print(f"wrote {path.relative_to(ROOT)}")
    print(table)


if __name__ == "__main__":
    main(*sys.argv[1:])
