"""A tracer of OpenTelemetry that keeps its spans, for one test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest


@contextmanager
def in_memory(**options: Any) -> Iterator[Any]:
    """Set up a tracer; yields the exporter that keeps what ended.

    The API lets a process set its tracer once, so a test puts its own in its place.
    """
    pytest.importorskip("opentelemetry.sdk", reason="pip install 'pytest-velo[dev]'")
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    exporter = InMemorySpanExporter()
    provider = TracerProvider(**options)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trace, "_TRACER_PROVIDER", provider)
        yield exporter
    provider.shutdown()
