"""The frozen settings of one session. The core takes these and never pytest's config."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit


class Mode(StrEnum):
    """Where draws come from."""

    AUTO = "auto"
    REPLAY = "replay"
    REFRESH = "refresh"
    ESTIMATE = "estimate"


class Multiplicity(StrEnum):
    """What the error rates hold for: each hypothesis alone, or all of a family together.

    `holm` bounds the chance of any wrong verdict in the family, `ebh` the expected share of wrong ones.
    """

    NONE = "none"
    HOLM = "holm"
    EBH = "ebh"


class Scheduler(StrEnum):
    """Which hypothesis gets the next trial: the one that gains most, each in turn, or one after another.

    `gain-afresh` is `gain` without what earlier runs saw.
    """

    GAIN = "gain"
    ROUND_ROBIN = "round-robin"
    IN_ORDER = "in-order"
    GAIN_AFRESH = "gain-afresh"


class Update(StrEnum):
    """Which baselines are sampled and stored rather than compared with."""

    ALL = "all"
    NEW = "new"


class ReportKind(StrEnum):
    """What is written at the end: our own page, Markdown, a log of Inspect, the JSON of Every Eval Ever."""

    HTML = "html"
    MD = "md"
    INSPECT = "inspect"
    EEE = "eee"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportTarget:
    """A report that was asked for: its format, and the file or folder it goes to."""

    kind: ReportKind
    path: Path

    def __str__(self) -> str:
        return f"{self.kind}:{self.path}"


class ShowKind(StrEnum):
    """Which trials are shown: on one side of the claim, without an outcome, at random, or changed since."""

    AGAINST = "against"
    FOR = "for"
    INVALID = "invalid"
    RANDOM = "random"
    CHANGED = "changed"


class Github(StrEnum):
    """What a run on GitHub Actions shows beside its log: its step's summary, annotations, both or neither."""

    ALL = "all"
    SUMMARY = "summary"
    ANNOTATIONS = "annotations"
    NONE = "none"


class Clients(StrEnum):
    """What becomes of the calls of clients that bodies make themselves: draws, or calls outside the cache."""

    ADOPT = "adopt"
    LEAVE = "leave"


_SCHEMA = "velo"
_SHOWN = frozenset({"dbname", "host", "port", "schema", "service", "sslmode", "user"})
"""Parameters of a store's URL that are shown; any other may hold a secret."""


