"""What a reader does with the page of a run."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from support.pages import HOSTILE_TEXTS

if TYPE_CHECKING:
    from playwright.sync_api import Page

    Visit = Callable[..., Page]

pytestmark = pytest.mark.browser

MOST_BYTES = 1_500_000
MOST_SECONDS = 2.0  # of a processor: a busy machine makes no page slower
ROWS = ".tabulator-row"
# The address names a trial, and a moment later its view is there and has the focus.
VIEW_FOLLOWS = """() => {
    const [hypothesis, index] = location.hash.split('-t');
    const titles = [...document.querySelectorAll('.view h4')].map((it) => it.textContent);
    return document.querySelector('.view a')?.hash === hypothesis
        && titles.some((title) => title.startsWith(`trial ${index} `));
}"""


def processor_s(page: Page) -> float:
    """Return how much processor time the page's thread has taken, in seconds."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    told = session.send("Performance.getMetrics")["metrics"]
    return float(next(each["value"] for each in told if each["name"] == "ThreadTime"))


def table_shows(page: Page, column: str, beginning: str) -> None:
    """Wait until all rows of the table begin so in a column: it follows the filter a moment later."""
    page.wait_for_function(
        """([column, beginning]) => {
            const cells = [...document.querySelectorAll(`.tabulator-row [tabulator-field=${column}]`)];
            return cells.length > 0 && cells.every((cell) => cell.textContent.startsWith(beginning));
        }""",
        arg=[column, beginning],
    )


def n_found(page: Page) -> int:
    """Return how many trials the browser of transcripts found."""
    return int(page.inner_text("#browser [role=status]").split(" ")[0].replace(",", ""))


def view_with(page: Page, text: str) -> Any:
    """Return the view of a trial once it holds a text; wait for it, since a script fills it."""
    return page.locator(".view", has_text=text)


def cells(page: Page, column: str) -> list[str]:
    """Return the texts of a column of the table of trials, as far as it is drawn."""
    texts: list[str] = page.locator(f"{ROWS} [tabulator-field={column}]").all_inner_texts()
    return texts


def refuted(page: Page) -> Any:
    """Return the first refuted hypothesis."""
    return page.locator("details.hypothesis.tone-refuted").first


def test_it_is_small_and_usable_at_once(visit: Visit, everyday_file: Path) -> None:
    assert everyday_file.stat().st_size <= MOST_BYTES
    page = visit(everyday_file)
    assert processor_s(page) <= MOST_SECONDS
    assert page.locator("details.hypothesis").count() == 30
    assert n_found(page) == 1_000


def test_what_failed_and_by_how_much_takes_no_click(visit: Visit, everyday_file: Path) -> None:
    page = visit(everyday_file)
    assert re.search(r"30 hypotheses · .*refuted", page.inner_text("h1"))
    first = page.locator(".overview tbody tr").first
    assert "refuted" in first.inner_text()
    assert re.search(r"0\.\d\d \(\d+/\d+\)\s+\[0\.\d\d, [01]\.\d\d\]", first.inner_text())
    assert "threshold 0.70" in first.locator("svg").get_attribute("aria-label")


def test_one_trial_of_what_failed_takes_a_click(visit: Visit, everyday_file: Path) -> None:
    page = visit(everyday_file)
    page.locator(".overview tbody a").first.click()
    trial = refuted(page).locator("article.trial").first
    trial.wait_for()
    assert "tool call\nlook_up" in trial.inner_text()
    assert "outcome" in trial.inner_text()


def test_what_changed_stands_first(visit: Visit, everyday_file: Path) -> None:
    page = visit(everyday_file)
    section = page.locator("main > section").first
    assert section.inner_text().startswith("What moved since")
    assert "comparisons, each at 5%" in section.inner_text()
    assert re.search(r"(changed|worse): it fell", section.inner_text())
    section.locator(".trial-link").first.click()
    view_with(page, "before: 1").wait_for()


