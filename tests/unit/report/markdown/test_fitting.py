"""A document below a size: whole items are left out, the last first, and their number is said."""

from __future__ import annotations

from pytest_velo.report.markdown.fitting import Section, fitted


def section(name: str, *items: tuple[str, ...]) -> Section:
    return Section(head=f"{name}:", items=items, more="+{n}")


def test_everything_is_there_where_it_fits() -> None:
    text = fitted("head ", [section("a", ("1",), ("2",)), section("empty")], " foot", 1_000)
    assert text == "head a:12 foot"


def test_the_last_items_are_left_out_first_and_counted() -> None:
    items = [(str(n) * 10,) for n in range(9)]
    text = fitted("head ", [section("a", *items)], " foot", 60)
    assert text == "head a:" + "0" * 10 + "1" * 10 + "2" * 10 + "+6 foot"
    assert len(text) <= 60


def test_an_item_that_does_not_fit_in_full_may_come_shorter() -> None:
    text = fitted("", [section("a", ("long" * 5, "l"), ("long" * 5, "l"))], "", 40)
    assert text == "a:" + "long" * 5 + "l"


def test_a_long_section_leaves_half_of_the_room_to_those_after_it() -> None:
    rows = [("r" * 10,)] * 100
    text = fitted("", [section("rows", *rows), section("why", *[("w" * 10,)] * 100)], "", 400)
    assert 12 <= text.count("r" * 10) <= 20
    assert 12 <= text.count("w" * 10) <= 25
    assert len(text) <= 400


def test_a_long_section_has_all_the_room_that_others_do_not_need() -> None:
    text = fitted("", [section("rows", *[("r" * 10,)] * 100), section("why", ("w",))], "", 400)
    assert text.count("r" * 10) > 30
    assert "why:w" in text


def test_bytes_are_counted_not_characters() -> None:
    text = fitted("", [section("a", *[("日本",)] * 100)], "", 100)
    assert 80 < len(text.encode()) <= 100
    assert text.startswith("a:日本日本")
