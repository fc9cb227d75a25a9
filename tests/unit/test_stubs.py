"""Stubs: their names, and what stands in for what in calls of `check` and `ask`."""

from __future__ import annotations

import pytest

from pytest_velo import UsageError, stub
from pytest_velo.providers.registry import resolve
from pytest_velo.providers.scripted import find_script, scripted
from pytest_velo.providers.stubbed import stub_of, stubbed_model


def test_a_stub_has_the_same_id_wherever_its_file_is_read_and_another_stub_another():
    first, again, other = (stub(text, "No key, yet!") for text in ("a", "a", "b"))
    name = stubbed_model(first)
    assert name.startswith("stub/no-key-yet-")
    assert stub_of(name) is first
    assert stubbed_model(other) != name
    assert stubbed_model(again) == name  # one line made both


ONE_STUB = """
from pytest_velo import stub
from pytest_velo.providers.stubbed import stubbed_model

class Speaks:
    def __call__(self, request):
        return "yes"

def told(text):
    return lambda request: text

made = [stub(value, "no key yet") for value in ("a", Speaks(), told("a"), told("b"))]
"""


@pytest.mark.parametrize("order", ["made", "made[::-1]"])
def test_the_id_of_a_stub_depends_on_neither_the_process_nor_on_what_was_made_before_it(order):
    code = f"{ONE_STUB}\nids = {{made.index(one): stubbed_model(one) for one in {order}}}"
    ids = []
    for _ in range(2):
        space = {}
        exec(compile(code, "test_essays.py", "exec"), space)
        ids.append(space["ids"])
    assert ids[0] == ids[1]
    assert len(set(ids[0].values())) == 4


def test_a_stub_shares_no_draw_with_a_scripted_model_of_its_name():
    name = stubbed_model(stub("stubbed", "shared name"))
    scripted("shared-name", ["scripted"])
    assert resolve(name).request(()) != resolve("scripted/shared-name").request(())
    with pytest.raises(UsageError, match="no stub has the model id"):
        find_script("stub/never-made")


def test_a_stub_that_is_called_says_how_to_use_it():
    with pytest.raises(UsageError, match="was called") as raised:
        stub(3, "a guess")("x")
    assert "velo.stub(value" in str(raised.value)


@pytest.mark.parametrize("why", ["", "  ", None, 3])
def test_a_stub_needs_its_reason(why):
    with pytest.raises(UsageError, match="needs its reason"):
        stub(3, why)
