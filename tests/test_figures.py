"""The pictures of the benchmarks."""

import re
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parents[1]))

from bench import figures
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
