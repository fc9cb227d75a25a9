"""The requests of `live_cpu.py` through inspect_ai, in the environment that has it; prints what a run took.

`model`: its OpenAI provider alone, called by `gather`. `eval`: a task of as many samples, with the log it
writes by default (`.eval`, into a folder that is removed). Nothing of this package is imported.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

from inspect_ai import Task
from inspect_ai import eval as run_eval
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import GenerateConfig, Model, get_model
from inspect_ai.solver import generate


def main() -> None:
    """Run once for each line that is read, and print what the run took in seconds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("way", choices=("model", "eval"))
    parser.add_argument("--base-url", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--prompt", required=True)
    parser.add_argument("--requests", type=int, required=True)
    parser.add_argument("--in-flight", type=int, required=True)
    options = parser.parse_args()
    work = {"model": _by_model, "eval": _by_eval}[options.way]
    for _ in sys.stdin:
        print(json.dumps(_taken(lambda: work(options))), flush=True)


def _taken(work: Callable[[], object]) -> dict[str, float]:
    wall, cpu = time.perf_counter(), _cpu_s()
    work()
    return {"wall_s": time.perf_counter() - wall, "cpu_s": _cpu_s() - cpu}


def _cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _model(options: argparse.Namespace) -> Model:
    config = GenerateConfig(max_connections=options.in_flight, max_retries=0)
    # What speaks chat completions, not responses, as the others do.
    return get_model(
        f"openai/{options.model}",
        base_url=options.base_url,
        api_key="none",
        config=config,
        memoize=False,
        responses_api=False,
    )


def _by_model(options: argparse.Namespace) -> None:
    async def ask() -> None:
        async with _model(options) as model:
            seeds = (GenerateConfig(seed=number) for number in range(options.requests))
            replies = await asyncio.gather(*(model.generate(options.prompt, config=seed) for seed in seeds))
        assert all(reply.completion for reply in replies)

    asyncio.run(ask())


def _by_eval(options: argparse.Namespace) -> None:
    samples = [Sample(input=options.prompt, id=number) for number in range(options.requests)]
    task = Task(dataset=MemoryDataset(samples), solver=generate())
    with tempfile.TemporaryDirectory() as folder:
        settings: dict[str, Any] = {"display": "none", "log_dir": folder, "max_samples": options.in_flight}
        (log,) = run_eval(task, model=_model(options), **settings)
    assert log.status == "success", log.error


if __name__ == "__main__":
    main()
