"""Names that are no keywords of a mark: all options of a run, and all keywords of a call."""

from __future__ import annotations

import inspect

from pytest_velo.designing.elsewhere import elsewhere
from pytest_velo.designing.spec import KEYWORDS
from pytest_velo.integration.config.options import OPTIONS
from pytest_velo.sampling.model import AsyncModel


def test_each_option_of_a_run_is_a_keyword_or_known_to_be_none() -> None:
    for option in OPTIONS:
        if option.name not in {*KEYWORDS, "model"}:  # `models` is near enough
            assert f"{option.cli}, {option.ini} in the ini file, or {option.env}" in elsewhere(option.name)


def test_each_keyword_of_a_call_is_known_to_be_none() -> None:
    of_a_call = {*inspect.signature(AsyncModel.__call__).parameters} - {"self", "provider_parameters"}
    for name in of_a_call - {*KEYWORDS, "prompt"}:
        assert f"{name}=..." in elsewhere(name)
    assert elsewhere("colour") == ""
