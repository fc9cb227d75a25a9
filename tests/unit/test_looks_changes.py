"""What counts as a change between two looks at the same draws, and what does not."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from pytest_velo import rate
from pytest_velo.bodies.shape import body_digest
from pytest_velo.cache.store import Store
from pytest_velo.records import Invalid
from pytest_velo.runner.looks import Looks
from pytest_velo.runner.result import result_of


@pytest.mark.hypothesis
def original(model):
    """Words."""
    return model("q").answers("yes")


@pytest.mark.velo(max_trials=7)
@pytest.mark.hypothesis("another claim")
def marked_anew(model):
    """Other words."""
    # And a comment.
    return model("q").answers("yes")  # and another


def undocumented(model):
    return model("q").answers("yes")


def another_prompt(model):
    return model("r").answers("yes")


def another_default(model, limit=3):
    return model("q").answers("yes")


def test_marks_words_and_layout_are_no_part_of_a_body() -> None:
    assert body_digest(original) == body_digest(marked_anew) == body_digest(undocumented)


@pytest.mark.parametrize("other", [another_prompt, another_default])
def test_what_a_body_does_is(other) -> None:
    assert body_digest(undocumented) != body_digest(other)


def test_a_body_without_source_has_no_digest() -> None:
    assert body_digest(len) == ""


@pytest.fixture
def store(tmp_path):
    opened = Store.open(tmp_path / "draws.sqlite")
    yield opened
    opened.close()


def look(store, sample, hypothesis, n_cached=1):
    looks = Looks(store, hypothesis)
    run = asyncio.run(sample(hypothesis))
    return looks.note(run, replace(result_of(run), n_cached=n_cached)).notices


async def body(case, arm, trial):
    return trial.index % 2 == 0


@pytest.mark.parametrize(
    "change",
    [
        {"alpha": 0.4},
        {"beta": 0.01},
        {"margin": 0.2},
        {"min_units": 7},
        {"invalid": Invalid.EXCLUDE},
        {"set_digest": "other cases"},
        {"claim": rate <= 0.5},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_changed_design_on_draws_already_seen_is_exploratory(
    make_hypothesis, sample, store, change
) -> None:
    assert look(store, sample, make_hypothesis(body)) == ()
    (notice,) = look(store, sample, make_hypothesis(body, **{"claim": rate >= 0.5, **change}))
    assert notice.startswith("exploratory: the design")


def test_a_changed_design_on_fresh_draws_is_not(make_hypothesis, sample, store) -> None:
    look(store, sample, make_hypothesis(body))
    assert look(store, sample, make_hypothesis(body, alpha=0.4), n_cached=0) == ()


def test_an_edited_threshold_costs_nothing(make_hypothesis, sample, store) -> None:
    look(store, sample, make_hypothesis(body))
    assert look(store, sample, make_hypothesis(body, claim=rate >= 0.6)) == ()


def test_a_design_for_any_horizon_after_a_look_is_not_said_to_be_by_a_keyword_alone(
    make_hypothesis, sample, store
) -> None:
    """e-BH extends too: the notice spoke of `extend=True`, which nobody had written."""
    look(store, sample, make_hypothesis(body))
    (notice,) = look(store, sample, make_hypothesis(body, extend=True))
    assert notice.startswith("exploratory: a design that holds at any horizon (extend=True, or e-BH)")
