"""The structs of ``config.json``. The names are contracts: existing deployments rely on them.

A field says its type, its bounds and, as ``extra={"format": ...}``, which rule of ``formats`` its text keeps. Reading,
checking, the JSON Schema and the table in the documents all walk these structs: a new field needs no other code.
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

OnClientGone = Literal["cancel", "finish"]
Port = Annotated[int, Meta(ge=0, le=65535)]
# The upper bounds (a pebibyte, a year) keep what is computed from the values inside what timers and files can take.
Positive = Annotated[int, Meta(ge=1, le=1 << 50)]
Seconds = Annotated[float, Meta(gt=0, le=31_536_000)]
Text = Annotated[str, Meta(min_length=1)]
Url = Annotated[str, Meta(min_length=1, extra={"format": "url"}, extra_json_schema={"format": "uri"})]
VariableName = Annotated[str, Meta(min_length=1, extra={"format": "variable"})]
ProviderName = Annotated[str, Meta(min_length=1, extra={"format": "provider-name"})]
HeaderValue = Annotated[str, Meta(min_length=1, extra={"format": "header-value"})]
ExtraHeaderName = Annotated[str, Meta(min_length=1, extra={"format": "extra-header-name"})]
ForwardHeaderName = Annotated[str, Meta(min_length=1, extra={"format": "forward-header-name"})]
OriginGlob = Annotated[str, Meta(min_length=1, extra={"format": "origin-glob"})]
Host = Annotated[str, Meta(min_length=1, extra={"format": "host"})]


class ThinkingForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Another form than a template switch: the top-level body keys that stand for thinking on and thinking off.

    ``gpt-oss`` takes ``{"on": {"reasoning_effort": "high"}, "off": {"reasoning_effort": "low"}}``, OpenRouter
    ``{"on": {"reasoning": {"enabled": true}}, "off": {"reasoning": {"enabled": false}}}``.
    """

    on: Annotated[dict[str, Any], Meta(description="Top-level keys set for `enable_thinking: true`.")] = {}
    off: Annotated[dict[str, Any], Meta(description="Top-level keys set for `enable_thinking: false`.")] = {}


