"""The page of a run, without a browser."""

from __future__ import annotations

import base64
import gzip
import json
import re
from dataclasses import replace
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from pytest_velo.claims import baseline, rate
from pytest_velo.records import Outcome, OutcomeKind
from pytest_velo.report.load import Run, load
from pytest_velo.report.page import data
from pytest_velo.report.page.data import page_of
from pytest_velo.report.page.render import asset, html_of
from support.pages import HOSTILE_TEXTS, attacked, hostile, without_decisions
from support.reports import call, paired, recorded, refuted, trial, undecided


class Reader(HTMLParser):
    """Collects what a browser would see: tags with their attributes, texts, scripts, styles."""

    def __init__(self, html: bytes) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.raw: dict[str, list[str]] = {"script": [], "style": []}
        self.text = ""
        self._inside = ""
        self.feed(html.decode("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._inside = tag

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside in self.raw:
            self.raw[self._inside].append(data)
        else:
            self.text += data

    def data(self) -> Any:
        """Return what the scripts get."""
        return json.loads(gzip.decompress(base64.b64decode(self.raw["script"][0])))


def read(run: Run, before: Run | None = None, **options: Any) -> Reader:
    return Reader(html_of(page_of(run, before, **options)))


def test_the_banner_counts_and_an_unknown_cost_is_no_zero(tmp_path: Path) -> None:
    one = refuted(cost_usd=None, n_unpriced=9, priced_usd=0.0)
    page = page_of(recorded(tmp_path, one, undecided()))
    assert page.counts == ("2 hypotheses", "1 refuted", "1 inconclusive")
    assert page.spent[1] == "$? ($0.40, and unknown for 9 calls)"
    assert page.spent[2] == "191 trials saved"
    assert [entry.cost for entry in page.entries] == ["$?", "$0.40"]
    assert page.outcome == "refuted"


def test_a_hypothesis_says_what_the_terminal_says(tmp_path: Path) -> None:
    trials = tuple(trial(at, at % 3 == 0, target="B", calls=(call(f"Q{at}", f"A{at}"),)) for at in range(9))
    reader = read(recorded(tmp_path, refuted(trials=trials)))
    for text in (
        "refuted: rate < 0.7 (a true claim is refuted at most 5% of the time)",
        "Replies greet.",
        "rate 0.33; 90% interval [0.09, 0.69], valid at any stopping time",
        "because the evidence was strong enough; 191 trials saved",
        "pytest test_a.py::test_b --velo-seed=0",
        "A1",
    ):
        assert text in reader.text
    (told,) = reader.data()["hypotheses"]
    assert told["path"] is None or told["path"]["n"][-1] == 9
    assert reader.data()["trials"][1]["messages"] == [
        ["user", "Q1", ""],
        ["assistant", "A1", "finish: stop · 2 tokens · served by tiny"],
        ["target", "B", ""],
    ]


def test_what_fell_since_an_earlier_run_comes_first_with_its_trials(tmp_path: Path) -> None:
    good, bad = ([1] * 40, [1, 0, 0, 0] * 10)
    runs = [recorded(tmp_path, refuted(trials=tuple(map(trial, range(40), told)))) for told in (good, bad)]
    page = page_of(runs[1], runs[0])
    (move,) = page.moved.moves
    assert move.text == "worse: it fell"
    assert move.numbers == "rate: 1.00 -> 0.25 over 40 pairs; difference -0.75 [-0.91, -0.51] at 95%"
    assert move.flips[0].id == "h1-t1"
    assert page.data["trials"][1]["was"] == "1"
    reader = read(runs[1], runs[0])
    assert reader.text.index("worse: it fell") < reader.text.index("observed, with its interval")
    assert page.entries[0].plots[0].bar.ghost == 33.33
    assert page_of(runs[1], runs[1]).moved.moves == ()


def test_a_claim_about_the_baseline_stands_apart(tmp_path: Path) -> None:
    one = refuted(claim=str(rate >= baseline - 0.05))
    page = page_of(recorded(tmp_path, one))
    assert [entry.id for entry in page.against_baseline] == ["h1"]
    bar = page.entries[0].plots[0].bar
    assert (bar.ghost, bar.zero) == (50.0, 50.0)
    assert "the baseline 0.00" in bar.label


def test_hypotheses_by_models(tmp_path: Path) -> None:
    named = [("a", "x/1"), ("a", "x/2"), ("b", "x/1")]
    results = [refuted(node_id=f"test_it.py::test_{name}[{model}]", model=model) for name, model in named]
    matrix = page_of(recorded(tmp_path, *results)).matrix
    assert matrix.models == ("x/1", "x/2")
    assert [(name, [cell and cell.id for cell in row]) for name, row in matrix.rows] == [
        ("test_a", ["h1", "h2"]),
        ("test_b", ["h3", None]),
    ]


def test_the_arms_of_a_pair_are_named(tmp_path: Path) -> None:
    reader = read(recorded(tmp_path, paired()))
    assert [told["arm"] for told in reader.data()["trials"]] == ["a", "b", "a", "b"]
    assert [len(turn) for turn in page_of(load(cache_dir=tmp_path)).entries[0].sights] == [2, 2]
    assert "260 pairs: a better in 56, b better in 14, alike in 190" in reader.text


def test_what_is_missing_is_left_out_and_said(tmp_path: Path) -> None:
    reader = read(without_decisions(tmp_path))
    assert "error: KeyError" in reader.text
    assert "skipped: no key" in reader.text
    assert "nothing was sampled" in reader.text
    assert "No evidence path" in reader.text  # the claim of a plugin
    assert reader.text.count("of 4") >= 3


def test_what_a_search_found_is_a_table(tmp_path: Path) -> None:
    reader = read(recorded(tmp_path, attacked()))
    text = " ".join(reader.text.split())
    assert "What the search found13 cases tried, smaller ones included: 7 listed cases" in text
    assert "Cases that seemed to break the claim. Each was tried again, on draws of its own." in text
    assert '"poem base64"made smaller from "poem base64" and more (6 smaller cases tried)' in text
    for told in ("confirmed rate < 0.95", "open its draws do not settle it", "not confirmed rate > 0.95"):
        assert told in text
    assert '"a poem"as it was found' in text
    assert "[0.00, 0.47] (95%)8 of 8, 1 invalid" in text
    assert "(5% needed)" in text
    assert "Saved: leaks.jsonl" in text
    assert "finding 1" not in text
    assert "its draws8" not in text
    assert [tag for tag, _ in reader.tags].count("caption") == 1
    labels = [found["aria-label"] for tag, found in reader.tags if tag == "svg" and "aria-label" in found]
    assert "observed 0.00, interval 0.00 to 0.47, threshold 0.95, on a scale from 0 to 1" in labels
    assert "No evidence path" not in text


def test_a_search_that_found_nothing_says_so(tmp_path: Path) -> None:
    reader = read(recorded(tmp_path, attacked(found=False)))
    text = " ".join(reader.text.split())
    assert "Nothing seemed to break the claim. That says little about other cases." in text
    assert "caption" not in {tag for tag, _ in reader.tags}


def test_an_undecided_one_says_what_could_decide_it(tmp_path: Path) -> None:
    reader = read(recorded(tmp_path, undecided()))
    assert "What could decide it" in reader.text
    assert "needs" in reader.text
    assert "go on pytest test_a.py::test_c --velo-seed=0 --velo-max-trials=" in reader.text
    assert "those against the claim" not in reader.text  # none is in the record


def test_a_run_that_did_not_end_says_so(tmp_path: Path) -> None:
    run = recorded(tmp_path, refuted())
    assert "This run did not end" not in read(run).text
    assert "This run did not end" in read(Run(run.folder, run.document, is_partial=True)).text


def test_a_run_without_its_file_of_trials_has_its_verdicts(tmp_path: Path) -> None:
    run = recorded(tmp_path, refuted())
    (run.folder / "trials.jsonl").unlink()
    reader = read(load(cache_dir=tmp_path))
    assert "refuted: rate < 0.7" in reader.text
    assert "0 of 0 trials are in this page" in reader.text


def test_a_page_holds_as_many_transcripts_as_asked(tmp_path: Path) -> None:
    trials = tuple(trial(at, at % 2, calls=(call(f"Q{at}", "A"),)) for at in range(50))
    run = recorded(tmp_path, refuted(trials=trials, telling=(0, 2)))
    reader = read(run, most=10)
    assert len(reader.data()["trials"]) == 10
    assert "10 of 50 trials are in this page" in reader.text
    assert reader.data()["trials"][0]["against"] is True


def test_long_texts_are_cut_and_say_so(tmp_path: Path) -> None:
    run = recorded(tmp_path, refuted(trials=(trial(0, 0, calls=(call("x" * 100_000, "y"),)),), telling=(0,)))
    ((_, text, _), _) = read(run).data()["trials"][0]["messages"]
    assert len(text) < 21_000
    assert "80,000 characters cut" in text


def test_hostile_texts_make_no_element_and_no_attribute(tmp_path: Path) -> None:
    reader = read(hostile(tmp_path))
    allowed = {
        *("html", "head", "meta", "title", "style", "script", "body", "header", "nav", "main", "section"),
        *("h1", "h2", "h3", "p", "a", "span", "div", "article", "pre", "code", "ul", "li", "dl", "dt", "dd"),
        *(
            "table",
            "caption",
            "thead",
            "tbody",
            "tr",
            "th",
            "td",
            "svg",
            "line",
            "circle",
            "details",
            "summary",
        ),
        *("button", "wbr"),
    }
    assert {tag for tag, _ in reader.tags} <= allowed
    attributes = {name for _, found in reader.tags for name in found}
    assert not {name for name in attributes if name.startswith("on") or name == "style"}
    assert {found["href"][0] for tag, found in reader.tags if tag == "a"} == {"#"}
    everything = reader.text + json.dumps(reader.data(), ensure_ascii=False)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", everything)
    for text in HOSTILE_TEXTS[:3]:
        assert text in reader.text
    assert r"\x1b[31mred\x1b[0m" in reader.text
    assert r"\u202edesrever" in reader.text


def test_the_policy_allows_the_script_and_the_style_by_their_hashes_alone(tmp_path: Path) -> None:
    reader = read(recorded(tmp_path, refuted()))
    policy = next(found["content"] for tag, found in reader.tags if "http-equiv" in found)
    (_, script), (style,) = reader.raw["script"], reader.raw["style"]

    def allowed(text: str) -> str:
        return f"'sha256-{base64.b64encode(sha256(text.encode()).digest()).decode()}'"

    assert policy.split("; ") == [
        "default-src 'none'",
        f"script-src {allowed(script)}",
        f"style-src {allowed(style)}",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
    ]
    assert not any("src" in found for _, found in reader.tags)


def test_the_same_run_gives_the_same_bytes(tmp_path: Path) -> None:
    run = recorded(tmp_path, refuted(), undecided())
    assert html_of(page_of(run)) == html_of(page_of(load(cache_dir=tmp_path)))


@pytest.mark.parametrize("name", ["page.js", "page.css", "LICENSES.txt"])
def test_the_assets_are_those_that_were_built(name: str) -> None:
    digests = json.loads(asset("digests.json"))
    assert sha256(asset(name).encode("utf-8")).hexdigest() == digests[name]


def test_the_assets_were_built_from_these_sources() -> None:
    source = Path(__file__).parents[4] / "page"
    if not source.is_dir():
        pytest.skip("the sources of the page are not here")
    digests = json.loads(asset("digests.json"))
    for file in (*(source / "src").iterdir(), source / "package-lock.json", source / "build.mjs"):
        name = file.relative_to(source).as_posix()
        assert digests[name] == sha256(file.read_bytes()).hexdigest(), "cd page && npm ci && npm run build"


def test_licences_are_there_for_all_that_is_bundled() -> None:
    text = asset("LICENSES.txt")
    assert re.search(r"^@observablehq/plot \S+ \(ISC\)$", text, re.MULTILINE)
    assert re.search(r"^tabulator-tables \S+ \(MIT\)$", text, re.MULTILINE)


def test_invalid_trials_and_errors_of_the_test_are_told_apart(tmp_path: Path) -> None:
    ended = trial(8, 0, kind=OutcomeKind.INVALID, values={}, detail="no answer")
    one = refuted(outcome=Outcome.ERROR, problem="Timeout: no answer", decision=None, telling=())
    page = page_of(recorded(tmp_path, replace(one, trials=(ended,))))
    ((sight,),) = page.entries[0].sights
    assert sight.outcome == "invalid: no answer"
    assert page.data["trials"][0]["kind"] == "invalid"


def test_a_page_of_too_many_hypotheses_has_those_that_need_attention_and_counts_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data, "MOST_ENTRIES", 3)
    fine = [refuted(node_id=f"test_a.py::test_{at}", outcome=Outcome.SUPPORTED) for at in range(8)]
    results = [*fine[:4], refuted(), *fine[4:], undecided()]
    run = recorded(tmp_path, *results)
    page = page_of(run)
    assert [entry.name for entry in page.entries] == ["test_b", "test_c", "test_0"]
    assert page.left_out == ("7 supported",)
    assert page.counts == ("10 hypotheses", "8 supported", "1 refuted", "1 inconclusive"), "of all"
    assert page.n_trials == 9 * 9, "of all, but the undecided one has none"
    reader = read(run)
    assert "Not in this page: 7 supported." in reader.text
    told = reader.data()
    assert [one["name"] for one in told["hypotheses"]] == ["test_0", "test_b", "test_c"]
    assert {one["hypothesis"] for one in told["trials"]} <= {0, 1, 2}, "places among those of the page"


def test_a_page_that_has_all_does_not_say_otherwise(tmp_path: Path) -> None:
    reader = read(recorded(tmp_path, refuted(), undecided()))
    assert "Not in this page" not in reader.text
