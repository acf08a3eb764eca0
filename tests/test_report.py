"""The report as a page of HTML: what is in it, and that nothing else gets in."""

import math
import re
import shlex
import sys
from html.parser import HTMLParser
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

pytest.importorskip("jinja2")

import numloss
from numloss import cli
from numloss.evaluation import page as pages
from numloss.evaluation.paths import without_secrets
from numloss.evaluation.report import Origin, write_page
from numloss.evaluation.result import Row

#: Names that would like to be more than names.
HOSTILE = [
    "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "' onmouseover='alert(1)",
    "javascript:alert(1)", "</style><style>*{display:none}", "</title>", "<!--", "-->", "&lt;b&gt;",
    "{{ 7 * 7 }}{% raw %}", "x" * 4300, "\u202egnp.exe", "שלום", "a\x00\x1b[2Jb\nnew", "日本語",
    "z" + "\u0301\u0320" * 40, "\ud800", "", " ",
]  # fmt: skip
TAGS = set(
    re.findall(
        "[a-z0-9]+",
        """html head meta title link style body header main section h1 h2 h3 p ul li dl dt dd div
        span bdi strong code data a table thead tbody tfoot tr th td figure figcaption details
        summary svg desc path""",
    )
)
ATTRIBUTES = set(
    re.findall(
        "[a-z-]+",
        """lang charset name content http-equiv rel href class id style role tabindex scope value d
        aria-labelledby aria-label aria-hidden viewbox preserveaspectratio""",
    )
)
VOID = {"meta", "link"}


class Element:
    def __init__(self, tag, attributes, parent):
        self.tag, self.attributes, self.parent = tag, dict(attributes), parent
        self.children, self.words = [], []

    def all(self, *tags):
        """Return the elements below of some tags, in their order."""
        found = []
        for child in self.children:
            found += [child] if child.tag in tags else []
            found += child.all(*tags)
        return found

    def text(self):
        return "".join(w if isinstance(w, str) else w.text() for w in self.words)


class Reader(HTMLParser):
    """Reads a page, in which every element must be closed."""

    def __init__(self, text):
        super().__init__()
        self.root = self.open = Element("", (), None)
        self.feed(text)
        self.close()
        assert self.open is self.root, self.open.tag

    def handle_starttag(self, tag, attributes):
        element = Element(tag, attributes, self.open)
        assert len(element.attributes) == len(attributes), attributes
        self.open.children.append(element)
        self.open.words.append(element)
        if tag not in VOID and not self.get_starttag_text().endswith("/>"):
            self.open = element

    def handle_startendtag(self, tag, attributes):
        assert tag == "path"
        self.handle_starttag(tag, attributes)

    def handle_endtag(self, tag):
        assert tag == self.open.tag, (tag, self.open.tag)
        self.open = self.open.parent

    def handle_data(self, data):
        self.open.words.append(data)

    def handle_comment(self, data):
        raise AssertionError(data)


def checked(text):
    """Read a page, and look at all that every page must keep."""
    text.encode("utf-8")
    root = Reader(text).root
    elements = root.all(*TAGS)
    found = set(re.findall(r"<([a-z0-9]+)", re.sub("(?s)<style>.*</style>", "", text)))
    assert found <= TAGS, found - TAGS
    assert {name for e in elements for name in e.attributes} <= ATTRIBUTES
    ids = [e.attributes["id"] for e in elements if "id" in e.attributes]
    assert len(ids) == len(set(ids))
    for element in elements:
        for name in element.attributes.get("aria-labelledby", "").split():
            assert name in ids
        if element.tag == "a":
            assert element.attributes["href"].removeprefix("#") in ids
        if element.tag == "th":
            assert element.attributes["scope"] in ("col", "row")
        if element.tag == "svg" and element.attributes.get("aria-hidden") != "true":
            assert element.attributes["role"] == "img"
            assert all(e.text() for e in (*element.all("title"), *element.all("desc")))
            assert [e.tag for e in element.children[:2]] == ["title", "desc"]
        assert not re.search("[^a-z0-9.:%;-]", element.attributes.get("style", ""))
    assert root.all("html")[0].attributes["lang"] == "en"
    levels = [int(e.tag[1]) for e in root.all("h1", "h2", "h3")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    (style,) = root.all("style")
    for outside in ("@import", "url(", "//", "http:", "<"):
        assert outside not in style.text()
    return root


def tables(root, kind):
    return [t for t in root.all("table") if t.attributes.get("class") == kind]


def cells(row):
    return [e.text() for e in row.children]


def number(text):
    """Read a number as the page shows it."""
    return float(text.strip("~▲▼+ ").replace("−", "-").replace("\u202f", "").replace("∞", "inf"))


def as_shown(text, value):
    """Whether a number is what it was rounded from."""
    decimals = len(text.partition("e")[0].partition(".")[2])
    step = 10.0 ** (int(text.replace("−", "-").partition("e")[2] or 0) - decimals)
    return abs(number(text) - value) <= 0.5001 * step


def result_of(rows=3000, groups=5, losses=("mse", "mae"), seed=0, **options):
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, groups, rows)
    evaluation = numloss.Evaluation(list(losses), by="group", **options)
    evaluation.update(
        rng.normal(size=rows) * (1 + codes / groups), np.zeros(rows), groups=codes
    )  # fmt: skip
    return evaluation.result()


