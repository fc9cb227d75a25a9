"""A loopback server with the batch APIs of OpenAI and Anthropic beside their live ones.

It answers each request by the digest of its body, so that a reply tells which request it belongs to, in a
batch and live alike.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Body = dict[str, Any]
EPOCH = 1_790_000_000


def digest_of(body: Mapping[str, Any]) -> str:
    """Return what the server says of a request: a digest of all that was sent."""
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:16]


@dataclass
class Job:
    """A batch at the server: what was asked, and how far it is."""

    id: str
    path: str
    requests: Sequence[Body]
    metadata: Body
    status: str
    n_looks: int = 0
    outputs: dict[str, str] = field(default_factory=dict)


class BatchServer:
    """Serves until it is closed.

    Attributes:
        live: Bodies of the live calls.
        jobs: The batches, in the order in which they came.
        looks: After how many looks a batch has ended.
        fails: Returns the status and the body of a request that fails; None for one that does not.
        share: How often the answer is "yes".
        ends_as: How batches end: `completed`, `expired`, `cancelled` or `failed`.
        unanswered: Of the requests of an expired or cancelled batch, those from this one on.
        missing: How many times results are not there yet.
        mangle: Changes the lines of a file of results.
        created: Called with each new batch, before the answer.
        model: Gives the name that a model is served under.
        created_at: When batches say they were made.
    """

    def __init__(self) -> None:
        self.live: list[Body] = []
        self.jobs: list[Job] = []
        self.files: dict[str, bytes] = {}
        self.uploads: dict[str, bytes] = {}
        self.seen: list[tuple[str, str]] = []
        self.keys: set[str] = set()
        self.looks = 0
        self.fails: Callable[[Body], tuple[int, Body] | None] = lambda _: None
        self.share = 1.0
        self.ends_as = "completed"
        self.unanswered = 0
        self.missing = 0
        self.mangle: Callable[[list[bytes]], list[bytes]] = list
        self.created: Callable[[Job], None] = lambda _: None
        self.model: Callable[[str], str] = lambda asked: f"{asked}-2026-11-01"
        self.created_at = EPOCH
        self.results_host = ""
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def address(self) -> str:
        """Where it is, without `/v1`."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def endpoint(self, api: str = "openai-chat", more: str = "price=1/1 batch=0.5") -> str:
        """Return the line that declares it."""
        base = self.address if api == "anthropic" else f"{self.address}/v1"
        return f"lab: api={api} base_url={base} key=LAB_KEY {more}"

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()

    @property
    def n_batched(self) -> int:
        """Requests in all batches."""
        return sum(len(job.requests) for job in self.jobs)

    # What the routes below do.

    def share_of(self, body: Body) -> float:
        """Return how often the answer to a request is "yes"."""
        return self.share

    def answer(self, path: str, body: Body) -> tuple[int, Body]:
        """Return the status and the body of one call, in a batch or live."""
        if (failure := self.fails(body)) is not None:
            return failure
        digest = digest_of(body)
        text = f"{'yes' if int(digest[:4], 16) / 65536 < self.share_of(body) else 'no'} {digest}"
        served = self.model(body["model"])
        if path.endswith("/chat/completions"):
            message = {"role": "assistant", "content": text}
            return 200, {
                "id": "chatcmpl-1",
                "object": "chat.completion",
                "created": EPOCH,
                "model": served,
                "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
                "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
            }
        if path.endswith("/responses"):
            content = [{"type": "output_text", "text": text, "annotations": []}]
            item = {
                "type": "message",
                "role": "assistant",
                "id": "m",
                "status": "completed",
                "content": content,
            }
            return 200, {
                "id": "resp_1",
                "object": "response",
                "status": "completed",
                "model": served,
                "output": [item],
                "usage": {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15},
            }
        return 200, {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": served,
            "content": [{"type": "text", "text": text}],
            "stop_reason": "end_turn",
            "usage": {"input_tokens": 10, "output_tokens": 5},
        }

    def route(  # noqa: C901 - one line a route
        self, method: str, path: str, query: Mapping[str, list[str]], content: bytes, kind: str
    ) -> Any:
        """Answer a request: (status, JSON or bytes)."""
        with self._lock:
            self.seen.append((method, path))
            parts = path.strip("/").split("/")[1:]  # without v1
            match (method, *parts):
                case ("POST", "files"):
                    return self._upload(content, kind)
                case ("GET", "files", file_id, "content"):
                    return self._file(file_id)
                case ("POST", "batches"):
                    return self._create(json.loads(content))
                case ("GET", "batches"):
                    return self._listed(query, [self._openai(job) for job in reversed(self.jobs)], "after")
                case ("GET", "batches", job_id):
                    return self._look(job_id, self._openai)
                case ("POST", "batches", job_id, "cancel"):
                    return self._cancel(job_id, "cancelling", self._openai)
                case ("POST", "messages", "batches"):
                    return self._create_messages(json.loads(content))
                case ("GET", "messages", "batches"):
                    return self._listed(
                        query, [self._anthropic(job) for job in reversed(self.jobs)], "after_id"
                    )
                case ("GET", "messages", "batches", job_id):
                    return self._look(job_id, self._anthropic)
                case ("GET", "messages", "batches", job_id, "results"):
                    return self._file(f"results-{job_id}")
                case ("POST", "messages", "batches", job_id, "cancel"):
                    return self._cancel(job_id, "canceling", self._anthropic)
                case ("POST", *_):
                    body = json.loads(content)
                    self.live.append(body)
                    return self.answer(path, body)
        return 404, {"error": {"message": f"no such path: {path}", "type": "not_found_error"}}

    def _upload(self, content: bytes, kind: str) -> Any:
        head = f"Content-Type: {kind}\r\n\r\n".encode()
        parts = {}
        for part in BytesParser(policy=HTTP).parsebytes(head + content).iter_parts():
            parts[part.get_param("name", header="content-disposition")] = part.get_payload(decode=True)
        assert parts["purpose"] == b"batch"
        file_id = f"file-{len(self.uploads)}"
        self.uploads[file_id] = parts["file"]
        return 200, {
            "id": file_id,
            "object": "file",
            "bytes": len(parts["file"]),
            "created_at": EPOCH,
            "filename": "batch.jsonl",
            "purpose": "batch",
            "status": "processed",
        }

    def _create(self, asked: Body) -> Any:
        requests = [json.loads(line) for line in self.uploads[asked["input_file_id"]].splitlines()]
        assert all(request["url"] == asked["endpoint"] for request in requests)
        assert len({request["custom_id"] for request in requests}) == len(requests)
        job = Job(
            id=f"batch_{len(self.jobs)}",
            path=asked["endpoint"],
            requests=[{"custom_id": each["custom_id"], "body": each["body"]} for each in requests],
            metadata=asked.get("metadata") or {},
            status="validating",
        )
        self.jobs.append(job)
        self.created(job)
        return 200, self._openai(job)

    def _create_messages(self, asked: Body) -> Any:
        requests = [{"custom_id": each["custom_id"], "body": each["params"]} for each in asked["requests"]]
        assert all(len(each["custom_id"]) <= 64 for each in requests)
        job = Job(
            id=f"msgbatch_{len(self.jobs)}",
            path="/v1/messages",
            requests=requests,
            metadata={},
            status="in_progress",
        )
        self.jobs.append(job)
        self.created(job)
        return 200, self._anthropic(job)

    def _look(self, job_id: str, shown: Callable[[Job], Body]) -> Any:
        job = next((job for job in self.jobs if job.id == job_id), None)
        if job is None:
            return 404, {"error": {"message": f"no batch {job_id}", "type": "not_found_error"}}
        job.n_looks += 1
        if job.status in ("validating", "finalizing"):
            job.status = "in_progress"
        if job.n_looks > self.looks and not job.outputs and job.status not in ("failed", "ended"):
            self._end(job)
        return 200, shown(job)

    def _cancel(self, job_id: str, word: str, shown: Callable[[Job], Body]) -> Any:
        job = next(job for job in self.jobs if job.id == job_id)
        job.status = word
        self.ends_as = "cancelled"
        return 200, shown(job)

    def _end(self, job: Job) -> None:
        is_messages = job.path == "/v1/messages"
        done, failed = [], []
        for place, request in enumerate(job.requests):
            if self.ends_as == "failed":
                break
            unanswered = self.ends_as in ("expired", "cancelled") and place >= self.unanswered
            line = self._message_line if is_messages else self._line
            ok, told = line(job, request, unanswered)
            (done if ok else failed).append(json.dumps(told).encode())
        job.status = "ended" if is_messages else self.ends_as
        job.outputs = {"n_done": str(len(done)), "n_failed": str(len(failed))}
        if is_messages:
            self.files[f"results-{job.id}"] = b"\n".join(self.mangle([*failed, *done])) + b"\n"
            return
        for name, lines in (("output", done), ("error", failed)):
            if lines:
                job.outputs[name] = f"file-{job.id}-{name}"
                self.files[job.outputs[name]] = b"\n".join(self.mangle(lines)) + b"\n"

    def _line(self, job: Job, request: Body, unanswered: bool) -> tuple[bool, Body]:
        told: Body = {"id": "batch_req_1", "custom_id": request["custom_id"], "response": None, "error": None}
        if unanswered:
            code = f"batch_{self.ends_as}"
            told["error"] = {"code": code, "message": "This request could not be executed in time."}
            return False, told
        status, body = self.answer(job.path, request["body"])
        told["response"] = {"status_code": status, "request_id": "req_1", "body": body}
        return status < 400, told

    def _message_line(self, job: Job, request: Body, unanswered: bool) -> tuple[bool, Body]:
        if unanswered:
            kind = "canceled" if self.ends_as == "cancelled" else "expired"
            return False, {"custom_id": request["custom_id"], "result": {"type": kind}}
        status, body = self.answer(job.path, request["body"])
        result = (
            {"type": "succeeded", "message": body} if status < 400 else {"type": "errored", "error": body}
        )
        return status < 400, {"custom_id": request["custom_id"], "result": result}

    def _file(self, file_id: str) -> Any:
        if self.missing:
            self.missing -= 1
            return 404, {"error": {"message": f"no file {file_id} yet", "type": "not_found_error"}}
        return 200, self.files[file_id]

    def _listed(self, query: Mapping[str, list[str]], shown: list[Body], cursor: str) -> Any:
        after = query.get(cursor, [""])[0]
        ids = [each["id"] for each in shown]
        rest = shown[ids.index(after) + 1 :] if after else shown
        page = rest[: int(query.get("limit", ["20"])[0])]
        return 200, {
            "object": "list",
            "data": page,
            "has_more": len(page) < len(rest),
            "first_id": page[0]["id"] if page else None,
            "last_id": page[-1]["id"] if page else None,
        }

    def _openai(self, job: Job) -> Body:
        done, failed = int(job.outputs.get("n_done", 0)), int(job.outputs.get("n_failed", 0))
        errors = {"object": "list", "data": [{"code": "invalid_json_line", "line": 3, "message": "not JSON"}]}
        return {
            "id": job.id,
            "object": "batch",
            "endpoint": job.path,
            "completion_window": "24h",
            "input_file_id": "file-0",
            "created_at": self.created_at,
            "status": job.status,
            "output_file_id": job.outputs.get("output"),
            "error_file_id": job.outputs.get("error"),
            "errors": errors if job.status == "failed" else None,
            "request_counts": {"total": len(job.requests), "completed": done, "failed": failed},
            "metadata": job.metadata,
        }

    def _anthropic(self, job: Job) -> Body:
        done, failed = int(job.outputs.get("n_done", 0)), int(job.outputs.get("n_failed", 0))
        ended = job.status == "ended"
        host = self.results_host or self.address
        counts = {"succeeded": done, "errored": failed, "canceled": 0, "expired": 0}
        return {
            "id": job.id,
            "type": "message_batch",
            "processing_status": job.status,
            "request_counts": {"processing": 0 if ended else len(job.requests), **counts},
            "created_at": _rfc3339(self.created_at),
            "expires_at": _rfc3339(self.created_at + 86_400),
            "ended_at": _rfc3339(self.created_at) if ended else None,
            "results_url": f"{host}/v1/messages/batches/{job.id}/results" if ended else None,
        }


def _rfc3339(seconds: float) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(seconds, UTC).isoformat()


def _handler(server: BatchServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer("GET", b"")

        def do_POST(self) -> None:
            self._answer("POST", self.rfile.read(int(self.headers.get("Content-Length") or 0)))

        def _answer(self, method: str, content: bytes) -> None:
            parts = urlsplit(self.path)
            server.keys.add(self.headers.get("Authorization") or self.headers.get("x-api-key") or "")
            kind = self.headers.get("Content-Type") or ""
            status, body = server.route(method, parts.path, parse_qs(parts.query), content, kind)
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            try:
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)
            except OSError:
                self.close_connection = True  # the client was killed

        def log_message(self, *_: object) -> None:
            pass

    return Handler
