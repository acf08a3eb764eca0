"""Load for the service, from an open-loop client: requests are due by the clock, not by answers.

A request that waits because the one before it is slow waits in its latency, which is counted from
the moment it was due. Half of the requests bring predictions, the others labels of them. The
service runs on the loopback, with a database of its own that is thrown away:

    python load.py --rate 300 --seconds 20          # latencies at a rate, and memory
    python load.py --compare --seconds 5            # most requests a second, with and without loss
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import uvloop

HERE = Path(__file__).parent
#: Seconds of load before anything is measured.
WARMING = 2.0
CONNECTIONS = 64
SLICES = [f"slice-{number}" for number in range(8)]


class Measured(NamedTuple):
    """What a run of load found."""

    rate: float  # requests a second that were served
    refused: int
    latencies: np.ndarray  # of those served, in seconds, sorted
    memory: tuple[int, int]  # bytes of all workers, after warming up and at the end
    cpu: float  # seconds of all workers for a request served


def bodies(rows: int, batch: int) -> tuple[bytes, bytes]:
    """Return a batch of predictions, and the labels of it."""
    rng = np.random.default_rng(batch)
    scores, labels = rng.normal(size=rows).tolist(), rng.integers(0, 2, rows).tolist()
    ids = [f"{batch}-{row}" for row in range(rows)]
    predictions = [
        {"id": id_, "prediction": score, "slice": SLICES[row % len(SLICES)]}
        for row, (id_, score) in enumerate(zip(ids, scores, strict=True))
    ]
    rows_of_labels = [{"id": i, "label": label} for i, label in zip(ids, labels, strict=True)]
    return (
        msgspec.json.encode({"predictions": predictions}),
        msgspec.json.encode({"labels": rows_of_labels}),
    )


def request(path: str, body: bytes) -> bytes:
    """Return a request of HTTP, byte by byte."""
    head = f"POST {path} HTTP/1.1\r\nHost: service\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


async def send(
    port: int, due: asyncio.Queue[tuple[float, bytes]], done: list[tuple[float, float, int]]
) -> None:
    """Send what is due over one connection, and note when it was answered, with what."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while True:
        moment, message = await due.get()
        writer.write(message)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head.split(b"content-length:")[1].split(b"\r\n")[0])
        await reader.readexactly(length)
        done.append((moment, time.perf_counter(), int(head.split()[1])))


