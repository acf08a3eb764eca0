"""A scoring service: predictions come in, labels later, and losses by slice come out, exactly."""

from __future__ import annotations

import asyncio
import logging
import resource
import time
from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any, TypedDict, TypeVar

import msgspec
import numpy as np
from bodies import ARROW, JSON, RAW, Bodies, Example, Reader, RefusedError, converted
from metrics import Metrics, Times
from openapi import description
from prometheus_client import CONTENT_TYPE_LATEST
from report import ReportQuery, report_of
from scoring import Scorer
from settings import settings_of
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnection
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from store import Snapshot, Store
from writer import Writer

import numloss

SETTINGS = settings_of()
BODIES = Bodies(SETTINGS)
SCORER = Scorer(SETTINGS) if SETTINGS.loss else None
DESCRIPTION = msgspec.json.encode(description(BODIES))

#: Bytes of a body from which on it is read in a thread: below, that takes less than a millisecond.
_LARGE = 1 << 16
#: Who could not be served may come again after so many seconds.
_AGAIN = {"Retry-After": "1"}

T = TypeVar("T")
_log = logging.getLogger("scoring")


class State(TypedDict):
    """What a worker has while it runs."""

    store: Store
    writer: Writer
    times: Times


# ------------------------------------------------------------------------------------- routes


async def predictions(request: Request) -> Response:
    """Keep predictions, and join those whose labels are there."""
    readers = {JSON: BODIES.json_predictions, ARROW: BODIES.arrow_predictions}
    return await _written(request, await _examples(request, readers))


async def raw_predictions(request: Request) -> Response:
    """Keep predictions that are nothing but float32; the query names them."""
    asked = converted(dict(request.query_params), BODIES.raw_query, "query", strict=False)
    readers = {RAW: partial(BODIES.raw_predictions, asked=asked)}
    return await _written(request, await _examples(request, readers))


async def labels(request: Request) -> Response:
    """Keep labels, and join those whose predictions are there."""
    readers = {JSON: _checked(BODIES.json_labels), ARROW: _checked(BODIES.arrow_labels)}
    return await _written(request, await _examples(request, readers))


async def report(request: Request) -> Response:
    """Tell the statistics of the losses, of all rows and by slice."""
    query = request.query_params
    several = {name: query.getlist(name) if name == "quantile" else query[name] for name in query}
    asked = converted(several, ReportQuery, "query", strict=False)
    snapshot = await _snapshot(request)
    return _json(await _in_thread(report_of, snapshot, asked))


async def state(request: Request) -> Response:
    """Give the evaluation as bytes, to be merged with those of other services."""
    evaluation = (await _snapshot(request)).evaluation
    if evaluation is None:
        raise RefusedError(404, "no loss is computed here")
    return Response(evaluation.to_bytes(), media_type="application/octet-stream")


async def metrics(request: Request) -> Response:
    """Tell Prometheus the numbers of all workers."""
    writer, times = request.state.writer, request.state.times
    await _in_time(writer.write((), times.taken()))
    snapshot = await _snapshot(request)
    return Response(Metrics(snapshot).text(), media_type=CONTENT_TYPE_LATEST)


async def healthz(request: Request) -> Response:
    """Say that the event loop turns."""
    return _json({"status": "ok"})


async def readyz(request: Request) -> Response:
    """Say that requests can be written."""
    if not request.state.writer.alive:
        raise RefusedError(503, "the thread that writes has ended")
    await _in_thread(request.state.store.alive)
    return _json({"status": "ok"})


async def openapi(request: Request) -> Response:
    """Describe the service."""
    return Response(DESCRIPTION, media_type=JSON)


# ------------------------------------------------------------------------------------ helpers


