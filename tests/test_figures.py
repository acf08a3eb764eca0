"""The pictures of the benchmarks."""

import json
import re
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parents[1]))

from bench import document, figures
from bench.__main__ import main
from bench.cells import Cell
from bench.peers import load
from bench.run import run
from bench.timing import Budget

BLINK = Budget(sample=1e-5, seconds=0, rounds=(2, 2))


@pytest.fixture(scope="module")
def cells():
    peers = [load(name, threads=1) for name in ("numloss", "numpy")]
    wanted = [
        Cell(loss, mode, shape)
        for loss, shape in (("mse", (1_000_000,)), ("cross_entropy", (1024, 1000)))
        for mode in ("value", "value+grad")
    ]
    return run(wanted, peers, BLINK)


@pytest.mark.parametrize("draw", [figures.peers, figures.roofline])
def test_a_picture_has_every_loss_and_no_ground(cells, draw, tmp_path):
    pictures = [tmp_path / name for name in ("first.svg", "second.svg")]
    for path in pictures:
        draw(cells, path)
    text = pictures[0].read_text()
    assert text == pictures[1].read_text()
    assert "mse" in text
    assert "cross_entropy" in text
    assert not re.search(r"fill: *(#ffffff|white)", text)  # legible on light and on dark


def scaled(loss, mode, shape, *seconds):
    times = dict(zip("1248", seconds, strict=True))
    return {"loss": loss, "mode": mode, "shape": shape, "times": times}


def test_the_picture_of_threads_has_the_largest_size_of_each_loss(tmp_path):
    measured = [
        scaled(loss, mode, shape, 8.0, 4.0, 2.0, 2.0)
        for loss, shape in (("mse", [20_000_000]), ("mse", [10_000]), ("focal", [1_000_000]))
        for mode in ("value", "value+grad")
    ]
    pictures = [tmp_path / name for name in ("first.svg", "second.svg")]
    for path in pictures:
        figures.threads(measured, path)
    text = pictures[0].read_text()
    assert text == pictures[1].read_text()
    assert [name in text for name in ("mse  20M", "focal  1M", "mse  10k")] == [True, True, False]
    assert figures.largest(measured) == [*measured[:2], *measured[4:]]
    assert not re.search(r"fill: *(#ffffff|white)", text)


def test_page_and_pictures_are_written(cells, tmp_path, monkeypatch):
    monkeypatch.setattr(document, "DOCS", tmp_path)
    machine = {"cpu": "abacus", "cpus": 8, "caches": {}, "date": "", "python": "", "versions": {}}
    results = {"machine": machine | {"config": []}, "cells": cells}
    many = results | {"scaling": [scaled("mse", "value", [10_000], 8.0, 4.0, 2.0, 1.0)]}
    files = [str(tmp_path / name) for name in ("results.json", "many.json")]
    for path, content in zip(files, (results, many), strict=True):
        Path(path).write_text(json.dumps(content))
    assert main(["document", files[0]]) == 0
    pictures = ["performance-peers.svg", "performance-roofline.svg"]
    assert sorted(path.name for path in tmp_path.glob("*.svg")) == pictures
    assert "Scaling to" not in (tmp_path / "performance.md").read_text()
    assert main(["document", files[0], "--machine", files[1]]) == 0
    text = (tmp_path / "performance.md").read_text()
    assert "## Scaling to 8 threads" in text
    linked = re.findall(r"]\((.*\.svg)\)", text)
    assert sorted(linked) == sorted(path.name for path in tmp_path.glob("*.svg"))
    assert len(linked) == 3


def test_marks_are_multiples_of_our_time(cells):
    value = cells[0]
    assert list(figures.multiples([None, value], "numpy")) == [
        (value["ratios"]["numloss"]["numpy"], 1)
    ]
    gradient = cells[1]
    fresh, out = (gradient["times"][name]["median"] for name in ("numloss", "numloss out"))
    assert list(figures.multiples([gradient], "numpy")) == [
        (gradient["ratios"]["numloss"]["numpy"], 0)
    ]
    assert list(figures.multiples([gradient], "numloss out")) == [(out / fresh, 0)]
