"""The `velo` command, started in a folder below the project's."""

from __future__ import annotations

from click.testing import CliRunner

from pytest_velo.cli.main import main
from support.commands import velo


def test_every_command_finds_root_and_cache_from_below(run, lab, monkeypatch) -> None:
    run.ini(f"velo_endpoints =\n    {lab.endpoint}\nvelo_cache_dir = kept")
    run.file(
        "@pytest.mark.hypothesis(rate >= 0.5, models=['lab/tiny'], max_trials=10)\n"
        "def test_h(model): return model('q', max_tokens=5).answers('yes')\n",
        "tests/test_it.py",
    )
    run("-m", "velo").assert_outcomes(passed=1)
    (below := run.path / "tests" / "deep").mkdir()
    monkeypatch.chdir(below)

    assert " draws of " in velo("cache", "stats")
    assert " of run latest -> it.jsonl" in velo("cassette", "export", "it.jsonl")
    assert "test_h" in velo("compare", "latest", "latest")
    assert "supported" in velo("rescore", "-p", "no:randomly")
    assert "test_h" in velo("plan", "..")
    assert not (below / ".pytest_velo").exists()
    assert not (run.path / "tests" / ".pytest_velo").exists()


def test_a_folder_that_is_not_the_projects_is_named(run, tmp_path_factory, monkeypatch) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    monkeypatch.chdir(elsewhere)
    result = CliRunner().invoke(main, ["compare", "latest"])
    assert result.exit_code == 1
    assert "fix: " in result.output
