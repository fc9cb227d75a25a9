"""Trials shown in full: who said what, how the reply ended, and what the body made of it."""

from __future__ import annotations

from pytest_velo.records import OutcomeKind
from pytest_velo.report.trials import outcome_text, trial_lines, trials_lines
from support.reports import call, paired, refuted, trial


def test_trials_lines_show_the_call_and_the_outcome() -> None:
    rude = trial(1, 0, calls=(call("Say hello.", "Why?"),), detail="assert 'hello' in 'Why?'")
    assert [line.text for line in trials_lines(refuted(trials=(rude,)), show=1, verbosity=0, width=80)] == [
        "",
        "trials against the claim (first 1 of 6; --velo-show=6 shows all)",
        "",
        "  trial 1 · repeat 1 · seed 101",
        "    user       Say hello.",
        "    assistant  Why?",
        "               finish: stop · 2 tokens · served by tiny",
        "    outcome    0: assert 'hello' in 'Why?'",
    ]


def test_trial_lines_show_an_error() -> None:
    broken = trial(4, 0, case_id="tea", detail="KeyError: 'milk'")
    assert [line.text for line in trial_lines(broken, verbosity=0, width=80, has_outcome=False)] == [
        "",
        "  trial 4 · case tea · repeat 4 · seed 104",
        "    error      KeyError: 'milk'",
    ]


def test_outcome_text_of_one_outcome_and_of_several() -> None:
    assert outcome_text(trial(0, 0, detail="assert False")) == "0: assert False"
    assert (
        outcome_text(trial(0, 1, kind=OutcomeKind.VALUE, values={"help": 7.0, "tone": 8.5}))
        == "help=7, tone=8.5"
    )


def test_pairs_are_shown_whole_with_what_came_out_of_each_arm() -> None:
    text = [line.text for line in trials_lines(paired(), show=1, verbosity=0, width=80)]
    assert text[1] == "pairs, those that differ first (first 1 of 260; --velo-show=2 shows 2)"
    assert "  case q0 · repeat 0 · a 0, b 1" in text
    assert [line.split(" · ")[0] for line in text if line.startswith("  trial")] == ["  trial 0", "  trial 1"]
    assert "against the claim" not in "\n".join(text)
