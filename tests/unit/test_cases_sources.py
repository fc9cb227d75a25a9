"""What `cases=` takes, and what is said when it is given something else."""

import csv
import json
import random
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest

from pytest_velo.case_sets import Case, cases, is_strategy, load
from pytest_velo.errors import UsageError


@pytest.fixture
def read(tmp_path):
    """Load a source with the test's folder as its base."""

    def reading(source, **options):
        return load(source, base=tmp_path, **options)

    return reading


@pytest.fixture
def write(tmp_path):
    def writing(name, content):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return writing


ROWS = '{"question": "2 + 2?", "wrong": "5"}\n{"question": "3 + 3?", "wrong": "7"}\n'


# Lists


def test_rows_become_cases_and_other_values_stay():
    loaded = load([{"q": "a"}, "text", 7, ("x", 1), None], base=Path())
    assert loaded.items == (Case({"q": "a"}), "text", 7, ("x", 1), None)
    assert loaded.ids == ("0", "1", "2", "3", "4")
    assert loaded.default_over == "cases"
    assert loaded.groups is None
    assert len(loaded) == 5


def test_digests_tell_contents_apart_and_equal_contents_are_equal():
    loaded = load([{"a": 1}, {"a": 1.0}, {"a": True}, {"a": 1}], base=Path())
    assert len(set(loaded.digests)) == 3
    assert loaded.digests[0] == loaded.digests[3]


def test_the_sets_digest_depends_on_content_and_groups_only():
    one = load([{"a": 1, "g": "x"}, {"a": 2, "g": "y"}], base=Path())
    assert load(({"g": "x", "a": 1}, {"g": "y", "a": 2}), base=Path("elsewhere")).digest == one.digest
    assert load([{"a": 1, "g": "x"}, {"a": 3, "g": "y"}], base=Path()).digest != one.digest
    grouped = load(cases([{"a": 1, "g": "x"}, {"a": 2, "g": "y"}], group="g"), base=Path())
    assert grouped.digest != one.digest


def test_lists_are_not_cut_by_max_n():
    assert len(load(list(range(500)), base=Path(), max_n=10)) == 500


WORDS = {"tea", "rain", "snow", "bread", "salt", "7"}


@pytest.mark.parametrize("source", [WORDS, frozenset(WORDS), lambda: set(WORDS)])
def test_a_set_comes_in_the_order_of_its_digests(source):
    # The set's own order is another one in every process (PYTHONHASHSEED).
    found = load(source, base=Path())
    assert set(found.items) == WORDS
    assert list(found.digests) == sorted(found.digests)
    assert found.ids == ("0", "1", "2", "3", "4", "5")
    assert found.default_over == "cases"
    assert load(cases(source, n=2), base=Path()).items == found.items[:2]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ([], "the source is empty"),
        ({"a": 1}, "got a dict"),
        ({object(), 1}, "a set has no order"),
        (7, "got a int"),
        (None, "got a NoneType"),
        (iter([1]), "an iterator, which can be read only once"),
        ("s3://some/data", "is not a source of cases"),
        ("rows.xlsx", "is not a source of cases"),
        ("just text", "is not a source of cases"),
    ],
)
def test_what_is_no_source(read, source, said):
    with pytest.raises(UsageError, match=said) as caught:
        read(source)
    assert caught.value.fix


def test_the_error_says_which_sources_there_are(read):
    with pytest.raises(UsageError) as caught:
        read("s3://some/data")
    for word in ("list", "function", ".jsonl", ".csv", "strategy"):
        assert word in caught.value.fix


# Unstable contents


class Opaque:
    pass


@dataclass
class Prompt:
    text: str


def test_a_dataclass_has_stable_content():
    assert load([Prompt("a")], base=Path()).items == (Prompt("a"),)


def test_an_object_without_stable_content_needs_an_id():
    first, second = Opaque(), Opaque()
    with pytest.raises(UsageError, match="cannot be identified") as caught:
        load([first, second], base=Path())
    assert caught.value.where == "case 0"
    assert "id=" in caught.value.fix
    named = {id(first): "first", id(second): "second"}
    loaded = load(cases([first, second], id=lambda case: named[id(case)]), base=Path())
    assert loaded.ids == ("first", "second")
    assert loaded.items == (first, second)
    assert len(set(loaded.digests)) == 2


