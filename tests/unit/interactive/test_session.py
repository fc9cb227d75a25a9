"""What a process opens without pytest: settings as pytest would find them, one account, one session."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from pytest_velo.errors import BudgetError, UsageError
from pytest_velo.interactive.session import close_all, in_keywords, opened, settings_here
from pytest_velo.settings import Mode


def test_the_cache_is_that_of_the_tests(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "pytest.ini").write_text(
        "[pytest]\nvelo_cache_dir = kept\nvelo_model = local/a\nvelo_seed = 3\n"
    )
    (below := folder / "notebooks").mkdir()
    monkeypatch.chdir(below)
    found = settings_here()
    assert (found.cache_dir, found.models, found.seed) == (folder / "kept", ("local/a",), 3)


def test_what_is_given_wins_over_what_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VELO_BUDGET", "3")
    monkeypatch.setenv("VELO_SEED", "5")
    assert (settings_here().budget_usd, settings_here().seed) == (3.0, 5)
    given = settings_here(budget=0.5, seed=6)
    assert (given.budget_usd, given.seed) == (0.5, 6)
    assert settings_here(budget="none").budget_usd is None


@pytest.mark.parametrize("budget", [-1, float("nan"), True, "much"])
def test_a_budget_that_is_none(budget: object) -> None:
    with pytest.raises(UsageError, match="budget= must be dollars"):
        settings_here(budget=budget)  # type: ignore[arg-type]


def test_equal_settings_share_a_session_and_others_do_not() -> None:
    with opened(settings_here()) as first, opened(settings_here()) as second:
        assert first is second
        with opened(settings_here(seed=1)) as other:
            assert other is not first
    with opened(settings_here(seed=1)) as again:
        assert again is other


def test_a_session_is_opened_again_after_it_was_closed() -> None:
    async def answer() -> int:
        return 42

    with opened(settings_here()) as session:
        assert session.run(answer()) == 42
        session.close()
        assert session.run(answer()) == 42
    close_all()
    with opened(settings_here()) as session:
        assert session.run(answer()) == 42


def test_replay_is_a_setting_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VELO_MODE", "replay")
    assert settings_here().mode is Mode.REPLAY


def test_an_error_of_the_budget_names_the_keyword() -> None:
    async def spend() -> None:
        raise BudgetError("the budget of $1.00 is used up", fix="--velo-budget=2.00 continues from here")

    with opened(settings_here()) as session:
        for spent in (session.run, lambda work: asyncio.run(session.join(work))):
            with pytest.raises(BudgetError) as caught:
                spent(spend())
            assert caught.value.fix == "budget=2.00 continues from here"
    assert in_keywords("run with --velo-budget=none") == 'run with budget="none"'
