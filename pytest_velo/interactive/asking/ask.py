"""`ask`: send a message to models, and look at what they answer."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pytest_velo.interactive.asking.inquiry import Inquiry, PromptOfCase, inquiry
from pytest_velo.interactive.asking.price import RoundPrice, price_line, price_of
from pytest_velo.interactive.asking.replies import Replies
from pytest_velo.interactive.asking.round import Round
from pytest_velo.interactive.session import Dollars, Session, load_providers, opened, settings_here
from pytest_velo.records import JsonObject
from pytest_velo.sampling.prompts import Prompt
from pytest_velo.settings import Settings


async def ask(
    model: str | Sequence[str] | None,
    prompt: Prompt | PromptOfCase,
    n: int | None = None,
    *,
    cases: Any = None,
    budget: Dollars | None = None,
    seed: int | None = None,
    system: str | None = None,
    temperature: float | None = None,
    top_p: float | None = None,
    max_tokens: int | None = None,
    effort: str | None = None,
    stop: str | Sequence[str] | None = None,
    prefill: str | None = None,
    tools: Sequence[JsonObject] | None = None,
    schema: JsonObject | None = None,
    logprobs: int | None = None,
    allow_cut: bool = False,
    allow_empty: bool = False,
    **provider_parameters: Any,
) -> Replies:
    """Ask models, outside of a test, where a loop runs; `ask_sync` is for where none does.

    The draws are kept where a test that asks the same finds them: its first `n` trials cost nothing.
    Calls may cost money, up to the budget; what they cost at most is said before, on stderr.

    Args:
        model: The id of a model, or of several; None for those of the settings.
        prompt: A text, messages, an image, …, as a test's `model` takes it. With cases, `{field}` in a text
            stands for a field of the case; or a function of the case.
        n: Replies of each model, about each case; by default 10, and 1 with cases.
        cases: A list, a file, …, as a mark's `cases=` takes it.
        budget: Dollars that this process may have spent in all, or `"none"` for no limit; by default as in
            the settings, 1.00 if nothing is set.
        seed: The root seed; by default as in the settings, 0 if nothing is set.
        system: The system prompt.
        temperature: Sampling temperature, >= 0.
        top_p: Nucleus mass in (0, 1].
        max_tokens: Maximum number of tokens in a reply, >= 1.
        effort: Reasoning effort, in the provider's own terms.
        stop: One or several texts that end a reply.
        prefill: The beginning of every reply, which the model continues.
        tools: `[{"name", "description", "parameters": JSON schema}]`.
        schema: A JSON schema the replies must follow.
        logprobs: How many alternatives per token to return.
        allow_cut: A reply cut at max_tokens counts; by default it is invalid.
        allow_empty: An empty reply counts; by default it is invalid.
        **provider_parameters: Sent under their own names.

    Raises:
        UsageError: A mistake that can be seen before a call.
        VeloError: A model could not be asked. What came before is kept: asking again goes on from there.

    Example:
        ```python
        import asyncio
        from pytest_velo import ask, scripted


        async def main():
            pupil = scripted("pupil", ["Paris", "Lyon", "paris"])
            replies = await ask(pupil, "What is the capital of France?", n=6)
            print(replies)  # what is alike is put together
            print([reply.text for reply in replies])


        asyncio.run(main())  # in a notebook: `await ask(...)`
        ```
    """
    asked, settings = _asked(**locals())
    with opened(settings) as session:
        begun = _begun(session, asked)
        _say(await session.join(price_of(begun.questions, session, asked)), settings)
        await session.join(begun.go())
        return begun.conclude()


def ask_sync(
    model: str | Sequence[str] | None,
    prompt: Prompt | PromptOfCase,
    n: int | None = None,
    *,
    cases: Any = None,
    budget: Dollars | None = None,
    seed: int | None = None,
    system: str | None = None,
    temperature: float | None = None,
    top_p: float | None = None,
    max_tokens: int | None = None,
    effort: str | None = None,
    stop: str | Sequence[str] | None = None,
    prefill: str | None = None,
    tools: Sequence[JsonObject] | None = None,
    schema: JsonObject | None = None,
    logprobs: int | None = None,
    allow_cut: bool = False,
    allow_empty: bool = False,
    **provider_parameters: Any,
) -> Replies:
    """Ask models and wait for what they answer; arguments and errors as in `ask`.

    Example:
        ```python
        from pytest_velo import ask_sync, scripted

        replies = ask_sync(scripted("guide", ["Paris.", "paris.", "Lyon."]), "Which city is it?", n=6)
        print(replies)
        ```
    """
    asked, settings = _asked(**locals())
    with opened(settings) as session:
        begun = _begun(session, asked)
        _say(session.run(price_of(begun.questions, session, asked)), settings)
        session.run(begun.go())
        return begun.conclude()


def _asked(
    *,
    model: str | Sequence[str] | None,
    prompt: Prompt | PromptOfCase,
    n: int | None,
    cases: Any,
    budget: Dollars | None,
    seed: int | None,
    system: str | None,
    allow_cut: bool,
    allow_empty: bool,
    provider_parameters: dict[str, Any],
    **parameters: Any,
) -> tuple[Inquiry, Settings]:
    """Return what a call asks, and the settings it is asked with."""
    settings = settings_here(budget=budget, seed=seed)
    asked = inquiry(
        settings,
        model,
        prompt,
        n=n,
        cases=cases,
        folder=Path.cwd(),
        no_model='ask("local/smollm2-135m", …), the embedded model, or velo_model in the ini file',
        system=system,
        allow_cut=allow_cut,
        allow_empty=allow_empty,
        parameters={**parameters, **provider_parameters},
    )
    return asked, settings


def _begun(session: Session, asked: Inquiry) -> Round:
    """Return the round, with what the loop needs for it loaded."""
    load_providers(session.settings, asked.models)
    return Round(session, asked)


def _say(price: RoundPrice, settings: Settings) -> None:
    """Say what the calls cost at most, before one is made."""
    if line := price_line(price, settings):
        print(line, file=sys.stderr)  # noqa: T201 - money is never spent in silence
