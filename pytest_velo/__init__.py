"""pytest-velo: beliefs about language models as pytest tests.

Everything a test file needs; nothing is imported before it is asked for.

Example:
    ```python
    import pytest
    from pytest_velo import rate, scripted

    MODEL = scripted("pupil", ["Paris", "Paris", "Paris", "Lyon"])  # or "openai/gpt-5-mini"


    @pytest.mark.hypothesis(rate >= 0.6, models=[MODEL])
    async def test_it_knows_the_capital(model):
        "The model knows the capital of France."
        reply = await model("What is the capital of France?")
        return reply.answers("Paris")
    ```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_velo.lazy import lazily
from pytest_velo.version import __version__ as __version__

if TYPE_CHECKING:
    from pytest_velo.case_sets import Case, cases
    from pytest_velo.claims import baseline, difference, each_case, estimate, mean, ranking, rate
    from pytest_velo.covariates import covariate, learned, recorded
    from pytest_velo.designing.supplies import Velo
    from pytest_velo.errors import InvalidTrial, ToolError, UsageError, VeloError
    from pytest_velo.interactive.asking.ask import ask, ask_sync
    from pytest_velo.interactive.asking.replies import Replies
    from pytest_velo.interactive.checking.check import check, check_sync
    from pytest_velo.interactive.checking.finding import Finding
    from pytest_velo.interactive.checking.sweep import Sweep
    from pytest_velo.logs.cases import from_log
    from pytest_velo.media import audio, image
    from pytest_velo.providers.scripted import scripted
    from pytest_velo.records import Reply, ToolCall, ToolResult
    from pytest_velo.report.load import load
    from pytest_velo.sampling.chat import AsyncChat, Chat
    from pytest_velo.sampling.model import AsyncModel, Model
    from pytest_velo.sampling.trial import Trial
    from pytest_velo.scorers.agreement import Agreement
    from pytest_velo.scorers.judge import AsyncJudge, Judge
    from pytest_velo.scorers.scorer import scorer
    from pytest_velo.searching.search import search
    from pytest_velo.stubs import stub
    from pytest_velo.truth import labels


__all__ = [
    "Agreement",
    "AsyncChat",
    "AsyncJudge",
    "AsyncModel",
    "Case",
    "Chat",
    "Finding",
    "InvalidTrial",
    "Judge",
    "Model",
    "Replies",
    "Reply",
    "Sweep",
    "ToolCall",
    "ToolError",
    "ToolResult",
    "Trial",
    "UsageError",
    "Velo",
    "VeloError",
    "ask",
    "ask_sync",
    "audio",
    "baseline",
    "cases",
    "check",
    "check_sync",
    "covariate",
    "difference",
    "each_case",
    "estimate",
    "from_log",
    "image",
    "labels",
    "learned",
    "load",
    "mean",
    "ranking",
    "rate",
    "recorded",
    "scorer",
    "scripted",
    "search",
    "stub",
]

_HOMES = {
    "Agreement": "scorers.agreement",
    "AsyncChat": "sampling.chat",
    "AsyncJudge": "scorers.judge",
    "AsyncModel": "sampling.model",
    "Case": "case_sets",
    "Chat": "sampling.chat",
    "Finding": "interactive.checking.finding",
    "InvalidTrial": "errors",
    "Judge": "scorers.judge",
    "Model": "sampling.model",
    "Replies": "interactive.asking.replies",
    "Reply": "records",
    "Sweep": "interactive.checking.sweep",
    "ToolCall": "records",
    "ToolError": "errors",
    "ToolResult": "records",
    "Trial": "sampling.trial",
    "UsageError": "errors",
    "Velo": "designing.supplies",
    "VeloError": "errors",
    "ask": "interactive.asking.ask",
    "ask_sync": "interactive.asking.ask",
    "audio": "media",
    "baseline": "claims",
    "cases": "case_sets",
    "check": "interactive.checking.check",
    "check_sync": "interactive.checking.check",
    "covariate": "covariates",
    "difference": "claims",
    "each_case": "claims",
    "estimate": "claims",
    "from_log": "logs.cases",
    "image": "media",
    "labels": "truth",
    "learned": "covariates",
    "load": "report.load",
    "mean": "claims",
    "ranking": "claims",
    "rate": "claims",
    "recorded": "covariates",
    "scorer": "scorers.scorer",
    "scripted": "providers.scripted",
    "search": "searching.search",
    "stub": "stubs",
}


__getattr__ = lazily(__name__, _HOMES)


def __dir__() -> list[str]:
    """List the public names too that nobody has asked for yet."""
    return sorted({*globals(), *__all__})
