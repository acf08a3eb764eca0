"""The scoring service: what is acknowledged is kept, and what is told of it is exact."""

import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException, HTTPResponse
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pytest
import sqlalchemy as sa
from prometheus_client.parser import text_string_to_metric_families

import numloss
from scoring_service.conftest import FOLDER

ARROW = "application/vnd.apache.arrow.stream"
RAW = "application/octet-stream"
MODELS, SLICES = ["old", "new"], ["de", "fr", "ÜK 日本"]


class Rows:
    """Rows of predictions and labels, and what a single evaluation says of them."""

    def __init__(self, count, seed=0, classes=0, weighted=False):
        rng = np.random.default_rng(seed)
        self.classes = classes
        self.ids = [f"{seed}-{row}" for row in range(count)]
        self.scores = rng.normal(size=(count, classes) if classes else count).astype("f4")
        self.labels = rng.integers(0, classes or 2, count)
        self.models = rng.choice(MODELS, count).tolist()
        self.slices = rng.choice(SLICES, count).tolist()
        # With some of 1 and 0; raw bodies have them as float32.
        weights = rng.integers(0, 4, count) * rng.choice([0.1, 1], count)
        self.weights = weights.astype("f4").astype("f8") if weighted else None

    def predictions(self, begin, end):
        names = ["id", "prediction", "model", "slice"]
        columns = [self.ids, self.scores.tolist(), self.models, self.slices]
        if self.weights is not None:
            names.append("weight")
            columns.append(self.weights.tolist())
        rows = zip(*(column[begin:end] for column in columns), strict=True)
        return {"predictions": [dict(zip(names, row, strict=True)) for row in rows]}

    def labelled(self, begin, end):
        rows = zip(self.ids[begin:end], self.labels[begin:end].tolist(), strict=True)
        return {"labels": [{"id": name, "label": label} for name, label in rows]}

    def table(self, begin, end):
        scores = pa.array(self.scores[begin:end].ravel())
        if self.classes:
            scores = pa.FixedSizeListArray.from_arrays(scores, self.classes)
        columns = {
            "id": self.ids[begin:end], "prediction": scores, "model": self.models[begin:end],
            "slice": self.slices[begin:end],
        }  # fmt: skip
        if self.weights is not None:
            columns["weight"] = self.weights[begin:end]
        return pa.table(columns)

    def raw(self, begin, end):
        columns = [self.scores[begin:end].reshape(end - begin, -1)]
        if self.weights is not None:
            columns.append(self.weights[begin:end, None].astype("f4"))
        return np.hstack(columns).tobytes()

    def evaluation(self, loss="binary_cross_entropy"):
        evaluation = numloss.Evaluation({loss: (numloss.LOSSES[loss], {})}, by=["model", "slice"])
        evaluation.update(
            self.scores,
            self.labels if self.classes else self.labels.astype(float),
            weight=self.weights,
            groups=[self.models, self.slices],
            ids=self.ids,
        )
        return evaluation

    def requests(self, size):
        """Return requests of all rows, labels before predictions among them."""
        begins = range(0, len(self.ids), size)
        found = [("/predictions", self.predictions(b, b + size)) for b in begins]
        found += [("/labels", self.labelled(b, b + size)) for b in begins]
        random.Random(1).shuffle(found)
        return found


def arrow(table, **options):
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as stream:
        stream.write_table(table)
    return sink.getvalue().to_pybytes()


def counts(service):
    status, report, _ = service.get("/report")
    assert status == 200
    return tuple(report[name] for name in ("predictions", "labels", "joined"))


def samples(service):
    """Return what Prometheus would read: numbers by name and labels."""
    status, content, headers = service.get("/metrics")
    assert status == 200
    assert headers["Content-Type"].startswith("text/plain")
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(content.decode())
        for sample in family.samples
    }


# ------------------------------------------------------------------------------- what is told


