"""gunicorn forks workers from a process that has the library loaded, and in use."""

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from http.client import HTTPConnection

import numpy as np
import pytest
from processes import TESTS, digest

import numloss

WORKERS = 3
ROWS = [1, 1000, 2_000_000]


@contextmanager
def server(folder, log, *options, **environment):
    """Serve inside a ``with`` block; afterwards no process of it is left."""
    command = [sys.executable, "-m", "gunicorn", "--preload", "--workers", str(WORKERS)]
    command += ["--bind", "127.0.0.1:0", "--timeout", "30", "--graceful-timeout", "5"]
    path = os.pathsep.join([str(TESTS), *filter(None, [os.environ.get("PYTHONPATH")])])
    with log.open("w") as output:
        process = subprocess.Popen(
            [*command, *options, "service"],
            env={**os.environ, "PYTHONPATH": path, **environment},
            cwd=folder,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        yield _port(process, log)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0, log.read_text()
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _port(process, log):
    """Wait until the server listens; return its port."""
    for _ in range(600):
        for line in log.read_text().splitlines():
            if "Listening at" in line:
                return int(line.split("127.0.0.1:")[1].split()[0])
        assert process.poll() is None, log.read_text()
        time.sleep(0.1)
    raise AssertionError(log.read_text())


def get(port, path):
    connection = HTTPConnection("127.0.0.1", port, timeout=40)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        assert response.status == 200
        return json.loads(response.read())
    finally:
        connection.close()


@pytest.mark.parametrize(
    "first",
    [pytest.param("", id="imported", marks=pytest.mark.slow), pytest.param("1", id="used")],
)
@pytest.mark.parametrize("options", [(), ("--threads", "4")], ids=["sync", "threads"])
def test_gunicorn_preload(tmp_path, first, options):
    expected = {}
    for rows in ROWS:
        x = np.linspace(-3, 3, rows, dtype=np.float32)
        expected[rows] = float(numloss.binary_cross_entropy(x, 1.0)).hex()
    log = tmp_path / "log"
    seen = set()
    with (
        server(tmp_path, log, *options, SERVICE_COMPUTES_FIRST=first) as port,
        ThreadPoolExecutor(8) as clients,
    ):
        for worker, answer in clients.map(lambda _: get(port, "/digest"), range(2)):
            assert answer == digest()
            seen.add(worker)
        rows = ROWS * 10
        for n, (worker, answer) in zip(
            rows, clients.map(lambda n: get(port, f"/?{n}"), rows), strict=True
        ):
            assert answer == expected[n]
            seen.add(worker)
        for _ in range(200):  # which worker takes a request is the system's choice
            if len(seen) == 1:
                seen.add(get(port, "/?1")[0])
    text = log.read_text()
    assert len(seen) > 1, "only one worker was ever asked"
    assert text.count("Booting worker") == WORKERS, f"a worker was replaced:\n{text}"
