"""Batch APIs: what is sent now and answered within a day, at a lower price, into the slots of live calls.

What is named here is loaded when it is first asked for: the services load the SDKs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_velo.lazy import lazily

if TYPE_CHECKING:
    from pytest_velo.batches.anthropic_service import AnthropicService as AnthropicService
    from pytest_velo.batches.openai_service import OpenAiService as OpenAiService
    from pytest_velo.batches.under_way import UnderWay as UnderWay

__getattr__ = lazily(
    __name__,
    {"AnthropicService": "anthropic_service", "OpenAiService": "openai_service", "UnderWay": "under_way"},
)