@pytest.mark.parametrize(
    ("loss", "classes", "weighted"),
    [("binary_cross_entropy", 0, False), ("binary_cross_entropy", 0, True),
     ("cross_entropy", 3, False), ("cross_entropy", 3, True)],
)  # fmt: skip
def test_every_format_and_every_order(service, database, loss, classes, weighted):
    one = service(database, loss=loss, classes=classes)
    rows = Rows(400, classes=classes, weighted=weighted)
    weights = [1.0] * 400 if rows.weights is None else rows.weights.tolist()
    expected = numloss.LOSSES[loss](
        rows.scores, rows.labels if classes else rows.labels.astype(float), reduction="none"
    ).tolist()
    status, answer, _ = one.post("/labels", rows.labelled(0, 100))
    nothing = [None] * 100
    assert status == 200
    assert answer == {"stored": 100, "repeated": 0, "losses": nothing, "weights": nothing}
    status, answer, _ = one.post("/predictions", rows.predictions(0, 100))
    assert (status, answer["losses"]) == (200, expected[:100])
    assert answer["weights"] == weights[:100]
    status, answer, _ = one.post("/predictions", arrow(rows.table(100, 200)), ARROW)
    assert (status, answer["losses"]) == (200, [None] * 100)
    assert answer["weights"] == weights[100:200]
    labels = pa.table({"id": rows.ids[100:200], "label": rows.labels[100:200]})
    status, answer, _ = one.post("/labels", arrow(labels), ARROW)
    assert (status, answer["losses"]) == (200, expected[100:200])
    query = "/predictions/raw?id=raw&rows=200&model=old&slice=de" + "&weighted=true" * weighted
    status, answer, _ = one.post(query, rows.raw(200, 400), RAW)
    assert (status, answer["stored"]) == (200, 200)
    rows.ids[200:] = [f"raw:{row}" for row in range(200)]
    rows.models[200:], rows.slices[200:] = ["old"] * 200, ["de"] * 200
    status, answer, _ = one.post("/labels", rows.labelled(200, 400))
    assert (status, answer["losses"]) == (200, expected[200:])
    assert answer["weights"] == weights[200:]
    assert counts(one) == (400, 400, 400)
    assert one.get("/state")[1] == rows.evaluation(loss).to_bytes()


def test_workers_together_have_the_state_of_a_single_evaluation(service, database):
    one = service(database, workers=3, fold=0.2)
    rows = Rows(6000)
    with ThreadPoolExecutor(8) as clients:
        answers = list(clients.map(lambda request: one.post(*request), rows.requests(20)))
    assert {status for status, *_ in answers} == {200}
    assert len(one.workers()) == 3
    assert counts(one) == (6000, 6000, 6000)
    evaluation = rows.evaluation()
    assert one.get("/state")[1] == evaluation.to_bytes()
    loss = evaluation.result((0.5, 0.9))["binary_cross_entropy"]
    report = one.get("/report?quantile=0.5&quantile=0.9&confidence=0.9")[1]
    assert report["total"] == json.loads(json.dumps(loss.total.to_dict(0.9)))
    assert len(report["slices"]) == len(MODELS) * len(SLICES)
    for entry in report["slices"]:
        group = loss.groups[entry["model"], entry["slice"]]
        assert entry["statistics"] == json.loads(json.dumps(group.to_dict(0.9)))
        assert entry["joined"] == entry["predictions"] == group.count


def test_another_weight_is_something_else(service, database):
    one = service(database)
    assert one.post("/predictions", prediction(weight=2))[1]["stored"] == 1
    assert one.post("/predictions", prediction(weight=2))[1]["repeated"] == 1
    for other in ({"weight": 3}, {}):  # without one it is 1
        status, answer, _ = one.post("/predictions", prediction(**other))
        assert (status, "another weight" in answer["error"]) == (409, True)
    status, answer, _ = one.post("/labels", {"labels": [{"id": "a", "label": 1}]})
    assert (status, answer["weights"]) == (200, [2.0])
    total = one.get("/report")[1]["total"]
    assert total["sum"] == pytest.approx(2 * total["mean"])


