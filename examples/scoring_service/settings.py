"""What the service is told by its environment: SCORING_LOSS=huber, SCORING_OPTIONS={"delta": 2}."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from msgspec import Meta

_PREFIX = "SCORING_"

Count = Annotated[int, Meta(ge=1)]
Seconds = Annotated[float, Meta(gt=0)]


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings; each is a variable of the environment, in capitals behind ``SCORING_``."""

    #: Where everything is kept: a file of SQLite's, or ``postgresql://user@host/database``.
    database: str = "sqlite:///scoring.db"
    #: The loss by its name in numloss; with an empty one rows are joined and counted alone.
    loss: str = "binary_cross_entropy"
    #: Options of the loss, as JSON.
    options: dict[str, Any] = {}
    #: Numbers in a prediction: 0 for a single one, else a list of so many logits.
    classes: Annotated[int, Meta(ge=0)] = 0
    #: Largest body of a request in bytes, and most rows in it.
    body: Count = 8 << 20
    rows: Count = 10_000
    #: Seconds that a request may take to arrive, and to be answered.
    timeout: Seconds = 10.0
    #: Requests that a worker has in hand at once; more are told to come again.
    concurrency: Count = 64
    #: Bytes of memory a worker may have.
    memory: Count = 1 << 30
    #: Threads of numloss in each worker: the workers are the parallelism.
    threads: Count = 1
    #: Seconds between two folds of the journal into the checkpoint.
    fold: Seconds = 1.0
    #: Seconds that examples are kept for labels that come late, and for requests that come twice.
    keep: Seconds = 30 * 86400.0


def settings_of(environment: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings; a wrong one ends the program in a sentence."""
    found: dict[str, Any] = {
        name.removeprefix(_PREFIX).lower(): text
        for name, text in environment.items()
        if name.startswith(_PREFIX) and name not in _OF_GUNICORN
    }
    try:
        if "options" in found:
            found["options"] = json.loads(found["options"])
        return msgspec.convert(found, Settings, strict=False)
    except ValueError as error:
        raise SystemExit(f"{_PREFIX}* in the environment: {error}") from None


#: Those that gunicorn.conf.py reads.
_OF_GUNICORN = {"SCORING_BIND", "SCORING_WORKERS"}
