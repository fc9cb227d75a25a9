"""What a learner foresees, whatever the outcomes were: what the proof of its evidence rests on."""

import math

from hypothesis import given
from hypothesis import strategies as st

from pytest_velo.stats.engine.centred import CentredProcess, learned_centring
from pytest_velo.stats.engine.learning import Learner

sizes = st.lists(st.integers(1, 50), min_size=2, max_size=6)
outcomes = st.one_of(st.sampled_from([0.0, 1.0, 0.5]), st.floats(0.0, 1.0))


@given(st.data(), sizes, st.floats(0.02, 0.98), st.sampled_from([1, -1]))
def test_centres_average_to_0_and_no_fortune_can_be_lost_twice(data, numbers, threshold, side):
    shares = [number / sum(numbers) for number in numbers]
    places = st.integers(0, len(shares) - 1)
    learner, process = Learner(), CentredProcess(threshold, side, learned_centring(shares))
    for place, outcome in data.draw(st.lists(st.tuples(places, outcomes), max_size=40)):
        found = [learner.foresee(str(kind)) for kind in range(len(shares))]
        assert math.isclose(
            sum(share * each.own for share, each in zip(shares, found, strict=True)), 0.0, abs_tol=1e-9
        )
        assert all(-1.0 <= each.low <= each.own <= each.high <= 1.0 for each in found)
        assert found[0].high - found[0].low <= 1.0 + 1e-9
        before = process.log_e
        process.update(outcome, found[place].own, (found[place].low, found[place].high))
        assert math.isfinite(process.log_e)
        assert process.log_e - before <= process.most_growth + 1e-9
        learner.learn(str(place), shares[place], outcome)
