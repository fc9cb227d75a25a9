"""The example notebook, executed by Jupyter's own client: from its cassette, without a connection."""

from __future__ import annotations

import re
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from pytest_velo import check_sync, difference, rate, scripted
from pytest_velo.interactive.session import close_all

EXAMPLE = Path(__file__).parents[2] / "examples" / "notebook"
pytestmark = pytest.mark.servers


@pytest.fixture(autouse=True)
def _installed() -> None:
    for package in ("ipykernel", "matplotlib", "nbclient", "nbformat"):
        if find_spec(package) is None:
            pytest.skip(f"pip install {package} (.ci/servers.txt)")


def shown(notebook: Any) -> list[str]:
    """What each cell shows, as HTML where there is any."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    texts = [output.get("text") or dict(output.get("data", {})) for output in outputs]
    said = [
        text if isinstance(text, str) else text.get("text/html", text.get("text/plain")) for text in texts
    ]
    return [text for text in said if text]


def found(notebook: Any) -> list[list[str]]:
    """The verdicts and numbers in what each cell shows; words may change with the reports."""
    return [re.findall(r"tone-\w+|\d+/\d+|\[[\d., ]+\]|points=.[\d., ]+", text) for text in shown(notebook)]


def test_the_example_runs_offline_and_shows_what_is_kept_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import nbformat
    from nbclient import NotebookClient

    folder = tmp_path / "notebook"
    shutil.copytree(EXAMPLE, folder)
    (folder / "pytest.ini").touch()  # the project that its cache belongs to
    monkeypatch.setenv("PYTHONPATH", str(EXAMPLE.parents[1]))
    kept = nbformat.read(folder / "idea.ipynb", 4)
    notebook = nbformat.read(folder / "idea.ipynb", 4)
    NotebookClient(notebook, timeout=500, resources={"metadata": {"path": str(folder)}}).execute()

    finding, figure, sweep, *_, test = shown(notebook)
    assert "✓</span> supported" in finding
    assert "at In[" in finding, "a line of a cell, not of a file that is gone"
    assert "✓</span> supported" in sweep
    assert "?</span> inconclusive" in sweep
    assert "one family of 3, by Holm" in sweep
    assert figure.startswith("<Figure size")
    compile(test, "test_repeats_the_hint.py", "exec")
    assert found(notebook) == found(kept), "execute it again: jupyter nbconvert --inplace --execute"


SLOW = """
from dataclasses import dataclass
from pytest_velo import check, rate, scripted

SLOW = scripted("slow", ["yes", "yes", "no"], latency_s=0.4)


@dataclass
class Opinion:
    word: str = "yes"

    def fits(self, text):
        return text == self.word


async def agrees(model, case):
    reply = await model(str(case))
    assert Opinion().fits(reply.text)


finding = await check(rate >= 0.5, agrees, cases=[1, 2, 3], models=[SLOW])
print(finding.to_test())
"""


def test_a_line_tells_how_far_it_is_and_is_gone_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import nbformat
    from nbclient import NotebookClient

    (tmp_path / "pytest.ini").touch()
    monkeypatch.setenv("PYTHONPATH", str(EXAMPLE.parents[1]))
    told = []

    class Listening(NotebookClient):
        def process_message(self, message: Any, cell: Any, index: int) -> Any:
            if message["msg_type"].endswith("display_data"):
                told.append(message["content"]["data"]["text/plain"])
            return super().process_message(message, cell, index)

    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(SLOW)])
    Listening(notebook, timeout=500, resources={"metadata": {"path": str(tmp_path)}}).execute()
    assert len(told) > 2
    assert all(line.startswith("agrees  ") and " of at most 200 trials · rate " in line for line in told[:-1])
    assert told[-1] == ""
    printed = "".join(output.get("text", "") for output in notebook.cells[0].outputs)
    assert "NOT CARRIED OVER" not in printed, "a class of a cell comes along"
    assert "@dataclass\nclass Opinion:" in printed


def test_a_finding_and_a_sweep_are_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    model = scripted("parrot", ["yes", "yes", "yes", "no"])

    def agrees(model: Any, case: Any, prompt: str = "$x^2$") -> bool:
        return bool(model(prompt + str(case)) == "yes")

    def hinted(model: Any, case: Any, arm: str) -> bool:
        return bool(model(arm + str(case)) == "yes")

    try:
        finding = check_sync(rate >= 0.4, agrees, cases=[1, 2, 3], models=[model])
        pairs = check_sync(
            difference("a", "b") <= 0.9, hinted, cases=[1, 2, 3], models=[model], arms=("a", "b")
        )
        over = {"prompt": ["$", "_{", ""]}
        sweep = check_sync(rate >= 0.4, agrees, cases=[1, 2, 3], models=[model], max_trials=60, over=over)
    finally:
        close_all()
    for drawn in (finding, pairs, sweep):
        figure = drawn.plot()
        figure.savefig(tmp_path / "figure.png")
        assert (tmp_path / "figure.png").stat().st_size > 5_000
    (axis,) = finding.plot().axes
    assert axis.lines[0].get_ydata()[-1] == finding.estimate
    assert [line.get_ydata()[0] for line in axis.lines[1:]] == [0.4], "the threshold"
    assert [label.get_text() for label in sweep.plot().axes[0].get_yticklabels()] == [r"\$", "_{", "''"]
