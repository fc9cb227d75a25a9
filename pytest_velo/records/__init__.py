"""The plain records that modules exchange: requests, replies, draws, trials, results.

Messages are JSON objects in one neutral shape, whatever the provider:

* ``{"role": "system" | "user" | "assistant", "content": str | [part, ...]}`` with parts
  ``{"type": "text", "text": ...}`` and ``{"type": "image", "media_type": ..., "data": base64}``;
* a sound is such a part of type ``audio``. `pytest_velo.image` and `pytest_velo.audio` make parts that are
  named by their digest: ``{"type", "media_type", "sha256", "n_bytes"}``, with the bytes beside them;
* an assistant message may carry ``"tool_calls": [{"id", "name", "arguments"}]`` and ``"blocks"``: the
  provider's own content blocks (thinking), sent back as they came;
* ``{"role": "tool", "tool_call_id": ..., "content": str}`` answers a tool call;
* any other field of a message, a part, a tool call or a tool is sent as it is where the wire has a place for
  it, and refused where it has none.
"""

from pytest_velo.found import Found, Level
from pytest_velo.logprobs import TokenLogprob
from pytest_velo.records.assumptions import Assumed, Standing
from pytest_velo.records.attempts import Attempt, Belief, Confirmation, Prediction, Said
from pytest_velo.records.beside import CovariateSeen, TruthSeen
from pytest_velo.records.draws import Address, Call, Draw, Slot, add_costs
from pytest_velo.records.hypothesis import Family, HypothesisResult
from pytest_velo.records.ladders import LadderResult, RungResult, rung_id
from pytest_velo.records.outcomes import Invalid, Outcome, OutcomeKind, UnitKind
from pytest_velo.records.repeats import Repeat, RepeatKind, Replication
from pytest_velo.records.requests import Request, as_messages
from pytest_velo.records.trials import Stubbed, TrialRecord
from pytest_velo.replies import FinishReason, JsonObject, Original, Reply, ToolCall, ToolResult, Usage

__all__ = [
    "Address",
    "Assumed",
    "Attempt",
    "Belief",
    "Call",
    "Confirmation",
    "CovariateSeen",
    "Draw",
    "Family",
    "FinishReason",
    "Found",
    "HypothesisResult",
    "Invalid",
    "JsonObject",
    "LadderResult",
    "Level",
    "Original",
    "Outcome",
    "OutcomeKind",
    "Prediction",
    "Repeat",
    "RepeatKind",
    "Replication",
    "Reply",
    "Request",
    "RungResult",
    "Said",
    "Slot",
    "Standing",
    "Stubbed",
    "TokenLogprob",
    "ToolCall",
    "ToolResult",
    "TrialRecord",
    "TruthSeen",
    "UnitKind",
    "Usage",
    "add_costs",
    "as_messages",
    "rung_id",
]
