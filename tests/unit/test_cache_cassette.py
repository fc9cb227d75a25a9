"""Cassettes, and what is said of a miss."""

import asyncio
import json
import sys
from dataclasses import replace

import pytest

from pytest_velo.cache.cassette import export, load
from pytest_velo.cache.differences import explain_miss
from pytest_velo.cache.keys import request_key
from pytest_velo.cache.store import Store
from pytest_velo.errors import StoreError
from pytest_velo.records import Address, FinishReason, Reply, Request, ToolCall, Usage

DAY = "2026-11-01T00:00:00Z"


def ask(text, **parameters):
    return Request(
        api="local",
        endpoint="local",
        model="m",
        messages=({"role": "user", "content": text},),
        parameters=parameters,
    )


def place(request, slot="c:0:0", seed=0, stream=""):
    return Address(key=request_key(request), seed=seed, stream=stream, slot=slot)


@pytest.fixture
def store(tmp_path):
    opened = Store.open(tmp_path / "cache" / "draws.sqlite")

    async def fill():
        for text in ("one", "two"):
            for slot in ("c:1:0", "c:0:0"):
                reply = Reply(
                    text=f"{text} {slot}",
                    usage=Usage(output_tokens=2),
                    finish_reason=FinishReason.LENGTH,
                    tool_calls=(ToolCall(id="1", name="f", arguments=None),),
                    raw={"bulky": "x" * 1000},
                )
                await opened.put(ask(text), place(ask(text), slot), reply, DAY)

    asyncio.run(fill())
    yield opened
    opened.close()


@pytest.mark.parametrize("name", ["c.jsonl", "deep/c.jsonl.zst"])
def test_export_and_load(store, tmp_path, name):
    path = tmp_path / name
    assert export(store, None, path).n_draws == 4
    cassette = load(path)
    assert len(cassette) == 4
    draw = cassette.get(place(ask("two"), "c:1:0"))
    assert (draw.reply.text, draw.drawn_at, draw.reply.cached) == ("two c:1:0", DAY, True)
    assert draw.reply.usage == Usage(output_tokens=2)
    assert draw.reply.finish_reason is FinishReason.LENGTH
    assert draw.reply.tool_calls == (ToolCall(id="1", name="f", arguments=None),)
    assert draw.reply.raw == {}
    assert cassette.get(place(ask("two"), "c:2:0")) is None


def test_one_line_a_draw_sorted_and_the_same_bytes_again(store, tmp_path):
    export(store, None, tmp_path / "a.jsonl")
    export(store, [draw.address for _, draw in store.recorded()][::-1], tmp_path / "b.jsonl")
    text = (tmp_path / "a.jsonl").read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    places = [(line["key"], line["seed"], line["stream"], line["slot"]) for line in lines]
    assert places == sorted(places)
    assert list(lines[0]) == ["canon", "key", "seed", "stream", "slot", "request", "reply", "drawn_at"]
    assert "bulky" not in text
    assert '"cached"' not in text
    assert (tmp_path / "b.jsonl").read_text() == text


def test_import_into_another_store(store, tmp_path):
    export(store, None, tmp_path / "c.jsonl")
    other = Store.open(tmp_path / "other" / "draws.sqlite")
    assert other.put_many(load(tmp_path / "c.jsonl").recorded()) == 4
    assert other.put_many(load(tmp_path / "c.jsonl").recorded()) == 0
    assert [request for request, _ in other.recorded()] == [request for request, _ in store.recorded()]
    other.close()


def test_a_draw_that_is_not_in_the_store_is_an_error_and_writes_nothing(store, tmp_path):
    with pytest.raises(StoreError, match="1 of 2 draws are not in the store") as caught:
        export(store, [place(ask("one")), place(ask("three"))], tmp_path / "c.jsonl")
    assert "cassette import" in caught.value.fix
    assert not (tmp_path / "c.jsonl").exists()


def test_a_failed_write_leaves_the_old_file(store, tmp_path, monkeypatch):
    path = tmp_path / "c.jsonl"
    path.write_text("old")

    def fail(self, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(type(path), "replace", fail)
    with pytest.raises(StoreError, match="No space left"):
        export(store, None, path, replace_all=True)
    assert path.read_text() == "old"
    assert {entry.name for entry in tmp_path.iterdir()} == {"c.jsonl", "cache"}


def spoil(path, change):
    lines = path.read_text().splitlines()
    lines[2] = change(lines[2])
    path.write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda line: line[:-5], "not a recorded draw"),
        (lambda line: "<<<<<<< HEAD", "not a recorded draw"),
        (lambda line: line.replace('"text":', '"txt":'), "not a recorded draw"),
        (lambda line: line.replace('"canon":1', '"canon":2'), "another version"),
        (lambda line: line.replace('"role":"user"', '"role":"system"'), "edited by hand"),
    ],
    ids=["cut", "merge", "field", "newer", "edited"],
)
def test_a_spoilt_line_is_named(store, tmp_path, change, said):
    path = tmp_path / "c.jsonl"
    export(store, None, path)
    spoil(path, change)
    with pytest.raises(StoreError, match=said) as caught:
        load(path)
    assert caught.value.where == f"{path}:3"
    assert caught.value.fix


