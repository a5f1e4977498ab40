"""One MCP server: a session that is opened, kept by a task of its own, and opened once more when it was lost.

Works with the official SDK's versions 1 and 2, whose names and fields differ: what they give is read as JSON.
"""

import asyncio
import inspect
import shlex
import tempfile
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from importlib import import_module
from typing import IO, Any, Final, NamedTuple, cast
from urllib.parse import urlsplit

from open_llm_proxy import __version__
from open_llm_proxy.agent.exits import LostError, McpError
from open_llm_proxy.agent.jsonvalues import Object, as_list, as_object, as_text

CONNECT_S: Final = 30.0
PROBE_S: Final = 5.0
HEARTBEAT_S: Final = 2.0
COMES_BACK_S: Final = 15.0
PAUSE_S: Final = 0.3
CLOSE_S: Final = 5.0
EVENT_BYTES: Final = 64 * 1024 * 1024
CLIENT: Final = "agent_runner"
STDERR_CHARACTERS: Final = 500


class Target(NamedTuple):
    """Where a server is: a URL, or a command that speaks MCP on its standard streams."""

    url: str = ""
    command: str = ""

    @property
    def place(self) -> str:
        """As the user wrote it."""
        return self.url or self.command


class McpServer:
    """A server and its session. ``call`` and the lists may be used from any task, several at a time.

    Args:
        target: Where it is.
        read_timeout_s: How long an HTTP answer may send nothing: longer than any tool may take.
        on_reopened: Told the reason when a lost session has been opened again.
    """

    def __init__(self, target: Target, read_timeout_s: float, on_reopened: Callable[[str], None]) -> None:
        self.target = target
        self.info: Object = {}
        self._read_timeout_s = read_timeout_s
        self._on_reopened = on_reopened
        self._stderr: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the server
        self._opening = asyncio.Lock()
        self._session: Any = None
        self._doubtful = False  # a call was given up: a server may be stuck in it
        self._owner: asyncio.Task[None] | None = None
        self._stop = asyncio.Event()

    async def open(self) -> None:
        """Connect.

        Raises:
            McpError: The server does not answer as one.
        """
        loop = asyncio.get_running_loop()
        ready: asyncio.Future[Any] = loop.create_future()
        self._stop = asyncio.Event()
        # The SDK's contexts have to be left by the task that entered them, and die with their connection.
        self._owner = asyncio.create_task(self._own(ready))
        done, _ = await asyncio.wait({ready, self._owner}, timeout=CONNECT_S, return_when=asyncio.FIRST_COMPLETED)
        if ready in done:
            self._session, self.info = ready.result()
            self._doubtful = False
            return
        owner = self._owner
        await self._close_session()
        error = owner.exception() if owner in done and not owner.cancelled() else None
        why = _say(error) if error else f"no answer within {CONNECT_S:g} s"
        raise McpError(f"MCP server {self.target.place}: {why}{self._said()}") from error

    async def close(self) -> None:
        """End the session and, where it was started here, the server."""
        await self._close_session()
        self._stderr.close()

    async def call(self, name: str, arguments: Object) -> Object:
        """A tool's ``CallToolResult`` as JSON. A call whose session was lost is made once more in a new one.

        Raises:
            McpError: The session cannot be opened again.
        """
        try:
            return await self._once_more(lambda session: session.call_tool(name, arguments))
        except LostError as error:
            text = f"the MCP server ended during this call, twice: {error}"
        except McpError:
            raise
        except Exception as error:  # noqa: BLE001 - the SDK's classes differ by version; whatever a tool does is its result
            text = _say(error)
        return {"content": [{"type": "text", "text": text}], "isError": True}

    async def list(self, kind: str) -> list[Object]:
        """All of the server's ``tools``, ``prompts`` or ``resources``, page after page; none where it has none."""
        if kind not in as_object(self.info.get("capabilities")):
            return []
        found: list[Object] = []
        cursor: str | None = None
        while True:
            page = await self._asked(lambda session, at=cursor: _page(getattr(session, f"list_{kind}"), at))
            found += map(as_object, as_list(page.get(kind)))
            cursor = as_text(page.get("nextCursor")) or None
            if cursor is None:
                return found

    async def prompt(self, name: str) -> str:
        """The text of one of the server's prompts.

        Raises:
            McpError: It does not give it.
        """
        given = await self._asked(lambda session: session.get_prompt(name))
        contents = [as_object(as_object(message).get("content")) for message in as_list(given.get("messages"))]
        return "\n\n".join(text for content in contents if (text := as_text(content.get("text"))))

    async def _asked(self, ask: "Ask") -> Object:
        try:
            async with asyncio.timeout(CONNECT_S):
                return await self._once_more(ask)
        except McpError:
            raise
        except Exception as error:
            raise McpError(f"MCP server {self.target.place}: {_say(error)}") from error

    async def _once_more(self, ask: "Ask") -> Object:
        owner = self._owner
        try:
            return await self._ask(ask)
        except LostError as error:
            await self._reopen(owner, str(error))
        return await self._ask(ask)

    async def _reopen(self, lost: "asyncio.Task[None] | None", reason: str) -> None:
        async with self._opening:  # of several calls that lost the same session, the first opens the new one
            if self._owner is lost:
                await self._close_session()
                await self._open_patiently()
                self._on_reopened(reason)

    async def _open_patiently(self) -> None:
        """Open a session with a server that was there a moment ago, and may be starting again."""
        end = time.monotonic() + (COMES_BACK_S if self.target.url else 0)
        while True:
            try:
                return await self.open()
            except McpError:
                if time.monotonic() > end:
                    raise
                await asyncio.sleep(PAUSE_S)

    async def _ask(self, ask: "Ask") -> Object:
        """One request's answer as JSON, or ``LostError`` as soon as the session is known to be gone."""
        session, owner = self._session, self._owner
        if session is None or owner is None or owner.done():
            raise LostError("the session had ended")
        if self._doubtful and (why := await self._lost(session, owner, busy_is_lost=True)):
            raise LostError(why)
        self._doubtful = False
        request = asyncio.ensure_future(ask(session))
        try:
            while True:
                await asyncio.wait({request, owner}, timeout=HEARTBEAT_S, return_when=asyncio.FIRST_COMPLETED)
                if request.done() and request.exception() is None:
                    return _as_json(request.result())
                # A broken connection may show as an error, or not at all: only asking again tells.
                why = await self._lost(session, owner)
                if why:
                    raise LostError(why)
                if request.done():
                    return _as_json(request.result())
        finally:
            self._doubtful |= not request.done()
            request.cancel()
            await asyncio.gather(request, return_exceptions=True)

    async def _lost(self, session: Any, owner: "asyncio.Task[None]", *, busy_is_lost: bool = False) -> str:
        """Why the session is gone; empty while it lives. A server that does not answer a ping may just be busy."""
        ping = asyncio.ensure_future(session.send_ping())
        try:
            await asyncio.wait({ping, owner}, timeout=PROBE_S, return_when=asyncio.FIRST_COMPLETED)
            if owner.done():
                error = None if owner.cancelled() else owner.exception()
                return _say(error) if error else "the session ended"
            if busy_is_lost and not ping.done():
                return f"it answers no ping within {PROBE_S:g} s after a call that was given up"
            error = ping.exception() if ping.done() else None
            return "" if error is None or _is_answer(error) else _say(error)
        finally:
            ping.cancel()
            await asyncio.gather(ping, return_exceptions=True)

    async def _own(self, ready: "asyncio.Future[Any]") -> None:
        async with AsyncExitStack() as stack:
            streams = await stack.enter_async_context(self._transport())
            session_class = import_module("mcp").ClientSession
            implementation = import_module("mcp.types").Implementation(name=CLIENT, version=__version__)
            session = session_class(streams[0], streams[1], client_info=implementation)
            await stack.enter_async_context(session)
            ready.set_result((session, _as_json(await session.initialize())))
            await self._stop.wait()

    def _transport(self) -> AbstractAsyncContextManager[Any]:
        if self.target.command:
            mcp: Any = import_module("mcp")
            program, *arguments = shlex.split(self.target.command)
            server = mcp.StdioServerParameters(command=program, args=arguments)
            return mcp.stdio_client(server, errlog=self._stderr)
        if urlsplit(self.target.url).path.rstrip("/").endswith("/sse"):  # the transport before streamable HTTP
            return import_module("mcp.client.sse").sse_client(self.target.url, sse_read_timeout=self._read_timeout_s)
        return _streamable_http(self.target.url, self._read_timeout_s)

    async def _close_session(self) -> None:
        owner, self._session = self._owner, None
        if owner is None:
            return
        self._stop.set()
        await asyncio.wait({owner}, timeout=CLOSE_S)
        owner.cancel()
        await asyncio.wait({owner}, timeout=CLOSE_S)
        if owner.done() and not owner.cancelled():
            owner.exception()  # a connection that was lost ends in an error of its own

    def _said(self) -> str:
        """The end of what a server that was started here wrote on its stderr."""
        self._stderr.seek(0)
        text = self._stderr.read().decode(errors="replace").strip()
        return f"; it said: {text[-STDERR_CHARACTERS:]}" if text else ""


