"""Badges: what one says of a pipeline, that names stay text, and that nothing is told in colour alone."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from urllib.parse import quote

import httpx
import pytest
from site_under_test import Site

from watchdog.web.badges import Badge, draw

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = '<script>alert(1)</script>"\'&\u202e\x00/../x'


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with Site(tmp_path_factory.mktemp("badges"), sources=2) as made:
        yield made


def badge(site: Site, name: str) -> tuple[int, str, str]:
    """The status, what a screen reader says, and what is drawn on the right."""
    answer = httpx.get(f"{site.url}/badges/{quote(name, safe='')}.svg")
    assert answer.headers["content-type"] == "image/svg+xml"
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin", "a wiki may show it"
    made = ElementTree.fromstring(answer.text)
    assert made.get("role") == "img"
    assert made.findtext(f"{SVG}title") == made.get("aria-label")
    return answer.status_code, str(made.get("aria-label")), str(made.findall(f".//{SVG}text")[1].text)


def test_a_badge_says_how_a_pipeline_is_and_follows_it(site: Site) -> None:
    pipeline = site.streamkap.fleet.pipelines[0]
    source = site.streamkap.find(pipeline.source)
    assert badge(site, pipeline.name) == (200, f"{pipeline.name}: ok", "✓ ok")
    assert badge(site, pipeline.id)[1] == f"{pipeline.name}: ok"
    site.breaks(source.name)
    site.until(lambda: badge(site, pipeline.name)[2] == "! 1 alert firing")
    assert badge(site, pipeline.name)[1] == f"{pipeline.name}: 1 alert firing"
    site.mends(source.name)
    site.until(lambda: badge(site, pipeline.name)[2] == "✓ ok")
    site.streamkap.state(source.id, "Paused")
    site.until(lambda: badge(site, pipeline.name)[2] == "‖ paused")


def test_where_there_is_no_such_pipeline_the_picture_says_so(site: Site) -> None:
    assert badge(site, "nothing") == (404, "nothing: no such pipeline", "? no such pipeline")
    assert badge(site, site.sources[0])[0] == 404, "a source is no pipeline"
    assert badge(site, HOSTILE)[0] == 404
    assert httpx.post(f"{site.url}/badges/x.svg").status_code == 405


def test_a_hostile_name_stays_text_and_a_long_one_is_cut() -> None:
    made = draw(Badge(HOSTILE, "✓", "ok", "#000"))
    assert "<script>" not in made and "\u202e" not in made and "\0" not in made
    assert ElementTree.fromstring(made).findtext(f"{SVG}title") == HOSTILE.replace("\u202e", "�").replace("\0", "�") + ": ok"
    assert len(draw(Badge("x" * 10_000, "✓", "ok", "#000"))) < 2_000
