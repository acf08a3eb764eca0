"""Where examples are kept: SQLite or PostgreSQL, so that what was acknowledged is never lost.

A transaction does three things at once. It writes the examples of some requests, it computes the
losses of those whose other half was there, and it appends to the journal what that changes: counts,
and the rows that have become whole. A request is acknowledged after the commit. Now and then the
journal is folded into the checkpoint, a state of the evaluation and of the counts; that is one
transaction, too. So checkpoint and journal together always say exactly what was acknowledged,
whoever reads them, and whenever a process is killed.
"""

from __future__ import annotations

import fcntl
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import msgspec
import numpy as np
import sqlalchemy as sa
from bodies import DEFAULT_WEIGHT, Example, RefusedError
from scoring import Scorer
from settings import Settings
from sqlalchemy.exc import DBAPIError

import numloss

_TABLES = sa.MetaData()
_EXAMPLES = sa.Table(
    "examples",
    _TABLES,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("model", sa.Text),
    sa.Column("slice", sa.Text),
    sa.Column("prediction", sa.LargeBinary),
    sa.Column("label", sa.Double),
    sa.Column("weight", sa.Double),
    sa.Column("received", sa.Double, nullable=False, index=True),
)
_JOURNAL = sa.Table(
    "journal",
    _TABLES,
    sa.Column("number", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
    sa.Column("entry", sa.LargeBinary, nullable=False),
)
_CHECKPOINT = sa.Table(
    "checkpoint",
    _TABLES,
    sa.Column("only", sa.Integer, primary_key=True),  # 1: there is one
    sa.Column("made_for", sa.Text, nullable=False),
    sa.Column("tally", sa.LargeBinary, nullable=False),
    sa.Column("evaluation", sa.LargeBinary),
)

#: Ids in one SELECT, and entries of the journal in one fold: what bounds a statement's time.
_MOST_IDS = 1000
_MOST_ENTRIES = 4096
_MOST_EXPIRED = 10_000
#: Attempts at a transaction that another one, or a lost connection, got in the way of.
_ATTEMPTS = 5

#: Numbers by what they count: ``("joined", model, slice)``. Tallies are added up.
Tally = Counter[tuple[str, ...]]


class Outcome(NamedTuple):
    """What became of a request."""

    stored: int  # rows that are new
    repeated: int  # rows that were there, with the same contents
    losses: list[float | None]  # of each row, None as long as its other half is missing
    weights: list[float | None]  # with which they count, None as long as the prediction is missing


class Request(NamedTuple):
    """Examples to write, and what the worker has counted meanwhile."""

    examples: Sequence[Example]
    tally: Tally


class Entry(msgspec.Struct, array_like=True):
    """What a transaction adds to counts and to the evaluation."""

    tally: list[tuple[list[str], int | float]]
    ids: list[str]
    models: list[str]
    slices: list[str]
    predictions: bytes
    labels: list[float]
    weights: list[float] = []  # as many; none in a journal from before there were any


class Snapshot(NamedTuple):
    """Counts and evaluation at one moment."""

    tally: Tally
    evaluation: numloss.Evaluation | None
    entries: int  # in the journal


_encode = msgspec.msgpack.Encoder().encode
_entry = msgspec.msgpack.Decoder(Entry)
_tally = msgspec.msgpack.Decoder(list[tuple[list[str], int | float]])

T = TypeVar("T")


class Store:
    """The examples, the journal and the checkpoint.

    Parameters
    ----------
    settings : Settings
        Where they are, and how long examples are kept.
    scorer : Scorer or None
        What computes losses; without it rows are joined and counted alone.
    """

    def __init__(self, settings: Settings, scorer: Scorer | None) -> None:
        self._scorer = scorer
        self._keep = settings.keep
        self._made_for = msgspec.json.encode(
            {"loss": settings.loss, "options": settings.options, "classes": settings.classes}
        ).decode()
        self._writing, self._reading = _engines(settings)
        url = self._writing.url
        # SQLite lets one process write at a time. Those that wait for it sleep and ask again, and
        # whoever is unlucky sleeps long; the system wakes up those who wait for a lock of a file.
        self._lock = None
        if url.get_backend_name() == "sqlite":
            try:
                self._lock = Path(f"{url.database}.lock").open("w")  # noqa: SIM115 (until `close`)
            except OSError as error:
                raise SystemExit(f"SCORING_DATABASE {url!r}: {error}") from None

    def prepare(self) -> None:
        """Make the tables unless they are there; refuse those of a service with another loss."""
        try:
            self._repeated(self._prepare)
        except DBAPIError as error:
            raise SystemExit(f"SCORING_DATABASE {self._writing.url!r}: {error.orig}") from None

    def _prepare(self, connection: sa.Connection) -> None:
        _TABLES.create_all(connection)
        _add_weights(connection)
        made_for = connection.scalar(sa.select(_CHECKPOINT.c.made_for))
        if made_for is None:
            state = self._state(Tally(), self._evaluation(None))
            connection.execute(sa.insert(_CHECKPOINT), {"only": 1, **state})
        elif made_for != self._made_for:
            raise SystemExit(
                f"the database was made for {made_for}, and the settings say {self._made_for}: "
                "name another SCORING_DATABASE, or set what was set before"
            )

    def close(self) -> None:
        """Close all connections."""
        self._writing.dispose()
        if self._lock is not None:
            self._lock.close()

    def alive(self) -> None:
        """Raise unless the database answers."""
        with self._reading.connect() as connection:
            connection.execute(sa.select(_CHECKPOINT.c.made_for)).one()

    # --------------------------------------------------------------------------------- write

    def write(self, requests: Sequence[Request]) -> list[Outcome | RefusedError]:
        """Write what requests say in one transaction; those that contradict write nothing."""
        return self._repeated(lambda connection: self._write(connection, requests))

    def _repeated(self, work: Callable[[sa.Connection], T]) -> T:
        """Do work in a transaction, and again if others got in its way.

        Two workers that write the same id for the first time, or the same ids in another order, are
        such a case. Work may come twice, as a connection can break after the commit: examples that
        are there are then repetitions, which count nothing.
        """
        for attempt in range(_ATTEMPTS):
            try:
                with self._turn(), self._writing.begin() as connection:
                    return work(connection)
            except DBAPIError:
                if attempt == _ATTEMPTS - 1:
                    raise
                time.sleep(0.01 * 2**attempt)
        raise AssertionError

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Wait until no other process writes; one that is killed gives its turn back."""
        if self._lock is None:
            yield
            return
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._lock, fcntl.LOCK_UN)

    def _write(
        self, connection: sa.Connection, requests: Sequence[Request]
    ) -> list[Outcome | RefusedError]:
        known = self._known(connection, {x.id for r in requests for x in r.examples})
        now = dict(known)
        outcomes: list[Outcome | RefusedError] = []
        served: list[Request] = []
        for request in requests:
            try:
                merged, stored = _merged(now, request.examples)
            except RefusedError as conflict:
                outcomes.append(conflict)
                continue
            now.update(merged)
            served.append(request)
            outcomes.append(Outcome(stored, len(request.examples) - stored, [], []))
        changed = [x for x in now.values() if known.get(x.id) != x]
        self._put(connection, changed, known)
        tally = _sum(request.tally for request in requests)
        tally.update(_changes(changed, known))
        joined = [x for x in changed if _is_whole(x)]  # what was whole before cannot change
        if tally:
            connection.execute(sa.insert(_JOURNAL), {"entry": _encode(_entry_of(tally, joined))})
        answers = (outcome for outcome in outcomes if isinstance(outcome, Outcome))
        losses = self._losses(now[x.id] for request in served for x in request.examples)
        for request, outcome in zip(served, answers, strict=True):
            outcome.losses.extend(losses.get(x.id) for x in request.examples)
            outcome.weights.extend(now[x.id].weight for x in request.examples)
        return outcomes

    def _known(self, connection: sa.Connection, ids: set[str]) -> dict[str, Example]:
        """Return the examples that are there, and keep others from changing them (PostgreSQL)."""
        found: dict[str, Example] = {}
        for some in _chunks(sorted(ids), _MOST_IDS):
            rows = connection.execute(
                sa.select(*(_EXAMPLES.c[name] for name in Example._fields))
                .where(_EXAMPLES.c.id.in_(some))
                .order_by(_EXAMPLES.c.id)
                .with_for_update()
            )
            found.update((row.id, Example(*row)) for row in rows)
        return found

    @staticmethod
    def _put(
        connection: sa.Connection, changed: Sequence[Example], known: dict[str, Example]
    ) -> None:
        received = time.time()
        new = [{**x._asdict(), "received": received} for x in changed if x.id not in known]
        if new:
            connection.execute(sa.insert(_EXAMPLES), sorted(new, key=lambda row: row["id"]))
        old = [{**x._asdict(), "this": x.id} for x in changed if x.id in known]
        if old:
            connection.execute(
                sa.update(_EXAMPLES)
                .where(_EXAMPLES.c.id == sa.bindparam("this"))
                .values({name: sa.bindparam(name) for name in Example._fields}),
                old,
            )

    def _losses(self, examples: Iterable[Example]) -> dict[str, float]:
        """Return the losses of the examples that are whole."""
        whole = {x.id: x for x in examples if _is_whole(x)}
        if self._scorer is None or not whole:
            return {}
        predictions = b"".join(x.prediction or b"" for x in whole.values())
        losses = self._scorer.losses(
            self._scorer.array(predictions, len(whole)), np.array([x.label for x in whole.values()])
        )
        return dict(zip(whole, losses.tolist(), strict=True))

    # ---------------------------------------------------------------------------------- fold

    def fold(self) -> int:
        """Take entries of the journal into the checkpoint; return how many.

        One worker does so at a time; another one that comes meanwhile has nothing to do.
        """
        with self._reading.connect() as connection:
            if connection.execute(sa.select(_JOURNAL.c.number).limit(1)).first() is None:
                return 0
        return self._repeated(self._fold)

    def _fold(self, connection: sa.Connection) -> int:
        state = connection.execute(
            sa.select(_CHECKPOINT).with_for_update(skip_locked=True)
        ).one_or_none()
        if state is None:
            return 0
        some = sa.select(_JOURNAL.c.number).order_by(_JOURNAL.c.number).limit(_MOST_ENTRIES)
        entries = connection.scalars(
            sa.delete(_JOURNAL).where(_JOURNAL.c.number.in_(some)).returning(_JOURNAL.c.entry)
        ).all()
        tally, evaluation = self._absorbed(state, entries)
        if expired := self._expire(connection):
            tally[("expired",)] += expired
        connection.execute(sa.update(_CHECKPOINT), self._state(tally, evaluation))
        return len(entries)

    def _expire(self, connection: sa.Connection) -> int:
        """Forget examples that are too old for labels and repetitions to come."""
        old = (
            sa.select(_EXAMPLES.c.id)
            .where(_EXAMPLES.c.received < time.time() - self._keep)
            .limit(_MOST_EXPIRED)
        )
        return connection.execute(sa.delete(_EXAMPLES).where(_EXAMPLES.c.id.in_(old))).rowcount

    # ---------------------------------------------------------------------------------- read

    def read(self) -> Snapshot:
        """Return counts and evaluation of everything that was acknowledged so far."""
        with self._reading.begin() as connection:
            state = connection.execute(sa.select(_CHECKPOINT)).one()
            entries = connection.scalars(sa.select(_JOURNAL.c.entry)).all()
        return Snapshot(*self._absorbed(state, entries), len(entries))

    # --------------------------------------------------------------------------------- state

    def _absorbed(
        self, state: Any, entries: Sequence[bytes]
    ) -> tuple[Tally, numloss.Evaluation | None]:
        """Return what a checkpoint and entries of the journal make together."""
        decoded = [_entry.decode(entry) for entry in entries]
        tally = _tally_of(_tally.decode(state.tally))
        for entry in decoded:
            tally.update(_tally_of(entry.tally))
        evaluation = self._evaluation(state.evaluation)
        labels = [label for entry in decoded for label in entry.labels]
        if evaluation is not None and labels:
            assert self._scorer is not None
            self._scorer.update(
                evaluation,
                [text for entry in decoded for text in entry.ids],
                [text for entry in decoded for text in entry.models],
                [text for entry in decoded for text in entry.slices],
                b"".join(entry.predictions for entry in decoded),
                np.array(labels),
                np.array([weight for entry in decoded for weight in _weights_of(entry)]),
            )
        return tally, evaluation

    def _evaluation(self, state: bytes | None) -> numloss.Evaluation | None:
        if self._scorer is None:
            return None
        if state is None:
            return self._scorer.evaluation()
        return numloss.Evaluation.from_bytes(state)

    def _state(self, tally: Tally, evaluation: numloss.Evaluation | None) -> dict[str, Any]:
        return {
            "made_for": self._made_for,
            "tally": _encode(list(tally.items())),
            "evaluation": None if evaluation is None else evaluation.to_bytes(),
        }


def _engines(settings: Settings) -> tuple[sa.Engine, sa.Engine]:
    """Return what connects for transactions that write, and for those that read."""
    url = sa.make_url(settings.database)
    if url.drivername in ("postgres", "postgresql"):
        url = url.set(drivername="postgresql+psycopg")
    if url.get_backend_name() != "sqlite":
        engine = sa.create_engine(url, pool_pre_ping=True, pool_timeout=settings.timeout)
        return engine, engine.execution_options(isolation_level="REPEATABLE READ")
    engine = sa.create_engine(url, connect_args={"timeout": settings.timeout})

    @sa.event.listens_for(engine, "connect")
    def connect(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # transactions begin as below, not by Python's guess
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")  # a commit outlives a loss of power

    # One that reads first and writes then could fail half-way: it takes the lock at once.
    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql(f"BEGIN {connection.get_execution_options()['begin']}")

    return engine.execution_options(begin="IMMEDIATE"), engine.execution_options(begin="DEFERRED")


def _add_weights(connection: sa.Connection) -> None:
    """Give the examples of a database from before there were weights their weight of 1."""
    if any(column["name"] == "weight" for column in sa.inspect(connection).get_columns("examples")):
        return
    kind = sa.Double().compile(connection.dialect)
    connection.exec_driver_sql(f"ALTER TABLE examples ADD COLUMN weight {kind}")
    connection.execute(
        sa.update(_EXAMPLES)
        .where(_EXAMPLES.c.prediction.is_not(None))
        .values(weight=DEFAULT_WEIGHT)
    )


def _is_whole(example: Example) -> bool:
    return example.prediction is not None and example.label is not None


def _combined(old: Example, new: Example) -> Example:
    """Return what both say of an example; they may not contradict each other."""
    for name, was, says in zip(Example._fields, old, new, strict=True):
        if was is not None and says is not None and was != says:
            raise RefusedError(
                409, f"example {new.id!r} has another {name} since an earlier request"
            )
    return Example._make(says if was is None else was for was, says in zip(old, new, strict=True))


def _merged(
    known: dict[str, Example], examples: Sequence[Example]
) -> tuple[dict[str, Example], int]:
    """Return examples with what is known of them, and how many rows say something new."""
    merged: dict[str, Example] = {}
    stored = 0
    for example in examples:
        old = merged.get(example.id) or known.get(example.id) or Example(example.id)
        merged[example.id] = _combined(old, example)
        stored += merged[example.id] != old
    return merged, stored


def _changes(changed: Sequence[Example], known: dict[str, Example]) -> Tally:
    """Count what examples have that they had not."""
    tally = Tally()
    for new in changed:
        old = known.get(new.id) or Example(new.id)
        if new.prediction is not None:
            key = str(new.model), str(new.slice)
            tally[("predictions", *key)] += old.prediction is None
            tally[("joined", *key)] += new.label is not None
        tally[("labels",)] += new.label is not None and old.label is None
    return +tally


def _entry_of(tally: Tally, joined: Sequence[Example]) -> Entry:
    return Entry(
        list(tally.items()),  # type: ignore[arg-type]  # tuples are written as lists are
        [x.id for x in joined],
        [str(x.model) for x in joined],
        [str(x.slice) for x in joined],
        b"".join(x.prediction or b"" for x in joined),
        [x.label for x in joined if x.label is not None],
        [x.weight for x in joined if x.weight is not None],
    )


def _weights_of(entry: Entry) -> list[float]:
    return entry.weights or [DEFAULT_WEIGHT] * len(entry.labels)


def _tally_of(items: Iterable[tuple[list[str], int | float]]) -> Tally:
    return Tally({tuple(key): number for key, number in items})


def _sum(tallies: Iterable[Tally]) -> Tally:
    total = Tally()
    for tally in tallies:
        total.update(tally)
    return total


def _chunks(items: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    return (items[begin : begin + size] for begin in range(0, len(items), size))
