"""The documentation site, built without a warning and opened in a browser: `make test-browser`."""

import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

import browser
import pytest

pytest.importorskip("sphinx")

from tools import site

import numloss

ROOT = Path(__file__).parents[1]
AXE = Path(os.environ.get("NUMLOSS_AXE", "build/axe/node_modules/axe-core/axe.min.js"))
SIZES = {"desktop": 1280, "phone": 360}
PAGES = (
    "index", "choosing", "coming_from", "conventions", "functions", "evaluation", "performance",
    *(f"losses/{family}" for family in site.FAMILIES),
)  # fmt: skip


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    subprocess.run([sys.executable, "-m", "tools.site", folder], cwd=ROOT, check=True)
    return folder / "html"


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    with browser.browsing(tmp_path_factory.mktemp("browser")) as opened:
        yield opened


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", PAGES)
def test_opens_without_complaint_and_fits(page, built, name, size):
    page.show(SIZES[size])
    page.open((built / f"{name}.html").as_uri())
    own = (built.as_uri(), "data:")
    said = [x for x in browser.complaints(page) if not str(x).startswith(own)]
    assert said == []  # nothing came from elsewhere, either
    assert page.ask("document.documentElement.scrollWidth") == SIZES[size]
    assert page.ask("document.querySelectorAll('article h1').length") == 1
    broken = "[...document.images].filter(x => x.complete && !x.naturalWidth).map(x => x.src)"
    assert page.ask(broken) == []


@pytest.mark.skipif(not AXE.exists(), reason="axe-core is not there: make test-browser")
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", ["index", "losses/regression", "conventions"])
def test_axe_finds_nothing_in_the_text(page, built, name, size):
    page.show(SIZES[size])
    page.open((built / f"{name}.html").as_uri())
    page.ask(f"{AXE.read_text(encoding='utf-8')}; 0")
    found = page.ask(
        "axe.run('article', {resultTypes: ['violations'], runOnly: ['wcag2a', 'wcag2aa']})"
        ".then(found => found.violations)"
    )
    assert [(v["id"], v["impact"], v["nodes"][0]["html"]) for v in found] == []


def test_every_link_within_the_site_leads_somewhere(page, built):
    anchors = {}
    for path in built.rglob("*.html"):
        page.open(path.as_uri())
        anchors[path] = set(page.ask("[...document.querySelectorAll('[id]')].map(x => x.id)"))
        links = page.ask("[...document.querySelectorAll('article a[href]')].map(x => x.href)")
        anchors[path, "links"] = [link for link in links if link.startswith("file:")]
    for path in built.rglob("*.html"):
        for link in anchors[path, "links"]:
            parts = urlsplit(link)
            target = Path(unquote(parts.path))
            assert target.exists(), f"{path.name}: {link}"
            if parts.fragment and target.suffix == ".html":
                assert unquote(parts.fragment) in anchors[target], f"{path.name}: {link}"


def test_every_loss_has_its_section_and_picture(built):
    for family in site.FAMILIES:
        text = (built / "losses" / f"{family}.html").read_text(encoding="utf-8")
        for name in site.losses_of(family):
            assert f'id="{name.replace("_", "-")}"' in text
            assert f"numloss.{name}" in text
        drawn = [name for name in site.losses_of(family) if site.is_drawn(name)]
        assert text.count("loss-picture") == len(drawn)


def test_every_public_name_has_its_place():
    placed = {name for names in site.OTHERS.values() for name in names}
    losses = {name for family in site.FAMILIES for name in site.losses_of(family)}
    assert set(numloss.__all__) - placed - losses == {"LOSSES", "Loss", "__version__"}