# Case


def test_a_misspelt_field_names_the_nearest():
    case = Case({"question": "q", "wrong": "w"})
    with pytest.raises(AttributeError, match=r"no field 'qestion'(.|\n)*did you mean 'question'"):
        _ = case.qestion
    with pytest.raises(KeyError):
        _ = case["nope"]
    with pytest.raises(UsageError):
        _ = case["nope"]
    assert getattr(case, "nope", 1) == 1
    assert case.get("nope", 2) == 2


def test_a_field_wins_over_a_method():
    case = Case({"keys": "k", "get": "g", "items": "i"})
    assert (case.keys, case.get, case.items) == ("k", "g", "i")


def test_a_case_is_frozen():
    case = Case({"a": 1})
    with pytest.raises(UsageError, match="frozen"):
        case.a = 2
    with pytest.raises(UsageError, match="frozen"):
        del case.a
    assert case.a == 1


def test_a_case_unpacks_and_compares():
    case = Case({"a": 1, "b": 2})
    assert dict(**case) == {"a": 1, "b": 2}
    assert list(case) == ["a", "b"]
    assert len(case) == 2
    assert "a" in case
    assert case == Case({"b": 2, "a": 1})
    assert case != {"a": 1, "b": 2}


# Files


def test_jsonl(read, write):
    write("q.jsonl", ROWS + "\n   \n" + '"plain text"\n[1, 2]')
    loaded = read("q.jsonl")
    assert loaded.items[0].wrong == "5"
    assert loaded.items[2:] == ("plain text", [1, 2])
    assert loaded.default_over == "cases"