def of_values(values, **options):
    """Evaluate losses that are these values, if they are not negative."""
    evaluation = numloss.Evaluation("mae")
    evaluation.update(np.asarray(values, float), np.zeros(len(values)), **options)
    return evaluation.result()


# ----------------------------------------------------------------------------------------- content


def test_summary_has_the_numbers_of_the_result():
    result = result_of()
    (table,) = tables(checked(result.to_html()), "summary")
    wanted = {loss["name"]: loss["all"] for loss in result.to_dict()["losses"]}
    assert cells(table.all("tr")[0]) == [
        "loss", "mean", "95 % interval", "std. error", "count", "weight", "ignored", "NaN"
    ]  # fmt: skip
    rows = table.all("tr")[1:]
    assert len(rows) == len(wanted)
    for row in rows:
        name, mean, interval, error, count, weight, ignored, nan = cells(row)
        numbers = wanted[name]
        assert float(row.all("data")[0].attributes["value"]) == numbers["mean"]
        assert as_shown(mean, numbers["mean"])
        assert as_shown(error, numbers["standard_error"])
        reach = stats.t.ppf(0.975, numbers["count"] - 1) * numbers["standard_error"]
        low, high = interval.split(" to ")
        assert as_shown(low, numbers["mean"] - reach)
        assert as_shown(high, numbers["mean"] + reach)
        found = [number(text) for text in (count, weight, ignored, nan)]
        assert found == [numbers[key] for key in ("count", "weight", "ignored", "nan")]


def test_forecasts_are_those_of_the_result():
    rng = np.random.default_rng(9)
    scores = rng.normal(0, 2, 5000)
    labels = (rng.random(5000) < 1 / (1 + np.exp(-scores))).astype("f8")
    evaluation = numloss.Evaluation(
        "binary_cross_entropy", by="g", calibration=True, auc=True, compare=("old", HOSTILE[0])
    )
    evaluation.update(scores, labels, other=2 * scores, groups=rng.integers(0, 5, 5000))
    result = evaluation.result()
    root = checked(result.to_html())
    titles = [e.text() for e in root.all("h2")]
    assert "clusters" not in root.text()
    assert "Calibration and ranking of old" in titles
    views = [
        section for section in root.all("section")
        if section.all("h2") and section.all("h2")[0].text().startswith("Calibration")
    ]  # fmt: skip
    pairs = (
        (result.calibration, result.ranking),
        (result.other_calibration, result.other_ranking),
    )
    for view, (calibration, ranking) in zip(views, pairs, strict=True):
        facts = [e.text() for e in view.all("dd")]
        assert facts[0] == f"{calibration.expected_error:.4f}"
        assert facts[1] == f"{calibration.maximum_error:.4f}"
        auc = ranking.total.roc_auc
        assert facts[2] in (f"{auc.low:.4f}", f"{auc.low:.4f} to {auc.high:.4f}")
        bins, groups = view.all("table")
        assert [cells(row)[1:] for row in bins.all("tr")[1:]] == [
            [
                pages.whole(bin.count), f"{bin.confidence:.4f}", f"{bin.outcome:.4f}",
                f"{bin.standard_error:.4f}",
            ]
            for bin in calibration.bins
        ]  # fmt: skip
        rows = [cells(row) for row in groups.all("tr")[1:]]
        assert [row[0] for row in rows] == [str(key) for key, _ in ranking.worst()]
        errors = calibration.groups
        assert [row[-1] for row in rows] == [f"{errors[int(row[0])]:.4f}" for row in rows]


