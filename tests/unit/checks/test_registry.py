"""All checks: codes, pages, rates; looking, silencing."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_velo.checks.check import Check, Remark, Seen, When
from pytest_velo.checks.pages import file_of, page_of, rates
from pytest_velo.checks.registry import OURS, check_silence, known_checks, look, needless
from pytest_velo.errors import UsageError
from pytest_velo.found import Level
from support.documents import DOCS
from support.seen import seen


def says(seen: Seen) -> Iterator[Remark]:
    yield Remark(message="said", cases=(str(n) for n in range(100)))


def fails(seen: Seen) -> Iterator[Remark]:
    raise ZeroDivisionError("no")
    yield


MINE = Check(code="X01", name="mine", sees="It says so.", look=says, level=Level.WARNING)


@pytest.mark.parametrize("check", OURS, ids=lambda check: check.code)
def test_each_check_has_a_page_with_its_measured_rates(check: Check) -> None:
    page = page_of(check.code, check.name)
    assert page.startswith(f"# {check.code}: {check.name}\n")
    assert check.page.endswith(f"/docs/checks/{file_of(check.code, check.name)}")
    measured = rates()[check.code]
    assert measured.keys() == {"detection", "false_alarms"}
    for rate in measured.values():
        assert f"{rate['found']} of {rate['n']} ({rate['low']:.1%} to {rate['high']:.1%})" in page


def test_codes_are_those_of_one_check_each_and_in_order() -> None:
    codes = [check.code for check in OURS]
    assert codes == sorted(set(codes))
    assert all(re.fullmatch(r"F\d\d", code) for code in codes)


def test_there_is_no_page_without_a_check() -> None:
    pages = {path.name for path in (DOCS / "checks").glob("F*.md")}
    assert pages == {file_of(check.code, check.name) for check in OURS}


def test_the_rates_name_checks_only() -> None:
    text = (DOCS / "checks" / "rates.json").read_text(encoding="utf-8")
    assert set(json.loads(text)["checks"]) <= {check.code for check in OURS}


def test_two_checks_with_one_code_are_refused() -> None:
    with pytest.raises(UsageError, match="two checks have the code F05"):
        known_checks([[Check(code="F05", name="other", sees="", look=says)]])


def test_a_code_that_no_check_has_is_refused_with_the_nearest() -> None:
    with pytest.raises(UsageError) as caught:
        check_silence({"F5": "why"}, OURS)
    assert "F05" in caught.value.fix


def test_what_is_found_names_the_first_cases_only() -> None:
    (found,) = look([MINE], When.AFTER, seen(), {})
    assert len(found.cases) == 20
    assert found.counts
    assert found.fails(strict=True)
    assert not found.fails(strict=False)
    assert [*look([MINE], When.BEFORE, seen(), {})] == []


def test_what_is_silenced_has_its_reason_and_does_not_count() -> None:
    (found,) = look([MINE], When.AFTER, seen(), {"X01": "we know"})
    assert found.silenced == "we know"
    assert not found.counts


def test_a_silence_that_is_not_needed_is_said() -> None:
    (found,) = needless([], [MINE], {"X01": "we know"})
    assert found.level is Level.NOTE
    assert [*needless([found], [MINE], {"X01": "we know"})] == []


def test_a_check_that_fails_ends_nothing_and_says_so() -> None:
    broken = Check(code="X02", name="broken", sees="", look=fails, level=Level.WARNING)
    (found,) = look([broken], When.AFTER, seen(), {})
    assert found.level is Level.NOTE
    assert "ZeroDivisionError: no" in found.message


def test_a_remark_is_never_above_the_level_of_its_check() -> None:
    assert MINE.found(Remark(message="", level=Level.ERROR)).level is Level.WARNING
    assert MINE.found(Remark(message="", level=Level.NOTE)).level is Level.NOTE


def test_pages_are_looked_for_in_an_installed_package_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pytest_velo.checks.pages._HERE", tmp_path)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "F05-duplicate-cases.md").write_text("installed", encoding="utf-8")
    assert page_of("F05", "duplicate cases") == "installed"
    with pytest.raises(UsageError, match="no page of F06"):
        page_of("F06", "constant answer")
