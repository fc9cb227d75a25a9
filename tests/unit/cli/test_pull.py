"""`velo pull`: fetch the pinned weights of the embedded model, once per user."""

from __future__ import annotations

from click.testing import CliRunner

from pytest_velo.cli.pull import pull


def test_pull_suggests_the_nearest_model() -> None:
    assert CliRunner().invoke(pull, ["smollm2-135"]).stderr.rstrip().splitlines() == [
        "Error: there is no embedded model 'smollm2-135'",
        "  fix: did you mean 'smollm2-135m'?",
    ]