def test_groups_are_those_of_the_result_highest_mean_first():
    result = result_of(groups=40)
    root = checked(result.to_html())
    for table, loss in zip(tables(root, "groups"), result.to_dict()["losses"], strict=True):
        titles = cells(table.all("tr")[0])
        wanted = sorted(loss["groups"], key=lambda group: -group["mean"])
        rows = [
            dict(zip(titles, cells(row), strict=True)) for row in table.all("tbody")[0].all("tr")
        ]
        assert [row["group"] for row in rows] == [str(group["group"]) for group in wanted]
        for row, group in zip(rows, wanted, strict=True):
            for name in ("mean", "median", "p95", "p99", "maximum"):
                assert as_shown(row[name].strip("~"), group[name]), name
            assert number(row["count"]) == group["count"]
            difference = row["from all"].strip("▲▼ ").lstrip("+")
            assert as_shown(difference, group["mean"] - loss["all"]["mean"])
            reach = stats.t.ppf(0.975, group["count"] - 1) * group["standard_error"]
            low, high = group["mean"] - reach, group["mean"] + reach
            mark = "▲" if low > loss["all"]["mean"] else "▼" if high < loss["all"]["mean"] else ""
            assert row["from all"].startswith(mark)
            assert ("▲" in row["from all"] or "▼" in row["from all"]) == bool(mark)
        (last,) = table.all("tfoot")[0].all("tr")
        assert cells(last)[0] == "all"
        assert as_shown(cells(last)[1], loss["all"]["mean"])


def test_pictures_of_groups_are_where_their_numbers_are():
    root = checked(result_of(groups=12, losses=["mae"]).to_html())
    (table,) = tables(root, "groups")
    found = []
    for row in table.all("tr")[1:]:
        line, dot = (
            next(p.attributes["d"] for p in row.all("path") if p.attributes["class"] == kind)
            for kind in ("line", "dot")
        )
        low, high = map(int, re.match(r"M(\d+) 10H(\d+)", line).groups())
        texts = cells(row)
        values = [number(texts[1]), *map(number, texts[3].split(" to "))]
        found += zip([int(re.match(r"M(\d+)", dot)[1]), low, high], values, strict=True)
    places, values = np.array(found).T
    inside = (places > 0) & (places < 1000)
    assert inside.sum() > 30
    slope, start = np.polyfit(values[inside], places[inside], 1)
    assert slope > 0
    assert abs(slope * values[inside] + start - places[inside]).max() < 1.5


def test_an_interval_that_the_picture_cuts_has_no_cap():
    evaluation = numloss.Evaluation("mae", by="g")
    values = np.array([*np.linspace(1, 1.1, 100), *np.linspace(1.1, 1.2, 100), 0, 2.6])
    groups = ["a"] * 100 + ["b"] * 100 + ["wide"] * 2
    evaluation.update(values, np.zeros(202), groups=groups)
    (table,) = tables(checked(evaluation.result().to_html()), "groups")
    paths = {
        cells(row)[0]: [p.attributes["d"] for p in row.all("path") if "H" in p.attributes["d"]]
        for row in table.all("tr")[1:]
    }
    assert paths["wide"] == ["M0 10H1000"]
    assert paths["a"][0].count("v8") == 2


