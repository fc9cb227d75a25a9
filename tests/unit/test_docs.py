"""What the documents say is so: their code runs, their options exist, their links lead somewhere."""

from __future__ import annotations

import ast
import importlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from configparser import ConfigParser
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import pytest
import yaml
from click.testing import CliRunner

import pytest_velo
from pytest_velo import hooks, plugin
from pytest_velo.cli.main import main
from pytest_velo.designing.spec import KEYWORDS
from pytest_velo.integration.config.options import OPTIONS
from pytest_velo.interactive import session
from pytest_velo.report.load import load
from support.documents import FENCE, FOLLOWED, ROOT, Block, blocks_of, name_of

PAGES = sorted((ROOT / "docs").rglob("*.md"))
DOCS = (
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGELOG.md",
    ROOT / "benchmarks" / "README.md",
    ROOT / "changelog.d" / "README.md",
    *sorted((ROOT / "examples").glob("*/README.md")),
    *PAGES,
)
WORKFLOWS = sorted((ROOT / "docs" / "ci").glob("*.yml"))
IN_WORKFLOW = re.compile(r"^ *(?:- |run: )(?P<command>(?:pytest|velo) .+)$", re.MULTILINE)
LINK = re.compile(r"\]\((?!https?:)(?P<target>[^)#\s]*)(?:#(?P<anchor>[^)\s]+))?\)")
HEADING = re.compile(r"^#+ (?P<title>.+)$", re.MULTILINE)
OUR_OPTION = re.compile(r"--velo-[a-z]+(?:-[a-z]+)*")

# Modules of other people that documents are about, and what brings them.
EXTRAS, FRAMEWORKS = "pip install 'pytest-velo[inspect,dev]'", "pip install -r .ci/servers.txt"
OPTIONAL = {
    "agents": FRAMEWORKS,
    "inspect_ai": EXTRAS,
    "langchain_openai": FRAMEWORKS,
    "langgraph": FRAMEWORKS,
    "litellm": FRAMEWORKS,
    "opentelemetry.sdk": EXTRAS,
    "pydantic_ai": FRAMEWORKS,
}

# Files that the documents' tests name: enough rows for their claims to be within reach.
SAMPLES = {
    "questions.jsonl": "".join(
        f'{{"question": "What is {n} + 1?", "wrong": "{n}", "topic": "topic {n}"}}\n' for n in range(200)
    ),
    "pairs.csv": "prompt,template\n" + "".join(f"Is {n} even?,t{n}\n" for n in range(200)),
    "labels.csv": "id,prompt,reply,label\n"
    + "".join(
        f"r{n},May I?,{'Certainly.' if n % 2 else 'No.'},{'yes' if n % 2 else 'no'}\n" for n in range(200)
    ),
    "new.jsonl": "".join(
        f'{{"id": {n}, "correct": {int(n % 10 < 7)}, "output": "{"yes" if n % 10 < 7 else "no"}"}}\n'
        for n in range(200)
    ),
    "old.jsonl": "".join(f'{{"id": {n}, "correct": {int(n % 10 in (0, 1, 2, 3, 9))}}}\n' for n in range(200)),
    "persistbench.json": json.dumps(
        [
            {"memories": [f"The user thinks {n} is odd."], "query": f"Is {n} odd?", "failure_type": kind}
            for n in range(0, 20, 2)
            for kind in ("sycophancy", "cross_domain")
        ]
    ),
    "tea.png": "a picture",
    "milk.png": "another picture",
    "capital.wav": "a sound",
}