def test_the_rerun_line_is_copied(visit: Visit, everyday_file: Path) -> None:
    page = visit(everyday_file)
    line = refuted(page).locator(".rerun code").inner_text()
    page.evaluate("() => { window.setTimeout = () => 0; }")  # it says so for two seconds
    refuted(page).locator("[data-copy]").click()
    page.get_by_text("copied", exact=True).wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == line
    assert line.startswith("pytest 'test_it.py::test_0[lab/small]'")


def test_evidence_paths_are_drawn_with_their_boundaries(visit: Visit, everyday_file: Path) -> None:
    page = visit(everyday_file)
    figures = refuted(page).locator("figure")
    assert figures.count() == 2
    assert "reaches its boundary" in figures.nth(1).inner_text()
    assert "boundaries 0." in figures.nth(1).locator("svg").get_attribute("aria-description")


def test_transcripts_are_filtered_and_searched(visit: Visit, everyday_file: Path) -> None:
    page = visit(everyday_file, "transcripts")
    everything = n_found(page)
    page.locator(".filters [name=model]").select_option("lab/thinking")
    assert 0 < n_found(page) < everything
    page.locator(".filters [name=outcome]").select_option("zero")
    zeros = n_found(page)
    table_shows(page, "outcome", "0")
    page.locator(f"{ROWS} a").first.click()
    page.locator(".view .role-reasoning").first.wait_for()
    page.locator(".filters [name=search]").fill("question 3:")
    assert 0 < n_found(page) < zeros
    page.locator(".filters [name=search]").fill("no text has this")
    assert n_found(page) == 0
    page.get_by_role("button", name="all", exact=True).click()
    page.locator(ROWS).nth(5).wait_for(state="attached")
    assert n_found(page) == everything
    page.locator(".filters [name=outcome]").select_option("invalid")
    assert 0 < n_found(page) < everything


def test_a_deep_link_opens_a_trial_and_a_selection(visit: Visit, everyday_file: Path) -> None:
    page = visit(everyday_file, "h1-t2")
    view_with(page, "trial 2").wait_for()
    page = visit(everyday_file, "h1")
    refuted(page).get_by_role("link", name="those against the claim").click()
    page.wait_for_selector(".view article")
    table_shows(page, "hypothesis", "test_0[lab/small]")
    table_shows(page, "outcome", "0")
    page = visit(everyday_file, "h1-t99999")
    view_with(page, "trials.jsonl").wait_for()


def test_pairs_stand_side_by_side(visit: Visit, everyday_file: Path) -> None:
    page = visit(everyday_file, "transcripts")
    page.locator(".filters [name=arm]").select_option("hinted")
    table_shows(page, "arm", "hinted")
    page.locator(f"{ROWS} a").first.click()
    page.locator(".view article").nth(1).wait_for()
    boxes = [article.bounding_box() for article in page.locator(".view article").all()]
    assert len(boxes) == 2
    assert boxes[0]["y"] == boxes[1]["y"]
    assert boxes[0]["x"] < boxes[1]["x"]


def test_the_keyboard_is_enough(visit: Visit, everyday_file: Path) -> None:
    page = visit(everyday_file)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the hypotheses"
    page.keyboard.press("/")
    page.keyboard.type("question 1")
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    first = page.inner_text(".view h4")
    page.keyboard.press("j")
    page.wait_for_function("text => document.querySelector('.view h4').textContent !== text", arg=first)
    page.keyboard.press("k")
    page.wait_for_function("text => document.querySelector('.view h4').textContent === text", arg=first)
    page.keyboard.press("r")
    page.wait_for_function(VIEW_FOLLOWS)
    refuted(page).locator("summary").first.focus()
    page.keyboard.press("Enter")
    assert refuted(page).get_attribute("open") is None


