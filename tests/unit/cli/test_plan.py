"""`velo plan`: what hypotheses can show, how surely, and what it will take, before anything is drawn."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner

from pytest_velo.cli.plan import plan


def test_plan_prints_the_design_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "test_manners.py"
    file.write_text(
        "import pytest\n"
        "from pytest_velo import rate\n"
        "\n"
        "@pytest.mark.hypothesis(rate >= 0.5, max_trials=20)\n"
        "def test_polite(): return 1 > 0\n"
    )
    said = CliRunner().invoke(plan, [str(file), "--import-mode=importlib"]).stdout
    assert said.splitlines()[1:5] == [
        "  claim      rate >= 0.5",
        "  about      this body as it stands",
        "  design     at most 20 trials · alpha 5% · beta 5% · margin 0",
        "  in reach   at the earliest supported after 5 trials, refuted after 5 trials",
    ]
