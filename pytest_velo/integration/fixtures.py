"""The fixtures: `velo`, its short forms `model`, `judge`, `case`, `arm`, `trial`, and the SDKs' clients.

`case`, `arm` and `trial` get a new value for each trial, so pytest sets up a placeholder for them that
refuses every use. The others are one object each, which finds the running trial itself.
Every pytest start imports this module; the objects behind the fixtures are in `body.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_velo import integration
from pytest_velo.integration.names import DEFAULTS_MARK, MARK, OURS

if TYPE_CHECKING:
    from pytest_velo.designing.supplies import Velo


def concerns_us(definition: Any) -> bool:
    """Tell cheaply whether a function item, or a metafunc's definition, may be a hypothesis."""
    if next(definition.iter_markers(MARK), None) is not None:
        return True
    return bool(set(OURS).intersection(definition.fixturenames))


def is_marked(item: pytest.Item) -> bool:
    """Tell cheaply whether an item is a hypothesis, or has the mark of one."""
    if item.get_closest_marker(DEFAULTS_MARK) is not None:
        return True
    return any(mark.args or mark.kwargs for mark in item.iter_markers(MARK))


@pytest.fixture
def velo(request: pytest.FixtureRequest) -> Velo:
    """Everything pytest-velo offers a body: model(...), judge, case, trial and invalid(why).

    Example:
        ```python
        import pytest
        from pytest_velo import rate, scripted

        WRITER = scripted("writer", ["Cats purr.", "Cats purr. Dogs bark."])
        READER = scripted("reader", lambda request: str(request.messages[-1]["content"].count(".")))


        @pytest.mark.hypothesis(rate >= 0.3, models=[WRITER])
        async def test_one_sentence(velo):
            "The writer writes a single sentence, as the reader counts them."
            text = await velo.model()("Write about pets, in one sentence.")
            return await velo.model(READER)(f"How many sentences are these: {text}") == "1"
        ```
    """
    return integration.velo_of(request.node)


@pytest.fixture
def model(request: pytest.FixtureRequest) -> Any:
    """The language model. An async body awaits `model(prompt)`, a plain one calls it.

    Example:
        ```python
        import pytest
        from pytest_velo import rate, scripted

        TEACHER = scripted("teacher", lambda request, rng: "word " * rng.randint(1, 55))


        @pytest.mark.hypothesis(rate >= 0.7, models=[TEACHER])
        async def test_it_is_brief(model):
            "Asked for fifty words, the model hardly ever uses more."
            reply = await model("Explain rain in fifty words.", temperature=1, max_tokens=200)
            assert len(reply.text.split()) <= 50
        ```
    """
    return integration.model_of(request.node, getattr(request, "param", None))


@pytest.fixture
def strategy(request: pytest.FixtureRequest) -> Any:
    """The language model, asked in the way of the rung of `ladder=` that is being sampled; called as `model`.

    Example:
        ```python
        import pytest
        from pytest_velo import rate, scripted
        from pytest_velo.elicit import best_of, zero_shot

        GUESSER = scripted("guesser", lambda request, rng: "12" if rng.random() < 0.7 else "13")


        @pytest.mark.hypothesis(rate >= 0.8, ladder=[zero_shot(), best_of(7, "majority")], models=[GUESSER])
        async def test_it_adds(strategy):
            "The model adds, if it may answer more than once."
            return await strategy("What is 7 + 5?") == "12"
        ```
    """
    return integration.strategy_of(request.node)