def test_the_curve_is_made_of_quantiles():
    values = np.abs(np.random.default_rng(1).normal(size=2000))
    result = of_values(values)
    root = checked(result.to_html())
    (details,) = root.all("details")
    rows = details.all("tbody")[0].all("tr")
    assert len(rows) == 60
    for row in rows:
        share, value = cells(row)
        assert as_shown(value, np.quantile(values, number(share.strip(" %")) / 100))
    (path,) = (p.attributes["d"] for p in root.all("path") if p.attributes["class"] == "line")
    points = [tuple(map(int, point.split())) for point in path[1:].split("L")]
    shares, heights = np.array(points).T
    assert list(shares[:3]) == [0, 20, 40]
    wanted = np.quantile(values, shares / 1000) / values.max()
    assert abs((400 - heights) / 400 - wanted).max() < 0.002
    assert "60 quantiles, exact" in root.text()


def test_a_long_tail_is_cut_and_said():
    root = checked(of_values([*np.linspace(1, 2, 1999), 1e9]).to_html())
    assert "The highest 0.1 % of the losses, up to 1000000000, lie above it." in root.text()
    root = checked(of_values([*np.linspace(1, 2, 1999), math.inf]).to_html())
    assert "up to ∞, lie above it." in root.text()
    assert "lie above it" not in checked(of_values(np.linspace(1, 2, 999)).to_html()).text()


def test_approximate_quantiles_are_marked():
    text = checked(of_values(np.random.default_rng(0).random(5000)).to_html()).text()
    assert "60 quantiles, within 0.1 % of their value" in text
    assert "~ approximate: within 0.1% of the value" in text


def test_weights_are_shown():
    rng = np.random.default_rng(0)
    weight = rng.random(100)
    root = checked(of_values(rng.random(100), weight=weight).to_html())
    (table,) = tables(root, "summary")
    shown = cells(table.all("tr")[1])[5]
    assert as_shown(shown, weight.sum())
    assert "60 quantiles, exact, without weights" in root.text()


def test_what_is_nan_infinite_ignored_or_missing():
    evaluation = numloss.Evaluation("mae", by="g")
    values = np.array([1.0, 2.0, math.nan, math.inf, 5.0, 6.0])
    evaluation.update(
        values, np.zeros(6), groups=["a", "a", "nan", "inf", None, "none"],
        weight=np.array([1.0, 1, 1, 1, 1, 0]),
    )  # fmt: skip
    root = checked(evaluation.result().to_html())
    (table,) = tables(root, "groups")
    rows = [cells(row)[:2] for row in table.all("tbody")[0].all("tr")]
    assert rows == [
        ["nan", "NaN"], ["inf", "∞"], ["(missing)", "5.0000"], ["a", "1.5000"], ["none", "–"]
    ]  # fmt: skip
    assert "mae is NaN for 1 of 5 examples, first in row 2: so are its sum and mean" in root.text()
    assert cells(tables(root, "summary")[0].all("tr")[1])[1:] == [
        "NaN", "–", "NaN", "5", "5", "1", "1"
    ]  # fmt: skip


def test_the_highest_groups_are_the_same_before_and_after_all_are_computed():
    rng = np.random.default_rng(0)
    evaluation = numloss.Evaluation("mae", by="g")
    groups = rng.integers(0, 50, 500)
    weight = (groups % 7 > 0) * 1.0
    values = np.where(groups % 11 == 0, math.nan, rng.random(500))
    evaluation.update(values, np.zeros(500), groups=groups, weight=weight)
    lazily = evaluation._result((0.5,), lazily=True)["mae"].groups
    eagerly = evaluation.result((0.5,))["mae"].groups
    for most in (1, 10, 50, 100):
        one, other = list(lazily.worst(most, False)), list(eagerly.worst(most, False))
        assert repr(one) == repr(other)
        assert len(one) == min(most, 50)
    found = [(s.count, s.mean) for _, s in eagerly.worst(50, False)]
    kinds = [2 if not count else 0 if math.isnan(mean) else 1 for count, mean in found]
    assert kinds == sorted(kinds)
    assert set(kinds) == {0, 1, 2}
    means = [mean for kind, (_, mean) in zip(kinds, found, strict=True) if kind == 1]
    assert means == sorted(means, reverse=True)


@pytest.mark.parametrize("values", [[], [0.0], [3.0], [2.0, 2.0], [0.0] * 99 + [1.0], [math.nan]])
def test_few_values(values):
    root = checked(of_values(values).to_html())
    assert len(root.all("details")) == (len(values) > 0 and not math.isnan(values[0]))