async def load(port: int, rate: float, seconds: float, rows: int, workers: list[int]) -> Measured:
    """Load a service for a time, whether it keeps up or not."""
    count = int(rate * (WARMING + seconds))
    requests = [
        request(path, body)
        for batch in range(count // 2 + 1)
        for path, body in zip(("/predictions", "/labels"), bodies(rows, batch), strict=True)
    ]
    due: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
    done: list[tuple[float, float, int]] = []
    clients = [asyncio.create_task(send(port, due, done)) for _ in range(CONNECTIONS)]
    begin = time.perf_counter() + 0.1
    warm = begin + WARMING
    memory, busy = 0, 0.0
    for number in range(count):
        moment = begin + number / rate
        while (wait := moment - time.perf_counter()) > 0:
            await asyncio.sleep(wait)
        if moment >= warm and not memory:
            memory, busy = resident(workers), used(workers)
        due.put_nowait((moment, requests[number]))
        if number % 8 == 0:  # a queue that is always late must not keep the clients from sending
            await asyncio.sleep(0)
    end = begin + WARMING + seconds
    await asyncio.sleep(max(0.0, end - time.perf_counter()))
    busy = used(workers) - busy
    await asyncio.sleep(0.5)  # for answers to the last requests
    for client in clients:
        client.cancel()
    faults = await asyncio.gather(*clients, return_exceptions=True)
    for fault in faults:
        if isinstance(fault, Exception):
            raise fault
    served = [(moment, at) for moment, at, status in done if status == 200 and moment >= warm]
    in_time = sum(status == 200 and warm <= at < end for _, at, status in done)
    refused = sum(status != 200 for _, _, status in done)
    latencies = np.sort([at - moment for moment, at in served])
    return Measured(
        in_time / seconds, refused, latencies, (memory, resident(workers)), busy / max(in_time, 1)
    )


def resident(pids: list[int]) -> int:
    """Return the bytes of memory that processes have."""
    pages = (int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in pids)
    return sum(pages) * os.sysconf("SC_PAGE_SIZE")


def used(pids: list[int]) -> float:
    """Return the seconds of CPU that processes have had."""
    fields = (Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in pids)
    return sum(int(f[11]) + int(f[12]) for f in fields) / os.sysconf("SC_CLK_TCK")


@contextmanager
def service(loss: str, database: str, workers: int) -> Iterator[tuple[int, list[int]]]:
    """Run a service; give its port, and its workers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "--log-level", "warning"],
        cwd=HERE,
        env={
            **os.environ,
            "SCORING_LOSS": loss,
            "SCORING_DATABASE": database,
            "SCORING_BIND": f"127.0.0.1:{port}",
            "SCORING_WORKERS": str(workers),
        },
    )
    try:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        while True:
            pids = [int(pid) for pid in children.read_text().split()]
            with socket.socket() as probe:
                if len(pids) == workers and probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            if process.poll() is not None:
                raise SystemExit("the service did not start")
            time.sleep(0.1)
        yield port, pids
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)


def run(asked: argparse.Namespace, loss: str, rate: float) -> Measured:
    """Start a service, load it, and stop it."""
    with tempfile.TemporaryDirectory() as folder:
        database = asked.database or f"sqlite:///{folder}/scoring.db"
        with service(loss, database, asked.workers) as (port, workers):
            return uvloop.run(load(port, rate, asked.seconds, asked.rows, workers))


def compare(asked: argparse.Namespace) -> None:
    """Print how many requests a second are served with the loss, and without it, in turns."""
    found: dict[str, list[Measured]] = {asked.loss: [], "": []}
    for _ in range(asked.rounds):
        for loss, runs in found.items():
            runs.append(one := run(asked, loss, asked.rate))
            print(
                f"{loss or 'no loss':24}{one.rate:8.0f} requests/s, each of {one.cpu * 1e6:.0f} µs "
                "of CPU",
                flush=True,
            )
    pairs = list(zip(found[asked.loss], found[""], strict=True))
    rates = statistics.median(with_.rate / without.rate for with_, without in pairs)
    cpu = statistics.median(with_.cpu / without.cpu for with_, without in pairs)
    print(f"with the loss / without: {rates:.3f} of the requests, {cpu:.3f} of the CPU of each")


def show(found: Measured, rate: float) -> None:
    """Print what a run found."""
    print(f"offered      {rate:10.0f} requests/s")
    print(f"served       {found.rate:10.0f} requests/s, {found.refused} refused")
    for name, share in (("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999)):
        print(f"{name:13}{np.quantile(found.latencies, share) * 1e3:10.1f} ms from when it was due")
    print(f"CPU          {found.cpu * 1e6:10.0f} µs of all workers for a request")
    before, after = (size / 2**20 for size in found.memory)
    print(f"memory       {before:10.1f} MB of all workers, {after:.1f} MB at the end")


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rate", type=float, default=300.0, help="requests a second that are due")
    parser.add_argument("--seconds", type=float, default=10.0, help="how long it is measured")
    parser.add_argument("--rows", type=int, default=10, help="rows of a request")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--loss", default="binary_cross_entropy", help="'' for none")
    parser.add_argument("--database", help="default: a file of SQLite's that is thrown away")
    parser.add_argument("--compare", action="store_true", help="with and without the loss")
    parser.add_argument("--rounds", type=int, default=5, help="of --compare")
    asked = parser.parse_args()
    if asked.compare:
        compare(asked)
    else:
        show(run(asked, asked.loss, asked.rate), asked.rate)


if __name__ == "__main__":
    main()
