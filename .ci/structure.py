"""Print the structure of the package: modules, circles, imports inside functions, sizes.

Every import counts, those inside functions and under `TYPE_CHECKING` too. Run it from anywhere:
`python .ci/structure.py [--verbose]`. `tests/unit/test_structure.py` holds what it finds.
"""

from __future__ import annotations

import ast
import statistics
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = "pytest_velo"


@dataclass(frozen=True)
class LocalImport:
    """One import inside a function.

    Attributes:
        where: `file:line`.
        module: What is imported.
        reason: The comment on its line; empty without one.
    """

    where: str
    module: str
    reason: str


@dataclass
class Structure:
    """What the package looks like.

    Attributes:
        lines: Lines of each module, by dotted name.
        imports: The modules of ours that each module imports, wherever the import stands.
        local: The imports inside functions, of whatever package.
    """

    lines: dict[str, int] = field(default_factory=dict)
    imports: dict[str, set[str]] = field(default_factory=dict)
    local: list[LocalImport] = field(default_factory=list)

    def between_folders(self) -> dict[str, set[str]]:
        """Return the folders that each folder imports from; a module at a folder's top is a room itself.

        Its package's other rooms are looked at folder by folder: `integration.run` and `integration.session`
        are two rooms, so that a circle between a folder and a module beside it is seen.
        """
        found: dict[str, set[str]] = {}
        for module, imported in self.imports.items():
            for other in imported:
                mine, theirs = _apart(module, other)
                if mine != theirs:
                    found.setdefault(mine, set()).add(theirs)
        return found


def read(root: Path = ROOT) -> Structure:
    """Read every module below the package's folder."""
    structure = Structure()
    paths = {_name(path, root): path for path in sorted((root / PACKAGE).rglob("*.py"))}
    for name, path in paths.items():
        text = path.read_text(encoding="utf-8")
        structure.lines[name] = len(text.splitlines())
        tree = ast.parse(text)
        structure.imports[name] = {module for node in ast.walk(tree) for module in _imported(node, paths)} - {
            name
        }
        structure.local += _local(tree, text.splitlines(), str(path.relative_to(root)))
    return structure


def circles(graph: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """Return the groups of nodes that reach one another (Tarjan), largest first."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in graph.get(node, ()):
            if other not in index:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            group = []
            while not group or group[-1] != node:
                group.append(stack.pop())
            if len(group) > 1:
                found.append(sorted(group))

    sys.setrecursionlimit(10_000)
    for node in graph:
        if node not in index:
            visit(node)
    return sorted(found, key=len, reverse=True)


def _name(path: Path, root: Path) -> str:
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imported(node: ast.AST, known: Mapping[str, Path]) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names if alias.name in known)
    elif isinstance(node, ast.ImportFrom) and node.module is not None and node.module in known:
        for alias in node.names:
            inner = f"{node.module}.{alias.name}"
            yield inner if inner in known else node.module


def _apart(module: str, other: str) -> tuple[str, str]:
    """Return the two names cut where they part ways: the rooms on either side of an import."""
    mine, theirs = module.split("."), other.split(".")
    shared = 0
    while shared < min(len(mine), len(theirs)) and mine[shared] == theirs[shared]:
        shared += 1
    return ".".join(mine[: shared + 1]), ".".join(theirs[: shared + 1])


def _local(tree: ast.Module, lines: list[str], file: str) -> Iterator[LocalImport]:
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    seen = set()
    for function in functions:
        for node in ast.walk(function):
            if isinstance(node, ast.Import | ast.ImportFrom) and node.lineno not in seen:
                seen.add(node.lineno)
                module = node.module if isinstance(node, ast.ImportFrom) else node.names[0].name
                text = "\n".join(lines[node.lineno - 1 : node.end_lineno])
                _, _, reason = text.partition("#")
                yield LocalImport(f"{file}:{node.lineno}", module or "", reason.strip())


def main() -> None:
    """Print it all; exit with 1 where there is a circle."""
    structure = read()
    sizes = sorted(structure.lines.values())
    print(f"modules        {len(sizes)}, {sum(sizes)} lines")
    p90 = sizes[int(0.9 * len(sizes))]
    print(f"lines a module median {statistics.median(sizes):.0f}, p90 {p90}, max {sizes[-1]}")
    for name, n in sorted(structure.lines.items(), key=lambda item: -item[1])[:5]:
        print(f"               {n:4} {name}")
    between_files, between_folders = circles(structure.imports), circles(structure.between_folders())
    print(f"circles        {len(between_files)} between files, {len(between_folders)} between folders")
    for group in (*between_files, *between_folders):
        print(f"               {', '.join(group)}")
    n_bare = sum(not local.reason for local in structure.local)
    print(f"local imports  {len(structure.local)}, {n_bare} without a reason")
    for local in structure.local if "--verbose" in sys.argv else ():
        print(f"               {local.where} {local.module}  # {local.reason}")
    raise SystemExit(bool(between_files or between_folders))


if __name__ == "__main__":
    main()
