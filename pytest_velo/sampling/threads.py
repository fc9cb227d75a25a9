"""Worker threads for blocking bodies: as many as bodies run at once, and none of them delays the exit.

`concurrent.futures` joins its threads when the interpreter ends, so one stuck body would hang the process
forever. These are daemon threads: an idle one is told to end, a stuck one is left behind.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue

Work = Callable[[], Callable[[], object]]


class DaemonThreads:
    """Runs functions in reused daemon threads, without a queue: if all are busy, a thread is added.

    What a function returns is called last, to tell its result: by then the thread counts as idle, so whoever
    learns of the end of one function and submits the next finds it.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._work: SimpleQueue[Work | None] = SimpleQueue()
        self._n_idle = 0
        self._n_threads = 0
        self._closed = False

    def submit(self, work: Work) -> bool:
        """Start `work`, which must not raise; return False if the threads were closed."""
        with self._lock:
            if self._closed:
                return False
            if self._n_idle:
                self._n_idle -= 1
            else:
                self._n_threads += 1
                name = f"{self._name}-{self._n_threads}"
                threading.Thread(target=self._serve, name=name, daemon=True).start()
            self._work.put(work)
        return True

    def close(self) -> None:
        """End idle threads now and busy ones after their work, without waiting for any."""
        with self._lock:
            self._closed = True
            for _ in range(self._n_threads):
                self._work.put(None)

    def _serve(self) -> None:
        while (work := self._work.get()) is not None:
            tell = work()
            del work  # an idle thread keeps no body, and no trial of it, alive
            with self._lock:
                self._n_idle += 1
            tell()
            del tell
