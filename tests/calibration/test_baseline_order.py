"""A comparison reads the cases in the order that the file keeps; in another order it errs far too often.

20,000 runs with fixed seeds, held to the exact binomial bound of so many runs. Every run samples a baseline
in a shuffled order, writes it, reads it and compares. The rate of every case has lost just the margin.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pytest_velo.baselines.codec import decode, encode
from pytest_velo.baselines.entry import Sampled, StoredTurn
from pytest_velo.baselines.file import BaselineFile
from pytest_velo.case_sets import CaseSet, Planned, load, pick_order
from pytest_velo.claims import baseline, rate
from pytest_velo.errors import StoreError
from pytest_velo.integration.baseline.pairs import pairs_of
from pytest_velo.runner.frame import Over
from pytest_velo.runner.weigher import weigh
from pytest_velo.verdicts import Verdict

SUPPORTED, REFUTED = Verdict.SUPPORTED, Verdict.REFUTED
MARGIN = 0.3
N_ORDERS = 500
"""Seeds of orders, which the runs take in turn."""


@dataclass(frozen=True)
class World:
    """Cases then and now, and how turns pick them.

    Attributes:
        guard: Samples and weighs; the cases are not its own.
        rates: For each run, the rate of each case of `then` when the baseline was made.
    """

    guard: Any
    then: CaseSet
    now: CaseSet
    over: Over
    n_turns: int
    rates: np.ndarray[Any, Any]

    @cached_property
    def places(self) -> dict[str, int]:
        """Where each case stands in `then`."""
        return {case: place for place, case in enumerate(self.then.items)}

    @cached_property
    def orders(self) -> list[list[Planned]]:
        """The turns of a baseline by its seed, shuffled or picked as a run would."""
        return self._orders_of(self.then)

    @cached_property
    def orders_now(self) -> list[list[Planned]]:
        """What the same seeds make of the cases there are now."""
        return self._orders_of(self.now)

    def _orders_of(self, cases: CaseSet) -> list[list[Planned]]:
        plans = (pick_order(cases, self.over.value, seed=seed) for seed in range(N_ORDERS))
        return [[plan[turn] for turn in range(self.n_turns)] for plan in plans]

    def file(self, calibration, run: int, chance: Sequence[float]) -> bytes:
        """Return the file that a run's baseline is stored in."""
        trials, rates = self.orders[run % N_ORDERS], self.rates[run]
        ones = [luck < rates[self.places[it.case]] for it, luck in zip(trials, chance, strict=True)]
        file = self.guard.accepted(
            BaselineFile(),
            [calibration.trial(_=float(one)) for one in ones],
            trials=trials,
            seed=run % N_ORDERS,
            set_digest=self.then.digest,
        )
        return encode(file.entries.values())

    def verdict(self, calibration, pairs, rates, chance) -> Verdict | None:
        """Compare trials with their partners; a case that both have has lost the margin since."""
        trials, reference = pairs
        weigher = weigh(replace(self.guard.hypothesis, reference=reference))
        for planned, luck in zip(trials, chance, strict=False):
            one = luck < rates[self.places[planned.case]] - MARGIN
            verdict = weigher.add(calibration.trial(_=float(one)), planned)
            if verdict is not None:
                return verdict
        return None

    def paired(self, stored: Sampled, order: Sequence[Planned] | None = None):
        """Return what a comparison pairs, in the order of the baseline's seed or in a wrong one."""
        trials = order or self.orders_now[stored.seed]
        frame = replace(
            self.guard.frame, trials=lambda: iter(trials), max_trials=self.n_turns, over=self.over
        )
        return pairs_of(stored, frame, self.now)


Reading = tuple[Callable[[bytes], Sampled], Sequence[Planned] | None]
"""How a file is read, and the order in which its cases are compared, if not that of its seed."""


def near(calibration, world, reading: Reading, then, now):
    """Tell for each run whether the evidence, read so, is ever near enough to a verdict."""
    read, order = reading
    found = np.zeros(len(then), dtype=bool)
    sides = ((1, calibration.alpha), (-1, calibration.beta))
    nulls = [calibration.null((0, 0.5, 1), (1 - MARGIN) / 2, side, level) for side, level in sides]
    for seed in range(N_ORDERS):
        # All baselines of a seed are paired alike: one whose outcomes are numbered shows how.
        runs = slice(seed, None, N_ORDERS)
        stored = read(world.file(calibration, seed, then[seed]))
        numbered = [StoredTurn(*turn[:2], float(place)) for place, turn in enumerate(stored.turns)]
        trials, partners = world.paired(replace(stored, turns=tuple(numbered)), order)
        paired = [place for place, partner in enumerate(partners) if partner is not None]
        partners = [int(partners[place]) for place in paired]
        here, was = (
            [world.places[planned.case] for planned in plan]
            for plan in ([trials[place] for place in paired], world.orders[seed])
        )
        rates = world.rates[runs]
        before = (then[runs] < rates[:, was])[:, partners].astype(int)
        after = (now[runs][:, paired] < rates[:, here] - MARGIN).astype(int)
        found[runs] = np.logical_or.reduce([null.nearly_rejected(1 + after - before) for null in nulls])
    return found


