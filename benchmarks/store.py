"""A million draws on disk: opening, memory, reading, writing, pruning, and four processes at once.

Everything is measured in processes of their own on files that are in the system's page cache; contenders take
turns. Reads are timed in CPU seconds, the system's included. `--draws 100000` gives a quick look;
`--draws 10000000 --ours --folder F` measures ten million of ours alone, in 6 GB below F.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from statistics import median
from typing import Any

from measuring import machine, print_table
from stored import (
    A_RUN,
    A_SEED,
    KEEPERS,
    address,
    anywhere,
    as_runs_read,
    copy_seeds,
    draws,
    reply,
    request,
)

from pytest_velo.cache.cassette import export
from pytest_velo.cache.pruning import Housekeeping
from pytest_velo.cache.store import Store

N_READS = 10_000
N_EXPORTED = 20_000
OURS = "pytest-velo"
AT_ONCE = 10_000
N_EACH, N_SHARED = 5_000, 1_000
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
ORDERS = {"anywhere": anywhere, "as runs read": as_runs_read}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=1_000_000, help="draws of the largest store")
    parser.add_argument("--rounds", type=int, default=5, help="runs of each, in turn (default 5)")
    parser.add_argument("--ours", action="store_true", help="leave the peers out")
    parser.add_argument("--folder", help="where the files are (default: among the temporary files)")
    parser.add_argument("--child", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(CHILDREN[options.child[0]](*options.child[1:])))
        return
    sizes = sorted({1_000, min(100_000, options.draws), min(1_000_000, options.draws), options.draws})
    names = [OURS] if options.ours else list(KEEPERS)
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        root = Path(folder)
        print(machine("apsw", "msgspec", *([] if options.ours else ["diskcache"])), flush=True)
        written = {(name, n): _child("fill", name, root, n) for n in sizes for name in names}
        reads = _measure_reads(root, names, sizes, options.rounds)
        _print_reads(reads, names, sizes, options.rounds)
        _print_files(root, names, sizes[-1], written, reads)
        _print_upkeep(root, sizes[-1])
        _print_writers(root)


# What the processes do


def _fill(name: str, root: str, n_draws: str) -> dict[str, float]:
    """Fill a store; draws a second of the clock and of CPU.

    Beyond a million the others are copied, and then the rate is that of some more, put into the full store.
    """
    folder, n = _folder(Path(root), name, int(n_draws)), int(n_draws)
    timed = range(n)
    if n > A_SEED:
        whole = KEEPERS[name](folder)
        for first in range(0, A_SEED, AT_ONCE):
            whole.fill(list(draws(first, first + AT_ONCE)))
        whole.close()
        copy_seeds(folder, n)
        timed = range(n, n + 10 * AT_ONCE)
    keeper = KEEPERS[name](folder)
    wall_s = cpu_s = 0.0
    for first in timed[::AT_ONCE]:
        rows = list(draws(first, min(first + AT_ONCE, timed.stop)))  # making them is not what is measured
        wall, cpu = time.perf_counter(), time.process_time()
        keeper.fill(rows)
        wall_s, cpu_s = wall_s + time.perf_counter() - wall, cpu_s + time.process_time() - cpu
    keeper.close()
    return {"wall": len(timed) / wall_s, "cpu": len(timed) / cpu_s}


def _read(name: str, root: str, n_draws: str, order: str) -> dict[str, float]:
    """Open a store and read from it; times, and by how much the process grew."""
    folder, addresses = _folder(Path(root), name, int(n_draws)), ORDERS[order](int(n_draws), N_READS)
    KEEPERS[name](folder / "warm-up").close()  # imports what is needed, and makes a small file
    before, begin = _resident(), time.perf_counter()
    keeper = KEEPERS[name](folder)
    opened = time.perf_counter() - begin
    after_open, cpu = _resident(), time.process_time()
    missing = sum(keeper.read(address) is None for address in addresses)
    cpu = time.process_time() - cpu
    grown = _resident() - before
    keeper.close()
    assert missing == 0
    return {"open_s": opened, "rate": N_READS / cpu, "open_mb": after_open - before, "read_mb": grown}


def _write(path: str, name: str) -> dict[str, Any]:
    """Write draws as trials do, 20 in flight; says each that is acknowledged, then the longest wait."""
    mine = [f"{name}:{n}" for n in range(N_EACH - N_SHARED)]
    slots = [*(f"shared:{n}" for n in range(N_SHARED)), *mine]
    Random(name).shuffle(slots)
    waits: list[float] = []
    sys.stdin.readline()  # all start together
    store = Store.open(path)

    async def write() -> None:
        while slots:
            slot = slots.pop()
            at = address(int(slot.split(":")[1]))
            begin = time.perf_counter()
            kept = type(at)(key=at.key, seed=0, stream="", slot=slot)
            draw = await store.put(
                request(int(slot.split(":")[1]) // 10), kept, reply(ord(name)), "2026-11-01"
            )
            waits.append(time.perf_counter() - begin)
            print(json.dumps([slot, draw.reply.raw["id"]]), flush=True)

    async def every() -> None:
        await asyncio.gather(*(write() for _ in range(20)))

    begin = time.perf_counter()
    asyncio.run(every())
    store.close()
    return {"wall_s": time.perf_counter() - begin, "longest_s": max(waits)}


def _upkeep(name: str, path: str) -> dict[str, Any]:
    """Do one of `UPKEEP`: what it took, with opening and closing, and what it tells."""
    wall, cpu = time.perf_counter(), time.process_time()
    told = UPKEEP[name](Path(path))
    return {
        "wall_s": time.perf_counter() - wall,
        "cpu_s": time.process_time() - cpu,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000,
        "told": told,
    }


def _nothing(path: Path) -> str:
    Store.open(path).close()
    return ""


def _explained(path: Path) -> str:
    store = Store.open(path)
    store.nearest_request(request(-1), address(-1))
    store.close()
    return ""


def _counted(path: Path) -> str:
    house = Housekeeping.existing(path)
    stats = house.stats(())
    house.close()
    return f"{stats.draws.n_draws:,} draws, {stats.n_bytes / 1e6:,.0f} MB"


def _exported(path: Path) -> str:
    """Export as many draws as a large cassette has, which were stored one after the other."""
    store, cassette = Store.open(path), path.with_name("cassette.jsonl.zst")
    wanted = [address(n) for n in range(N_EXPORTED)]
    n = export(store, wanted, cassette).n_draws
    store.close()
    size = cassette.stat().st_size
    cassette.unlink()
    return f"{n:,} draws, {size / 1e6:,.1f} MB"


def _pruned(path: Path) -> str:
    house, size = Housekeeping.existing(path), path.stat().st_size
    pruned = house.prune(max_bytes=size // 2)
    house.close()
    left = path.stat().st_size
    return f"{size / 1e6:,.0f} -> {left / 1e6:,.0f} MB, {pruned.removed.n_draws:,} draws removed"


UPKEEP: dict[str, Callable[[Path], str]] = {
    "opened and closed": _nothing,
    "a miss explained": _explained,
    "counted (`velo cache stats`)": _counted,
    "exported to a cassette": _exported,
    "pruned to half its size": _pruned,
}
CHILDREN: dict[str, Callable[..., dict[str, Any]]] = {
    "fill": _fill,
    "read": _read,
    "write": _write,
    "upkeep": _upkeep,
}


# What is measured and printed


def _measure_reads(
    root: Path, names: list[str], sizes: list[int], rounds: int
) -> dict[tuple[str, int, str], dict[str, float]]:
    """Read each store in turn; medians over the rounds."""
    kinds = [(name, n, order) for order in ORDERS for name in names for n in sizes]
    found: dict[tuple[str, int, str], list[dict[str, float]]] = {kind: [] for kind in kinds}
    for _ in range(rounds):
        for name, n, order in kinds:
            found[name, n, order].append(_child("read", name, root, n, order))
    return {
        kind: {part: median(run[part] for run in runs) for part in runs[0]} for kind, runs in found.items()
    }


def _print_reads(
    reads: dict[tuple[str, int, str], dict[str, float]], names: list[str], sizes: list[int], rounds: int
) -> None:
    rows = []
    for order in ORDERS:
        for name in names:
            rates = [reads[name, n, order]["rate"] for n in sizes]
            slower = f"{rates[0] / rates[-1]:.2f}"
            rows.append([order, name, *(f"{rate:,.0f}" for rate in rates), slower])
    title = f"{N_READS:,} reads, reads a second of CPU, median of {rounds} rounds in turn"
    print_table(title, ["order", "kept by", *(f"of {n:,}" for n in sizes), "smallest / largest"], rows)
    print(f"\nAs runs read: {A_RUN:,} draws that were stored one after the other, in another order.")


def _print_files(
    root: Path, names: list[str], n: int, written: dict[Any, Any], reads: dict[Any, Any]
) -> None:
    rows = []
    for name in names:
        read, fill = reads[name, n, "anywhere"], written[name, n]
        size = sum(file.stat().st_size for file in _folder(root, name, n).glob("*.*") if file.is_file())
        grown = f"{read['open_mb']:.1f} / {read['read_mb']:.1f} MB"
        rate = f"{fill['wall']:,.0f} / {fill['cpu']:,.0f}"
        rows.append([name, f"{1e3 * read['open_s']:.1f} ms", grown, rate, f"{size / 1e6:,.0f} MB"])
    columns = [
        "kept by",
        "open",
        "resident after opening / reading",
        "draws written a second, wall / CPU",
        "file",
    ]
    print_table(f"{n:,} draws", columns, rows)


def _print_upkeep(root: Path, n: int) -> None:
    """Each in a process of its own, whose peak memory is that of the work."""
    path = _folder(root, OURS, n) / "draws.sqlite"
    rows = [_row(name, _child("upkeep", name, path)) for name in UPKEEP]
    print_table(f"Upkeep of {n:,} draws", ["what", "wall", "CPU", "peak memory", ""], rows)


def _row(name: str, took: dict[str, Any]) -> list[str]:
    seconds = [
        f"{took[clock]:.1f} s" if took[clock] >= 1 else f"{1e3 * took[clock]:.1f} ms"
        for clock in ("wall_s", "cpu_s")
    ]
    return [name, *seconds, f"{took['peak_mb']:,.0f} MB", took["told"]]


def _print_writers(root: Path) -> None:
    """Let four processes write at once, and kill one in the middle."""
    path = root / "writers" / "draws.sqlite"
    command = [sys.executable, __file__, "--child", "write", str(path)]
    pipe = subprocess.PIPE
    writers: list[Any] = [
        subprocess.Popen([*command, name], stdin=pipe, stdout=pipe, stderr=pipe, text=True) for name in "abcd"
    ]
    for writer in writers:
        writer.stdin.write("go\n")
        writer.stdin.flush()
    killed, *others = writers
    lines = [killed.stdout.readline() for _ in range(N_EACH // 2)]
    killed.send_signal(signal.SIGKILL)
    lines += killed.stdout.readlines()
    killed.wait()
    complaints, ended = killed.stderr.read(), []
    for writer in others:
        told, complained = writer.communicate()
        *acknowledged, last = told.splitlines(keepends=True)
        lines += acknowledged
        complaints += complained
        ended.append(json.loads(last))
    store = Store.open(path)
    kept = {draw.address.slot: draw.reply.raw["id"] for _, draw in store.recorded()}
    store.close()
    told = [json.loads(line) for line in lines if line.endswith("\n")]
    lost = sum(kept.get(slot) != text for slot, text in told)
    wall_s = max(end["wall_s"] for end in ended)
    rows = [
        ["acknowledged", f"{len(told):,}"],
        ["of them lost or another's", lost],
        ["errors", complaints.count("Error") or "none"],
        ["acknowledged a second", f"{len(told) / wall_s:,.0f}"],
        ["longest wait for a commit", f"{1e3 * max(end['longest_s'] for end in ended):.0f} ms"],
    ]
    title = f"Four processes of {N_EACH:,} draws ({N_SHARED:,} the same), one killed in the middle"
    print_table(title, ["what", ""], rows)


def _child(*arguments: object) -> dict[str, Any]:
    command = [sys.executable, __file__, "--child", *map(str, arguments)]
    ran = subprocess.run(command, capture_output=True, text=True)
    if ran.returncode:
        raise SystemExit(f"{command}:\n{ran.stderr}")
    found: dict[str, Any] = json.loads(ran.stdout)
    return found


def _folder(root: Path, name: str, n_draws: int) -> Path:
    return root / f"{name.split()[0]}-{n_draws}"


def _resident() -> float:
    """Return the resident memory of this process in MB (Linux)."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE_BYTES / 1e6


if __name__ == "__main__":
    main()