def test_a_line_twice_is_an_error(store, tmp_path):
    path = tmp_path / "c.jsonl"
    export(store, None, path)
    path.write_text(path.read_text() + path.read_text().splitlines()[0] + "\n")
    with pytest.raises(StoreError, match="earlier line records the same draw") as caught:
        load(path)
    assert caught.value.where == f"{path}:5"


def test_blank_lines_crlf_and_a_bom_are_read(store, tmp_path):
    path = tmp_path / "c.jsonl"
    export(store, None, path)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n\r\n"))
    assert len(load(path)) == 4


def test_a_separator_inside_text_does_not_split_a_line(store, tmp_path):
    request = ask("a\u2028b\x85c")
    asyncio.run(store.put(request, place(request), Reply(text="x\u2028y"), DAY))
    export(store, [place(request)], tmp_path / "c.jsonl")
    assert load(tmp_path / "c.jsonl").get(place(request)).reply.text == "x\u2028y"


def test_a_missing_file_is_an_error(tmp_path):
    with pytest.raises(StoreError, match="No such file"):
        load(tmp_path / "none.jsonl")


def test_a_zst_that_is_none(tmp_path):
    (tmp_path / "c.jsonl.zst").write_bytes(b"plain")
    with pytest.raises(StoreError, match="not a zstd file"):
        load(tmp_path / "c.jsonl.zst")


def test_without_zstandard_the_extra_is_named(tmp_path, monkeypatch):
    (tmp_path / "c.jsonl.zst").write_bytes(b"")
    monkeypatch.setitem(sys.modules, "zstandard", None)
    with pytest.raises(StoreError) as caught:
        load(tmp_path / "c.jsonl.zst")
    assert "pytest-velo[zstd]" in caught.value.fix


# What is said of a miss


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (ask("Hi?", temperature=1), "temperature 0.7 was recorded, 1 is asked for"),
        (ask("Hi?"), "temperature 0.7 was recorded and is not asked for now"),
        (ask("Hi?", temperature=0.7, seed=3), "seed 3 is asked for and was not recorded"),
        (ask("Ho?", temperature=0.7), "messages[0].content differs: 'Hi?' was recorded, 'Ho?' is asked for"),
        (
            replace(ask("Hi?", temperature=0.7), model="n"),
            "model differs: 'm' was recorded, 'n' is asked for",
        ),
        (ask("Hi?", temperature=0.7), "this request is recorded, but for another seed, stream or slot"),
    ],
    ids=["value", "gone", "new", "text", "model", "same"],
)
def test_what_changed_is_said(asked, said):
    assert (
        explain_miss(asked, [ask("something quite different", temperature=0.1), ask("Hi?", temperature=0.7)])
        == said
    )


def test_long_texts_are_shown_where_they_differ():
    old, new = "x" * 500 + "old" + "y" * 500, "x" * 500 + "new" + "y" * 500
    said = explain_miss(ask(new), [ask(old)])
    assert "'…xxxxxxxxxxxxoldyyy" in said
    assert "'…xxxxxxxxxxxxnewyyy" in said
    assert len(said) < 200


def test_many_differences_are_counted():
    said = explain_miss(ask("x", a=1, b=1, c=1, d=1, e=1), [ask("x")])
    assert said.endswith("; and 2 more")


def test_nothing_recorded():
    assert explain_miss(ask("x"), []) == "nothing is recorded"


@pytest.mark.parametrize(
    ("recorded", "asked", "said"),
    [
        ({"flag": 1}, {"flag": True}, "flag 1 was recorded, True is asked for"),
        (
            {"schema": {"least": 0}},
            {"schema": {"least": 0.0}},
            "schema.least 0 was recorded, 0.0 is asked for",
        ),
        ({"top_p": 1}, {"top_p": 1.0}, "this request is recorded, but for another seed, stream or slot"),
    ],
    ids=str,
)
def test_what_python_calls_equal_and_a_key_does_not_is_said(recorded, asked, said):
    same_key = request_key(ask("x", **recorded)) == request_key(ask("x", **asked))
    assert same_key == said.startswith("this request is recorded")
    assert explain_miss(ask("x", **asked), [ask("x", **recorded)]) == said


