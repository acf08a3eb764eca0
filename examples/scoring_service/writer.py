"""One thread that writes what requests bring, many of them in one transaction."""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
from collections.abc import Sequence
from typing import NamedTuple

from bodies import Example
from store import Outcome, Request, Store, Tally

#: Requests in one transaction, and rows from which on it takes no further one.
_MOST_REQUESTS = 256
_MOST_ROWS = 20_000

_log = logging.getLogger("scoring")


class _Job(NamedTuple):
    request: Request
    future: asyncio.Future[Outcome]
    fold: bool


class Writer:
    """Hands requests from the event loop to a thread, which commits those that wait together.

    While one transaction is on its way to the disk, requests gather for the next one. The waits for
    the database are in this thread, and so are the losses: neither holds up the event loop.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._loop = asyncio.get_running_loop()
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="writer")
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether the thread is there."""
        return self._thread.is_alive()

    async def write(
        self, examples: Sequence[Example], tally: Tally | None = None, *, fold: bool = False
    ) -> Outcome:
        """Return what became of a request, after the commit; with `fold`, fold the journal then."""
        future: asyncio.Future[Outcome] = self._loop.create_future()
        self._jobs.put(_Job(Request(examples, Tally() if tally is None else tally), future, fold))
        return await future

    async def close(self) -> None:
        """Write what waits, and end the thread."""
        self._jobs.put(None)
        await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        more = True
        while more:
            jobs, more = self._taken()
            if jobs:
                found = self._written(jobs)
                self._loop.call_soon_threadsafe(_answer, jobs, found)

    def _taken(self) -> tuple[list[_Job], bool]:
        """Wait for a job, and take those that wait behind it; whether there will be more."""
        jobs: list[_Job] = []
        rows = 0
        while len(jobs) < _MOST_REQUESTS and rows < _MOST_ROWS:
            try:
                job = self._jobs.get(block=not jobs)
            except queue.Empty:
                break
            if job is None:
                return jobs, False
            jobs.append(job)
            rows += len(job.request.examples)
        return jobs, True

    def _written(self, jobs: Sequence[_Job]) -> Sequence[Outcome | Exception]:
        found: Sequence[Outcome | Exception]
        try:
            found = self._store.write([job.request for job in jobs])
        except Exception as error:  # each of the requests is told, and the thread goes on
            _log.exception("writing %d requests failed", len(jobs))
            found = [error] * len(jobs)
        if any(job.fold for job in jobs):
            try:
                self._store.fold()
            except Exception:  # the journal has everything: the next fold takes it
                _log.exception("folding the journal failed")
        return found


def _answer(jobs: Sequence[_Job], found: Sequence[Outcome | Exception]) -> None:
    """Wake up those who wait, on the event loop."""
    for job, outcome in zip(jobs, found, strict=True):
        if job.future.done():  # its time was over
            continue
        if isinstance(outcome, Exception):
            job.future.set_exception(outcome)
        else:
            job.future.set_result(outcome)