# Answers in place of models that need a key or an engine: bodies are run, whatever they then come to.
STAND_IN = '''
import json

from pytest_velo import Reply
from pytest_velo.logprobs import TokenLogprob


def value(schema):
    """Return a value that follows a schema of the judge's."""
    if schema.get("type") == "object":
        return {name: value(part) for name, part in schema["properties"].items()}
    if "enum" in schema:
        return schema["enum"][0]
    return schema.get("minimum", 0) if schema.get("type") in ("integer", "number") else "because"


class StandIn:
    async def complete(self, request, seed):
        schema = request.parameters.get("schema")
        text = "A Paris 12" if schema is None else json.dumps(value(schema))
        tokens = (TokenLogprob(token="A", logprob=-0.001),) if "logprobs" in request.parameters else ()
        parsed = None if schema is None else value(schema)
        return Reply(text=text, parsed=parsed, logprobs=tokens, cost_usd=0.0)

    async def aclose(self):
        pass


def pytest_velo_providers():
    apis = ("local", "openai-chat", "anthropic")
    return dict.fromkeys(apis, lambda endpoint, *, slots: StandIn())
'''
NEEDS_A_MODEL = re.compile(r"\b(?:local|openai|anthropic)/")
OWN_CLIENT = re.compile(r"clients=|\b(?:openai|anthropic)_client\b")  # run against loopback servers elsewhere


@dataclass(frozen=True)
class Written:
    """The test files of the documents, written to a folder: file name → block."""

    folder: Path
    files: dict[str, Block]


def anchors_of(path: Path) -> set[str]:
    """Return what a link may name after `#`, as GitHub makes it of the headings."""
    text = FENCE.sub("", path.read_text(encoding="utf-8"))
    titles = (found["title"].lower() for found in HEADING.finditer(text))
    return {re.sub(r"[^\w\- ]", "", title).replace(" ", "-") for title in titles}


def blocks(*languages: str) -> list[Block]:
    """Return the fenced blocks in these languages, of all documents."""
    return [block for path in DOCS for block in blocks_of(path) if block.language in languages]


def commands() -> list[tuple[Block, list[str]]]:
    """Return the commands of ours that the documents tell people to type, split into words."""
    typed = []
    for block in blocks("bash", "console"):
        lines = block.code.splitlines()
        if block.language == "console":
            lines = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
        for line in lines:
            for command in line.split("&&"):
                words = shlex.split(command, comments=True)
                while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
                    words.pop(0)
                if words[:1] in (["pytest"], ["velo"]):
                    typed.append((block, words))
    return [*typed, *workflow_commands()]


def workflow_commands() -> Iterator[tuple[Block, list[str]]]:
    """Yield the commands of ours in the workflows that are there to be copied."""
    for path in WORKFLOWS:
        text = path.read_text(encoding="utf-8")
        for found in IN_WORKFLOW.finditer(text):
            line = text.count("\n", 0, found.start("command")) + 1
            yield Block(path, line, "yaml", found["command"]), shlex.split(found["command"])


