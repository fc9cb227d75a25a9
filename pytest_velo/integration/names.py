"""Names that several rooms share. Every pytest start imports this."""

from __future__ import annotations

MARK = "hypothesis"
"""The mark of a hypothesis. The Hypothesis library marks its tests with the same name, without a claim."""
DEFAULTS_MARK = "velo"
"""The mark that gives defaults, and that every hypothesis carries for `-m`."""

PER_TRIAL = ("case", "arm", "trial")
"""Our fixtures that differ from trial to trial."""
OURS = ("velo", "model", "judge", *PER_TRIAL)
FIXTURES_MODULE = "pytest_velo.integration.fixtures"
"""Where they are defined: a user's fixture of the same name comes from elsewhere."""

SESSION_PLUGIN = "velo-session"
"""The session's state among pytest's plugins: there once it was opened, which a plain session spares."""
FAMILIES_PLUGIN = "velo-families"
RESCORE_PLUGIN = "velo-rescoring"
RESCORE_RUN, RESCORE_JUDGE = "--velo-rescore-run", "--velo-rescore-judge"
"""What `velo rescore` tells pytest; nobody else types these."""

EXPECTED_ATTRIBUTE = "velo_expected"
"""On a report: should the end of the session refute it, that would be no failure."""
