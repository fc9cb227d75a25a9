"""A model server that answers each call with another text, and counts the calls of each draw."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class ModelServer:
    """Speaks OpenAI's chat completions; a draw is told from another by its seed.

    Attributes:
        calls: How often each seed was asked for.
        latency_s: How long an answer takes.
        word: What every answer begins with.
        before: Called with the number of each call, before it is answered.
    """

    def __init__(self, address: str = "127.0.0.1", latency_s: float = 0.0) -> None:
        self.calls: Counter[int] = Counter()
        self.latency_s = latency_s
        self.word = "yes"
        self.before: Callable[[int], None] = lambda _: None
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer((address, 0), _handler(self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])

    def endpoint(self, host: str = "127.0.0.1") -> str:
        """Return the line that declares it: its calls cost money."""
        return f"lab: api=openai-chat base_url=http://{host}:{self.port}/v1 price=1/1 key=LAB_KEY"

    @property
    def n_calls(self) -> int:
        """How many calls there were."""
        with self._lock:
            return sum(self.calls.values())

    @property
    def twice(self) -> dict[int, int]:
        """The draws that were paid for more than once."""
        with self._lock:
            return {seed: n for seed, n in self.calls.items() if n > 1}

    def answer(self, body: dict[str, Any]) -> dict[str, Any]:
        """Count a call, take some time, and answer."""
        with self._lock:
            self.calls[body["seed"]] += 1
            n = sum(self.calls.values())
        self.before(n)
        time.sleep(self.latency_s)
        message = {"role": "assistant", "content": f"{self.word} {n}"}
        return {
            "id": f"c{n}",
            "object": "chat.completion",
            "model": "tiny",
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7},
        }

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()


def _handler(server: ModelServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            answer = json.dumps(server.answer(body)).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    return Handler
