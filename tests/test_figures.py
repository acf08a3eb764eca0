"""The pictures of docs/performance.md, and that they are written with it."""

import re

import pytest
from bench import figures, page
from bench.results import largest

ONE, MANY = page.stored()


@pytest.mark.parametrize(("draw", "run"), [(figures.peers, ONE), (figures.threads, MANY)])
def test_a_picture_has_every_loss_and_no_ground(draw, run, tmp_path):
    pictures = [tmp_path / name for name in ("first.svg", "second.svg")]
    for path in pictures:
        draw(run, path)
    text = pictures[0].read_text()
    assert text == pictures[1].read_text()
    rows = run["cells"] if draw is figures.peers else run["threads"]
    assert [loss for loss in {row["loss"] for row in rows} if loss not in text] == []
    assert not re.search(r"fill: *(#ffffff|white)", text)  # legible on light and on dark


def test_the_picture_of_threads_has_the_largest_size_of_each_loss():
    def row(loss, size):
        return {"loss": loss, "mode": "value", "shape": [size], "seconds": {"1": 2.0, "2": 1.0}}

    rows = [row("mse", 20_000_000), row("mse", 10_000), row("focal", 1_000_000)]
    assert list(largest(rows).values()) == [rows[0], rows[2]]


def test_marks_are_multiples_of_our_time():
    row = {"seconds": {"numloss": 2.0, "numloss out": 1.0, "numpy": 6.0}}
    assert list(figures.multiples([None, row], "numpy")) == [(3.0, 1)]
    assert list(figures.multiples([row], "numloss out")) == [(0.5, 0)]
    assert list(figures.multiples([row], "torch")) == []


def test_page_and_pictures_are_written_and_a_run_takes_the_place_of_the_one_before(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(page, "DOCS", tmp_path)
    machine = ONE["machine"] | {"cpu": "abacus"}
    page.write([MANY, ONE])
    page.write([ONE | {"machine": machine}])
    assert [run["machine"]["cpu"] for run in page.stored()] == ["abacus", MANY["machine"]["cpu"]]
    text = (tmp_path / "performance.md").read_text()
    assert "- abacus, 2 CPUs" in text
    linked = re.findall(r"]\((.*\.svg)\)", text)
    assert sorted(linked) == sorted(path.name for path in tmp_path.glob("*.svg"))
