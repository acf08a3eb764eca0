"""The scoring service of examples/, run as its users run it: `make test-service`."""

import importlib.util
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from http.client import HTTPConnection
from pathlib import Path

import pytest

#: The libraries that the service and its tests need.
NEEDS = (
    "starlette", "uvicorn_worker", "uvloop", "gunicorn", "msgspec", "sqlalchemy", "psycopg",
    "prometheus_client", "pyarrow", "schemathesis",
)  # fmt: skip
collect_ignore = []
if not all(importlib.util.find_spec(name) for name in NEEDS):
    collect_ignore = ["test_scoring_service.py"]

FOLDER = Path(__file__).parents[2] / "examples" / "scoring_service"


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


class Service:
    """gunicorn with the service, on a port of its own; it can be killed, and started again."""

    def __init__(self, log, database, workers=2, **settings):
        self.log = log
        self.port = free_port()
        own = {"database": database, "bind": f"127.0.0.1:{self.port}", "workers": workers}
        self.environment = {
            f"SCORING_{name.upper()}": str(value) for name, value in (own | settings).items()
        }
        self.process = None

    def start(self):
        with self.log.open("a") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "gunicorn"],
                cwd=FOLDER,
                env={**os.environ, **self.environment},
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        for _ in range(300):
            assert self.process.poll() is None, self.log.read_text()
            with suppress(OSError):
                if self.get("/readyz")[0] == 200:
                    return self
            time.sleep(0.1)
        raise AssertionError(self.log.read_text())

    def workers(self):
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in children.read_text().split()]

    def stop(self):
        """Stop as a system does that is shut down; every worker must end by itself."""
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(timeout=30) == 0, self.log.read_text()

    def kill(self):
        """End all of its processes at once, as a loss of power does."""
        if self.process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def ask(self, method, path, body=None, **headers):
        """Return status, content and headers of an answer."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body, named)
            answer = connection.getresponse()
            content = answer.read()
            if answer.headers.get_content_type() == "application/json":
                content = json.loads(content)
            return answer.status, content, answer.headers
        finally:
            connection.close()

    def get(self, path):
        return self.ask("GET", path)

    def post(self, path, content, kind="application/json", **headers):
        body = json.dumps(content) if kind == "application/json" else content
        return self.ask("POST", path, body, Content_Type=kind, **headers)


@pytest.fixture
def service(tmp_path):
    """Start services; none of their processes is left afterwards."""
    services = []

    def start(database=None, **settings):
        database = database or f"sqlite:///{tmp_path}/scoring-{len(services)}.db"
        services.append(Service(tmp_path / "log", database, **settings))
        return services[-1].start()

    yield start
    for one in services:
        one.kill()


class PostgreSQL:
    """A cluster of PostgreSQL's own in a folder, run by a user without rights."""

    def __init__(self, folder):
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin")) or [shutil.which("initdb")]
        assert found[-1], "the tests need PostgreSQL's server: apt-get install postgresql"
        self.programs = found[-1] if found[-1].is_dir() else found[-1].parent
        self.folder, self.port, self.databases = folder, free_port(), 0
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres")
        self.run("initdb", "-D", folder / "data", "-A", "trust", "-U", "scoring", "--no-sync")

    def run(self, program, *arguments):
        user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        command = [*user, self.programs / program, *arguments]
        with (self.folder / "output").open("a") as output:
            subprocess.run(command, check=True, cwd="/", stdout=output, stderr=output, timeout=60)

    def start(self):
        # It is the service that is killed, never the machine: nothing need reach the disk.
        options = f"-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1 -c fsync=off"
        log = self.folder / "log"
        self.run("pg_ctl", "-D", self.folder / "data", "-o", options, "-l", log, "-w", "start")

    def stop(self):
        self.run("pg_ctl", "-D", self.folder / "data", "-m", "immediate", "-w", "stop")

    def database(self):
        """Make a database; return its URL."""
        self.databases += 1
        name = f"scoring_{self.databases}"
        where = ("-h", "127.0.0.1", "-p", str(self.port), "-U", "scoring")
        self.run("createdb", *where, name)
        return f"postgresql://scoring@127.0.0.1:{self.port}/{name}"


@pytest.fixture(scope="session")
def postgresql():
    with temporary_folder() as folder:
        cluster = PostgreSQL(folder)
        cluster.start()
        try:
            yield cluster
        finally:
            cluster.stop()


@contextmanager
def temporary_folder():
    """Make a folder that another user may enter, with a path short enough for a socket."""
    import tempfile

    with tempfile.TemporaryDirectory(prefix="pg") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request, tmp_path):
    """The URL of an empty database, of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/scoring.db"
    return request.getfixturevalue("postgresql").database()
