"""What cannot be had together with workers is refused with its reason, before anything is sampled."""

from __future__ import annotations

import pytest
from e2e.conftest import Inner, Mistakes

pytest.importorskip("distributed", reason="pip install 'pytest-velo[dask]'")

TEST = """
@pytest.mark.hypothesis(rate >= 0.5, models=[YES], max_trials=20)
async def test_it_says_yes(model):
    return await model("?") == "yes"
"""


@pytest.mark.parametrize(
    ("options", "what", "fix"),
    [
        (("--velo-workers=local:2", "--pdb"), "a debugger cannot follow a trial", "leave --pdb away"),
        (("--velo-workers=local:2", "-s"), "-s shows output as it is printed", "-rA"),
        (("--velo-workers=local:2", "-n", "2"), "cannot be used together", "leave one of them away"),
        (("--velo-workers=nowhere",), "cannot be read: none, local:N or dask://HOST:PORT", "run trials on"),
        (("--velo-workers=local:0",), "cannot be read", "run trials on"),
        (("--velo-workers=dask://host",), "cannot be read", "run trials on"),
    ],
)
def test_it_is_refused(mistakes: Mistakes, options: tuple[str, ...], what: str, fix: str) -> None:
    said = mistakes.refused(TEST, *options)
    assert mistakes.code == pytest.ExitCode.USAGE_ERROR
    assert what in said
    assert fix in said


def test_a_replay_and_an_estimate_need_no_worker(run: Inner) -> None:
    """The scheduler's address is one at which nobody listens."""
    run.file(TEST)
    run("--velo-workers=dask://127.0.0.1:1", "--velo-mode=replay").assert_outcomes(passed=1)
    run("--velo-workers=dask://127.0.0.1:1", "--velo-mode=estimate").assert_outcomes(skipped=1)