def compared(calibration, world, readings: Sequence[Reading], seed: int):
    """Return the share of each verdict under each reading of the same files, and how often they differ.

    Runs that cannot have a verdict under any are read and compared in part, as for
    `Calibration.shares_near`: none of 1,000 may have one.
    """
    found: list[Counter[Verdict | None]] = [Counter() for _ in readings]
    rng, differ = np.random.default_rng(seed), 0
    then, now = rng.random((2, calibration.n_runs, world.n_turns))

    def verdicts(run: int) -> list[Verdict | None]:
        content = world.file(calibration, run, then[run].tolist())
        pairs = [world.paired(read(content), order) for read, order in readings]
        return [world.verdict(calibration, each, world.rates[run], now[run].tolist()) for each in pairs]

    some = np.logical_or.reduce([near(calibration, world, reading, then, now) for reading in readings])
    for run in np.flatnonzero(some).tolist():
        of_run = verdicts(run)
        differ += len(set(of_run)) > 1
        for counts, verdict in zip(found, of_run, strict=True):
            counts[verdict] += 1
    others = np.flatnonzero(~some).tolist()
    assert {verdict for run in others[:1_000] for verdict in verdicts(run)} == {None}
    print(f"compared {some.mean():.3f}")
    shares = [calibration.told(counts + Counter({None: len(others)})) for counts in found]
    return *shares, differ / calibration.n_runs


def current(content: bytes) -> Sampled:
    """Return the baseline that a file holds."""
    [entry] = decode(content)
    return entry.current


def edited(content: bytes, edit: Callable[[dict[str, Any]], object]) -> bytes:
    """Return a file whose entry was changed by hand."""
    wire = json.loads(content)
    edit(wire["entries"][0]["current"])
    return json.dumps(wire).encode()


def in_the_order_of_the_list(content: bytes) -> Sampled:
    """Read a file as if its turns took the cases it lists one after the other, again and again."""

    def cycle(wire: dict[str, Any]) -> None:
        wire["order"] = [turn % len(wire["cases"]) for turn in range(len(wire["order"]))]

    return current(edited(content, cycle))


@pytest.fixture(scope="module")
def picked(guarded):
    """Turns picked with replacement from four easy and four hard cases; the hard ones are gone since."""
    names = [f"case {place}" for place in range(8)]
    since = ["new", *names[3::-1]]
    rates = np.where(np.arange(8) < 4, 0.95, 0.32)
    return World(
        guard=guarded(rate >= baseline - MARGIN, n_cases=22),
        then=load(names, base=Path()),
        now=load(since, base=Path()),
        over=Over.CASES,
        n_turns=22,
        rates=np.broadcast_to(rates, (20_000, 8)),
    )


def test_cases_of_a_changed_list_are_found_by_the_order_in_the_file(calibration, picked):
    """The hard cases' turns have no partner; taken for those of easy ones, they make any loss look small."""
    readings = [(current, None), (in_the_order_of_the_list, None)]
    right, wrong, differ = compared(calibration, picked, readings, seed=1)
    assert 0.003 < right[SUPPORTED] <= calibration.most(calibration.alpha)
    assert 0.001 < right[REFUTED] <= calibration.most(calibration.beta)
    assert wrong[SUPPORTED] > 2 * calibration.most(calibration.alpha)
    assert differ > 0.1


def test_a_file_without_its_order_is_refused(calibration, picked):
    """Only where every turn has the next case there is none, and then there are as many cases as turns."""
    content = picked.file(calibration, 0, [0.5] * 22)
    assert [turn.case for turn in current(content).turns] == [
        planned.case_digest[:16] for planned in picked.orders[0]
    ]
    with pytest.raises(StoreError, match="do not fit together"):
        current(edited(content, lambda wire: wire.pop("order")))


@pytest.fixture(scope="module")
def shuffled(guarded):
    """Cases drawn from a population, each once in shuffled order; in the list the easy ones stand first."""
    cases = load([f"case {place}" for place in range(16)], base=Path())
    n_easy = np.random.default_rng(2).binomial(16, 0.5, (20_000, 1))
    return World(
        guard=guarded(rate >= baseline - MARGIN, n_cases=16),
        then=cases,
        now=cases,
        over=Over.POPULATION,
        n_turns=16,
        rates=np.where(np.arange(16) < n_easy, 0.97, 0.33),
    )


def test_cases_of_the_same_list_are_compared_in_the_order_of_the_baselines_seed(calibration, shuffled):
    """Each with itself; in the order of the list the easy cases now meet easy and hard ones of then."""
    listed = sorted(shuffled.orders[0], key=lambda planned: shuffled.places[planned.case])
    listed = [replace(planned, index=n, turn=n, unit=n) for n, planned in enumerate(listed)]
    readings = [(current, None), (current, listed)]
    right, wrong, differ = compared(calibration, shuffled, readings, seed=3)
    assert 0.003 < right[SUPPORTED] <= calibration.most(calibration.alpha)
    assert 0.001 < right[REFUTED] <= calibration.most(calibration.beta)
    assert wrong[SUPPORTED] > 2 * calibration.most(calibration.alpha)
    assert differ > 0.1
