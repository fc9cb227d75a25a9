"""What a call of `check` asks, read and checked before anything is sampled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pytest_velo.bodies.shape import body_digest
from pytest_velo.cache.attempt_ledger import AttemptLedger, file_beside
from pytest_velo.case_sets import CaseSet, load
from pytest_velo.checks.registry import OURS, check_silence
from pytest_velo.claims import AnyClaim, Change, Claim, EachCase, Estimation, Joint, Ranking
from pytest_velo.designing.attempts import belief_at, stream_of
from pytest_velo.designing.elsewhere import elsewhere
from pytest_velo.designing.frame import make_frame
from pytest_velo.designing.models import model_ids, model_label
from pytest_velo.designing.parameters import CLIENTS
from pytest_velo.designing.power import low_power
from pytest_velo.designing.reach import check_reach
from pytest_velo.designing.spec import ATTEMPTS, KEYWORDS, Spec, checked, make_spec, meant_claim, not_a_claim
from pytest_velo.designing.uses import check_cases_used, check_uses
from pytest_velo.errors import UsageError, nearest
from pytest_velo.interactive.checking.bodies import Checked, check_body
from pytest_velo.interactive.checking.grid import Setting, settings_in
from pytest_velo.interactive.session import Dollars, settings_here
from pytest_velo.records import Belief, Family
from pytest_velo.runner.frame import Frame
from pytest_velo.sampling.resources import STORE_FILE
from pytest_velo.settings import Mode, Settings

_NOT_HERE = {
    "assumes": "check what it assumes first, and look at the finding",
    "family": 'a sweep is a family: over={"prompt": [...]}; all attempts at a belief: family="attempts"',
    "tier": "it selects tests; leave it out",
    "ladder": "one finding is about one way to ask; write a test to climb a ladder",
    "guards": "it is for claims about a baseline, which belong to tests",
}
_MODES = (Mode.AUTO, Mode.REPLAY, Mode.REFRESH)


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One hypothesis of a call: the only one, or that of one setting of a sweep.

    Attributes:
        setting: The values of the swept parameters; None without a sweep.
        spec: What is claimed, about the model of this setting.
        frame: What is sampled, in which order, and the design.
        node_id: Names it in the record.
        tries: What it is an attempt at.
        warning: What its reader should know before; empty if there is nothing.
    """

    setting: Setting | None
    spec: Spec
    frame: Frame
    node_id: str
    tries: Belief
    warning: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A call.

    Attributes:
        claim: The claim.
        body: The function whose trials are sampled.
        keywords: Those of a mark, as they were given.
        over: The parameters that a sweep goes over, with their values; None without a sweep.
        cases: The cases; None without.
        settings: Those found here, with what the call sets.
        members: Its hypotheses.
    """

    claim: AnyClaim
    body: Checked
    keywords: Mapping[str, Any]
    over: Mapping[str, Any] | None
    cases: CaseSet | None
    settings: Settings
    members: tuple[Member, ...]

    @property
    def where(self) -> str:
        """The call, for errors."""
        return place_of(self.claim, self.body.function)


def place_of(claim: Any, function: Any) -> str:
    """Name a call in errors: `check(rate >= 0.3, caves)`."""
    said = str(claim) if isinstance(claim, AnyClaim) else "..."
    return f"check({said}, {getattr(function, '__name__', type(function).__name__)})"


def read_call(
    claim: Any,
    function: Any,
    *,
    over: Any = None,
    budget: Dollars | None = None,
    seed: int | None = None,
    mode: str | None = None,
    keywords: Mapping[str, Any],
) -> Asked:
    """Read a call, and check all that can be checked without sampling.

    Raises:
        UsageError: A mistake; it says in which call.
    """
    __tracebackhide__ = True  # IPython leaves our frames out
    try:
        return _read(claim, function, over, budget, seed, mode, keywords)
    except UsageError as error:
        raise error.within(place_of(claim, function)).with_traceback(None) from None


def _read(
    claim: Any,
    function: Any,
    over: Any,
    budget: Dollars | None,
    seed: int | None,
    mode: str | None,
    keywords: Mapping[str, Any],
) -> Asked:
    if not isinstance(claim, AnyClaim):
        raise UsageError(not_a_claim(claim), fix=f"check({meant_claim(claim)}, body)")
    _check_claim(claim)
    swept = over if isinstance(over, Mapping) else None
    given = {name: value for name, value in keywords.items() if value is not None}
    if over is not None and swept is None:
        given["over"] = over
    grid = (None,) if swept is None else settings_in(swept)
    if swept is not None and given.get("family") == ATTEMPTS:
        raise UsageError(
            "a sweep is a family of its own, so its attempts cannot be another", fix='drop family="attempts"'
        )
    body = check_body(function, tuple(swept or ()))
    spec = make_spec(claim, _checked(given), taker="the call")
    check_silence(spec.get("silence", {}), OURS)
    settings = settings_here(budget=budget, seed=_seed(seed), mode=_mode(mode))
    cases = _cases(spec, settings)
    node_id = f"{body.place}::{body.name}"
    members = tuple(
        _member(setting, spec, cases, settings, body, node_id, None if swept is None else len(grid))
        for setting in grid
    )
    return Asked(
        claim=claim,
        body=body,
        keywords=given,
        over=swept,
        cases=cases,
        settings=settings,
        members=members,
    )


def _member(
    setting: Setting | None,
    spec: Spec,
    cases: CaseSet | None,
    settings: Settings,
    body: Checked,
    node_id: str,
    n_members: int | None,
) -> Member:
    if setting is not None:
        node_id = f"{node_id}[{setting.id}]"
        if "model" in setting.values:
            spec = replace(spec, options={**spec.options, "models": (setting.values["model"],)})
    _check_one_model(spec, settings, body)
    check_uses(body.uses, spec, settings)
    check_cases_used(body.uses, spec)
    family = None
    if n_members is not None and not isinstance(spec.claim, Estimation | Ranking):
        alpha, beta = spec.levels(settings)
        family = Family(name=node_id.partition("[")[0], size=n_members, alpha=alpha, beta=beta)
    model = model_label(spec, settings, body.uses, None)
    tries = belief_at(node_id, body.docstring, model)
    attempt = None
    if spec.counts_attempts:
        attempt = _likely_number(spec, settings, tries, body, model)
    frame = make_frame(spec, cases, settings, family, attempt, model)
    check_reach(spec.claim, frame)
    warning = low_power(spec.claim, frame, spec.get("expect"))
    return Member(
        setting=setting, spec=spec, frame=frame, node_id=node_id, tries=tries, warning=warning or ""
    )


def _likely_number(spec: Spec, settings: Settings, tries: Belief, body: Checked, model: str | None) -> int:
    """Return the number that the attempt will likely have, by which its reach is told."""
    store = settings.cache_dir / STORE_FILE
    if not file_beside(store).is_file():
        return 1
    ledger = AttemptLedger.beside(store)
    try:
        return ledger.likely_number(
            tries,
            claim=str(spec.claim),
            body=body_digest(body.function),
            model=model or "",
            seed=settings.seed,
            stream=stream_of(spec, settings),
        )
    finally:
        ledger.close()


def _check_claim(claim: AnyClaim) -> None:
    if isinstance(claim, EachCase):
        raise UsageError(
            "a search is run by a test, whose record keeps what it finds",
            fix="write a test with this claim and cases=search(...); for a rate over cases: rate >= 0.95",
        )
    if any(isinstance(statistic, Change) for statistic in claim.statistics):
        raise UsageError(
            "a baseline belongs to a test, which compares itself with it again and again",
            fix='compare two arms here: difference("new", "old") >= -0.05, arms=("new", "old")',
        )
    parts = claim.parts if isinstance(claim, Claim | Joint) else ()
    if any(type(part) is not Claim for part in parts):
        raise UsageError("this claim's rule comes from a plugin, and none is loaded here", fix="write a test")


def _checked(keywords: Mapping[str, Any]) -> dict[str, Any]:
    for name in keywords:
        if name in _NOT_HERE and (name, keywords[name]) != ("family", ATTEMPTS):
            raise UsageError(f"{name}= is for tests", fix=_NOT_HERE[name])
    for name in ("model", "arm"):
        if name in keywords:
            raise UsageError(f"check has no keyword {name!r}", fix=f"{name}s=[...]")
    known = [*KEYWORDS, "budget", "seed", "mode"]
    for name in keywords:
        if name not in KEYWORDS and name != "group":
            fix = elsewhere(name) or nearest(name, known)
            raise UsageError(f"check has no keyword {name!r}", fix=fix)
    return checked(keywords, "check")


def _check_one_model(spec: Spec, settings: Settings, body: Checked) -> None:
    """Refuse several models for one hypothesis: a test would be made once for each."""
    ids = model_ids(spec, settings)
    asks = any(name in body.uses for name in ("model", "velo", "strategy", *CLIENTS))
    if asks and len(ids) > 1 and not spec.arms_are_models:
        listed = ", ".join(f'"{name}"' for name in ids)
        raise UsageError(
            f"one finding is about one model, and there are {len(ids)}",
            fix=f'sweep over them: make `model` a parameter of the body, and over={{"model": [{listed}]}}',
        )


def _cases(spec: Spec, settings: Settings) -> CaseSet | None:
    source = spec.get("cases")
    if source is None:
        return None
    max_n = spec.get("max_trials", settings.max_trials)
    return load(source, base=Path.cwd(), seed=settings.seed, max_n=max_n)


def _seed(seed: Any) -> int | None:
    if seed is None:
        return None
    if isinstance(seed, bool) or not isinstance(seed, int) or not -(2**63) <= seed < 2**63:
        raise UsageError(f"seed={seed!r}: expected a whole number of at most 64 bits", fix="seed=1")
    return seed


def _mode(mode: Any) -> Mode | None:
    if mode is None:
        return None
    if mode not in list(_MODES):
        raise UsageError(
            f"mode={mode!r}: expected one of {', '.join(_MODES)}", fix=nearest(str(mode), list(_MODES))
        )
    return Mode(mode)