def test_a_database_from_before_there_were_weights(service, database, tmp_path):
    """Its examples and the entries of its journal weigh 1, and are known when they come again."""
    url = database or f"sqlite:///{tmp_path}/scoring.db"
    rows = Rows(30)
    one = service(url, fold=1000)
    one.post("/predictions", rows.predictions(0, 20))
    one.post("/labels", rows.labelled(10, 30))
    one.kill()
    engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE examples DROP COLUMN weight"))
        for number, entry in connection.execute(sa.text("SELECT number, entry FROM journal")).all():
            older = msgspec.msgpack.encode(msgspec.msgpack.decode(entry)[:-1])
            connection.execute(
                sa.text("UPDATE journal SET entry = :e WHERE number = :n"),
                {"e": older, "n": number},
            )
    engine.dispose()
    two = service(url)
    assert two.post("/predictions", rows.predictions(0, 20))[1]["repeated"] == 20
    two.post("/predictions", rows.predictions(20, 30))
    two.post("/labels", rows.labelled(0, 10))
    assert counts(two) == (30, 30, 30)
    assert two.get("/state")[1] == rows.evaluation().to_bytes()


def test_the_same_again_is_no_news_and_something_else_is_refused(service, database):
    one = service(database)
    rows = Rows(10)
    first = one.post("/predictions", rows.predictions(0, 10))[1]
    assert first["stored"] == 10
    labelled = one.post("/labels", rows.labelled(0, 10))[1]
    again = one.post("/predictions", rows.predictions(0, 10))[1]
    assert (again["stored"], again["repeated"]) == (0, 10)
    assert again["losses"] == labelled["losses"]
    for path, content, field, value in (
        ("/predictions", rows.predictions(0, 10), "prediction", 9.0),
        ("/predictions", rows.predictions(0, 10), "slice", "it"),
        ("/labels", rows.labelled(0, 10), "label", 0.5),
    ):
        (batch,) = content.values()
        batch[7][field] = value
        new = {**batch[0], "id": "new"}
        batch.insert(0, new)
        status, answer, _ = one.post(path, content)
        assert status == 409
        assert rows.ids[7] in answer["error"]
        assert field in answer["error"]
    twice = [{"id": "x", "label": 1}, {"id": "x", "label": 0}]
    assert one.post("/labels", {"labels": twice})[0] == 409
    assert one.post("/labels", {"labels": twice[:1] * 2})[1]["stored"] == 1
    assert counts(one) == (10, 11, 10)  # nothing of a request that was refused
    assert one.get("/state")[1] == rows.evaluation().to_bytes()


def test_without_a_loss_rows_are_joined_and_counted(service):
    one = service(loss="")
    rows = Rows(50)
    for request in rows.requests(10):
        status, answer, _ = one.post(*request)
        assert (status, answer["losses"]) == (200, [None] * 10)
    assert counts(one) == (50, 50, 50)
    assert one.get("/state")[0] == 404


# ------------------------------------------------------------------------------------- crashes


