"""`velo try`: what is printed, what is kept, and how it ends."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from pytest_velo import scripted
from pytest_velo.cli.main import main
from pytest_velo.interactive import session
from pytest_velo.records import FinishReason, Reply


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in [*os.environ]:
        if name in ("CI", "PYTEST_ADDOPTS") or name.startswith(("VELO_", "OPENAI_")):
            monkeypatch.delenv(name)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(session, "_process", session._Process())
    scripted("guide", lambda request: "Paris." if "France" in request.messages[-1]["content"] else "Rome.")
    scripted("liar", ["Lyon."])
    scripted("cutter", lambda request: Reply(text="The cap", finish_reason=FinishReason.LENGTH))
    yield
    session.close_all()


def velo(*arguments: str, **options: str) -> Result:
    """Run the command."""
    return CliRunner().invoke(main, ["try", *arguments], **options)


FRANCE = "What is the capital of France?"


def test_answers_as_they_come_then_what_is_alike() -> None:
    said = velo(FRANCE, "--model=scripted/guide", "-n", "3")
    assert said.exit_code == 0
    assert said.stderr == ""
    lines = said.stdout.splitlines()
    assert lines[:6] == ["- Paris."] * 3 + ["", "scripted/guide: 3 replies", "  3 of 3  Paris."]
    assert lines[6].startswith("3 calls · $0.00 · ")
    assert "--save=test_idea.py" in lines[7]


def test_models_are_named_and_side_by_side() -> None:
    said = velo(FRANCE, "-m", "scripted/guide", "-m", "scripted/liar", "-n", "2").stdout.splitlines()
    assert {*said[:4]} == {"- scripted/guide: Paris.", "- scripted/liar: Lyon."}
    assert said[5].split() == ["scripted/guide:", "2", "replies", "scripted/liar:", "2", "replies"]
    assert said[6].split() == ["2", "of", "2", "Paris.", "2", "of", "2", "Lyon."]


def test_the_prompt_comes_from_the_standard_input() -> None:
    scripted("echo", lambda request: repr(request.messages[-1]["content"]))
    assert "- 'Two\\nlines'" in velo("-", "-m", "scripted/echo", "-n", "1", input="Two\nlines\n").stdout


def test_cases_fill_the_prompt_and_are_named(tmp_path: Path) -> None:
    (tmp_path / "lands.jsonl").write_text('{"land": "France"}\n{"land": "Italy"}\n')
    said = velo("The capital of {land}?", "--cases=lands.jsonl", "-m", "scripted/guide").stdout
    assert "  case 0: land='France'\n  1 of 1  Paris.\n  case 1: land='Italy'\n  1 of 1  Rome.\n" in said


def test_what_does_not_count_is_marked_and_the_option_is_named() -> None:
    said = velo(FRANCE, "-m", "scripted/cutter", "-n", "2")
    assert said.exit_code == 0
    assert "- [invalid] The cap" in said.stdout
    assert "scripted/cutter: 2 replies, 2 invalid" in said.stdout
    assert "--allow-cut" in said.stdout
    assert "allow_cut" not in said.stdout
    assert "invalid" not in velo(FRANCE, "-m", "scripted/cutter", "-n", "2", "--allow-cut").stdout


def test_a_saved_test_asks_the_same(tmp_path: Path) -> None:
    said = velo(FRANCE, "-m", "scripted/guide", "--system=Be brief.", "--save=test_capital.py", "-n", "4")
    source = (tmp_path / "test_capital.py").read_text()
    assert 'PROMPT = "What is the capital of France?"\nSYSTEM = "Be brief."\n' in source
    assert 'rate >= 0.8, models=["scripted/guide"]' in source
    assert "async def test_capital(model):" in source
    assert '"""The model answers "Paris"."""' in source
    assert said.stdout.splitlines()[-2:] == [
        "wrote test_capital.py, whose first 4 trials make no call: the draws are there",
        "  pytest -m hypothesis test_capital.py",
    ]


def test_the_command_that_goes_on_has_the_seed_of_the_draws() -> None:
    said = velo(FRANCE, "-m", "scripted/guide", "-n", "1", "--seed=3", "--save=test_a.py").stdout
    assert said.splitlines()[-1] == "  pytest -m hypothesis test_a.py --velo-seed=3"


def test_where_tests_draw_afresh_nothing_else_is_promised(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\nvelo_profile = confirm\n")
    said = velo(FRANCE, "-m", "scripted/guide", "-n", "1", "--save=test_a.py").stdout
    assert "draw afresh" in said
    assert "make no call" not in said


def test_where_tests_have_another_cache_it_is_said(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "pytest.ini").write_text("[pytest]\n")
    said = velo(FRANCE, "-m", "scripted/guide", "-n", "1", "--save=other/test_a.py")
    assert f"note: tests there use the cache {tmp_path / 'other' / '.pytest_velo'}" in said.stderr


def test_cases_are_named_from_where_the_test_is(tmp_path: Path) -> None:
    (tmp_path / "lands.jsonl").write_text('{"land": "France", "answer": "Paris"}\n')
    (tmp_path / "tests").mkdir()
    velo("Where is {land}?", "--cases=lands.jsonl", "-m", "scripted/guide", "--save=tests/test_lands.py")
    source = (tmp_path / "tests" / "test_lands.py").read_text()
    assert 'cases="../lands.jsonl"' in source
    assert 'model(f"Where is {case.land}?")' in source
    assert "reply.answers(case.answer)" in source


def test_nothing_is_asked_where_a_file_is_in_the_way(tmp_path: Path) -> None:
    asked: list[object] = []
    scripted("counted", lambda request: asked.append(request) or "yes")
    (tmp_path / "test_a.py").write_text("mine\n")
    said = velo(FRANCE, "-m", "scripted/counted", "--save=test_a.py")
    assert (said.exit_code, asked) == (1, [])
    assert "Error: test_a.py: this file exists already\n  fix: name another, or add --force" in said.stderr
    assert (tmp_path / "test_a.py").read_text() == "mine\n"
    assert velo(FRANCE, "-m", "scripted/counted", "--save=test_a.py", "--force").exit_code == 0
    assert "PROMPT" in (tmp_path / "test_a.py").read_text()
    said = velo(FRANCE, "-m", "scripted/counted", "--save=no/such/test_a.py")
    assert "its folder does not exist\n  fix: mkdir -p no/such" in said.stderr


def test_trouble_ends_with_what_came_and_the_same_command_goes_on(tmp_path: Path) -> None:
    said = velo(FRANCE, "-m", "scripted/guide", "-m", "scripted/unknown", "-n", "2", "--save=test_b.py")
    assert said.exit_code == 1
    assert "  2 of 2  Paris." in said.stdout
    assert "Error: model scripted/unknown: no replies are registered" in said.stderr
    assert "2 replies came and are kept; the same command goes on from there" in said.stderr
    assert "test_b.py was not written" in said.stderr
    assert not (tmp_path / "test_b.py").exists()


@pytest.mark.parametrize(
    ("arguments", "what", "fix"),
    [
        (["Hi"], "no model is set", "--model=local/smollm2-135m, the embedded model"),
        ([" "], "the prompt is empty", "velo try"),
        (["Hi", "-m", "guide"], "not a model id", "<endpoint>/<model>"),
        (["Hi", "-m", "scripted/guide", "--budget=much"], "'much'", "--budget=2.00"),
        (["Hi", "-m", "scripted/guide", "--budget=-1"], "dollars", "2.00"),
        (["Hi {a}", "-m", "scripted/guide", "--cases=none.jsonl"], "none.jsonl", ""),
        (["Hi", "-m", "openai/gpt-5-mini"], "OPENAI_API_KEY is not set", "local/smollm2-135m"),
    ],
)
def test_mistakes(arguments: list[str], what: str, fix: str) -> None:
    said = velo(*arguments)
    assert said.exit_code == 1
    assert said.stdout == ""
    assert what in said.stderr
    assert fix in said.stderr


def test_the_default_model_is_that_of_the_tests(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\nvelo_model = scripted/guide\n")
    assert "scripted/guide: 10 replies" in velo(FRANCE).stdout
