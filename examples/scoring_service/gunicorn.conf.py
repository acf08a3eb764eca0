"""How gunicorn runs the service: `gunicorn` in this folder is all there is to type."""

import os
from pathlib import Path
from typing import Any, ClassVar

from uvicorn_worker import UvicornWorker


class Worker(UvicornWorker):
    """A worker that does not serve unless the app has come up, and logs no line a request."""

    CONFIG_KWARGS: ClassVar[dict[str, Any]] = {
        "loop": "uvloop",
        "http": "httptools",
        "lifespan": "on",
        "access_log": False,
    }


chdir = str(Path(__file__).parent)
wsgi_app = "app:app"
worker_class = Worker
bind = os.environ.get("SCORING_BIND", "127.0.0.1:8000")
workers = int(os.environ.get("SCORING_WORKERS", "2"))
preload_app = True  # the libraries are in memory once; threads and connections come after the fork
control_socket_disable = True  # several services may run for one user
timeout = 30  # seconds after which a worker whose event loop stands still is replaced
graceful_timeout = 30  # seconds that requests in hand have after SIGTERM


def on_starting(server: object) -> None:
    """Make the tables, or say what is wrong, before there is a worker."""
    from app import SCORER, SETTINGS
    from store import Store

    store = Store(SETTINGS, SCORER)
    store.prepare()
    store.close()
