"""What the Markdown of a run says, and in which order."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_velo.records import Outcome
from pytest_velo.report.markdown.around import Around, Trouble
from pytest_velo.report.markdown.banner import banner
from pytest_velo.report.markdown.document import MARKER, markdown_of
from support.pages import everyday, without_decisions
from support.reports import paired, recorded, refuted, trial, undecided


def titles(text: str) -> list[str]:
    return re.findall(r"^#{2,3} (.+)$", text, re.MULTILINE)


def test_a_banner_says_in_words_how_it_went() -> None:
    good = refuted(outcome=Outcome.SUPPORTED)
    bad, broken = refuted(), refuted(outcome=Outcome.ERROR, node_id="test_a.py::test_c")
    nothing = Around()
    trouble = Around(troubles=[Trouble("test_b.py", "SyntaxError")])
    assert banner([good], nothing) == "✓ The hypothesis is supported"
    assert banner([good, good], nothing) == "✓ 2 of 2 hypotheses supported"
    assert banner([good, broken, bad], nothing) == "✗ 1 of 3 hypotheses refuted, 1 in error, 1 supported"
    assert banner([bad, refuted(outcome=Outcome.SUPPORTED, node_id="b")], Around(expected={bad.node_id})) == (
        "✓ 1 of 2 hypotheses refuted as expected, 1 supported"
    )
    assert banner([good], trouble) == "! The hypothesis is supported, 1 error outside of hypotheses"
    assert banner([], trouble) == "! No hypothesis was tested, 1 error outside of hypotheses"
    assert banner([], Around(unsampled={"a": "no key"})) == "– No hypothesis was sampled"
    assert banner([], Around(stopped="it was interrupted")) == "! No hypothesis was tested"


@pytest.mark.slow
def test_a_run_beside_an_earlier_one(tmp_path: Path) -> None:
    before = everyday(tmp_path, beliefs=(0, 5))
    now = everyday(tmp_path, seed=2, beliefs=(0, 5), shift=-0.3)
    text = markdown_of(now, before)
    assert text.startswith(f"{MARKER}\n## ✗ ")
    assert titles(text)[1:] == [f"What moved since `{before.folder.name}`", "Why"]
    moved = text.partition("### What moved")[2].partition("### Why")[0]
    assert "where nothing changed, expect at most" in moved
    assert "- **changed: it fell**: `test_5[lab/small]`: rate: 0." in moved
    assert "- no change is shown in " in moved
    assert "What moved" not in markdown_of(now)


def test_a_hypothesis_that_did_not_pass_says_why_and_how_to_run_it_again(tmp_path: Path) -> None:
    text = markdown_of(recorded(tmp_path, refuted()))
    why = text.partition("### Why")[2]
    assert "**refuted: rate &lt; 0.7 (a true claim is refuted at most 5% of the time)**" in why
    assert "- observed: rate 0.33; 90% interval `[0.09, 0.69]`, valid at any stopping time\n" in why
    assert why.count("<details>") == 2
    assert "```bash\npytest test_a.py::test_b --velo-seed=0\n```" in why
    assert "| 0.33 (3/9)<br>`[0.09, 0.69]` | 9 of at most 200<br>191 saved | `$0.018` |" in text


def test_the_arms_of_a_case_are_one_transcript_of_two(tmp_path: Path) -> None:
    text = markdown_of(recorded(tmp_path, paired()))
    summaries = re.findall(r"<summary><code>(.+?)</code>", text)
    assert [summary.partition(" · repeat")[0] for summary in summaries] == [
        "trial 0 · case q0 · arm a",
        "trial 1 · case q0 · arm b",
        "trial 2 · case q1 · arm a",
        "trial 3 · case q1 · arm b",
    ]


def test_what_has_no_decision_is_not_shown_as_if_it_had_one(tmp_path: Path) -> None:
    text = markdown_of(without_decisions(tmp_path))
    assert "| !\xa0in error | b<br>`rate >= 0.7`<br>`error` |  |  |  |\n" in text
    assert "```text\nKeyError\n```" in text
    assert "- `skip`: no key\n" in text


def test_an_undecided_one_says_what_could_decide_it(tmp_path: Path) -> None:
    text = markdown_of(recorded(tmp_path, undecided()))
    assert re.search(r"^- needs: about [\d,]+ trials in all; ", text, re.MULTILINE)
    assert "To continue:\n\n```bash\npytest " in text


def test_a_claim_about_the_baseline_is_told_of_even_if_it_holds(tmp_path: Path) -> None:
    base = refuted(claim="rate >= baseline - 0.05", outcome=Outcome.SUPPORTED)
    held = replace(base, facts=("compared case by case with the baseline of 2026-11-23",))
    text = markdown_of(recorded(tmp_path, held))
    assert titles(text) == ["✓ The hypothesis is supported", "Against the baseline"]
    assert "- ✓ `test_b`: " in text
    assert "compared case by case with the baseline of 2026-11-23" in text


def test_what_no_record_has_is_told_too(tmp_path: Path) -> None:
    around = Around(
        troubles=[Trouble("test_b.py", "SyntaxError: invalid syntax")],
        unsampled={"test_a.py::test_c": "it would make paid calls"},
        stopped="stopping after 1 failures",
        pages=["out/page.html"],
    )
    text = markdown_of(recorded(tmp_path, refuted()), around=around)
    assert titles(text)[1:] == ["Errors outside of hypotheses", "Not sampled", "Why"]
    assert "**The run ended early:** stopping after 1 failures. What had not begun by" in text
    assert "  SyntaxError: invalid syntax\n" in text
    assert "`out/page.html`" in text


def test_a_message_of_any_length_leaves_room_for_the_others(tmp_path: Path) -> None:
    long = refuted(
        problem="y" * 100_000,
        outcome=Outcome.ERROR,
        trials=(trial(0, 0, detail="z" * 100_000, notes=tuple("n" * 3_000 for _ in range(50))),),
    )
    text = markdown_of(recorded(tmp_path, long, refuted(node_id="test_a.py::test_z")))
    assert len(text) < 40_000
    assert "characters cut" in text
    assert text.count("#### ") == 2