class Provider(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A configured service that answers calls: one row of data."""

    endpoint: Annotated[
        Url, Meta(description="The chat URL, `https://…/v1/chat/completions`; other paths derive from it.")
    ]
    api_key_env: Annotated[
        VariableName | None, Meta(description="Variable that holds the provider's key; absent: no key goes upstream.")
    ] = None
    models: Annotated[tuple[Text, ...], Meta(description="Model ids served here, exact.")] = ()
    model_prefixes: Annotated[
        tuple[Text, ...] | None,
        Meta(description="Prefixes of model ids served here; absent: the `models` entries are prefixes, too."),
    ] = None
    extra_headers: Annotated[
        dict[ExtraHeaderName, HeaderValue], Meta(description="Headers sent upstream with each call.")
    ] = {}
    thinking_models: Annotated[
        dict[Text, Text | ThinkingForm],
        Meta(description="Model id to the template switch that `enable_thinking` sets, or to an `on`/`off` form."),
    ] = {}
    no_sampling_params: Annotated[
        tuple[Text, ...],
        Meta(description="Model ids or prefixes that refuse `temperature`, `top_p`, `top_k`: those are taken out."),
    ] = ()
    models_endpoint: Annotated[Url | None, Meta(description="The model list's URL; absent: `<base>/models`.")] = None
    models_auth: Annotated[
        Literal["bearer", "x-api-key"],
        Meta(description="How the key goes for the model list and `/v1/messages`."),
    ] = "bearer"
    anthropic_version: Annotated[HeaderValue, Meta(description="Sent as `anthropic-version` with `x-api-key`.")] = (
        "2023-06-01"
    )
    drop_params: Annotated[
        tuple[Text, ...], Meta(description="Top-level body keys that are taken out, at every JSON endpoint.")
    ] = ()
    default_params: Annotated[
        dict[str, Any], Meta(description="Top-level body keys that are set where the client sent none.")
    ] = {}
    drop_tool_choice_without_tools: Annotated[
        bool, Meta(description="Take `tool_choice` out of a body without `tools`.")
    ] = False
    cache_salt_env: Annotated[
        VariableName | None,
        Meta(description="Variable that holds the `cache_salt` to send (provider `nrp`: `CACHE_SALT`)."),
    ] = None
    stream_usage: Annotated[
        bool, Meta(description="Ask for usage on streams (`stream_options.include_usage`) when the client did not.")
    ] = False
    on_client_gone: Annotated[
        OnClientGone | None, Meta(description="As the top-level `on_client_gone`, for this provider.")
    ] = None
    log_content: Annotated[bool | None, Meta(description="As the top-level `log_content`, for this provider.")] = None


class Listen(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where clients reach the proxy."""

    host: Annotated[Host, Meta(description="Address to listen on.")] = "0.0.0.0"  # noqa: S104 - a container's port
    port: Annotated[Port, Meta(description="Port to listen on.")] = 8002


class Metrics(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where Prometheus reaches the proxy."""

    port: Annotated[Port, Meta(description="Port of `/metrics`; 0 is off.")] = 9002


class Cors(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which pages may call."""

    allow_origins: Annotated[
        tuple[OriginGlob, ...], Meta(description="Globs of allowed origins (`https://*.example.org`).")
    ] = ("*",)


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Sizes in bytes, and counts."""

    head_bytes: Annotated[Positive, Meta(description="Longest request or response head.")] = 65536
    header_lines: Annotated[Positive, Meta(description="Most header lines in a head.")] = 100
    body_bytes: Annotated[Positive, Meta(description="Longest request body.")] = 67108864
    connections: Annotated[Positive, Meta(description="Most client connections a worker.")] = 8192
    buffer_bytes: Annotated[
        Positive, Meta(description="Request bodies held at once, a worker; as much again of answers, for the log.")
    ] = 536870912
    capture_bytes: Annotated[Positive, Meta(description="Most bytes of a body kept for the log.")] = 16777216
    segment_bytes: Annotated[Positive, Meta(description="A spool segment is closed at this size.")] = 67108864
    spool_bytes: Annotated[Positive, Meta(description="Spool size from which bodies, then frames are left out.")] = (
        4294967296
    )
    outbox_bytes: Annotated[Positive, Meta(description="Chunk files that wait for the store, at most.")] = 8589934592


class Timeouts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Durations in seconds, by phase."""

    head_s: Annotated[Seconds, Meta(description="A request head must arrive within.")] = 10
    body_s: Annotated[Seconds, Meta(description="The next part of a request body must arrive within.")] = 60
    idle_s: Annotated[Seconds, Meta(description="An idle client connection is closed after.")] = 75
    connect_s: Annotated[Seconds, Meta(description="Name, connection and TLS handshake to a provider within.")] = 30
    between_bytes_s: Annotated[Seconds, Meta(description="The next byte from a provider must arrive within.")] = 1200
    upstream_idle_s: Annotated[Seconds, Meta(description="An idle upstream connection is closed after.")] = 4
    drain_s: Annotated[Seconds, Meta(description="After SIGTERM, calls are served for at most.")] = 1260


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole of ``config.json``."""

    providers: Annotated[dict[ProviderName, Provider], Meta(description="Name to provider, in routing order.")]
    default_provider: Annotated[
        Text | msgspec.UnsetType | None,
        Meta(description="Takes models that nothing else matches; absent: `nrp` if there is one; null: none."),
    ] = msgspec.UNSET
    listen: Listen = Listen()
    metrics: Metrics = Metrics()
    workers: Annotated[int, Meta(ge=1, le=64, description="Worker processes.")] = 1
    cors: Cors = Cors()
    limits: Limits = Limits()
    timeouts: Timeouts = Timeouts()
    ca_file: Annotated[
        Text | None,
        Meta(description="Extra certificate authorities (PEM), beside the system's; relative to this file's folder."),
    ] = None
    forward_headers: Annotated[
        tuple[ForwardHeaderName, ...], Meta(description="Client headers that go upstream, beside the built-in list.")
    ] = ()
    on_client_gone: Annotated[
        OnClientGone, Meta(description="When the client leaves: end the provider's call, or let it finish.")
    ] = "cancel"
    log_content: Annotated[bool, Meta(description="Whether texts are kept in records.")] = True


def resolve_default_provider(config: Config) -> str | None:
    """The configured provider that takes what nothing else matches: the one named, else ``nrp`` if there is one."""
    name = "nrp" if config.default_provider is msgspec.UNSET else config.default_provider
    return name if name in config.providers else None
