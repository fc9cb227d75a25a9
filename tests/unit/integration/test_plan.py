"""`velo plan`: pytest collects, nothing runs, and every hypothesis gets its plan."""

from __future__ import annotations

from pathlib import Path

from pytest_velo.integration.plan import plan_selection


def test_only_the_hypotheses_of_a_file_are_planned(tmp_path: Path) -> None:
    file = tmp_path / "test_tone.py"
    file.write_text(
        "import pytest\n"
        "from pytest_velo import rate\n"
        "\n"
        "@pytest.mark.hypothesis(rate >= 0.5, max_trials=5)\n"
        "def test_polite(): return 1 > 0\n"
        "\n"
        "def test_plain(): pass\n"
    )
    planned = plan_selection([str(file), f"--rootdir={file.parent}", "--import-mode=importlib"])
    assert planned.n_collected == 2
    assert [plan.claim for plan in planned.plans] == ["rate >= 0.5"]
    assert planned.problem == ""
