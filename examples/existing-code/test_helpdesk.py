"""The help desk, tested as it is."""

import pytest
from helpdesk import answer

from pytest_velo import rate


@pytest.mark.hypothesis(rate >= 0.8, models=["openai/gpt-4o-mini"])
async def test_it_tells_the_state_of_an_order(openai_client):
    """Asked for an order, the help desk tells when it was sent."""
    assert "Monday" in await answer("Where is my order A17?", openai_client)