@pytest.fixture
def judge(request: pytest.FixtureRequest) -> Any:
    """A model that grades, yes or no (`judge(question, reply)`) or with a score (`judge.score`).

    It sees the conversation that led to the reply, unless `context=` says otherwise. `judge.validate` holds
    it against texts that people have labelled.

    Example:
        ```python
        import pytest
        from pytest_velo import rate, scripted


        def grade(request):
            polite = "Certainly" in request.messages[-1]["content"]
            return '{"answer": "yes"}' if polite else '{"answer": "no"}'


        CLERK = scripted("clerk", ["Certainly, sir.", "Certainly, madam.", "No."])


        @pytest.mark.hypothesis(rate >= 0.4, models=[CLERK], judge=scripted("judge", grade))
        async def test_the_clerk_is_polite(model, judge):
            "Asked for a receipt, the clerk is polite more often than not."
            return await judge("Is this polite?", await model("May I have a receipt?"))
        ```
    """
    return integration.judge_of(request.node)


@pytest.fixture
def openai_client(request: pytest.FixtureRequest) -> Any:
    """A client of the OpenAI SDK for the hypothesis's endpoint, for code that takes one.

    It is `openai.AsyncOpenAI` in an `async def` body and `openai.OpenAI` in a plain one. What it asks a model
    is drawn as by `model`: kept, replayed, within the budget, in the transcript.
    """
    return integration.client_of(request.node, "openai")


@pytest.fixture
def anthropic_client(request: pytest.FixtureRequest) -> Any:
    """A client of the Anthropic SDK for the hypothesis's endpoint, for code that takes one.

    It is `anthropic.AsyncAnthropic` in an `async def` body and `anthropic.Anthropic` in a plain one. What it
    asks a model is drawn as by `model`: kept, replayed, within the budget, in the transcript.
    """
    return integration.client_of(request.node, "anthropic")


@pytest.fixture
def case(request: pytest.FixtureRequest) -> Any:
    """The running trial's case.

    Example:
        ```python
        import pytest
        from pytest_velo import rate, scripted

        SUMS = [
            {"sum": "2 + 2", "answer": "4"},
            {"sum": "3 + 1", "answer": "4"},
            {"sum": "5 + 5", "answer": "10"},
        ]


        @pytest.mark.hypothesis(rate >= 0.4, cases=SUMS, models=[scripted("four", ["It is 4."])])
        async def test_easy_sums(model, case):
            "A model that always says 4 gets more than 40% of these sums right."
            reply = await model(f"What is {case.sum}?")
            return reply.answers(case.answer)
        ```
    """
    return integration.per_trial(request, "case")


@pytest.fixture
def arm(request: pytest.FixtureRequest) -> Any:
    """The name of the running trial's arm.

    Example:
        ```python
        import pytest
        from pytest_velo import difference, scripted


        def easily_led(request, rng):
            hinted = "13" in request.messages[-1]["content"]
            return "13" if hinted and rng.random() < 0.6 else "12"


        @pytest.mark.hypothesis(
            difference("hinted", "plain") >= 0.2,
            arms=("plain", "hinted"),
            cases=["What is 7 + 5?", "What is 8 + 4?"],
            models=[scripted("easily-led", easily_led)],
        )
        async def test_a_hint_moves_the_answer(model, case, arm):
            "A wrong hint makes the model say 13."
            hint = " I think it is 13." if arm == "hinted" else ""
            return await model(case + hint) == "13"
        ```
    """
    return integration.per_trial(request, "arm")


@pytest.fixture
def trial(request: pytest.FixtureRequest) -> Any:
    """The running trial: index, repeat, seed, rng and note(text).

    Example:
        ```python
        import pytest
        from pytest_velo import rate, scripted


        @pytest.mark.hypothesis(rate.within(0.3, 0.7), models=[scripted("first", ["A"])])
        async def test_shuffled_options(model, trial):
            "With its options shuffled, a model that always says A has no preference."
            drinks = ["tea", "coffee"]
            trial.rng.shuffle(drinks)
            trial.note(f"A was {drinks[0]}")  # kept in the record, shown with the trial
            reply = await model(f"A: {drinks[0]}, B: {drinks[1]}. Which one?")
            return drinks["AB".index(reply.text)] == "tea"
        ```
    """
    return integration.per_trial(request, "trial")
