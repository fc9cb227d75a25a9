"""`velo rescore`: the bodies again on the stored draws of a run, after what scores them changed."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from pytest_velo.cli.rescore import rescore


def test_rescore_shows_what_changed(tmp_path: Path) -> None:
    file = tmp_path / "test_courtesy.py"
    file.write_text(
        "from pathlib import Path\n"
        "import pytest\n"
        "from pytest_velo import rate\n"
        "\n"
        "@pytest.mark.hypothesis(rate >= 0.5, max_trials=5)\n"
        'def test_polite(): return not Path(__file__).with_name("strict").exists()\n'
    )
    folder = str(file.parent / "cache")
    quiet = [str(file), f"--rootdir={file.parent}", "--import-mode=importlib", "-p", "no:terminal"]
    pytest.main([*quiet, f"--velo-cache-dir={folder}"])
    file.with_name("strict").touch()
    said = CliRunner().invoke(rescore, ["latest", *quiet, f"--cache-dir={folder}"])
    assert said.stdout.splitlines()[4:10] == [
        "test_courtesy.py::test_polite",
        "  before     supported: rate > 0.5; observed 1.00 (5/5), 90% interval [0.54,",
        "             1.00], 5 of at most 5 trials",
        "  now        refuted: rate < 0.5; observed 0.00 (0/5), 90% interval [0.00,",
        "             0.46], 5 of at most 5 trials",
        "  outcomes   5 of 5 trials changed; 5 from 1 to 0, 0 from 0 to 1",
    ]