def test_it_prints_with_everything_open(visit: Visit, everyday_file: Path, tmp_path: Path) -> None:
    page = visit(everyday_file)
    page.pdf(path=tmp_path / "page.pdf")
    assert (tmp_path / "page.pdf").read_bytes().count(b"/Type /Page") > 10
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details.hypothesis > dl").last.is_visible()
    assert page.locator("details.hypothesis article.trial:visible").count() >= 25
    assert not page.locator("#browser").is_visible()
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("details.hypothesis[open]").count() == 1


def test_it_reads_without_scripts(visit: Visit, everyday_file: Path) -> None:
    page = visit(everyday_file, java_script_enabled=False)
    assert page.locator(".overview svg").count() >= 30
    assert refuted(page).locator("article.trial").first.is_visible()
    assert page.get_by_text("Their browser needs JavaScript").is_visible()
    assert page.locator("[data-copy]:visible, #browser:visible").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("file", ["everyday_file", "hostile_file", "without_file", "attacked_file"])
def test_axe_finds_nothing_serious(
    visit: Visit, request: pytest.FixtureRequest, file: str, scheme: str
) -> None:
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="pip install axe-playwright-python"
    )
    page = visit(request.getfixturevalue(file), "transcripts:", color_scheme=scheme)
    page.locator(f"{ROWS} a").first.click()
    page.locator("details.hypothesis").nth(2).evaluate("it => { it.open = true; }")
    found = axe.Axe().run(page).response["violations"]
    serious = [(it["id"], it["nodes"][0]["html"]) for it in found if it["impact"] in ("serious", "critical")]
    assert serious == []


def test_what_a_search_found_is_read_as_a_table(visit: Visit, attacked_file: Path) -> None:
    page = visit(attacked_file)
    page.locator("details.hypothesis").first.evaluate("it => { it.open = true; }")
    table = page.get_by_role("table", name="Cases that seemed to break the claim")
    assert table.get_by_role("columnheader").count() == 7
    assert table.get_by_role("rowheader").first.inner_text().startswith('"poem base64"')
    assert table.get_by_role("row").count() == 4
    assert page.get_by_role("heading", level=3, name="What the search found").is_visible()


def test_hostile_texts_run_nothing_and_are_shown(visit: Visit, hostile_file: Path) -> None:
    page = visit(hostile_file)
    shown = page.inner_text("main")
    for at in range(len(HOSTILE_TEXTS)):
        page.evaluate(f"location.hash = 'h{at + 1}-t0'")
        page.wait_for_function("at => document.querySelector('.view a')?.hash === `#h${at + 1}`", arg=at)
        shown += page.inner_text(".view")
        for mark in ("a script", "onerror", "javascript:", r"\x1b[31m", r"\u202e", "{{ 7 * 7 }}", "<style>"):
            if mark.replace(r"\x1b", "\x1b").replace(r"\u202e", "\u202e") in HOSTILE_TEXTS[at]:
                assert mark in page.inner_text(".view")
    assert page.evaluate("window.hit") is None
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", shown)
    assert (
        page.locator(
            "img, iframe, object, form[action], a[href^='javascript:'], [onerror], [onload], base"
        ).count()
        == 0
    )
    assert page.locator("script").count() == 2
    assert page.locator("style").count() == 1
    links = page.evaluate("[...document.links].map(link => link.getAttribute('href')[0])")
    assert set(links) == {"#"}


def test_the_policy_stops_what_would_slip_through(chromium: Any, hostile_file: Path) -> None:
    page = chromium.new_page()
    page.goto(f"file://{hostile_file}")
    page.evaluate(
        """() => {
            document.body.insertAdjacentHTML('beforeend', '<img src=x onerror="window.hit = 1">');
            const script = document.createElement('script');
            script.textContent = 'window.hit = 2';
            document.body.append(script);
        }"""
    )
    assert page.evaluate("window.hit") is None
    assert page.evaluate("fetch('https://example.org').then(() => 'sent', () => 'refused')") == "refused"
    page.close()
