"""The rung that lets the model think before it answers."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

from pytest_velo.elicit.rung import Asked, Rung, name_of
from pytest_velo.errors import BodyError, tell
from pytest_velo.records import JsonObject, Reply
from pytest_velo.sampling.pending import Pending

THINK = (
    "Think step by step. Then write your answer, and nothing else, on a last line that begins with `Answer:`."
)

_ANSWER = re.compile(
    r"^[\s*_#>`-]*answer[\s*_`]*:[\s*_`]*(?P<answer>.*?)[\s*_`]*$", re.IGNORECASE | re.MULTILINE
)


@dataclass(frozen=True, kw_only=True)
class ChainOfThought(Rung):
    """Steps first, then the answer on a line of its own, which alone is the reply's text.

    Attributes:
        instruction: What is added to the prompt.
    """

    instruction: str = THINK

    def ask(self, asked: Asked) -> Pending[Reply]:
        """Ask for steps, and return the reply with the answer as its text."""
        for name in ("schema", "tools", "logprobs"):
            if asked.options.get(name) is not None:
                raise tell(
                    BodyError(
                        f"{self.name} reads its answer from a text, and {name}= asks for something else",
                        fix=f"leave {name}= out of the call of strategy, or the rung out of the ladder",
                    )
                )
        thinking = replace(asked, messages=_instructed(asked.messages, self.instruction))
        call = thinking.send()

        async def answer() -> Reply:
            reply = await call
            if (found := answer_in(reply.text)) is None:
                asked.scope.trial.note(
                    f"{self.name}: no line begins with `Answer:`, so the whole text counts"
                )
                return reply
            told = replace(
                reply,
                text=found,
                reasoning="\n\n".join([*([reply.reasoning] if reply.reasoning else []), reply.text]),
                blocks=(),
                extras={name: value for name, value in reply.extras.items() if name != "content"},
            )
            origin = asked.scope.origin_of(reply)
            if origin is not None:  # so that a judge is shown what led to it
                asked.scope.remember(replace(origin, reply=told))
            return told

        return Pending("strategy(...)", answer)

    def relative_cost(self, folder: Any) -> float | None:
        """Return what the user says: how long the steps are is not known before."""
        return self.cost


def answer_in(text: str) -> str | None:
    r"""Return what stands on the last line that begins with `Answer:`; None without one."""
    found = [match["answer"] for match in _ANSWER.finditer(text)]
    return next((answer for answer in reversed(found) if answer), None)


def _instructed(messages: tuple[JsonObject, ...], instruction: str) -> tuple[JsonObject, ...]:
    """Return messages with an instruction behind the last one of the user's."""
    last = max((at for at, message in enumerate(messages) if message.get("role") == "user"), default=None)
    if last is None:
        return (*messages, {"role": "user", "content": instruction})
    content = messages[last].get("content")
    added: Any = (
        f"{content}\n\n{instruction}"
        if isinstance(content, str)
        else [*(content or ()), {"type": "text", "text": instruction}]
    )
    return (*messages[:last], {**messages[last], "content": added}, *messages[last + 1 :])


def chain_of_thought(
    instruction: str = THINK,
    *,
    name: str | None = None,
    skip: str = "",
    prior: float | None = None,
    cost: float | None = None,
) -> ChainOfThought:
    """Ask for steps, then for the answer on a last line that begins with `Answer:`.

    The reply's text is that answer, so that the body does not change; the steps are in its `reasoning`. A
    reply without such a line counts as it is, with a note in its transcript.

    Args:
        instruction: What is added to the prompt; it must ask for the line.
        name: As in `zero_shot`, like `skip`, `prior` and `cost`.
        skip: Why the rung is not tried.
        prior: The chance that it succeeds.
        cost: Of a trial, relative to the plain prompt's.
    """
    return ChainOfThought(
        name=name_of("chain_of_thought", name), instruction=instruction, skip=skip, prior=prior, cost=cost
    )
