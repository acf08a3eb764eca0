"""The report as a page of HTML, in a browser: `make test-browser` installs what it needs."""

import math
import os
import re
from pathlib import Path

import browser
import numpy as np
import pytest
from test_report import HOSTILE

import numloss

#: Checks of accessibility, which npm has.
AXE = Path(os.environ.get("NUMLOSS_AXE", "build/axe/node_modules/axe-core/axe.min.js"))
SIZES = {"desktop": 1280, "phone": 360}


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    with browser.browsing(tmp_path_factory.mktemp("browser")) as opened:
        yield opened


def large(count=200):
    """A report of 200 groups by two losses, one of them NaN, with worst rows."""
    rng = np.random.default_rng(0)
    rows = 20_000
    groups = rng.integers(0, count, rows)
    values = rng.gumbel(size=rows) * (1 + 2 * groups / count)
    values[7] = math.nan
    evaluation = numloss.Evaluation(["mse", "huber:delta=0.5"], by="segment")
    names = np.array([f"segment {i}" for i in range(count)])
    evaluation.update(values, np.zeros(rows), groups=names[groups])
    result = evaluation.result()
    for place, worst in enumerate(result["mse"].worst):
        columns = {"id": f"order-{place}", "text": "late, and the parcel was open " * 4}
        result["mse"].worst[place] = worst._replace(columns=columns)
    return result.to_html("scores.parquet", made={"files": ["part-0.parquet", "part-1.parquet"]})


def medium():
    """The same of 30 groups, which still scroll in their box: axe takes seconds for 200."""
    return large(30)


def hostile():
    """A report whose every name is hostile."""
    rng = np.random.default_rng(0)
    named = [name for name in HOSTILE if "\ud800" not in name]
    codes = rng.integers(0, len(named), (2, 4000)) // [[1], [8]]
    groups = np.array(named, object)[codes]
    evaluation = numloss.Evaluation(
        {HOSTILE[0]: "mae", HOSTILE[10]: "mse"}, by=[HOSTILE[1], HOSTILE[10]]
    )
    evaluation.update(
        rng.standard_cauchy(4000), np.zeros(4000), groups=list(groups), weight=rng.random(4000)
    )
    result = evaluation.result()
    for place, worst in enumerate(result[HOSTILE[0]].worst):
        columns = dict.fromkeys(HOSTILE[:4], named[place])
        result[HOSTILE[0]].worst[place] = worst._replace(columns=columns)
    return result.to_html(HOSTILE[10], made=dict.fromkeys(HOSTILE, HOSTILE[8:]))


def models(count=12):
    """A report of two models with calibration and ranking, their names and groups hostile."""
    rng = np.random.default_rng(1)
    rows = 4000
    named = np.array([name for name in HOSTILE if "\ud800" not in name][:count], object)
    scores = rng.normal(0, 2, rows)
    labels = (rng.random(rows) < 1 / (1 + np.exp(-scores))).astype("f8")
    evaluation = numloss.Evaluation(
        "binary_cross_entropy", by="group", compare=(HOSTILE[0], HOSTILE[10]), cluster="user",
        calibration=True, auc=True,
    )  # fmt: skip
    evaluation.update(
        scores, labels, other=scores + rng.normal(size=rows),
        groups=named[rng.integers(0, len(named), rows)], clusters=rng.integers(0, 80, rows),
    )  # fmt: skip
    return evaluation.result().to_html("two models")


def small():
    """A report of one loss without groups."""
    evaluation = numloss.Evaluation("mae")
    evaluation.update(np.arange(9.0), np.zeros(9))
    return evaluation.result().to_html()