Ask = Callable[[Any], Awaitable[Any]]


@asynccontextmanager
async def _streamable_http(url: str, read_timeout_s: float) -> AsyncGenerator[Any]:
    """The transport under the name and on the HTTP library that the installed SDK has."""
    module: Any = import_module("mcp.client.streamable_http")
    connect = getattr(module, "streamable_http_client", None)
    if connect is None:  # before 1.24
        from datetime import timedelta  # noqa: PLC0415 - old versions only

        async with module.streamablehttp_client(url, sse_read_timeout=timedelta(seconds=read_timeout_s)) as streams:
            yield streams
        return
    # A result is one event; version 2 refuses those over 1 MiB unless told otherwise.
    bound = {"max_sse_event_size": EVENT_BYTES} if "max_sse_event_size" in inspect.signature(connect).parameters else {}
    http: Any = getattr(module, "httpx2", None) or import_module("httpx")
    async with (
        http.AsyncClient(timeout=http.Timeout(CONNECT_S, read=read_timeout_s), follow_redirects=True) as client,
        connect(url, http_client=client, **bound) as streams,
    ):
        yield streams


async def _page(method: Any, cursor: str | None) -> Any:
    if cursor is None:
        return await method()
    if "params" in inspect.signature(method).parameters:
        return await method(params=import_module("mcp.types").PaginatedRequestParams(cursor=cursor))
    return await method(cursor)


def _as_json(value: Any) -> Object:
    """A model of the SDK's under the protocol's own names, which are the same in all versions."""
    return as_object(value.model_dump(mode="json", by_alias=True, exclude_none=True))


def _is_answer(error: BaseException) -> bool:
    """Whether an error is the server's answer to a ping (it knows no pings), so that the session lives."""
    code = getattr(getattr(error, "error", None), "code", None)
    return code == -32601  # JSON-RPC 2.0: method not found


def _say(error: BaseException) -> str:
    """The first error in a group of them, in words."""
    while isinstance(error, BaseExceptionGroup):
        error = cast("BaseExceptionGroup[BaseException]", error).exceptions[0]
    if isinstance(error, ModuleNotFoundError):
        return f"the package {error.name} is not installed; install it: pip install 'open-llm-proxy[agent]'"
    return str(error) or type(error).__name__
