"""`velo try`: a first message to models, and a test that begins with what they answered."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from pytest_velo.errors import UsageError


@click.command("try", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("prompt")
@click.option("--model", "-m", "models", multiple=True, metavar="ID", help="Model id; repeatable.")
@click.option("-n", "n", type=click.IntRange(min=1), help="Replies of each model (default 10; 1 per case).")
@click.option("--system", metavar="TEXT", help="The system prompt.")
@click.option(
    "--cases",
    metavar="FILE",
    help="Ask about each case of a file: {field} in PROMPT stands for a field of the case.",
)
@click.option("--temperature", type=float, metavar="T", help="Sampling temperature.")
@click.option("--max-tokens", type=click.IntRange(min=1), metavar="N", help="Most tokens in a reply.")
@click.option("--allow-cut", is_flag=True, help="A reply that is cut at --max-tokens counts.")
@click.option("--allow-empty", is_flag=True, help="An empty reply counts.")
@click.option("--budget", metavar="USD", help="Dollars that may be spent, or none (default 1.00).")
@click.option("--seed", type=int, metavar="N", help="Root seed of the draws (default 0).")
@click.option(
    "--save",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write a test that begins with these draws.",
)
@click.option("--force", is_flag=True, help="Let --save replace a file.")
def try_(
    prompt: str,
    models: tuple[str, ...],
    n: int | None,
    system: str | None,
    cases: str | None,
    temperature: float | None,
    max_tokens: int | None,
    allow_cut: bool,
    allow_empty: bool,
    budget: str | None,
    seed: int | None,
    save: Path | None,
    force: bool,
) -> None:
    """Ask models PROMPT a few times, and see what they answer.

    PROMPT is a text, or `-` for the standard input. The draws are kept in the cache, where a test that asks
    the same finds them: --save writes one.

    \f

    """  # noqa: D301 - click shows nothing below \f
    from pytest_velo.interactive.asking import first_message  # weight: what samples

    code = first_message.send(
        _read(prompt),
        models,
        n=n,
        system=system,
        cases=cases,
        parameters={"temperature": temperature, "max_tokens": max_tokens},
        allow_cut=allow_cut,
        allow_empty=allow_empty,
        budget=_dollars(budget),
        seed=seed,
        saved=None if save is None else first_message.Saved(path=save, force=force),
    )
    if code:
        raise click.exceptions.Exit(code)


def _read(prompt: str) -> str:
    """Return the prompt; `-` is the standard input, without the line's end that a shell adds."""
    if prompt == "-":
        with click.open_file("-", encoding="utf-8") as stream:
            prompt = stream.read().removesuffix("\n").removesuffix("\r")
    if not prompt.strip():
        raise UsageError("the prompt is empty", fix='velo try "What is the capital of France?"')
    return prompt


def _dollars(text: str | None) -> float | Literal["none"] | None:
    if text is None:
        return None
    if text.strip().lower() == "none":
        return "none"
    try:
        return float(text)
    except ValueError:
        raise UsageError(f"{text!r} are no dollars", where="--budget", fix="--budget=2.00, or none") from None
