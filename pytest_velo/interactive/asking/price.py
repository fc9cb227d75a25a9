"""What a round of questions costs at most, said before one is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pytest_velo.cache.keys import request_key
from pytest_velo.interactive.asking.inquiry import Inquiry, Question
from pytest_velo.interactive.session import Session
from pytest_velo.providers.registry import check_access
from pytest_velo.records import Address, Slot
from pytest_velo.report.numbers import count, dollars
from pytest_velo.sampling.model import request_of
from pytest_velo.sampling.pricing import worst_case
from pytest_velo.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundPrice:
    """Calls that cost money and are not stored yet.

    Attributes:
        n_calls: How many, from 0.
        models: The ids of their models.
        worst_usd: What they cost at most; None if a price is unknown.
    """

    n_calls: int
    models: tuple[str, ...]
    worst_usd: float | None


async def price_of(
    by_model: Mapping[str, Sequence[Question]], session: Session, asked: Inquiry
) -> RoundPrice:
    """Return what the questions cost at most, those aside whose draws are stored.

    It runs on the sampling loop, whose thread is the one that reads the store.

    Raises:
        BodyError, UsageError: A question cannot be sent, or a model's key is not set.
    """
    n_calls, worst_usd = 0, 0.0
    models: dict[str, None] = {}
    is_known = True
    if session.settings.replays or session.settings.estimates:
        return RoundPrice(n_calls=0, models=(), worst_usd=0.0)
    for name, questions in by_model.items():
        for question in questions:
            if question.target.endpoint.free:
                break
            request = request_of(
                question.target, question.prompt, system=asked.system, parameters=asked.parameters
            )
            slot = Slot(case=question.case_digest, repeat=question.repeat, ordinal=0)
            key = request_key(request)
            if session.holds(Address(key=key, seed=session.settings.seed, stream="", slot=str(slot))):
                continue
            check_access(question.target)
            n_calls += 1
            models[name] = None
            worst = worst_case(question.target.endpoint, request)
            is_known &= worst is not None
            worst_usd += worst or 0.0
    return RoundPrice(n_calls=n_calls, models=tuple(models), worst_usd=worst_usd if is_known else None)


def price_line(price: RoundPrice, settings: Settings) -> str:
    """Say what is about to be spent; empty if nothing is."""
    if not price.n_calls:
        return ""
    calls = f"{count(price.n_calls, 'call')} of {' and '.join(price.models)}"
    most = "their price is not known" if price.worst_usd is None else f"at most {dollars(price.worst_usd)}"
    limit = "no budget" if settings.budget_usd is None else f"budget {dollars(settings.budget_usd)}"
    return f"{calls}: {most} ({limit})"