@pytest.mark.parametrize("name", ["q.jsonl", "q.csv"])
def test_bom_and_crlf(read, write, name):
    text = ROWS if name.endswith("jsonl") else 'question,wrong\n2 + 2?,5\n"3 + 3?",7\n'
    write(name, b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    assert [(case.question, case.wrong) for case in read(name).items] == [("2 + 2?", "5"), ("3 + 3?", "7")]


def test_a_path_and_a_nested_one(read, write, tmp_path):
    (tmp_path / "data").mkdir()
    write("data/q.jsonl", ROWS)
    assert len(read(Path("data/q.jsonl"))) == 2
    assert len(read(tmp_path / "data" / "q.jsonl")) == 2


def test_a_cell_may_hold_a_whole_book(read, write):
    limit = csv.field_size_limit()
    write("q.csv", f"text\n{'long ' * 30_000}\n")
    assert len(read("q.csv").items[0].text) == 150_000
    assert csv.field_size_limit() == limit


def test_csv_cells_are_text_and_may_hold_line_breaks(read, write):
    write("q.csv", 'text,n\n"two\nlines, ""quoted""",1\n\nlast,2\n')
    assert [(case.text, case.n) for case in read("q.csv").items] == [
        ('two\nlines, "quoted"', "1"),
        ("last", "2"),
    ]


@pytest.mark.parametrize(
    ("name", "content", "where", "said"),
    [
        ("a.jsonl", '{"a": 1}\n{"a": }\n', "a.jsonl:2", "not JSON"),
        ("a.jsonl", '{"a": NaN}\n', "a.jsonl:1", "not JSON"),
        ("a.jsonl", '{"a": 1} {"a": 2}\n', "a.jsonl:1", "not JSON"),
        ("a.csv", "a,b\n1,2\n1,2,3\n", "a.csv:3", "3 cells, the header has 2"),
        ("a.csv", "a,b\n1\n", "a.csv:2", "1 cells, the header has 2"),
        ("a.csv", "", "a.csv:1", "names no columns"),
        ("a.csv", "a,,c\n1,2,3\n", "a.csv:1", "names no columns"),
        ("a.csv", "a,a\n1,2\n", "a.csv:1", "is not a header"),
        ("a.csv", "a, a\n1,2\n", "a.csv:1", "is not a header"),
        ("a.csv", "1,2.5\n3,4\n", "a.csv:1", "is not a header"),
        ("a.csv", 'a,b\n1,"2\n', "a.csv:2", "not CSV"),
        ("a.csv", "a,b\n", "a.csv", "no cases"),
        ("a.jsonl", "", "a.jsonl", "no cases"),
    ],
)
def test_a_malformed_file_is_located(read, write, name, content, where, said):
    write(name, content)
    with pytest.raises(UsageError, match=said) as caught:
        read(name)
    assert caught.value.where == where
    assert caught.value.fix


def test_a_file_that_is_not_utf8(read, write):
    write("a.jsonl", '{"a": "é"}'.encode("latin-1"))
    with pytest.raises(UsageError, match="not UTF-8"):
        read("a.jsonl")


def test_a_missing_file_names_the_nearest(read, write):
    write("questions.jsonl", ROWS)
    with pytest.raises(UsageError, match=r"there is no file 'question\.jsonl'") as caught:
        read("question.jsonl")
    assert caught.value.fix == "did you mean 'questions.jsonl'?"


def test_a_missing_folder(read):
    with pytest.raises(UsageError, match="there is no file"):
        read("nowhere/q.jsonl")


# Functions


def test_a_function_that_returns_a_list():
    loaded = load(lambda: [1, 2, 3], base=Path())
    assert (loaded.items, loaded.default_over, loaded.endless) == ((1, 2, 3), "cases", False)


def test_a_generator_that_ends_is_a_population_read_whole():
    def pairs():
        yield from ({"a": a, "b": b} for a in range(9) for b in range(9))

    loaded = load(pairs, base=Path(), max_n=5)
    assert (len(loaded), loaded.default_over, loaded.endless) == (81, "population", False)


def drawn(rng):
    while True:
        yield {"x": rng.randrange(1000)}


def test_a_generator_with_rng_is_seeded_and_grows_without_changing():
    short, long = (load(drawn, base=Path(), seed=1, max_n=n) for n in (10, 300))
    assert long.items[:10] == short.items
    assert long.digest == short.digest
    assert (len(short), len(long), short.default_over, short.endless) == (10, 300, "population", True)
    assert load(drawn, base=Path(), seed=2, max_n=10).items != short.items


def test_a_list_function_with_rng_is_seeded():
    def sample(rng):
        return rng.sample(range(100), 5)

    assert load(sample, base=Path(), seed=3).items == load(sample, base=Path(), seed=3).items
    assert load(sample, base=Path(), seed=4).items != load(sample, base=Path(), seed=3).items


def test_the_global_generator_is_left_alone():
    before = random.getstate()
    load(drawn, base=Path(), max_n=10)
    assert random.getstate() == before


def test_n_makes_an_endless_source_a_fixed_set():
    loaded = load(cases(drawn, n=30), base=Path(), max_n=5)
    assert (len(loaded), loaded.endless, loaded.default_over) == (30, False, "population")


def needs(model):
    return [model]


def breaks():
    yield 1
    raise RuntimeError("no more")


async def coroutine():
    return [1]


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (needs, "the function needs requires model"),
        (breaks, "the function breaks raised RuntimeError: no more"),
        (lambda: 1 / 0, "raised ZeroDivisionError"),
        (lambda: "text", "returned a str"),
        (coroutine, "returned a coroutine"),
        (lambda: count(), "does not end"),
        (list, "got a type"),
    ],
    ids=["parameter", "raises later", "raises", "text", "async", "endless", "class"],
)
def test_functions_that_give_no_cases(function, said):
    with pytest.raises(UsageError, match=said):
        load(function, base=Path())


# Options

PEOPLE = [{"name": "Ann", "team": 1}, {"name": "Bob", "team": 2}, {"name": "Cy", "team": 1}]


def test_id_and_group_by_field_and_function():
    by_field = load(cases(PEOPLE, id="name", group="team"), base=Path())
    assert (by_field.ids, by_field.groups) == (("Ann", "Bob", "Cy"), ("1", "2", "1"))
    assert by_field.default_over == "population"
    by_function = load(cases(PEOPLE, id=lambda case: case.name[0], group=lambda case: case.team), base=Path())
    assert (by_function.ids, by_function.groups) == (("A", "B", "C"), ("1", "2", "1"))


