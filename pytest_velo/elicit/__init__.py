"""Ways to elicit what a model can do, and ladders of them: the rungs of `ladder=`.

Example:
    ```python
    import pytest
    from pytest_velo import rate, scripted
    from pytest_velo.elicit import few_shot, zero_shot

    SHOWN = [{"question": "2 + 2", "answer": "4."}, {"question": "3 + 3", "answer": "6."}]


    def adder(request):
        return "12." if len(request.messages) > 1 else "I think that it is twelve."


    @pytest.mark.hypothesis(
        rate >= 0.5, ladder=[zero_shot(), few_shot(SHOWN, k=2)], models=[scripted("adder", adder)]
    )
    async def test_it_adds(strategy):
        "The model adds."
        return await strategy("7 + 5") == "12."
    ```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_velo.lazy import lazily

if TYPE_CHECKING:
    from pytest_velo.elicit.curves import Scaling as Scaling
    from pytest_velo.elicit.curves import scaling as scaling
    from pytest_velo.elicit.ladders import ladder as ladder
    from pytest_velo.elicit.other_models import fine_tuned as fine_tuned
    from pytest_velo.elicit.other_models import model as model
    from pytest_velo.elicit.selectors import judged as judged
    from pytest_velo.elicit.selectors import majority as majority
    from pytest_velo.elicit.several import best_of as best_of
    from pytest_velo.elicit.shots import few_shot as few_shot
    from pytest_velo.elicit.shots import many_shot as many_shot
    from pytest_velo.elicit.shots import zero_shot as zero_shot
    from pytest_velo.elicit.strategy import AsyncStrategy as AsyncStrategy
    from pytest_velo.elicit.strategy import Strategy as Strategy
    from pytest_velo.elicit.thoughts import chain_of_thought as chain_of_thought

__all__ = [
    "AsyncStrategy",
    "Scaling",
    "Strategy",
    "best_of",
    "chain_of_thought",
    "few_shot",
    "fine_tuned",
    "judged",
    "ladder",
    "majority",
    "many_shot",
    "model",
    "scaling",
    "zero_shot",
]

__getattr__ = lazily(
    __name__,
    {
        "AsyncStrategy": "strategy",
        "Scaling": "curves",
        "Strategy": "strategy",
        "best_of": "several",
        "chain_of_thought": "thoughts",
        "few_shot": "shots",
        "fine_tuned": "other_models",
        "judged": "selectors",
        "ladder": "ladders",
        "majority": "selectors",
        "many_shot": "shots",
        "model": "other_models",
        "scaling": "curves",
        "zero_shot": "shots",
    },
)


def __dir__() -> list[str]:
    """List the public names too that nobody has asked for yet."""
    return sorted({*globals(), *__all__})
