"""What the terminal shows, at every width and verbosity: all numbers with their names, and nothing twice."""

from __future__ import annotations

import re

import pytest

from pytest_velo.report.text import columns

EVERY_KIND = """
from pytest_velo import difference, estimate, mean

@pytest.mark.hypothesis(rate >= 0.5, models=[YES])
async def test_supported(model):
    "It says yes. \u65e5\u672c\u8a9e\u306e\u8a71 \U0001f469\u200d\U0001f52c"
    assert (await model("Is it? \u65e5\u672c\u8a9e" * 9)).answers("yes")

@pytest.mark.hypothesis(rate >= 0.5, models=[NO])
async def test_refuted_with_a_name_that_is_longer_than_anybody_would_like_to_read_in_a_terminal(model):
    assert (await model("\u65e5\u672c\u8a9e\u3067\u7b54\u3048\u3066" * 9)).answers("yes")

@pytest.mark.hypothesis(difference("on", "off") >= 0.1, arms=("off", "on"))
def test_pairs(trial, arm): return arm == "on" or trial.index < 2

@pytest.mark.hypothesis(estimate(rate, halfwidth=0.2))
def test_measured(trial): return trial.index % 3 == 0

@pytest.mark.hypothesis((rate("a") <= 0.5) & (rate("b") <= 0.5))
def test_joint(trial): return {"a": trial.index % 50 == 1, "b": trial.index % 50 == 2}

@pytest.mark.parametrize("way", ["\u65e5\u672c", "plain"])
@pytest.mark.hypothesis(mean(0, 10) >= 5, max_trials=16)
def test_open(trial, velo, way):
    if trial.index % 4 == 0:
        velo.invalid("the answer is missing")
    return 4.5 + trial.index % 2

@pytest.mark.hypothesis(rate >= 0.5)
def test_error(trial): return 1 / (3 - trial.index) > 0
"""
UNBREAKABLE = re.compile(r"pytest |run record: |^_ |^(?:FAILED|ERROR|REFUTED) |^test_it\.py:\d+|\[\d+%\]")


def told(run: object, monkeypatch: pytest.MonkeyPatch, width: int, *options: str) -> list[str]:
    """Return the lines from the failures on."""
    monkeypatch.setenv("COLUMNS", str(width))
    lines = run("--color=no", "--tb=short", *options).outlines
    return lines[next(n for n, line in enumerate(lines) if set(line) > {"="}) if "-q" not in options else 0 :]


@pytest.mark.slow
@pytest.mark.slow
def test_no_line_is_too_long_and_no_number_is_missing_at_any_width(run, monkeypatch) -> None:
    run.file(EVERY_KIND)
    for width in (60, 80, 120, 200):
        lines = told(run, monkeypatch, width, "--no-header")
        for line in lines:
            assert columns(line) <= width or UNBREAKABLE.search(line), (width, line)
        said = " ".join(" ".join(lines).split())
        summary = said[said.index("= hypotheses =") :]
        of = "of ≤200" if " ≤200" in summary else "of at most 200"
        for number in (
            "1.00 (7/7)",  # supported
            "0.00 (0/7)",  # refuted
            "[0.00, 0.45]",
            "[0.55, 1.00]",
            f"7 {of}",
            "193",
            "pairs",
            "95%",  # measured
            "90%",
            "5.17",  # open
            "16 of",
            "8 hypotheses",
            "expected false verdicts: at most",
        ):
            assert number in summary, (width, number)
        assert summary.count("the answer is missing") == 1
        assert "2 tests: test_open" in summary


def test_quiet_is_a_line_each_and_very_verbose_is_everything(run, monkeypatch) -> None:
    run.file(EVERY_KIND)
    quiet = told(run, monkeypatch, 80, "-q")
    at = next(n for n, line in enumerate(quiet) if "= hypotheses =" in line)
    rows = [line for line in quiet[at:] if line[:2] in {"✓ ", "✗ ", "? ", "! ", "= "} and "test_" in line]
    assert [line.split()[1] for line in rows[:8]] == [
        "supported",
        "refuted",
        "supported",
        "measured",
        "supported",
        "inconclusive",
        "inconclusive",
        "error",
    ]
    assert all(columns(line) <= 80 for line in rows)
    assert "1.00, 90% interval [0.55, 1.00]" in rows[0]
    text = "\n".join(quiet)
    assert "inconclusive hypotheses" not in text
    assert "run record" not in text
    assert text.count("the answer is missing") == 1

    whole = "\n".join(told(run, monkeypatch, 120, "-vv"))
    assert "supported and measured hypotheses" in whole
    for number in ("e-values", "Wilson 90%", "Clopper–Pearson 90%", "p-value", "supported: rate > 0.5"):
        assert number in whole


