"""Checks of scripted models: what is found, how it is shown, and what of it is no verdict."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest

from pytest_velo import Finding, Sweep, check, check_sync, difference, estimate, load, mean, rate, scripted
from pytest_velo.errors import BodyError, UsageError

YES = scripted("checked", ["yes", "yes", "yes", "no"])
NO = scripted("checked no", ["no"])
BROKEN = scripted("checked broken", ["yes", "{"])


def agrees(model: Any) -> bool:
    """The model agrees."""
    return bool(model("Is it so?") == "yes")


def prompted(model: Any, prompt: str) -> bool:
    return bool(model(f"{prompt}Is it so?") == "yes")


def asserted(model: Any) -> None:
    assert model("Is it so?") == "maybe"


def hinted(model: Any, arm: str) -> bool:
    return bool(model(arm) == "yes")


def parsed(model: Any) -> bool:
    if model("Give me JSON").text == "{":
        raise ValueError("half an object")
    return True


def long(model: Any) -> float:
    return len(model("Is it so?").text) / 3


def found(claim: Any, body: Any, **given: Any) -> Finding:
    finding = check_sync(claim, body, **{"models": [YES], "max_trials": 100, **given})
    assert isinstance(finding, Finding)
    return finding


def swept(claim: Any, body: Any, **given: Any) -> Sweep:
    sweep = check_sync(claim, body, **{"models": [YES], "max_trials": 100, **given})
    assert isinstance(sweep, Sweep)
    return sweep


def test_a_finding_says_what_was_claimed_and_found() -> None:
    finding = found(rate >= 0.3, agrees)
    assert (finding.verdict, str(finding.claim), finding.setting) == ("supported", "rate >= 0.3", {})
    assert finding.n == len(finding.trials) > 0
    assert finding.interval is not None
    assert finding.estimate is not None
    assert finding.interval.low <= finding.estimate <= finding.interval.high
    assert finding.cost_usd == 0
    assert {trial.calls[0].reply for trial in finding.against} == {"no"}
    assert "The model agrees." in repr(finding)
    assert "no" not in repr(finding).splitlines(), "what supports needs no examples"
    (recorded,) = load(finding.run_id).results
    assert recorded.outcome == "supported"


def test_what_is_against_a_claim_is_shown_once_and_found_by_its_name() -> None:
    finding = found(rate >= 0.9, asserted)
    assert finding.verdict == "refuted"
    assert ".against has all" in repr(finding)
    assert "--velo" not in repr(finding)
    assert "maybe" in finding.against[0].detail


def test_an_undecided_finding_tells_what_it_would_take() -> None:
    finding = found(rate >= 0.7, agrees, max_trials=12, alpha=0.3)
    assert finding.verdict == "inconclusive"
    assert len(repr(finding).splitlines()) > 5


def test_a_finding_and_a_sweep_show_as_html_too() -> None:
    finding = found(rate >= 0.3, agrees)
    assert finding.run_id in finding._repr_html_()
    sweep = swept(rate >= 0.3, prompted, over={"prompt": ["", "<b>Think.</b> "]})
    assert "&lt;b&gt;Think.&lt;/b&gt;" in sweep._repr_html_()
    assert "<b>Think." not in sweep._repr_html_()


def test_neither_a_finding_nor_a_sweep_is_true_or_false() -> None:
    finding = found(rate >= 0.3, agrees)
    sweep = swept(rate >= 0.3, prompted, over={"prompt": ["a"]})
    for never in (finding, sweep):
        with pytest.raises(UsageError, match="not true or false") as caught:
            bool(never)
        assert ".verdict" in caught.value.fix


def test_a_sweep_is_its_findings_in_order_and_one_family() -> None:
    sweep = swept(rate >= 0.3, prompted, over={"model": [YES, NO], "prompt": ["", "\x1b[31mHm. "]})
    assert [finding.verdict for finding in sweep] == ["supported", "supported", "refuted", "refuted"]
    assert len(sweep) == 4
    assert sweep[-1].setting == {"model": NO, "prompt": "\x1b[31mHm. "}
    assert sweep[0].path is not None
    rows = sweep.rows
    assert [row["verdict"] for row in rows] == [finding.verdict for finding in sweep]
    assert rows[0]["low"] <= rows[0]["estimate"] <= rows[0]["high"]
    assert "one family of 4, by Holm" in repr(sweep)
    assert "\x1b" not in repr(sweep)
    assert "''" in repr(sweep), "an empty text is seen"
    assert {result.family.size for result in load(sweep.run_id).results if result.family} == {4}
    with pytest.raises(UsageError, match="shares its error rates") as caught:
        sweep[0].to_test()
    assert "sweep.to_test()" in caught.value.fix


def test_what_the_error_rates_of_a_table_hold_for_is_said() -> None:
    alone = swept(rate >= 0.3, prompted, over={"prompt": ["a"]}, alpha=0.1)
    assert "a false claim is supported at most 10% of the time" in alone.caption
    estimates = swept(estimate(rate, halfwidth=0.3), prompted, over={"prompt": ["a", "b"]})
    assert "each interval alone misses at most" in estimates.caption
    assert [finding.verdict for finding in estimates] == ["measured", "measured"]


def test_a_body_that_raises_ends_its_check_but_only_its_row_of_a_sweep() -> None:
    with pytest.raises(ValueError, match="half an object") as caught:
        found(rate >= 0.3, parsed, models=[BROKEN])
    assert Path(str(caught.traceback[-1].path)).name == "test_check.py"
    sweep = swept(rate >= 0.3, parsed, over={"model": [BROKEN, YES]})
    assert [finding.verdict for finding in sweep] == ["error", "supported"]
    assert (sweep[0].estimate, sweep[0].interval, sweep[0].n) == (None, None, 0)
    assert (sweep.rows[0]["estimate"], sweep.rows[0]["low"]) == (None, None)
    assert "half an object" in repr(sweep)


def test_pytests_own_ways_to_end_a_test_are_refused_with_ours() -> None:
    def skipping(model: Any) -> bool:
        pytest.skip("not today")

    with pytest.raises(BodyError, match="no pytest runs here") as caught:
        found(rate >= 0.3, skipping)
    assert "velo.invalid" in caught.value.fix


def test_pairs_means_and_joint_claims_are_found_too() -> None:
    pairs = found(difference("a", "b") >= -0.9, hinted, arms=("a", "b"))
    assert pairs.verdict == "supported"
    score = found(mean(0, 1) >= 0.5, long)
    assert score.verdict == "supported"
    joint = (rate("yes") >= 0.3) & (rate("short") >= 0.5)
    both = found(joint, of_two, models=[YES])
    assert (both.verdict, both.estimate) == ("supported", None)


def of_two(model: Any) -> dict[str, bool]:
    reply = model("Is it so?")
    return {"yes": bool(reply == "yes"), "short": len(reply.text) < 9}


async def _both() -> list[Any]:
    return await asyncio.gather(
        check(rate >= 0.3, agrees, models=[YES]),
        check(rate >= 0.3, prompted, models=[YES], over={"prompt": ["a"]}),
    )


def test_checks_are_awaited_side_by_side() -> None:
    finding, sweep = asyncio.run(_both())
    assert finding.verdict == sweep[0].verdict == "supported"


def test_a_check_that_is_cancelled_ends() -> None:
    async def cancelled() -> None:
        began = asyncio.Event()
        here = asyncio.get_running_loop()

        async def waits(model: Any) -> bool:
            here.call_soon_threadsafe(began.set)
            await asyncio.Event().wait()
            return bool(await model("?") == "yes")

        task = asyncio.create_task(check(rate >= 0.3, waits, models=[YES]))
        await began.wait()
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(cancelled())
    assert found(rate >= 0.3, agrees).verdict == "supported"


def test_without_the_packages_that_draw_and_tabulate_an_error_names_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sweep = swept(rate >= 0.3, prompted, over={"prompt": ["a"]})
    for name in ("pandas", "matplotlib.figure"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(UsageError, match="pandas is not installed") as caught:
        sweep.to_pandas()
    assert "pip install" in caught.value.fix
    for drawn in (sweep, sweep[0]):
        with pytest.raises(UsageError, match="matplotlib is not installed") as caught:
            drawn.plot()
        assert "pytest-velo[plot]" in caught.value.fix


def test_what_cannot_be_drawn_says_so() -> None:
    joint = (rate("yes") >= 0.3) & (rate("short") >= 0.5)
    several = swept(joint, of_two, over={"model": [YES]})
    with pytest.raises(UsageError, match="several numbers for each setting") as caught:
        several.plot()
    assert "sweep[0].plot()" in caught.value.fix
    failed = swept(rate >= 0.3, parsed, over={"model": [BROKEN]})
    with pytest.raises(UsageError, match="no path to draw"):
        failed[0].plot()


def test_a_test_is_written_once_and_not_over_another(folder: Path) -> None:
    finding = found(rate >= 0.3, agrees)
    path = folder / "tests" / "test_agrees.py"
    written = finding.to_test(path)
    assert written.path == path
    assert str(written) == repr(written) == path.read_text()
    assert "def test_agrees(model" in written.text
    finding.to_test(path)  # the same again
    path.write_text("mine = 1\n")
    with pytest.raises(UsageError, match="another content") as caught:
        finding.to_test(path)
    assert caught.value.fix == "overwrite=True"
    assert path.read_text() == "mine = 1\n"
    finding.to_test(path, overwrite=True)
    assert path.read_text() == written.text
    with pytest.raises(UsageError, match="would not collect") as caught:
        finding.to_test(folder / "agrees.py")
    assert "test_agrees.py" in caught.value.fix


def test_a_sweep_is_written_with_its_parameters() -> None:
    sweep = swept(rate >= 0.3, prompted, over={"prompt": ["", "Hm. "], "model": [YES, NO]}, alpha=0.1)
    text = sweep.to_test().text
    assert '@pytest.mark.parametrize(\n    "prompt",\n    [\n        "",\n        "Hm. ",\n    ],\n)' in text
    assert "alpha=0.1" in text
    assert "--velo-multiplicity=holm" in text
    assert 'scripted("checked no", ["no"])' in text


def test_what_is_no_source_is_no_part_of_a_test() -> None:
    objects = swept(rate >= 0.3, told, over={"prompt": [object(), object()]})
    with pytest.raises(UsageError, match="a value of 'prompt'") as caught:
        objects.to_test()
    assert "inside the body" in caught.value.fix
    two = swept(rate >= 0.3, told, over={"prompt": ["a"], "end": ["!", "?"]}, seed=3)
    text = two.to_test().text
    assert '("prompt", "end")' in text
    assert '("a", "?")' in text
    assert "--velo-seed=3 --velo-multiplicity=holm" in text


def told(model: Any, prompt: Any, end: str = "") -> bool:
    return bool(model(f"{type(prompt)}{end}") == "yes")


def test_many_cases_are_a_file_beside_the_test(folder: Path) -> None:
    cases = [{"n": n, "text": "x" * 99} for n in range(60)]
    finding = found(rate >= 0.3, of_a_case, cases=cases, judge=YES)
    text = finding.to_test().text
    assert "# Its cases belong into of_a_case.jsonl" in text
    assert "trial.rng" not in text
    finding.to_test(folder / "test_it.py")
    assert len((folder / "it.jsonl").read_text().splitlines()) == 60
    without = found(rate >= 0.3, of_a_trial).to_test().text
    assert "# Without cases, trial.rng and trial.seed follow from the test's name" in without


def of_a_case(model: Any, case: Any, trial: Any) -> bool:
    return bool(model(case.text) == "yes") or trial.index < 0


def of_a_trial(model: Any, trial: Any) -> bool:
    return bool(model("Is it so?") == "yes") or trial.index < 0


def test_a_sweep_says_how_many_earlier_attempts_it_is_scheduled_from() -> None:
    def biased(trial: Any, share: float) -> bool:
        return trial.rng.random() < share

    over = {"share": [0.1, 0.9]}
    first, again = (check_sync(rate >= 0.5, biased, over=over, seed=seed) for seed in (1, 2))
    assert [finding.result.n_earlier for finding in first] == [0, 0]
    assert [finding.result.n_earlier for finding in again] == [1, 1]