@dataclass(frozen=True, slots=True)
class StoreUrl:
    """The address of a shared store: libpq's URL, and `schema=` for the schema its tables are in.

    Whatever shows it shows it without passwords.
    """

    secret: str = field(repr=False)

    def __post_init__(self) -> None:
        try:
            parts = urlsplit(self.secret)
            readable = parts.scheme in ("postgresql", "postgres") and "#" not in self.secret
        except ValueError:
            readable = False
        if not readable or self.secret.partition(":")[2][:2] != "//":
            raise ValueError("an URL postgresql://USER@HOST/DATABASE, or none")
        if parts.netloc.count("@") > 1 or "@" in parts.path:
            raise ValueError("an URL whose user and password have %40 for @, %2F for / and %23 for #")
        if not self.schema.isidentifier() or not self.schema.isascii() or not self.schema.islower():
            raise ValueError("an URL whose schema= has small letters, digits and _ only")

    @property
    def schema(self) -> str:
        """The schema that the tables are in."""
        return dict(self._parameters()).get("schema", _SCHEMA)

    @property
    def for_libpq(self) -> str:
        """The URL as libpq reads it, with its secrets."""
        query = urlencode(
            [pair for pair in self._parameters() if pair[0] != "schema"], quote_via=quote, safe="/"
        )
        base = self.secret.partition("?")[0]
        return f"{base}?{query}" if query else base

    @property
    def password(self) -> str:
        """The password in it; empty without one."""
        login = urlsplit(self.secret).netloc.rpartition("@")[0]
        return (
            unquote(login.partition(":")[2]) if ":" in login else dict(self._parameters()).get("password", "")
        )

    def __str__(self) -> str:
        parts = urlsplit(self.secret)
        login, at, hosts = parts.netloc.rpartition("@")
        query = urlencode(
            [pair for pair in self._parameters() if pair[0] in _SHOWN], quote_via=quote, safe="/,:"
        )
        shown = f"postgresql://{login.partition(':')[0]}{at}{hosts}{parts.path}"
        return f"{shown}?{query}" if query else shown

    def _parameters(self) -> list[tuple[str, str]]:
        # `+` is a plus sign to libpq, not a space.
        return parse_qsl(urlsplit(self.secret).query.replace("+", "%2B"), keep_blank_values=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkersAt:
    """Where trials run: on `n` workers of this machine, or on those of dask's scheduler at `address`."""

    n: int = 0
    address: str = ""

    def __str__(self) -> str:
        return f"local:{self.n}" if self.n else f"dask://{self.address.partition('://')[2]}"


class Api(StrEnum):
    """The wire families."""

    OPENAI_CHAT = "openai-chat"
    OPENAI_RESPONSES = "openai-responses"
    ANTHROPIC = "anthropic"
    LOCAL = "local"
    SCRIPTED = "scripted"


class Prefill(StrEnum):
    """How a server is told to continue a last message of the model's own.

    `continue`: by `continue_final_message` (vLLM, SGLang); `prefix`: by `"prefix": true` in that message
    (DeepSeek, Mistral); `plain`: it does so by itself (llama.cpp, many models behind OpenRouter); `none`: it
    cannot.
    """

    CONTINUE = "continue"
    PREFIX = "prefix"
    PLAIN = "plain"
    NONE = "none"


class Think(StrEnum):
    """What becomes of `<think>…</think>` in a reply's text: it stays (`keep`), or is reasoning (`strip`)."""

    KEEP = "keep"
    STRIP = "strip"


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """Dollars per million tokens, declared by the user for an endpoint."""

    input_usd: float
    output_usd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A named place that serves models.

    Attributes:
        name: The first part of a model id, e.g. `vllm` in `vllm/my-model`.
        api: The wire family: one of `Api`, or the name of a plugin's.
        base_url: None for the SDK's own default.
        key_env: The environment variable that holds the key; None when no key is needed.
        headers: Sent with every request; never stored.
        weights: Names the checkpoint behind a model name, so that two never share draws.
        price: Declared price; None if not declared (a library of prices is consulted then).
        free: Calls cost nothing (local models, scripted replies, endpoints declared `price=free`).
        rpm, tpm: Requests and tokens a minute; None for no declared limit.
        timeout_s: How long one attempt may take, in seconds.
        n: Most draws of one request that one call may ask for, from 1; more than 1 only where the API has
            `n` (chat completions).
        prefill: How it continues a message; None if not declared.
        think: What becomes of thoughts in a reply's text; None if not declared, so that they stay, with a
            notice.
        batch: It has a batch API, which takes this share of the price, in (0, 1]; None if not declared.
    """

    name: str
    api: Api | str
    base_url: str | None = None
    key_env: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    weights: str | None = None
    price: Price | None = None
    free: bool = False
    rpm: int | None = None
    tpm: int | None = None
    timeout_s: float = 120.0
    n: int = 1
    prefill: Prefill | None = None
    think: Think | None = None
    batch: float | None = None
    declared: bool = False

    @property
    def identity(self) -> str:
        """Its part of a draw's key: the declared name and weights id, else host:port."""
        if self.declared:
            return self.name if self.weights is None else f"{self.name}@{self.weights}"
        base = self.name if self.base_url is None else urlsplit(self.base_url).netloc
        return base if self.weights is None else f"{base}@{self.weights}"


STUB = "stub"
"""The endpoint of stubbed models, whose replies are computed as those of scripted ones."""

BUILTIN_ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(name="openai", api=Api.OPENAI_CHAT, key_env="OPENAI_API_KEY"),
    Endpoint(name="openai-responses", api=Api.OPENAI_RESPONSES, key_env="OPENAI_API_KEY"),
    Endpoint(name="anthropic", api=Api.ANTHROPIC, key_env="ANTHROPIC_API_KEY"),
    Endpoint(name="local", api=Api.LOCAL, free=True),
    Endpoint(name="scripted", api=Api.SCRIPTED, free=True),
    Endpoint(name=STUB, api=Api.SCRIPTED, free=True),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that can be set for a session.

    Attributes:
        models: Default model ids; empty when none is set.
        judge: Model id of the judge; None when not set.
        seed: The root seed.
        alpha: Bound on P(wrong supported), in (0, 1); a mark's own value wins.
        multiplicity: Under `HOLM` and `EBH` alpha and beta hold for a family of hypotheses together.
        max_trials: Default for marks without their own.
        futility: A hypothesis is given up where its chance of a verdict is below this; 0 for never.
        scheduler: Which hypothesis gets the next trial.
        concurrency: Most calls in flight per provider (divided by the workers under xdist).
        budget_usd: Dollars this session may spend; None for no limit.
        may_pay: Paid calls are enabled.
        strict: Inconclusive fails.
        show: How many trials are shown per hypothesis.
        show_kind: Which trials are shown, of every hypothesis; None for those against the claim and invalid
            ones, of what did not pass.
        cache_dir: Folder of the store and the run records.
        baseline: The file of baselines.
        update: Which baselines are sampled again; None to compare with all.
        cassettes: Files read in replay; empty: `cassettes/*.jsonl*` beside each test file.
        reports: What is written for other tools, at the end.
        github: What a run on GitHub Actions shows beside its log.
        clients: What becomes of the calls of clients that bodies make; a mark's own choice wins.
        store: A store shared with other machines, read through to the local one; None without one.
        store_patience_s: How long draws wait for a shared store that cannot be reached, before they are made
            without knowing whether another machine makes them.
        jobs: Most scorers in processes at once; None for the processors that may be used (divided by the
            workers under xdist).
        batch: Paid draws come from batch APIs.
        batch_every_s: Seconds between two looks at a batch under way, from 0.
        workers_at: Where trials run; None for this process.
        workers: Number of processes that share the limits (xdist), from 1.
        on: The model that every hypothesis asks instead of its own; None for its own.
    """

    models: tuple[str, ...] = ()
    judge: str | None = None
    mode: Mode = Mode.AUTO
    seed: int = 0
    alpha: float = 0.05
    multiplicity: Multiplicity = Multiplicity.NONE
    max_trials: int = 200
    futility: float = 0.05
    scheduler: Scheduler = Scheduler.GAIN
    concurrency: int = 20
    budget_usd: float | None = 1.0
    may_pay: bool = True
    strict: bool = False
    profile: str = "explore"
    show: int = 3
    show_kind: ShowKind | None = None
    cache_dir: Path = Path(".pytest_velo")
    baseline: Path = Path("velo-baseline.json")
    update: Update | None = None
    cassettes: tuple[Path, ...] = ()
    reports: tuple[ReportTarget, ...] = ()
    github: Github = Github.ALL
    clients: Clients = Clients.LEAVE
    store: StoreUrl | None = None
    store_patience_s: float = 60.0
    batch: bool = False
    batch_every_s: float = 30.0
    endpoints: tuple[Endpoint, ...] = BUILTIN_ENDPOINTS
    jobs: int | None = None
    workers_at: WorkersAt | None = None
    workers: int = 1
    on: str | None = None

    @property
    def replays(self) -> bool:
        """No call is made: every reply comes from the cache or a cassette."""
        return self.mode is Mode.REPLAY

    @property
    def batches_paid_draws(self) -> bool:
        """Paid draws come from batches, where any are made."""
        return self.batch and self.mode is Mode.AUTO

    @property
    def estimates(self) -> bool:
        """No call is made: calls and dollars are counted."""
        return self.mode is Mode.ESTIMATE
