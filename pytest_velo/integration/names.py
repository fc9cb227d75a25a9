"""Names that several modules share. Every pytest start imports this."""

from __future__ import annotations

MARK = "hypothesis"
"""The mark of a hypothesis. The Hypothesis library marks its tests with the same name, without a claim."""
DEFAULTS_MARK = "velo"
"""The mark that sets defaults; every hypothesis carries it for `-m`."""

OURS = ("velo", "model", "strategy", "judge", "openai_client", "anthropic_client", "case", "arm", "trial")
"""Our fixtures: `designing/parameters`, once more, since every pytest start imports this and not that."""
FIXTURES_MODULE = "pytest_velo.integration.fixtures"
"""Where they are defined: a user's fixture of the same name comes from elsewhere."""

SESSION_PLUGIN = "velo-session"
"""The session's state as a pytest plugin; absent from a session that needs nothing from us."""
FAMILIES_PLUGIN = "velo-families"
RESCORE_PLUGIN = "velo-rescoring"
RESCORE_RUN, RESCORE_JUDGE = "--velo-rescore-run", "--velo-rescore-judge"
"""Hidden options that `velo rescore` passes to pytest."""
REPEAT_PLUGIN = "velo-repeating"
REPEAT = "--velo-repeat"
"""The hidden option that `velo rerun` and `velo replicate` pass to pytest."""

WARNS = "velo_warns"
"""In what the controller gives a worker of pytest-xdist: whether it is the one that warns of the tests."""

RESULT_ATTRIBUTE = "velo_result"
"""On a report: the result of the hypothesis, as text."""
OUTCOME_ATTRIBUTE = "velo_outcome"
"""On a report, and in its JUnit properties: the outcome of the hypothesis."""
VERDICT_ATTRIBUTE = "velo_verdict"
"""On a report: the verdict in full; in its JUnit properties: the first line of it."""
EXPECTED_ATTRIBUTE = "velo_expected"
"""On a report: if the end of the session refutes this hypothesis, that is not a failure."""
