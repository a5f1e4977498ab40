"""LiteLLM, Portkey, Bifrost, and the routers of SGLang and vLLM: what knows what a model is."""

import re
import time
from pathlib import Path

from bench.bodies import CLIENT_KEY, MODEL, PROVIDER_KEY
from bench.machine import find_port
from bench.peers.installed import measure_part, read_node_version, read_python_version
from bench.peers.peer import Launch, Peer, Place, Record, Running, find_parts, settle_by_quiet

_LITELLM = """\
model_list:
  - model_name: {model}
    litellm_params:
      model: openai/{model}
      api_base: {base}/v1
      api_key: os.environ/BENCH_API_KEY
general_settings:
  master_key: {key}
litellm_settings:
  callbacks: ["s3_v2"]
  s3_callback_params:
    s3_bucket_name: logs
    s3_region_name: us-east-1
    s3_endpoint_url: http://127.0.0.1:{sink}
    s3_aws_access_key_id: bench
    s3_aws_secret_access_key: bench-secret
    s3_path: calls
"""
_COLOURS = re.compile(rb"\x1b\[[0-9;]*m")
_REQUEST_ID = re.compile(rb"\r\n(?:x-litellm-call-id|x-request-id): *([^\r]+)", re.IGNORECASE)
_SGLANG_DONE = re.compile(rb'request_id="([^"]+)" status_code=200[^\n]*finished processing request')
_FLUSH_S = 40  # LiteLLM's own 10 s, and what a thousand objects take


