"""Hooks for plugins that extend pytest-velo (pluggy)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from pluggy import HookspecMarker

if TYPE_CHECKING:
    from pytest_velo.checks.check import Check
    from pytest_velo.claims import Claim
    from pytest_velo.providers.registry import ProviderFactory
    from pytest_velo.stats.choosing import RuleFactory

hookspec = HookspecMarker("pytest")


@hookspec
def pytest_velo_providers() -> Mapping[str, ProviderFactory]:  # type: ignore[empty-body]
    """Add your own providers.

    Returns:
        A factory for each wire family (`api=` of an endpoint), called as `factory(endpoint, slots=n)`. It
        replaces a built-in family of the same name.

    Example:
        ```python
        # conftest.py
        from pytest_velo import Reply


        class Echo:
            "Repeats what it is told. A real provider sends `request` once and reads the answer."

            async def complete(self, request, seed):
                return Reply(text=request.messages[-1]["content"])

            async def aclose(self):
                "Close what was opened."


        def pytest_velo_providers():
            return {"echo-wire": lambda endpoint, *, slots: Echo()}
        ```

        ```ini
        # pytest.ini
        [pytest]
        velo_endpoints =
            echo: api=echo-wire price=free
        ```

        ```python
        # test_echo.py
        import pytest
        from pytest_velo import rate


        @pytest.mark.hypothesis(rate >= 0.9, models=["echo/any"])
        async def test_it_echoes(model):
            "An echo repeats what it is told."
            return await model("Hello?") == "Hello?"
        ```
    """


@hookspec
def pytest_velo_claims() -> Mapping[type[Claim], RuleFactory]:  # type: ignore[empty-body]
    """Add rules for your own claims.

    Such a claim is a frozen dataclass that derives from `Claim`; users pass it to the mark. Its rule turns
    units, on the statistic's scale mapped to [0, 1], into a verdict, and is responsible for the error rates.

    Returns:
        A factory for each class of claims, called as `factory(claim, alpha=..., beta=..., max_units=...,
        margin=..., min_units=..., single=..., extend=..., size=...)`; it returns a `stats.choosing.Rule`.
        `alpha` and `beta` are in (0, 1), `margin` is ≥ 0 in the statistic's own units; `stats.choosing`
        explains each. A class inherits the rule of its nearest base class. If two plugins offer a rule for
        the same class, the one registered last wins. `Claim` itself belongs to pytest-velo.

    Example:
        ```python
        # conftest.py
        from dataclasses import dataclass

        from pytest_velo.claims import Claim, Direction
        from pytest_velo.stats.choosing import rule_for


        @dataclass(frozen=True, slots=True, kw_only=True)
        class Discovery(Claim):
            "Supported at five sigma, regardless of the test's alpha."


        def discovery(statistic, above):
            return Discovery(statistic=statistic, direction=Direction.AT_LEAST, low=above)


        def five_sigma(claim, *, alpha, **design):
            return rule_for(claim, alpha=3e-7, **design)


        def pytest_velo_claims():
            return {Discovery: five_sigma}
        ```

        ```python
        # test_discovery.py
        import pytest
        from conftest import discovery
        from pytest_velo import rate, scripted


        @pytest.mark.hypothesis(discovery(rate, above=0.5), models=[scripted("parrot", ["Hello!"])])
        async def test_parrots_talk(model):
            "A parrot greets back, beyond reasonable doubt."
            return (await model("Hello?")).answers("hello")
        ```
    """


@hookspec
def pytest_velo_checks() -> Iterable[Check]:  # type: ignore[empty-body]
    """Add your own checks of cases and of runs.

    Returns:
        Checks, each with a code of its own: letters of yours and digits, such as `ACME01`. A check looks at
        what `checks.check.Seen` has, and yields a `Remark` for what it saw. Users silence it by its code, as
        any other.

    Example:
        ```python
        # conftest.py
        from pytest_velo.checks.check import Check, Level, Remark


        def chatty(seen):
            long = [trial.index for trial in seen.trials if len(trial.calls[0].reply.text) > 40]
            if long:
                yield Remark(message=f"{len(long)} replies are long", fix="ask for one word", trials=long)


        def pytest_velo_checks():
            sees = "Replies are longer than our product can show."
            return [Check(code="ACME01", name="long replies", sees=sees, look=chatty, level=Level.WARNING)]
        ```

        ```python
        # test_parrot.py
        import pytest
        from pytest_velo import rate, scripted

        PARROT = scripted("parrot", ["Hello!"])


        @pytest.mark.hypothesis(rate >= 0.5, models=[PARROT], silence={"ACME01": "a parrot may talk"})
        async def test_parrots_talk(model):
            "A parrot greets back."
            return (await model("Hello?")).answers("hello")
        ```
    """