@pytest.mark.parametrize(("options", "name"), [(["--color=no"], ""), ([], "NO_COLOR")])
def test_without_colour_nothing_is_coloured(run, monkeypatch, options: list[str], name: str) -> None:
    run.file(EVERY_KIND)
    if name:
        monkeypatch.setenv(name, "1")
    assert "\x1b" not in run(*options).stdout.str()


@pytest.mark.processes
def test_a_notice_of_several_workers_is_said_once(run) -> None:
    run.file(EVERY_KIND)
    said = run("-n", "2", "-k", "open or refuted").stdout.str()
    summary = said[said.index(" hypotheses ===") :]
    assert said.count("are invalid: the answer is missing") == 1
    assert "2 tests: test_open" in summary


@pytest.mark.processes
def test_a_warning_of_several_workers_is_given_once(run) -> None:
    run.file(
        """
ROWS = [{"q": n, "topic": n % 8} for n in range(24)]

@pytest.mark.hypothesis(rate >= 0.5, cases=cases(ROWS, group="topic"))
def test_groups(case):
    return case.q % 2 == 0

@pytest.mark.hypothesis(rate >= 0.5, max_trials=10)
def misnamed(trial):
    return trial.index % 2 == 0

@pytest.mark.hypothesis(rate >= 0.5, max_trials=10)
def test_other(trial):
    return trial.index % 2 == 0
"""
    )
    result = run("-n", "2")
    assert result.parseoutcomes() == {"inconclusive": 2, "warnings": 2}
    assert result.stdout.str().count("a rate is seen with 80% power") == 1


def test_a_kind_of_trials_is_shown_of_what_passed_too(run) -> None:
    run.file(EVERY_KIND)
    said = run("-k", "supported or pairs or open", "--velo-show=for:1").stdout.str()
    assert "trials for the claim: 1 of 7 (velo show has all)" in said
    assert said.count("outcome    1") >= 2
    assert "invalid: the answer" not in said.split(" hypotheses ====")[0].split("FAILURES")[0]
    changed = run("-k", "supported", "--velo-show=changed").stdout.str()
    assert "trials that came out otherwise before: none" in changed
    run("-k", "supported", "--velo-seed=5")  # another run, of which nothing is known to have changed
    assert (
        "picked at random with seed 0: 2 of 7" in run("-k", "supported", "--velo-show=random:2").stdout.str()
    )


@pytest.mark.parametrize(
    ("written", "what"),
    [
        ("agianst", "did you mean 'against'"),
        ("for:-1", "the number is a whole one, 0 or more"),
        ("random:x", "the number is a whole one, 0 or more"),
        ("3:for", "a number, or one of against, for, invalid, random, changed"),
    ],
)
def test_an_unknown_kind_is_a_usage_error_with_the_choices(run, monkeypatch, written: str, what: str) -> None:
    run.file(EVERY_KIND)
    run.ini(f"velo_show = {written}")
    result = run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    said = result.stderr.str()
    assert what in said
    assert "velo_show in pytest.ini" in said
    assert "e.g. random:5" in said
    monkeypatch.setenv("VELO_SHOW", "invalid:1")  # which is over the file
    assert "invalid trials: 1 of " in run("-k", "open").stdout.str()


def test_what_a_check_finds_fits_the_terminal_too(run, monkeypatch) -> None:
    run.file(
        """
MOOD = {"good": True}

@pytest.mark.hypothesis(rate >= 0.3, min_trials=100)
def test_moods(trial):
    if trial.rng.random() < 0.1:
        MOOD["good"] = not MOOD["good"]
    return MOOD["good"]
"""
    )
    monkeypatch.setenv("COLUMNS", "80")
    text = run().stdout.str()
    failure = text.split("= FAILURES =")[1].split("= hypotheses =")[0]
    assert "F19        dependent trials (error)" in failure
    plain = [
        line for line in failure.splitlines() if "https://" not in line and not line.startswith("run it")
    ]
    assert max(map(len, plain)) <= 80