def test_killed_under_load_it_has_what_it_acknowledged(service, database):
    """Workers are killed one by one, then all at once; clients send again what had no answer."""
    one = service(database, workers=3, fold=0.05)
    rows = Rows(40_000)
    requests = rows.requests(20)
    acknowledged, unanswered = [], []
    ended = threading.Event()
    left = iter(range(len(requests)))

    def send():
        for number in left:
            if ended.is_set():
                return
            try:
                status, *_ = one.post(*requests[number])
            except (OSError, HTTPException):
                unanswered.append(number)
            else:
                assert status == 200
                acknowledged.append(number)

    clients = [threading.Thread(target=send) for _ in range(6)]
    for client in clients:
        client.start()
    for _ in range(3):
        time.sleep(0.5)
        os.kill(random.choice(one.workers()), signal.SIGKILL)
    time.sleep(0.7)
    one.kill()
    ended.set()
    for client in clients:
        client.join()
    assert len(acknowledged) > 20
    assert unanswered
    one.start()
    kept = counts(one)
    sent = [requests[number] for number in acknowledged]
    for which, name in enumerate(("predictions", "labels")):
        least = sum(len(content.get(name, ())) for _, content in sent)
        assert least <= kept[which] <= least + 20 * len(unanswered)
    with ThreadPoolExecutor(8) as clients:
        again = list(clients.map(lambda request: one.post(*request), sent))
    assert {(status, answer["stored"]) for status, answer, _ in again} == {(200, 0)}
    assert counts(one) == kept
    for number in unanswered:
        sent.append(requests[number])
        assert one.post(*requests[number])[0] == 200
    ids = {
        path: {row["id"] for p, content in sent if p == path for row in content[path[1:]]}
        for path in ("/predictions", "/labels")
    }
    joined = ids["/predictions"] & ids["/labels"]
    assert counts(one) == (*map(len, ids.values()), len(joined))
    keep = [place for place, name in enumerate(rows.ids) if name in joined]
    rows.ids, rows.models, rows.slices = (
        [column[place] for place in keep] for column in (rows.ids, rows.models, rows.slices)
    )
    rows.scores, rows.labels = rows.scores[keep], rows.labels[keep]
    assert one.get("/state")[1] == rows.evaluation().to_bytes()


def test_metrics_survive_restarts_and_kills(service, database):
    one = service(database)
    rows = Rows(100)
    for request in rows.requests(10):
        assert one.post(*request)[0] == 200
    assert one.get("/nowhere")[0] == 404
    time.sleep(2.5)  # the times of each worker are on their way once a second
    before = samples(one)
    loss = rows.evaluation().result()["binary_cross_entropy"]
    for (model, slice_), group in loss.groups:
        labels = ("model", model), ("slice", slice_)
        assert before[("scoring_predictions_total", *labels)] == group.count
        assert before[("scoring_joined_total", *labels)] == group.count
        key = ("loss", "binary_cross_entropy"), *labels, ("statistic", "sum")
        assert before[("numloss_loss", *key)] == group.sum
    assert before["scoring_labels_total",] == 100
    assert before["scoring_request_seconds_count", ("route", "/labels"), ("status", "200")] == 10
    assert before["scoring_request_seconds_count", ("route", "other"), ("status", "404")] == 1
    for end in (one.stop, one.kill):
        end()
        one.start()
        after = samples(one)
        assert after.keys() >= before.keys()
        for key, value in before.items():
            if "/metrics" not in str(key) and "/readyz" not in str(key) and "journal" not in key[0]:
                assert after[key] == value, key


def test_old_examples_are_forgotten_and_stay_counted(service, database):
    one = service(database, keep=0.5, fold=0.1)
    rows = Rows(20)
    one.post("/predictions", rows.predictions(0, 20))
    one.post("/labels", rows.labelled(0, 10))
    state = one.get("/state")[1]
    for _ in range(100):
        if samples(one)["scoring_expired_total",] == 20:
            break
        time.sleep(0.1)
    assert samples(one)["scoring_expired_total",] == 20
    assert counts(one) == (20, 10, 10)
    assert one.get("/state")[1] == state