async def _examples(request: Request, readers: Mapping[str, Reader]) -> list[Example]:
    """Read a body that is small enough and arrives in time."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in readers:
        raise RefusedError(
            415, f"Content-Type must be {' or '.join(readers)}, got {kind or 'none'}"
        )
    if request.headers.get("content-encoding", "identity") != "identity":
        raise RefusedError(415, "Content-Encoding must be identity: bodies are not decompressed")
    try:
        body = await asyncio.wait_for(_body(request), SETTINGS.timeout)
    except asyncio.TimeoutError:
        sentence = f"the body did not arrive within {SETTINGS.timeout:g} seconds"
        raise RefusedError(408, sentence, {"Connection": "close"}) from None
    if kind != ARROW and len(body) < _LARGE:
        return readers[kind](body)
    examples: list[Example] = await _in_thread(readers[kind], body)
    return examples


def _checked(reader: Reader) -> Reader:
    """Read labels, and refuse those that the loss does not take, before anything is written."""

    def read(body: bytes) -> list[Example]:
        examples = reader(body)
        if SCORER is not None and examples:
            SCORER.check(np.array([example.label for example in examples]))
        return examples

    return read


async def _body(request: Request) -> bytes:
    """Return the body; one that is too large is not read to its end, whatever its headers say."""
    parts, size = [], int(request.headers.get("content-length", 0))
    received = 0
    async for part in request.stream():
        received += len(part)
        if max(size, received) > SETTINGS.body:
            raise RefusedError(
                413, f"a body has at most {SETTINGS.body} bytes", {"Connection": "close"}
            )
        parts.append(part)
    return b"".join(parts)


async def _written(request: Request, examples: list[Example]) -> Response:
    writer, times = request.state.writer, request.state.times
    outcome = await _in_time(writer.write(examples, times.taken()))
    return _json(outcome._asdict())


async def _snapshot(request: Request) -> Snapshot:
    snapshot: Snapshot = await _in_thread(request.state.store.read)
    return snapshot


async def _in_thread(function: Any, *arguments: Any) -> Any:
    return await _in_time(asyncio.to_thread(function, *arguments))


async def _in_time(work: Awaitable[T]) -> T:
    """Wait for work, which goes on where the wait is over: a request may be sent again."""
    try:
        return await asyncio.wait_for(work, SETTINGS.timeout)
    except asyncio.TimeoutError:
        sentence = f"no answer within {SETTINGS.timeout:g} seconds: send the request again"
        raise RefusedError(503, sentence, _AGAIN) from None


def _json(content: Any, status: int = 200, headers: Any = None) -> Response:
    return Response(msgspec.json.encode(content), status, headers, JSON)


# ------------------------------------------------------------------------------------- errors


async def refused(request: Request, error: Exception) -> Response:
    """Answer with the status and the sentence of a refusal."""
    assert isinstance(error, RefusedError)
    return _json({"error": str(error)}, error.status, error.headers)


async def not_taken(request: Request, error: Exception) -> Response:
    """Answer with what numloss says of labels: 422."""
    assert isinstance(error, numloss.Error)
    return _json({"error": str(error), "index": list(error.index)}, 422)


async def without_store(request: Request, error: Exception) -> Response:
    """Answer where the database does not: 503."""
    _log.error("the database: %s", error)
    return _json({"error": "the database does not answer: send the request again"}, 503, _AGAIN)


async def without_memory(request: Request, error: Exception) -> Response:
    """Answer where a worker has no more memory: 503."""
    return _json({"error": "no memory for this request: send it again"}, 503, _AGAIN)


async def of_http(request: Request, error: Exception) -> Response:
    """Answer to a path or a method that is not there."""
    assert isinstance(error, HTTPException)
    return _json({"error": error.detail}, error.status_code, error.headers)


async def gone(request: Request, error: Exception) -> Response:
    """Answer to nobody: the client has left before its body was here."""
    return _json({"error": "the client closed the connection"}, 400)


# --------------------------------------------------------------------------------------- gate


class Gate:
    """Limits the requests in hand, and takes the time of each."""

    #: What must be answered however much there is to do.
    _FREE = ("/healthz", "/readyz", "/metrics")

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._inside = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begin, status = time.perf_counter(), 500

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        limited = scope["path"] not in self._FREE
        self._inside += limited
        try:
            if limited and self._inside > SETTINGS.concurrency:
                sentence = f"a worker serves {SETTINGS.concurrency} requests at once: come again"
                await _json({"error": sentence}, 503, _AGAIN)(scope, receive, sending)
            else:
                await self._app(scope, receive, sending)
        finally:
            self._inside -= limited
            route = scope["path"] if scope["path"] in _PATHS else "other"
            scope["state"]["times"].add(route, status, time.perf_counter() - begin)


# ------------------------------------------------------------------------------------ the app


@asynccontextmanager
async def lifespan(_: Starlette) -> AsyncIterator[State]:
    """Begin after the fork: threads and connections belong to one process."""
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    most = SETTINGS.memory if hard == resource.RLIM_INFINITY else min(SETTINGS.memory, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (most, hard))
    numloss.set_num_threads(SETTINGS.threads)
    store = Store(SETTINGS, SCORER)
    writer, times = Writer(store), Times()
    folding = asyncio.create_task(_fold(writer, times))
    yield {"store": store, "writer": writer, "times": times}
    folding.cancel()
    with suppress(asyncio.CancelledError):
        await folding
    with suppress(Exception):  # it is in the log
        await writer.write((), times.taken(), fold=True)
    await writer.close()
    store.close()


async def _fold(writer: Writer, times: Times) -> None:
    """Write the times of requests, and fold the journal, again and again."""
    while True:
        await asyncio.sleep(SETTINGS.fold)
        with suppress(Exception):  # it is in the log, and the next time comes
            await writer.write((), times.taken(), fold=True)


_ROUTES = [
    Route("/predictions", predictions, methods=["POST"]),
    Route("/predictions/raw", raw_predictions, methods=["POST"]),
    Route("/labels", labels, methods=["POST"]),
    Route("/report", report),
    Route("/state", state),
    Route("/metrics", metrics),
    Route("/healthz", healthz),
    Route("/readyz", readyz),
    Route("/openapi.json", openapi),
]
_PATHS = {route.path for route in _ROUTES}

app = Starlette(
    routes=_ROUTES,
    lifespan=lifespan,
    middleware=[Middleware(Gate)],
    exception_handlers={
        RefusedError: refused,
        numloss.Error: not_taken,
        DBAPIError: without_store,
        NoConnection: without_store,
        MemoryError: without_memory,
        HTTPException: of_http,
        ClientDisconnect: gone,
    },
)