def write_litellm(place: Place) -> Launch:
    """Production mode, one worker, a master key, each call as an object in a bucket (its callback ``s3_v2``)."""
    assert place.sink is not None
    file = place.folder / "litellm.yaml"
    file.write_text(_LITELLM.format(model=MODEL, base=place.base, key=CLIENT_KEY, sink=place.sink.port))
    # Without the variable of the price list it would first try three times to download one, which fails here.
    env = {"BENCH_API_KEY": PROVIDER_KEY, "LITELLM_MODE": "PRODUCTION", "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    if place.authority:
        env["SSL_CERT_FILE"] = str(place.authority)
    command = [str(find_parts() / "litellm/bin/litellm"), "--config", str(file)]
    return Launch([*command, "--host", "127.0.0.1", "--port", str(place.port)], env)


def settle_litellm(running: Running) -> None:
    """Wait for its next flush, which writes all that waits: objects come, and then none; or none for its interval."""
    sink = running.place.sink
    assert sink is not None
    time.sleep(0.5)
    began = since = time.monotonic()
    first = seen = len(sink.read_ids())
    while (now := time.monotonic()) - since < (10.5 if seen == first else 1.5) and now - began < _FLUSH_S:
        if (count := len(sink.read_ids())) != seen:
            seen, since = count, now
        time.sleep(0.2)
    settle_by_quiet(running)


def name_by_request_id(_number: int, head: bytes) -> str:
    """A call's id where the peer says it in a header."""
    found = _REQUEST_ID.search(head)
    return found[1].decode() if found else ""


def find_in_sink(running: Running) -> set[str]:
    """What has come to the store."""
    assert running.place.sink is not None
    return set(running.place.sink.read_ids())


def find_in_stdout(running: Running) -> set[str]:
    """The finished calls in the router's log."""
    text = _COLOURS.sub(b"", running.stdout.read_bytes())
    return {name.decode() for name in _SGLANG_DONE.findall(text)}


def write_portkey(place: Place) -> Launch:
    """As its first page says; which provider a call goes to is told in the call's headers."""
    env = {"NODE_EXTRA_CA_CERTS": str(place.authority)} if place.authority else {}
    headers = {"x-portkey-provider": "openai", "x-portkey-custom-host": f"{place.base}/v1"}
    return Launch([str(find_parts() / "portkey/node_modules/.bin/gateway"), f"--port={place.port}"], env, headers)


def write_router(place: Place, program: Path, *arguments: str) -> Launch:
    """One worker, the provider's stand-in."""
    command = [str(program), *arguments, "--host", "127.0.0.1", "--port", str(place.port)]
    command += ["--worker-urls", place.base, "--prometheus-port", str(find_port())]
    return Launch(command, {"SSL_CERT_FILE": str(place.authority)} if place.authority else {})


def write_sglang(place: Place) -> Launch:
    """Its launcher, a key for clients and worker; with it ``Authorization`` goes out twice, which nginx refuses."""
    program = find_parts() / "sglang-router/bin/sglang-router"
    if place.authority is None:
        return write_router(place, program, "launch", "--api-key", CLIENT_KEY)
    launch = write_router(place, program, "launch")
    return Launch([*launch.command, "--ca-cert-paths", str(place.authority)], launch.env)


LITELLM = Peer(
    name="LiteLLM",
    language="Python",
    source="PyPI litellm[proxy]",
    write=write_litellm,
    find_version=lambda: read_python_version("litellm", "litellm"),
    measure_size=lambda: measure_part("litellm"),
    logging="callback s3_v2, an object a call with both bodies, into a store that takes all at once; "
    "uvicorn's access log",
    settle=settle_litellm,
    most_rounds=1,
    note="one round, its loads twice as long, since each ends with a flush that comes every 10 s",
    record=Record(
        what="callback s3_v2, its defaults (10 s, 512 calls)",
        bodies="yes",
        name_call=name_by_request_id,
        find_ids=find_in_sink,
        load_s=(8.0, 14.0),
    ),
)
PORTKEY = Peer(
    name="Portkey",
    language="TypeScript, Node.js",
    source="npm @portkey-ai/gateway",
    write=write_portkey,
    find_version=lambda: read_node_version("portkey", "@portkey-ai/gateway"),
    measure_size=lambda: measure_part("portkey"),
    logging="none kept: calls are shown to a browser that has its console open",
    key_check="no such option",
    note="with @hono/node-server 1.3.3, the oldest that it allows: with the newest (1.19.19) its streams are "
    "answered 500",
    record=Record(what="none kept", bodies="no"),
)
BIFROST = Peer(
    name="Bifrost",
    language="Go",
    source="npm @maximhq/bifrost",
    write=lambda place: Launch([str(find_parts() / "bifrost/node_modules/.bin/bifrost"), "-port", str(place.port)]),
    find_version=lambda: read_node_version("bifrost", "@maximhq/bifrost"),
    measure_size=lambda: measure_part("bifrost"),
    logging="",
    record=Record(what="", bodies=""),
    absent="the npm package is a downloader of 20 KB: its program comes from downloads.getmaxim.ai, which cannot be "
    "reached here (`fetch failed … getaddrinfo ENOTFOUND getbifrost.ai`)",
)
SGLANG = Peer(
    name="sglang-router",
    language="Rust",
    source="PyPI sglang-router",
    write=write_sglang,
    find_version=lambda: read_python_version("sglang-router", "sglang-router"),
    measure_size=lambda: measure_part("sglang-router"),
    logging="its log at level info, two lines a call, stdout to a file",
    note="with HTTPS without its key check: with it, it sends `Authorization` twice, which the stand-in's nginx "
    "refuses",
    record=Record(
        what="log lines on stdout, a file", bodies="no", name_call=name_by_request_id, find_ids=find_in_stdout
    ),
)
VLLM = Peer(
    name="vllm-router",
    language="Rust",
    source="PyPI vllm-router",
    write=lambda place: write_router(place, find_parts() / "vllm-router/bin/vllm-router"),
    find_version=lambda: read_python_version("vllm-router", "vllm-router"),
    measure_size=lambda: measure_part("vllm-router"),
    logging="its log at level info says nothing of a call that went well",
    key_check="no such option",
    record=Record(what="none kept", bodies="no"),
)