def test_sigterm_lets_requests_in_hand_end(service, database):
    one = service(database, workers=2)
    body = json.dumps(Rows(10).predictions(0, 10)).encode()
    head = (
        f"POST /predictions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode()
    with socket.create_connection(("127.0.0.1", one.port), timeout=30) as connection:
        connection.sendall(head + body[:20])
        time.sleep(0.5)
        one.process.send_signal(signal.SIGTERM)
        time.sleep(1)
        assert one.process.poll() is None
        with pytest.raises(OSError, match="refused"):
            one.get("/healthz")
        connection.sendall(body[20:])
        answer = connection.recv(4096)
    assert b" 200 " in answer.splitlines()[0]
    assert one.process.wait(timeout=20) == 0, one.log.read_text()
    one.start()
    assert counts(one) == (10, 0, 0)


def test_a_database_that_is_away_is_told_and_waited_for(service, postgresql):
    one = service(postgresql.database(), timeout=5)
    rows = Rows(20)
    assert one.post("/predictions", rows.predictions(0, 10))[0] == 200
    postgresql.stop()
    try:
        status, answer, headers = one.post("/predictions", rows.predictions(10, 20))
        assert (status, headers["Retry-After"]) == (503, "1")
        assert "again" in answer["error"]
        assert one.get("/readyz")[0] == 503
        assert one.get("/healthz")[0] == 200
    finally:
        postgresql.start()
    assert one.post("/predictions", rows.predictions(10, 20))[0] == 200
    assert one.get("/readyz")[0] == 200
    assert counts(one) == (20, 0, 0)


# -------------------------------------------------------------------------------------- limits


def post_chunks(port, chunks):
    """Post chunks in one piece: before the last of several the service may have closed."""
    head = b"POST /labels HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    body = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in [*chunks, b""])
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(head + b"Transfer-Encoding: chunked\r\n\r\n" + body)
        answer = HTTPResponse(connection)
        answer.begin()
        return answer.status, json.loads(answer.read())


def test_limits_of_bodies(service):
    one = service(body=1000, rows=5, timeout=1, concurrency=2, workers=1)
    large = one.post("/labels", b" " * 1001, "application/json; charset=utf-8")[:2]
    for status, answer in (large, post_chunks(one.port, [b" " * 600] * 3)):
        assert (status, answer["error"]) == (413, "a body has at most 1000 bytes")
    many = {"labels": [{"id": str(row), "label": 1} for row in range(6)]}
    status, answer, _ = one.post("/labels", many)
    assert (status, "length <= 5" in answer["error"]) == (400, True)
    table = pa.table({"id": list("abcdef"), "prediction": pa.array([1.0] * 6)})
    for path, body, kind in (
        ("/predictions", arrow(table), ARROW),
        ("/predictions/raw?id=a&rows=6", bytes(24), RAW),
    ):
        status, answer, _ = one.post(path, body, kind)
        assert (status, "5" in answer["error"]) == (400, True)
    half = b"POST /labels HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    half += b"Content-Length: 30\r\n\r\n{"
    slow = [socket.create_connection(("127.0.0.1", one.port), timeout=10) for _ in range(2)]
    for connection in slow:
        connection.sendall(half)
    time.sleep(0.3)
    status, answer, headers = one.get("/report")
    assert (status, headers["Retry-After"]) == (503, "1")
    assert "2 requests at once" in answer["error"]
    assert [one.get(path)[0] for path in ("/healthz", "/readyz", "/metrics")] == [200] * 3
    for connection in slow:
        assert b" 408 " in connection.recv(4096).splitlines()[0]
        connection.close()
    assert one.get("/report")[0] == 200


def test_a_stream_that_swells_is_refused_and_the_worker_lives(service):
    """Compressed, a gigabyte of zeros is a body of a hundred kilobytes."""
    one = service(memory=300 << 20, rows=1_000_000_000, workers=1)
    (worker,) = one.workers()
    table = pa.table(
        {"id": pa.array([""]).take(pa.array(np.zeros(1 << 26, "i4"))),
         "prediction": pa.array(np.zeros(1 << 26, "f8"))}
    )  # fmt: skip
    body = arrow(table, compression="zstd")
    assert len(body) < 1 << 20
    status, answer, _ = one.post("/predictions", body, ARROW)
    assert (status, "memory" in answer["error"]) == (413, True)
    assert one.workers() == [worker]
    assert one.post("/predictions", Rows(10).predictions(0, 10))[0] == 200


def test_damaged_streams_are_refused(service):
    one = service()
    good = arrow(Rows(20).table(0, 20))
    rng = np.random.default_rng(5)
    for _ in range(150):
        bad = np.frombuffer(good, np.uint8).copy()
        places = rng.integers(0, len(bad), rng.integers(1, 4))
        bad[places] = rng.integers(0, 256, len(places))
        status, *_ = one.post("/predictions", bad[: rng.integers(1, len(bad) + 1)].tobytes(), ARROW)
        assert status in (200, 400, 409, 413, 422)
    assert len(one.workers()) == 2
    assert "Booting" in one.log.read_text()
    assert one.log.read_text().count("Booting worker") == 2, "a worker was replaced"


def prediction(**changes):
    return {"predictions": [{"id": "a", "prediction": 0.5} | changes]}


COLUMNS = {"id": ["a", "b"], "prediction": pa.array([0.5, 1.0], pa.float32())}
REFUSED = {
    "no JSON": ("/labels", b"{", "application/json", 400, "truncated"),
    "NaN": ("/predictions", b'{"predictions": [{"id": "a", "prediction": NaN}]}',
            "application/json", 400, "invalid character"),
    "infinity": ("/labels", b'{"labels": [{"id": "a", "label": 1e999}]}', "application/json", 400,
                 "out of range"),
    "beyond float32": ("/predictions", prediction(prediction=1e39), "application/json", 400,
                       "$.predictions[0].prediction"),
    "text for a number": ("/predictions", prediction(prediction="1"), "application/json", 400,
                          "Expected `float`, got `str`"),
    "no id": ("/labels", {"labels": [{"label": 1}]}, "application/json", 400, "`id`"),
    "empty id": ("/labels", {"labels": [{"id": "", "label": 1}]}, "application/json", 400,
                 "length >= 1"),
    "NUL": ("/labels", {"labels": [{"id": "a\0", "label": 1}]}, "application/json", 400, "regex"),
    "lone surrogate": ("/labels", b'{"labels": [{"id": "\\ud800", "label": 1}]}',
                       "application/json", 400, "surrogate"),
    "unknown field": ("/predictions", prediction(wieght=2), "application/json", 400, "wieght"),
    "negative weight": ("/predictions", prediction(weight=-1), "application/json", 400,
                        "`float` >= 0"),
    "large weight": ("/predictions", prediction(weight=1e39), "application/json", 400, "weight"),
    "weight of a label": ("/labels", {"labels": [{"id": "a", "label": 1, "weight": 2}]},
                          "application/json", 400, "weight"),
    "raw weight": ("/predictions/raw?id=a&rows=1&weighted=true",
                   np.array([1, -2], "f4").tobytes(), RAW, 422,
                   "weight must be in [0, 3.403e+38], got -2.0 in row 0"),
    "raw without weights": ("/predictions/raw?id=a&rows=2&weighted=true", bytes(8), RAW, 422,
                            "2 rows of 8 bytes of float32, which are 16 bytes, got 8"),
    "raw weighted": ("/predictions/raw?id=a&rows=1&weighted=2", bytes(8), RAW, 400, "weighted"),
    "NaN for a weight": ("/predictions", arrow(pa.table(COLUMNS | {"weight": [1.0, np.nan]})),
                         ARROW, 422, "weight must be in [0, 3.403e+38], got nan in row 1"),
    "null weight": ("/predictions", arrow(pa.table(COLUMNS | {"weight": [1.0, None]})), ARROW, 422,
                    "weight must have no nulls, got 1"),
    "weight type": ("/predictions", arrow(pa.table(COLUMNS | {"weight": ["1", "2"]})), ARROW, 400,
                    "column weight must be a type of whole numbers or floats, got string"),
    "deep": ("/labels", b'{"labels":' + b"[" * 100_000, "application/json", 400, ""),
    "label": ("/labels", {"labels": [{"id": "a", "label": 1}, {"id": "b", "label": 2}]},
              "application/json", 422, "must be in [0, 1], got 2.0 at index 1"),
    "type": ("/labels", b"id,label", "text/csv", 415, "application/json or"),
    "raw for labels": ("/labels", b"", RAW, 415, "application/json or"),
    "path": ("/label", b"", RAW, 404, "Not Found"),
    "method": ("/report", b"", RAW, 405, "Method Not Allowed"),
    "raw length": ("/predictions/raw?id=a&rows=2", bytes(7), RAW, 422, "8 bytes, got 7"),
    "raw NaN": ("/predictions/raw?id=a&rows=2", np.array([1, np.nan], "f4").tobytes(), RAW, 422,
                "finite in float32, got nan in row 1"),
    "raw without rows": ("/predictions/raw?id=a", bytes(8), RAW, 400, "`rows`"),
    "raw with more": ("/predictions/raw?id=a&rows=2&dtype=f8", bytes(8), RAW, 400, "dtype"),
    "no Arrow": ("/predictions", b"ARROW1", ARROW, 400, "no valid stream of Arrow"),
    "column": ("/predictions", arrow(pa.table({"id": ["a"]})), ARROW, 400,
               "columns must be id, prediction, and may be model, slice, weight, got id"),
    "column type": ("/predictions", arrow(pa.table(COLUMNS | {"id": [1, 2]})), ARROW, 400,
                    "column id must be string, got int64"),
    "null": ("/predictions", arrow(pa.table(COLUMNS | {"prediction": pa.array([None, 1.0])})),
             ARROW, 422, "no nulls, got 1"),
    "null id": ("/predictions", arrow(pa.table(COLUMNS | {"id": ["a", None]})), ARROW, 400,
                "column id: Expected `str`, got `null` - at `$[1]`"),
    "infinite": ("/predictions", arrow(pa.table(COLUMNS | {"prediction": pa.array([1.0, 1e300])})),
                 ARROW, 422, "got inf in row 1"),
    "lists": ("/predictions", arrow(pa.table(COLUMNS | {"prediction": [[1.0], [2.0]]})), ARROW, 400,
              "column prediction must be float"),
    "NaN for a label": ("/labels", arrow(pa.table({"id": ["a"], "label": [float("nan")]})), ARROW,
                        422, "label must be finite, got nan in row 0"),
}  # fmt: skip


def test_what_is_wrong_is_told_in_a_sentence(service):
    one = service()
    for name, (path, body, kind, expected, sentence) in REFUSED.items():
        post = body if isinstance(body, bytes) else json.dumps(body).encode()
        status, answer, _ = one.ask("POST", path, post, Content_Type=kind)
        assert (name, status) == (name, expected)
        assert sentence in answer["error"], name
    status, answer, _ = one.post("/labels", b"", RAW, Content_Encoding="gzip")
    assert status == 415
    for query in ("quantile=2", "confidence=1", "quantiles=0.5", "quantile=x"):
        status, answer, _ = one.get(f"/report?{query}")
        assert (status, answer["error"].startswith("query: ")) == (400, True)
    assert counts(one) == (0, 0, 0)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"LOSS": "hubber"}, "SCORING_LOSS must be one of"),
        ({"LOSS": "cross_entropy"}, "SCORING_LOSS cross_entropy with SCORING_CLASSES 0"),
        ({"LOSS": "gaussian_nll"}, "variance"),
        ({"OPTIONS": "{"}, "SCORING_* in the environment"),
        ({"TIMEOUT": "0"}, "timeout"),
        ({"TIME": "1"}, "`time`"),
        ({"DATABASE": "sqlite:////nowhere/x.db"}, "////nowhere/x.db: [Errno 2]"),
        ({"LOSS": "mse"}, 'made for {"loss":"binary_cross_entropy"'),
    ],
)
def test_wrong_settings_end_the_start_in_a_sentence(tmp_path, service, settings, sentence):
    database = f"sqlite:///{tmp_path}/scoring.db"
    if settings == {"LOSS": "mse"}:
        service(database).stop()
    environment = {f"SCORING_{name}": value for name, value in settings.items()}
    ended = subprocess.run(
        [sys.executable, "-m", "gunicorn", "--bind", "127.0.0.1:0"],
        cwd=FOLDER, env={**os.environ, "SCORING_DATABASE": database, **environment},
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert ended.returncode != 0
    assert sentence in ended.stderr.splitlines()[-1]


# ------------------------------------------------------------------------- description and load


def test_the_description_is_true(service, tmp_path):
    """schemathesis asks for what OpenAPI allows, and for what it does not."""
    one = service()
    (tmp_path / "hooks.py").write_text(HOOKS)
    (tmp_path / "schemathesis.toml").write_text(CONFIGURATION)
    ended = subprocess.run(
        [Path(sys.executable).parent / "schemathesis", "run", "--max-examples", "10", "--seed", "1",
         "--checks", "all", f"http://127.0.0.1:{one.port}/openapi.json"],
        cwd=tmp_path, env={**os.environ, "SCHEMATHESIS_HOOKS": "hooks"},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert one.log.read_text().count("Booting worker") == 2, "a worker was replaced"


HOOKS = """
import ast
import pyarrow as pa
import schemathesis
from hypothesis import strategies as st

ARROW = "application/vnd.apache.arrow.stream"
names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\\0"), min_size=1)
rows = st.lists(st.tuples(names, st.floats(0, 1, width=32)), max_size=5)
schemathesis.openapi.media_type(ARROW, rows.map(lambda found: repr(found).encode()))

@schemathesis.serializer(ARROW)
def stream(context, value):
    # Rows become a stream with the columns of their path; what shall be wrong stays as it is.
    if context.case.meta.generation.mode.is_negative:
        return value
    found = ast.literal_eval(value.decode())
    column = "label" if context.case.path == "/labels" else "prediction"
    columns = {"id": pa.array([r[0] for r in found], pa.string()),
               column: pa.array([r[1] for r in found], pa.float32())}
    if column == "prediction":
        columns["weight"] = pa.array([4 * r[1] for r in found], pa.float64())
    table = pa.table(columns)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return sink.getvalue().to_pybytes()
"""
CONFIGURATION = """
[checks]
# 422: numbers that the loss does not take, such as a label of 7.
positive_data_acceptance.expected-statuses = ["2xx", 409, 422]
"""


def test_the_readme_names_every_setting_and_request(service):
    text = (FOLDER / "README.md").read_text()
    settings = (FOLDER / "settings.py").read_text().partition("class Settings")[2]
    fields = re.findall(r"^    (\w+): .* = ", settings.partition("\ndef ")[0], re.MULTILINE)
    assert len(fields) > 10
    for name in fields:
        assert f"`SCORING_{name.upper()}`" in text
    for path in service().get("/openapi.json")[1]["paths"]:
        assert path in text


def test_load_is_served_and_memory_stays(tmp_path):
    ended = subprocess.run(
        [sys.executable, FOLDER / "load.py", "--rate", "100", "--seconds", "4"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    numbers = {line.split()[0]: line.split()[1:] for line in ended.stdout.splitlines()}
    assert numbers["served"][0] == numbers["offered"][0] == "100"
    assert float(numbers["p50"][0]) <= float(numbers["p99"][0]) <= float(numbers["p99.9"][0])
    before, after = float(numbers["memory"][0]), float(numbers["memory"][5])
    assert after < before + 10


def test_load_with_and_without_the_loss():
    ended = subprocess.run(
        [sys.executable, FOLDER / "load.py", "--compare", "--rounds", "1", "--seconds", "1",
         "--rate", "50"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    *_, last = ended.stdout.splitlines()
    assert last.startswith("with the loss / without: ")
    assert 0.5 < float(last.split()[5]) < 2  # at a rate that both serve; --rate 5000 tells more