@pytest.fixture(scope="module", params=[large, hostile, models, small])
def address(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("reports") / "report.html"
    path.write_text(request.param(), encoding="utf-8")
    return path.as_uri()


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no_scripts"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_opens_without_complaint_and_fits(page, address, size, dark, scripts):
    page.show(SIZES[size], dark=dark, scripts=scripts)
    page.open(address)
    metrics = page.do("Page.getLayoutMetrics")
    assert metrics["cssContentSize"]["width"] == SIZES[size]
    assert metrics["cssContentSize"]["height"] > 500
    assert list(browser.complaints(page)) == []


@pytest.mark.parametrize("size", SIZES)
def test_labels_stand_where_the_pictures_have_their_places(page, address, size):
    page.show(SIZES[size])
    page.open(address)
    middles = """(labels, picture) => [...document.querySelectorAll(labels)].map(label => {
        const [a, b] = [label, document.querySelector(picture)].map(e => e.getBoundingClientRect());
        return [parseFloat(label.style.left || label.style.bottom), [a.left + a.width / 2 - b.left,
          b.bottom - a.top - a.height / 2].map((at, i) => 100 * at / [b.width, b.height][i])];
    })"""
    shares = page.ask(f"({middles})('#loss-1 ~ .spread .x span', '.curve')")
    assert [share for share, _ in shares] == [0, 25, 50, 75, 100]
    for share, (across, _) in shares[1:-1]:
        assert abs(across - share) < 1
    losses = page.ask(f"({middles})('#loss-1 ~ .spread .y', '.curve')")
    assert losses
    for place, (_, up) in losses:
        assert abs(up - place) < 1
    for place, (across, _) in page.ask(f"({middles})('#loss-1 ~ .box .ticks span', '.strip svg')"):
        assert abs(across - place) < 1


def luminance(colour):
    """Return the relative luminance of `rgb(...)`, as WCAG defines it."""
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return float(np.dot([0.2126, 0.7152, 0.0722], linear))


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_marks_stand_out_from_the_paper(page, address, dark):
    page.show(1280, dark=dark)
    page.open(address)
    paper = page.ask("getComputedStyle(document.body).backgroundColor")
    assert (luminance(paper) < 0.1) == dark
    strokes = page.ask(
        "[...new Set([...document.querySelectorAll('path:not(.grid):not(.area)')]"
        ".map(path => getComputedStyle(path).stroke))]"
    )
    assert strokes
    for stroke in strokes:
        low, high = sorted([luminance(paper), luminance(stroke)])
        assert (high + 0.05) / (low + 0.05) >= 3, stroke


@pytest.mark.skipif(not AXE.exists(), reason="axe-core is not there: make test-browser")
@pytest.mark.parametrize("address", [medium, hostile, models, small], indirect=True)
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_axe_finds_nothing(page, address, size, dark):
    page.show(SIZES[size], dark=dark)
    page.open(address)
    page.ask("document.querySelectorAll('details').forEach(part => { part.open = true }), 0")
    page.ask(f"{AXE.read_text(encoding='utf-8')}; 0")
    found = page.ask("axe.run({resultTypes: ['violations']}).then(found => found.violations)")
    assert [(v["id"], v["impact"], v["nodes"][0]["html"]) for v in found] == []
    assert page.ask("axe.run({runOnly: ['color-contrast']}).then(f => f.passes.length)") == 1


def test_the_keyboard_reaches_all_that_scrolls_or_opens(page, address):
    page.show(360)
    page.open(address)
    wanted = page.ask("document.querySelectorAll('a, summary, [tabindex]').length")
    hidden = page.ask("document.querySelectorAll('details [tabindex]').length")
    reached = set()
    for _ in range(wanted):
        for kind in ("rawKeyDown", "keyUp"):
            page.do("Input.dispatchKeyEvent", type=kind, key="Tab", windowsVirtualKeyCode=9)
        reached.add(
            page.ask(
                "[...document.querySelectorAll('a, summary, [tabindex]')]"
                ".indexOf(document.activeElement)"
            )
        )
    assert len(reached - {-1}) == wanted - hidden
    scrolling = page.ask(
        "[...document.querySelectorAll('main *')].filter(e => e.scrollWidth > e.clientWidth + 1 && "
        "getComputedStyle(e).overflowX == 'auto' && !e.hasAttribute('tabindex')).length"
    )
    assert scrolling == 0


def test_details_open_without_scripts(page, address):
    page.show(1280, scripts=False)
    page.open(address)
    before = page.do("Page.getLayoutMetrics")["cssContentSize"]["height"]
    root = page.do("DOM.getDocument")["root"]["nodeId"]
    summary = page.do("DOM.querySelector", nodeId=root, selector="summary")["nodeId"]
    page.do("DOM.focus", nodeId=summary)
    for kind in ("rawKeyDown", "char", "keyUp"):
        page.do(
            "Input.dispatchKeyEvent", type=kind, key="Enter", text="\r" * (kind != "keyUp"),
            windowsVirtualKeyCode=13,
        )  # fmt: skip
    page.do("Page.captureScreenshot")  # which waits for the layout
    assert page.do("Page.getLayoutMetrics")["cssContentSize"]["height"] > before + 200


def test_prints_in_full(page, address):
    page.show(1280, dark=True)
    page.open(address)
    page.do("Emulation.setEmulatedMedia", media="print")
    page.do("Emulation.setDeviceMetricsOverride", width=700, height=1000, deviceScaleFactor=1,
            mobile=False)  # fmt: skip
    try:
        assert page.ask("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        cut = page.ask(
            "[...document.querySelectorAll('.box')].filter(box => box.scrollHeight > "
            "box.clientHeight + 1 && getComputedStyle(box).overflowY != 'visible').length"
        )
        assert cut == 0
        assert (
            page.ask("document.querySelector('details table').getBoundingClientRect().height") > 50
        )
    finally:
        page.do("Emulation.setEmulatedMedia", media="")


def test_200_groups_open_within_a_second(page, tmp_path):
    path = tmp_path / "report.html"
    path.write_text(large(), encoding="utf-8")
    page.show(360)
    assert min(page.open(path.as_uri()) for _ in range(3)) < 1