def test_ids_do_not_change_digests():
    assert load(cases(PEOPLE, id="name"), base=Path()).digest == load(PEOPLE, base=Path()).digest


def test_a_field_called_id_names_the_cases_if_it_can():
    assert load([{"id": "x"}, {"id": 7}], base=Path()).ids == ("x", "7")
    assert load([{"id": "x"}, {"id": "x"}], base=Path()).ids == ("0", "1")
    assert load([{"id": "x"}, {"other": 1}], base=Path()).ids == ("0", "1")


def test_rename_filter_and_n_in_this_order():
    options = cases(PEOPLE, rename={"name": "who"}, filter=lambda case: case.who != "Ann", n=1)
    assert load(options, base=Path()).items == (Case({"who": "Bob", "team": 2}),)


def test_rename_may_swap():
    assert load(cases([{"a": 1, "b": 2}], rename={"a": "b", "b": "a"}), base=Path()).items == (
        Case({"b": 1, "a": 2}),
    )


@pytest.mark.parametrize(
    ("options", "where", "said"),
    [
        ({"id": "team"}, "case 2", "the id '1' is already used by case 0"),
        ({"id": "nane"}, "case 0", "no field 'nane' for id="),
        ({"group": "city"}, "case 0", "no field 'city' for group="),
        ({"group": lambda case: None}, "case 0", "group= gave None"),
        ({"group": lambda case: case.tean}, "case 0", "group= failed: the case has no field 'tean'"),
        ({"rename": {"nam": "n"}}, "case 0", "rename= names 'nam'"),
        ({"rename": {"name": "team"}}, "case 0", "make a second field 'team'"),
        ({"filter": lambda case: False}, "cases", "filter= removed all"),
        ({"filter": lambda case: case / 0}, "case 0", "filter= failed: TypeError"),
    ],
)
def test_options_that_do_not_fit(options, where, said):
    with pytest.raises(UsageError, match=said) as caught:
        load(cases(PEOPLE, **options), base=Path())
    assert caught.value.where == where


def test_the_row_of_a_file_is_named(read, write):
    write("p.jsonl", "\n".join(map(json.dumps, [*PEOPLE, {"name": "Di"}])))
    with pytest.raises(UsageError, match="no field 'team' for group=") as caught:
        read(cases("p.jsonl", group="team"))
    assert caught.value.where == "p.jsonl:4"


def test_a_field_option_needs_fields():
    with pytest.raises(UsageError, match="names a field, but the case is 'a'") as caught:
        load(cases(["a"], id="name"), base=Path())
    assert "function" in caught.value.fix


@pytest.mark.parametrize(
    "options",
    [{"n": 0}, {"n": True}, {"n": "5"}, {"id": 5}, {"group": 5}, {"filter": "x"}, {"rename": ["a"]}],
)
def test_options_of_the_wrong_kind(options):
    with pytest.raises(UsageError):
        cases(PEOPLE, **options)


def test_cases_of_cases():
    with pytest.raises(UsageError, match="nested"):
        cases(cases(PEOPLE))


def test_fields_that_are_not_text():
    with pytest.raises(UsageError, match="name is 1, which is not a string"):
        load([{1: "a"}], base=Path())


def test_a_filter_that_drops_everything_of_an_endless_source_ends():
    with pytest.raises(UsageError, match="dropped 10000"):
        load(cases(drawn, filter=lambda case: False), base=Path())


def test_is_strategy_is_false_without_the_library():
    assert not is_strategy([1])
    assert not is_strategy(cases([1]))
    assert not is_strategy(None)


def test_ids_of_an_endless_source_do_not_depend_on_how_many_are_drawn():
    def repeating(rng):
        yield from ({"id": n % 50} for n in range(1000))

    short, long = (load(repeating, base=Path(), max_n=n) for n in (30, 200))
    assert long.ids[:30] == short.ids
