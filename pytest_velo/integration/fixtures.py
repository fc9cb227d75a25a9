"""The fixtures: `velo` and its short forms `model`, `judge`, `case`, `trial`.

`case` and `trial` are filled in anew for every trial, so what pytest sets up for them is a placeholder
that refuses every use; `model` and `judge` are one object each that find the running trial themselves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from pytest_velo.errors import InvalidTrial, UsageError

if TYPE_CHECKING:
    from pytest_velo.sampling.model import AsyncModel, Model
    from pytest_velo.sampling.trial import Trial
    from pytest_velo.scorers.judge import AsyncJudge, Judge

PER_TRIAL = ("case", "arm", "trial")
OURS = ("velo", "model", "judge", *PER_TRIAL)


class Placeholder:
    """Stands for a per-trial value outside a trial; any use of it is a usage error."""

    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        object.__setattr__(self, "_name", name)

    def _refuse(self, *_: object) -> NoReturn:
        name = object.__getattribute__(self, "_name")
        raise UsageError(
            f"the fixture {name!r} was used outside a trial",
            fix=f"it differs from trial to trial: take {name!r} as an argument of the test itself",
        )

    __str__ = __repr__ = __format__ = __bool__ = __iter__ = __len__ = _refuse
    __getitem__ = __contains__ = __call__ = __add__ = __radd__ = __getattr__ = _refuse


class Velo:
    """The canonical fixture: everything hangs off it, whatever the short names are taken for."""

    def __init__(self, item: pytest.Item) -> None:
        self._item = item

    @staticmethod
    def invalid(why: str) -> NoReturn:
        """End the trial as invalid: it says nothing about the claim, whatever the body catches."""
        from pytest_velo.sampling.trial import current

        current("velo.invalid").invalidate(str(why))
        raise InvalidTrial(str(why))

    def model(self, model_id: str | None = None) -> AsyncModel | Model:
        """Return a model: this item's own, or any by id (`velo.model("openai/gpt-5-mini")`)."""
        from pytest_velo.integration.models import model_of

        return model_of(self._item, model_id)

    @property
    def judge(self) -> AsyncJudge | Judge:
        """The judge, as the fixture `judge`."""
        from pytest_velo.integration.models import judge_of

        return judge_of(self._item)

    @property
    def case(self) -> Any:
        """The running trial's case."""
        from pytest_velo.sampling.trial import current

        return current("velo.case").case

    @property
    def arm(self) -> str:
        """The running trial's arm, by its name; empty without arms."""
        from pytest_velo.sampling.trial import current

        return current("velo.arm").arm

    @property
    def trial(self) -> Trial:
        """The running trial."""
        from pytest_velo.sampling.trial import current

        return current("velo.trial").trial


@pytest.fixture
def velo(request: pytest.FixtureRequest) -> Velo:
    """Everything pytest-velo offers a body: model(...), judge, case, trial and invalid(why)."""
    return Velo(request.node)


@pytest.fixture
def model(request: pytest.FixtureRequest) -> Any:
    """The language model. An async body awaits `model(prompt)`, a plain one calls it."""
    from pytest_velo.integration.models import model_of

    return model_of(request.node, getattr(request, "param", None))


@pytest.fixture
def judge(request: pytest.FixtureRequest) -> Any:
    """A model that grades, yes or no (`judge(question, reply)`) or with a score (`judge.score`)."""
    from pytest_velo.integration.models import judge_of

    return judge_of(request.node)


@pytest.fixture
def case(request: pytest.FixtureRequest) -> Any:
    """The running trial's case."""
    return _per_trial(request, "case")


@pytest.fixture
def arm(request: pytest.FixtureRequest) -> Any:
    """The running trial's arm, by its name."""
    return _per_trial(request, "arm")


@pytest.fixture
def trial(request: pytest.FixtureRequest) -> Any:
    """The running trial: index, repeat, seed, rng and note(text)."""
    return _per_trial(request, "trial")


def _per_trial(request: pytest.FixtureRequest, name: str) -> Placeholder:
    from pytest_velo.integration.private import fixture_info

    if name not in fixture_info(request.node).argnames:
        Placeholder(name)._refuse()
    return Placeholder(name)