def test_without_quantiles():
    evaluation = numloss.Evaluation("mae", quantiles=False, by="g")
    evaluation.update(np.ones(3), np.zeros(3), groups=[1, 1, 2])
    root = checked(evaluation.result().to_html())
    assert not root.all("details")
    assert "median" not in root.text()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(allow_nan=False), min_size=1, max_size=12))
def test_any_numbers(values):
    evaluation = numloss.Evaluation(["mae", "quantile:q=0.5"], by="g")
    evaluation.update(np.array(values), np.zeros(len(values)), groups=np.arange(len(values)) // 2)
    checked(evaluation.result().to_html())


def test_numbers_below_zero():
    evaluation = numloss.Evaluation("gaussian_nll", by="g")
    rng = np.random.default_rng(0)
    evaluation.update(
        rng.normal(size=400) * 0.01, np.zeros(400), variance=np.full(400, 1e-4),
        groups=rng.integers(0, 3, 400),
    )  # fmt: skip
    result = evaluation.result()
    root = checked(result.to_html())
    shown = cells(tables(root, "summary")[0].all("tr")[1])
    assert shown[1].startswith("−4.")
    assert as_shown(shown[1], result["gaussian_nll"].total.mean)


@given(st.floats(-1e300, 1e300), st.floats(1e-12, 1e300), st.integers(3, 6))
def test_ticks_are_few_and_inside(low, span, most):
    high = low + span
    if high - low <= 1e-9 * max(abs(low), abs(high)):
        return
    found = pages.ticks(low, high, most)
    assert 1 <= len(found) <= most + 1
    room = 1e-8 * (high - low) + 1e-11 * max(abs(low), abs(high))
    assert all(low - room <= tick <= high + room for tick in found)
    assert found == sorted(found)


# -------------------------------------------------------------------------------------- size, bytes


def test_200_groups_take_less_than_half_a_megabyte():
    result = result_of(200_000, 200, ["mse", "mae", "huber"])
    text = result.to_html()
    assert [len(t.all("tr")) for t in tables(checked(text), "groups")] == [202] * 3
    assert len(text.encode()) < 500_000


@pytest.mark.slow
def test_any_number_of_losses_and_long_names_take_no_more():
    rows = 4000
    rng = np.random.default_rng(0)
    names = [f'{i}"<&' + "\x01𝔘<" * 2000 for i in range(300)]
    evaluation = numloss.Evaluation(
        {f"{i}{'<' * 3000}": "mae" for i in range(20)}, by=["a" * 999, "b", "c"]
    )
    groups = np.array(names, object)[rng.integers(0, 300, (3, rows))]
    evaluation.update(rng.random(rows), np.zeros(rows), groups=list(groups))
    text = evaluation.result().to_html("t" * 9999, worst=10**6)
    assert "the 30 groups with the worst means" in text
    assert len(text.encode()) < 500_000


def test_groups_that_are_left_out_are_counted():
    text = checked(result_of(20_000, 1500).to_html()).text()
    assert "1\u202f500 groups by group" in text
    assert "1\u202f300 more groups with lower means are not shown" in text
    assert "the 200 groups with the worst means of 1500 are shown" in text


def test_the_same_rows_give_the_same_bytes():
    rng = np.random.default_rng(0)
    values, groups = rng.random(9000), rng.integers(0, 30, 9000)
    texts = set()
    for cut in (9000, 1000, 77):
        evaluation = numloss.Evaluation("mse", by="g")
        for begin in range(0, 9000, cut):
            some = slice(begin, begin + cut)
            evaluation.update(values[some], np.zeros(len(values[some])), groups=groups[some])
        texts.add(evaluation.result().to_html("a", made={"b": ["c", "d"]}))
    assert len(texts) == 1


# ------------------------------------------------------------------------------------ hostile names


@pytest.fixture(scope="module")
def hostile():
    """A result in which every name is hostile."""
    rng = np.random.default_rng(0)
    rows = 40 * len(HOSTILE)
    named = [name for name in HOSTILE if "\ud800" not in name]
    groups = np.array(named, object)[rng.integers(0, len(named), (2, rows))]
    evaluation = numloss.Evaluation(dict.fromkeys(HOSTILE, "mae"), by=[HOSTILE[1], HOSTILE[10]])
    ids = [f"{named[i % len(named)]}{i}" for i in range(rows)]
    evaluation.update(rng.random(rows), np.zeros(rows), groups=list(groups), ids=ids)
    result = evaluation.result()
    for worst, name in zip(result[HOSTILE[0]].worst, HOSTILE, strict=False):
        place = result[HOSTILE[0]].worst.index(worst)
        result[HOSTILE[0]].worst[place] = worst._replace(columns={name: name, "b": HOSTILE[3]})
    result.skipped, result.skips = 2, [("f", 1, name) for name in HOSTILE[:3]]
    return result


# All of these names are on the page, whatever its title; each as the title takes a second.
@pytest.mark.parametrize(
    "title",
    [
        pytest.param(title, marks=[pytest.mark.slow] if index % 6 else [], id=str(index))
        for index, title in enumerate(HOSTILE)
    ],
)
def test_hostile_names_stay_names(hostile, title):
    text = hostile.to_html(title, made={name: [name, title] for name in HOSTILE})
    root = checked(text)
    assert "alert(1)" in root.text()
    assert "49" not in root.all("title")[0].text()
    for character in "\x00\x1b\u202e\ud800":
        assert character not in text
    for cell in root.all("th", "td", "h2"):
        assert len(cell.text()) <= 60


def test_long_names_keep_their_beginning_and_end():
    assert pages.shortened("ab" * 30) == "ab" * 30
    short = pages.shortened("begin" + "-" * 4300 + "end")
    assert len(short) == 60
    assert short.startswith("begin--")
    assert short.endswith("--end")
    assert "…" in short


# ------------------------------------------------------------------------------------- command line


@pytest.fixture
def scores(tmp_path):
    """A CSV file with names and a row that something is wrong with."""
    pytest.importorskip("pyarrow")
    rng = np.random.default_rng(0)
    path = tmp_path / "scores.csv"
    lines = [
        f"{score},{label},{group},item <b>{i}</b>"
        for i, (score, label, group) in enumerate(
            zip(
                rng.normal(size=300),
                rng.normal(size=300),
                rng.choice(list("abc"), 300),
                strict=True,
            )
        )
    ]
    path.write_text("\n".join(["score,label,country,id", *lines, "1,nonsense,a,x"]) + "\n")
    return path


def run(*arguments, code=0):
    assert cli.run([str(argument) for argument in arguments]) == code


def test_evaluate_merge_and_show(scores, tmp_path, capsys):
    page, state = tmp_path / "page.html", tmp_path / "all.nls"
    run(
        "evaluate", scores, "-l", "mse", "--by", "country", "--on-error", "skip", "--state", state,
        "--html", page, code=4,
    )  # fmt: skip
    root = checked(page.read_text(encoding="utf-8"))
    assert root.all("h1")[0].text() == str(scores)
    made = root.all("dl")[-1].text()
    assert f"numloss evaluate {scores} -l mse --by country --on-error skip" in made
    for part in ("instruction set", numloss.__version__, "300", "scores.csv"):
        assert part in made
    notes = root.all("ul")[0].text()
    assert "1 row was skipped, first:" in notes
    assert "nonsense" in notes
    (worst,) = tables(root, "worst")
    assert len(worst.all("tr")) == 11
    results = []
    for command in ("merge", "show"):
        run(command, state, "--html", page, code=4)
        results.append(page.read_text(encoding="utf-8").partition("How it was made")[0])
    assert results[0] == results[1]
    assert checked(page.read_text(encoding="utf-8")).all("h1")[0].text() == str(state)
    capsys.readouterr()


def test_worst_rows_have_the_columns_that_were_asked_for(scores, tmp_path, capsys):
    page = tmp_path / "page.html"
    run(
        "evaluate", scores, "-l", "mse", "--worst", "3", "--worst-columns", "id,country", "--html",
        page, "--limit", "200",
    )  # fmt: skip
    (worst,) = tables(checked(page.read_text(encoding="utf-8")), "worst")
    rows = [cells(row) for row in worst.all("tr")]
    assert rows[0] == ["loss", "row", "id", "country"]
    assert len(rows) == 4
    assert all(row[2] == f"item <b>{row[1]}</b>" for row in rows[1:])
    capsys.readouterr()


def test_output_that_cannot_be_written_is_told_before_anything_is_read(scores, tmp_path, capsys):
    run("evaluate", scores, "-l", "mse", "--html", scores, code=2)
    assert "--html" in capsys.readouterr().err
    both = tmp_path / "both"
    run("evaluate", scores, "-l", "mse", "--html", both, "-o", both, code=2)
    assert "both write" in capsys.readouterr().err
    run("evaluate", scores, "-l", "mse", "--html", tmp_path / "no" / "page", code=1)
    assert "cannot be written" in capsys.readouterr().err


def test_a_missing_jinja2_is_told_before_anything_is_read(scores, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "jinja2", None)
    page = tmp_path / "page.html"
    run("evaluate", scores, "-l", "mse", "--html", page, code=2)
    assert capsys.readouterr().err == (
        "numloss evaluate: error: an HTML report needs jinja2, which is missing: "
        "pip install 'numloss[report]'\n"
    )
    assert not page.exists()


@pytest.mark.parametrize(
    ("word", "shown"),
    [
        ("s3://key:secret@bucket/a.parquet?endpoint_override=host", "s3://bucket/a.parquet"),
        ("--targets=s3://key:secret@bucket/a", "--targets=s3://bucket/a"),
        ("part-?.parquet", "part-?.parquet"),
    ],
)
def test_the_command_shows_no_keys(word, shown):
    assert without_secrets(word) == shown
    origin = Origin("a: 2 rows", {}, names=("a", "b"))
    text = write_page(origin, of_values([1.0, 2.0]), ["evaluate", word, "-b", "two words"], 1)
    assert f"numloss evaluate {shlex.join([shown])} -b 'two words'" in checked(text).text()
    assert "secret" not in text


def test_rows_of_several_files_are_told_apart():
    assert pages.shown_row(Row("a.csv", 3)) == "row 3 of a.csv"
    assert pages.shown_row(Row(None, "x\x1b")) == "row x\\x1b"
    evaluation = numloss.Evaluation("mae")
    for source in ("one", "two"):
        evaluation.update(np.array([1.0, 2.0]), np.zeros(2), source=source)
    (worst,) = tables(checked(evaluation.result().to_html()), "worst")
    assert [cells(row) for row in worst.all("tr")][:3] == [
        ["loss", "row", "file"], ["2.0000", "1", "one"], ["2.0000", "1", "two"]
    ]  # fmt: skip


def test_comparison_and_metrics_on_a_page():
    rng = np.random.default_rng(1)
    scores, other = rng.normal(size=(2, 400, 3))
    labels = rng.integers(0, 3, 400)
    evaluation = numloss.Evaluation(
        ["cross_entropy", "accuracy"], by="g", compare=("old<b>", "new")
    )
    evaluation.update(scores, labels, other=other, groups=rng.choice(["x", "<i>"], 400))
    result = evaluation.result()
    page = result.to_html()
    assert "old<b>" not in page
    assert "<bdi>new</bdi> compared with <bdi>old&lt;b&gt;</bdi>" in page
    assert "Groups, lowest mean first" in page  # of accuracy
    assert page.count("Rows with the highest losses") == 1  # and none of accuracy
    difference = result.comparisons["cross_entropy"].difference.total.mean
    assert f"<bdi>{difference:.6g}</bdi>" in page
    assert page.count("The intervals of all 2 groups hold together with 95% (Bonferroni).") == 2


@pytest.mark.parametrize("kind", ["clusters", "buckets"])
def test_what_is_independent_is_said(kind):
    evaluation = numloss.Evaluation("mae", cluster="user", resample=kind == "buckets")
    evaluation.update(np.arange(40.0), np.zeros(40), clusters=np.arange(40) // 4)
    text = checked(evaluation.result().to_html()).text()
    assert f"10 {kind}" in text
    assert f"It takes the 10 {kind} as independent" in text
