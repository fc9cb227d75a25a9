"""Rescoring: a run whose trials are those of a record, on its stored draws (the command `velo rescore`)."""

from __future__ import annotations

from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from types import SimpleNamespace

import pytest

from pytest_velo.integration.names import RESCORE_JUDGE, RESCORE_PLUGIN, RESCORE_RUN
from pytest_velo.integration.rescore import register, run_pytest
from pytest_velo.integration.run.item import run_item
from pytest_velo.integration.startup import write_run
from pytest_velo.report.load import load
from support.items import hypothesis_item


def test_run_pytest_scores_the_latest_run_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "test_yes.py"
    file.write_text(
        "import pytest\n"
        "from pytest_velo import rate\n"
        "\n"
        "@pytest.mark.hypothesis(rate >= 0.5, max_trials=5)\n"
        "def test_yes(): return 1 > 0\n"
    )
    monkeypatch.delenv("VELO_MODE", raising=False)
    arguments = [str(file), f"--rootdir={file.parent}", "--import-mode=importlib"]
    with redirect_stdout(StringIO()):
        pytest.main(arguments)
        ran = run_pytest(arguments, "latest", judge_calls=False)
    [result] = load(ran.run_id, file.parent / ".pytest_velo").results
    assert ran.exit_code == 0
    assert result.outcome.value == "supported"
    assert result.facts[0][:13] == "rescored from"


def test_registered_source_holds_the_recorded_trials(request: pytest.FixtureRequest) -> None:
    mark, test = "rate >= 0.5, max_trials=5", "def test_it(): return 1 > 0"
    item, session = hypothesis_item(request, mark, test)
    run_item(item)
    session.reported[item.nodeid] = session.results[0]
    session.close()
    write_run(session, duration_s=0.1)
    options = {RESCORE_RUN: "latest", RESCORE_JUDGE: False}
    config = SimpleNamespace(getoption=options.get, pluginmanager=pytest.PytestPluginManager())
    register(session, config)
    assert len(config.pluginmanager.get_plugin(RESCORE_PLUGIN).of(item).source.trials) == 5