@cache
def help_of(*command: str) -> str:
    """Return what a command's own help says."""
    if command[0] == "velo":
        told = CliRunner().invoke(main, [*command[1:], "--help"], terminal_width=200)
        assert told.exit_code == 0, told.output
        return told.output
    done = run_python("-m", *command, "--help", cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def run_python(*arguments: str, cwd: Path, **told: str) -> subprocess.CompletedProcess[str]:
    """Run Python without what this session was told by its environment, and with what is `told`."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith(("PYTEST_", "VELO_"))}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env={**kept, "COLUMNS": "200", **told},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def imported(name: str) -> ModuleType:
    """Import a module that a document names; an optional one that is not installed skips the test."""
    for optional, command in OPTIONAL.items():
        if name == optional or name.startswith(f"{optional}."):
            return pytest.importorskip(name, reason=command)
    return importlib.import_module(name)


def is_followed(block: Block) -> bool:
    """Tell whether a block is a file of a page that another test follows from top to bottom."""
    return block.file is not None and block.path in FOLLOWED


def is_test_file(block: Block) -> bool:
    """Tell whether a block is one that can be collected here, by itself."""
    if is_followed(block):
        return False
    names = re.findall(r"^(?:from|import) (\w+)", block.code, re.MULTILINE)
    missing = [name for name in names if name in OPTIONAL and find_spec(name) is None]
    return "@pytest.mark.hypothesis" in block.code and not missing


@pytest.mark.parametrize("block", blocks("python"), ids=str)
def test_python_blocks_compile_and_their_imports_resolve(block: Block) -> None:
    tree = compile(block.code, str(block), "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    for node in [] if is_followed(block) else ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                imported(alias.name)
        elif isinstance(node, ast.ImportFrom):
            assert node.module is not None
            module = imported(node.module)
            assert [alias.name for alias in node.names if not hasattr(module, alias.name)] == []


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Written:
    """The documents' test files in a folder, with the files that they name."""
    folder = tmp_path_factory.mktemp("documents")
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    for name, text in SAMPLES.items():
        (folder / name).write_text(text, encoding="utf-8")
    files = {f"test_block_{i}.py": block for i, block in enumerate(filter(is_test_file, blocks("python")))}
    for name, block in files.items():
        (folder / name).write_text(block.code, encoding="utf-8")
    return Written(folder, files)


@pytest.mark.processes
def test_hypotheses_in_the_documents_are_collected(written: Written) -> None:
    assert written.files

    done = run_python("-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", cwd=written.folder)

    places = ", ".join(f"{name} is {block}" for name, block in written.files.items())
    assert done.returncode == 0, f"{done.stdout}{done.stderr}\n{places}"
    for name, block in written.files.items():
        n_tests = len(re.findall(r"^ *(?:async )?def test_", block.code, re.MULTILINE))
        assert len(re.findall(rf"^{name}::", done.stdout, re.MULTILINE)) >= n_tests > 0, str(block)


@pytest.mark.processes
def test_hypotheses_in_the_documents_can_be_planned(written: Written) -> None:
    """Every verdict they ask for is within reach, and what their designs can tell is stated."""
    command = "from pytest_velo.cli.main import main; main()"

    done = run_python("-c", command, "plan", "--json", "-p", "no:cacheprovider", cwd=written.folder)

    assert done.returncode == 0, done.stderr
    plans = json.loads(done.stdout)["hypotheses"]
    assert {plan["node_id"].split("::")[0] for plan in plans} == set(written.files)
    for plan in plans:
        where = f"{plan['node_id']}, {written.files[plan['node_id'].split('::')[0]]}"
        assert not plan["problem"], where
        assert plan["measured"] or plan["parts"], where
        for part in plan["parts"]:
            assert part["n_support"] is not None, where
            for table in part["tables"]:
                assert max(row["law"]["supported"] for row in table["rows"]) > 0.5, where
                assert any(end is not None for end in table["detectable"]["supported"]), where


@pytest.mark.processes
def test_hypotheses_in_the_documents_run_to_an_end(written: Written) -> None:
    """No body is an error; without a model, or with a scripted one, the belief is also true."""
    (written.folder / "conftest.py").write_text(STAND_IN, encoding="utf-8")
    blocks = {name: block for name, block in written.files.items() if not OWN_CLIENT.search(block.code)}

    done = run_python(
        *("-m", "pytest", "-q", "-m", "velo", "--velo-budget=none", "-p", "no:cacheprovider"),
        *("--velo-profile=explore", *blocks),  # what a check finds in made-up cases is no error
        cwd=written.folder,
        **dict.fromkeys(("OPENAI_API_KEY", "ANTHROPIC_API_KEY"), "of-nobody"),
    )

    for result in load(cache_dir=written.folder / ".pytest_velo").results:
        block = written.files[result.node_id.partition("::")[0]]
        where = f"{block}: {result.node_id}: {result.outcome}: {result.problem}\n{done.stdout}{done.stderr}"
        assert result.outcome != "error", where
        if block.path.parent.name == "checks":
            continue  # its examples show mistakes, and have a test of their own
        if not NEEDS_A_MODEL.search(block.code.replace("# or ", "")):
            assert result.outcome in ("supported", "measured"), where


def test_the_verdict_in_the_page_on_logs_is_what_the_command_prints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = [block for block in blocks("console") if block.path.name == "judging-logs.md"]
    [block] = page  # another one needs a test of its own
    typed, _, printed = block.code.partition("\n")
    for name in ("new.jsonl", "old.jsonl"):
        (tmp_path / name).write_text(SAMPLES[name], encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")

    done = CliRunner().invoke(main, shlex.split(typed.removeprefix("$ velo ")))

    assert done.exit_code == 0
    assert printed in done.stdout


@pytest.mark.parametrize(
    ("block", "words"), [pytest.param(*typed, id=f"{typed[0]} {' '.join(typed[1])}") for typed in commands()]
)
def test_options_of_typed_commands_exist(block: Block, words: list[str]) -> None:
    program, *rest = words
    plain = [word for word in rest if not word.startswith("-")]
    depth = 0 if program == "pytest" else 2 if plain[:1] in (["cassette"], ["cache"]) else 1
    told = help_of(program, *plain[:depth])
    for option in (word.split("=")[0] for word in rest if word.startswith("--")):
        assert re.search(rf"{re.escape(option)}\b", told), f"{block}: {option}"


@pytest.mark.parametrize("path", WORKFLOWS, ids=name_of)
def test_the_workflows_use_our_commands(path: Path) -> None:
    mine = [words for block, words in workflow_commands() if block.path == path]
    assert ["--velo-mode=replay"] in [[word for word in words if "replay" in word] for words in mine]
    assert any(word.startswith("--velo-budget=") for words in mine for word in words)


@pytest.mark.parametrize("path", [*DOCS, *WORKFLOWS], ids=name_of)
def test_every_option_that_is_mentioned_exists(path: Path) -> None:
    known = {option.cli for option in OPTIONS}
    assert set(OUR_OPTION.findall(path.read_text(encoding="utf-8"))) <= known


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_the_table_names_every_option_in_its_three_spellings(option: object) -> None:
    table = (ROOT / "docs" / "reference" / "options.md").read_text(encoding="utf-8")
    for spelling in (option.cli, option.env, option.ini):  # type: ignore[attr-defined]
        assert re.search(rf"`{re.escape(spelling)}[=`]", table), spelling


@pytest.mark.parametrize("keyword", sorted(KEYWORDS))
def test_the_reference_names_every_keyword_of_the_mark(keyword: str) -> None:
    reference = (ROOT / "docs" / "reference" / "marks.md").read_text(encoding="utf-8")
    assert f"| `{keyword}` |" in reference


def test_the_reference_has_every_public_name() -> None:
    reference = ROOT / "docs" / "reference"
    wanted = {
        "api.md": pytest_velo.__all__,
        "fixtures.md": plugin.__all__,
        "hooks.md": [name for name in vars(hooks) if name.startswith("pytest_velo_")],
    }
    for page, names in wanted.items():
        text = (reference / page).read_text(encoding="utf-8")
        described = set(re.findall(r"^\.\. auto\w+:: (?:[\w.]+\.)?(\w+)", text, re.MULTILINE))
        assert set(names) <= described, page


@pytest.mark.parametrize("block", blocks("yaml", "toml", "json", "ini"), ids=str)
def test_settings_in_the_documents_can_be_read(block: Block) -> None:
    match block.language:
        case "yaml":
            assert yaml.safe_load(block.code)
        case "toml":
            assert tomllib.loads(block.code)
        case "json":
            assert json.loads(block.code)
        case _:
            settings = ConfigParser()
            settings.read_string(block.code)
            assert settings.sections()


@pytest.mark.parametrize("path", DOCS, ids=name_of)
def test_relative_links_lead_somewhere(path: Path) -> None:
    for found in LINK.finditer(path.read_text(encoding="utf-8")):
        target = path.parent / found["target"] if found["target"] else path
        assert target.exists(), found[0]
        if found["anchor"]:
            assert found["anchor"] in anchors_of(target), found[0]


def test_the_pictures_of_the_readme_are_there_and_are_described() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    pictures = re.findall(r'(?:src|srcset)="([^"]+)"', text)
    assert len(pictures) == 4
    for picture in pictures:
        assert 0 < (ROOT / picture).stat().st_size < 200_000, picture
    assert len(re.findall(r'<img src="[^"]+" alt="[^"]{40,}">', text)) == 2


@pytest.mark.parametrize("folder", sorted({page.parent for page in PAGES}), ids=name_of)
def test_the_index_of_a_folder_lists_its_pages(folder: Path) -> None:
    """The site's table of contents is made of these lists."""
    index = (folder / "index.md").read_text(encoding="utf-8")
    listed = {(folder / found["target"]).resolve() for found in LINK.finditer(index)}
    pages = {page for page in PAGES if page.parent == folder and page.name != "index.md"}
    assert pages | set(folder.glob("*/index.md")) <= listed


def test_error_rates_side_by_side_are_those_of_the_benchmark() -> None:
    """The page has in two tables what the benchmark prints in one: P(green) / P(red) / mean trials."""
    measured = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")
    _, _, measured = measured.partition("### Other plugins that repeat a test and decide")
    cells = re.findall(r"([\d.]+%) / ([\d.]+%) / (\d+)", measured.partition("\n#")[0])
    page = (ROOT / "docs" / "explanation" / "rivals.md").read_text(encoding="utf-8")
    rows = [row.strip("| \n").split(" | ") for row in page.splitlines() if row.startswith("| ")]
    shown = {
        kind: [cell for row in rows if row[0].endswith(kind) for cell in row[1:]]
        for kind in (": supported", ": passes", ": refuted")
    }
    trials = [cell for row in rows if ":" not in row[0] and row[-1].isdigit() for cell in row[1:]]

    assert len(cells) == 50
    assert shown[": supported"] + shown[": passes"] == [green for green, _, _ in cells]
    assert shown[": refuted"] == [red for _, red, _ in cells[:10]]
    assert trials == [n for _, _, n in cells]


def test_the_readme_is_read_in_one_go() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 120


def test_the_first_two_lines_to_paste_install_and_run() -> None:
    # .ci/run reads them from the text in this form.
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    first, second = [line for line in lines if line.startswith("pip install ")]
    assert first == "pip install '.[local]' && velo pull smollm2-135m && pytest examples/quickstart"
    assert second == "pip install '.[dev]' && velo pull smollm2-135m && pytest -n auto"


def test_the_first_message_is_answered_and_kept_as_the_page_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The draws are those of the model; the last line but two tells what they took then."""
    page = [block for block in blocks("python", "console") if block.path.name == "first-message.md"]
    [shown] = [block.code for block in page if block.code.startswith("$ velo try ")]
    [drafted] = [block.code for block in page if "@pytest.mark.hypothesis" in block.code]
    typed, _, printed = shown.partition("\n")
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "cassettes").mkdir()
    recorded = ROOT / "tests" / "reference" / "first_message.jsonl"
    shutil.copy(recorded, tmp_path / "cassettes")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VELO_MODE", "replay")
    monkeypatch.setenv("COLUMNS", "100")

    done = CliRunner().invoke(main, shlex.split(typed.removeprefix("$ velo ")))

    session.close_all()
    assert done.exit_code == 0, done.stderr
    took = re.compile(r"^(\d+ calls · .*|all from the cache: .*)$", re.MULTILINE)
    assert took.sub("", printed) == took.sub("", done.stdout[done.stdout.index("local/smollm2-135m: ") :])
    assert (tmp_path / "test_sum.py").read_text(encoding="utf-8") == drafted