REORDERED = (
    " (another repeat of the same case: did the order of the cases change? A list made of a set has another"
    " one in every run: give the set itself, or sort it)"
)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"seed": 7}, "with seed 0, asked for with seed 7"),
        ({"stream": "fresh"}, "with stream '', asked for with stream 'fresh'"),
        ({"slot": "c:9:0"}, f"with slot 'c:0:0', asked for with slot 'c:9:0'{REORDERED}"),
        ({"slot": "d:0:0"}, "with slot 'c:0:0', asked for with slot 'd:0:0'"),
    ],
    ids=str,
)
@pytest.mark.parametrize("source", ["store", "cassette"])
def test_the_same_request_elsewhere_is_said(store, tmp_path, source, change, said):
    export(store, [place(ask("one"))], tmp_path / "c.jsonl")
    other = Store.open(tmp_path / "other" / "draws.sqlite")
    other.put_many(load(tmp_path / "c.jsonl").recorded())
    asked = other if source == "store" else load(tmp_path / "c.jsonl")
    wanted = replace(place(ask("one")), **change)
    assert asked.nearest_request(ask("one"), wanted) == f"the same request was recorded {said}"
    other.close()


@pytest.mark.parametrize("source", ["store", "cassette"])
def test_the_nearest_request_of_store_and_cassette(store, tmp_path, source):
    export(store, None, tmp_path / "c.jsonl")
    asked = store if source == "store" else load(tmp_path / "c.jsonl")
    said = asked.nearest_request(ask("one?"), place(ask("one?")))
    assert said == "messages[0].content differs: 'one' was recorded, 'one?' is asked for"


@pytest.mark.parametrize("kept", [0, 5, 100, -1])
def test_a_compressed_cassette_that_is_cut_is_not_an_empty_one(store, tmp_path, kept):
    path = tmp_path / "c.jsonl.zst"
    export(store, None, path)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(StoreError, match=r"truncated|not a zstd file") as caught:
        load(path)
    assert str(path) in caught.value.where
    assert caught.value.fix


def test_an_empty_compressed_cassette_is_whole(store, tmp_path):
    export(store, [], tmp_path / "c.jsonl.zst")
    assert len(load(tmp_path / "c.jsonl.zst")) == 0


# Merging


def lines_of(path):
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def test_an_export_keeps_the_draws_of_other_runs(store, tmp_path):
    file = tmp_path / "c.jsonl"
    first = export(store, [place(ask("one"))], file)
    assert (first.n_draws, first.n_added, first.n_kept) == (1, 1, 0)
    before = file.read_bytes()
    second = export(store, [place(ask("one")), place(ask("two"))], file)
    assert (second.n_draws, second.n_added, second.n_changed, second.n_kept) == (2, 1, 0, 0)
    third = export(store, [place(ask("two"))], file)
    assert (third.n_draws, third.n_added, third.n_changed, third.n_kept) == (1, 0, 0, 1)
    assert before in file.read_bytes(), "a line that is there stays as it is"
    assert len(load(file)) == 2
    keys = [line["key"] for line in lines_of(file)]
    assert keys == sorted(keys)


def test_an_export_that_replaces_counts_what_it_removes(store, tmp_path):
    file = tmp_path / "c.jsonl"
    export(store, [place(ask("one")), place(ask("two"))], file)
    merged = export(store, [place(ask("two"))], file, replace_all=True)
    assert (merged.n_draws, merged.n_added, merged.n_removed, merged.n_kept) == (1, 0, 1, 0)
    assert len(load(file)) == 1


def test_another_reply_at_the_same_address_is_counted_as_changed(store, tmp_path):
    file = tmp_path / "c.jsonl"
    export(store, [place(ask("one"))], file)
    (line,) = lines_of(file)
    line["reply"]["text"] = "something else"
    file.write_text(json.dumps(line) + "\n")
    merged = export(store, [place(ask("one"))], file)
    assert (merged.n_added, merged.n_changed, merged.n_kept) == (0, 1, 0)
    assert lines_of(file)[0]["reply"]["text"] != "something else"


def test_a_damaged_cassette_is_not_overwritten_unless_that_is_asked_for(store, tmp_path):
    file = tmp_path / "c.jsonl"
    file.write_text("<<<<<<< HEAD\n")
    with pytest.raises(StoreError, match=r"c\.jsonl:1") as caught:
        export(store, [place(ask("one"))], file)
    assert "--replace" in caught.value.fix
    assert file.read_text() == "<<<<<<< HEAD\n"
    assert export(store, [place(ask("one"))], file, replace_all=True).n_removed is None
    assert len(load(file)) == 1
