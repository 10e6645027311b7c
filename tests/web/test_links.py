"""Links that act: what opens them changes nothing, what presses a button does, and nothing else gets in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import httpx
import pytest
from playwright.sync_api import expect
from site_under_test import LAG, RULES, Site

from watchdog.alerts.episodes import Episode
from watchdog.alerts.silences import Silence
from watchdog.cycle.state import Changes
from watchdog.notify.message import MessageKind
from watchdog.store.audit import Action, Via, entries
from watchdog.store.signed_links import LASTS, SignedLink, SignedLinks

PUBLIC = "http://watchdog.example"


#: An alert for each test, all of them told at once.
ALERTS = 20


class Linked:
    """One alert of a site that fires, and the link that its message carried."""

    def __init__(self, site: Site, source: str) -> None:
        self.site, self.source, self.store = site, source, site.store
        self.http = httpx.Client(base_url=site.url)
        self.path = self.link()

    def link(self) -> str:
        """The newest that was sent."""

        def found() -> list[str]:
            lines = [line for one in self.site.told.messages for line in one.changed if line.entity.endswith(self.source)]
            return [line.act_url.removeprefix(PUBLIC) for line in lines if line.act_url.startswith(f"{PUBLIC}/s/")]

        self.site.until(found)
        return found()[-1]

    def press(self, do: str, name: str = "Ann", path: str = "", **headers: str) -> httpx.Response:
        return self.http.post(path or self.path, data={"do": do, "name": name}, headers=headers)

    @property
    def episode(self) -> Episode:
        return next(one for one in self.store.episodes(limit=100) if one.facts.entity == self.source)

    @property
    def silences(self) -> list[Silence]:
        return [one for one in self.store.silences() if one.matches(self.episode.facts.labels)]

    def resolves(self) -> None:
        """Everybody has heard the end: what begins anew before would be told to nobody."""
        self.site.mends(self.source)
        self.site.until(lambda: any(one.kind is MessageKind.RESOLVED and one.changed[0].entity.endswith(self.source)
                                    for one in self.site.told.messages))  # fmt: skip


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, Iterator[str]]]:
    rules = RULES.replace("group_wait: 0s", "group_wait: 0s\n    group_by: [id]")
    with Site(tmp_path_factory.mktemp("site"), sources=ALERTS, rules=rules, WATCHDOG_PUBLIC_URL=PUBLIC) as site:
        for source in site.sources:
            site.streamkap.set(source, LAG, 900_000)
        yield site, iter(site.sources)


@pytest.fixture
def linked(behind: tuple[Site, Iterator[str]]) -> Iterator[Linked]:
    """An alert that nobody has responded to."""
    site, sources = behind
    made = Linked(site, next(sources))
    yield made
    made.http.close()


def state(linked: Linked) -> object:
    return linked.episode.acknowledgement, linked.silences, entries(linked.store, action=Action.ACKNOWLEDGE)


def test_whoever_opens_the_link_sees_the_alert_and_changes_nothing(linked):
    before = state(linked)
    page = linked.http.get(linked.path)
    assert page.status_code == 200
    assert f"{linked.source} is 15m behind its source" in page.text
    assert "Acknowledge</button>" in page.text
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["cache-control"] == "no-store"
    assert linked.http.head(linked.path).status_code == 200
    assert linked.http.get(linked.path, headers={"Sec-Purpose": "prefetch"}).status_code == 200
    for method in ("PUT", "DELETE", "OPTIONS"):
        assert linked.http.request(method, linked.path).status_code == 405
    assert state(linked) == before


def test_a_name_is_asked_once_and_remembered(linked):
    refused = linked.press("acknowledge", name=" ")
    assert refused.status_code == 400
    assert "Write your name" in refused.text
    assert linked.episode.acknowledgement is None
    done = linked.press("acknowledge", name="Ann Özil")
    assert (done.status_code, done.headers["location"]) == (303, linked.path)
    said = linked.episode.acknowledgement
    assert (said.author, said.via, said.address) == ("Ann Özil", "link", "127.0.0.1")
    assert 'value="Ann Özil"' in linked.http.get(linked.path).text
    assert "Acknowledged by Ann Özil" in linked.http.get(linked.path).text
    linked.http.post(linked.path, data={"do": "silence-1h"})
    assert [one.author for one in linked.silences] == ["Ann Özil"]


def test_who_did_what_from_where_is_in_the_story_and_in_the_audit_trail(linked):
    linked.press("acknowledge")
    linked.press("silence-4h")
    episode = linked.episode
    notes = {note.what: note.text for note in linked.store.notes_of(episode=episode.id)}
    assert notes["acknowledged"] == "by Ann, through a link from 127.0.0.1"
    assert notes["silenced"] == "for 4h by Ann, through a link from 127.0.0.1"
    found = [(one.action, one.actor.who, one.actor.via, one.actor.address) for one in entries(linked.store)[:2]]
    assert found == [(Action.SILENCE, "Ann", Via.LINK, "127.0.0.1"), (Action.ACKNOWLEDGE, "Ann", Via.LINK, "127.0.0.1")]


def test_a_second_tap_makes_no_second_silence(linked):
    for _ in range(3):
        assert linked.press("silence-1h").status_code == 303
    (made,) = linked.silences
    assert round(made.ends - made.starts) == 3600


def test_a_silence_until_the_alert_resolves_ends_with_it(linked):
    linked.press("silence-until-end")
    (made,) = linked.silences
    assert made.episode == linked.episode.id
    linked.site.until(lambda: linked.episode.hold.silences)
    assert "Silenced by Ann until it resolves" in linked.http.get(linked.path).text
    linked.resolves()
    linked.site.until(lambda: linked.silences[0].ends < made.ends)
    linked.site.breaks(linked.source)
    linked.site.until(lambda: linked.link() != linked.path)  # the next episode is told
    assert not linked.episode.hold


@pytest.mark.parametrize(
    ("why", "headers", "status"),
    [
        ("a page of another site", {"origin": "https://evil.example"}, 403),
        ("another site, as browsers say it", {"sec-fetch-site": "cross-site"}, 403),
        ("a frame that hides where it comes from", {"origin": "null"}, 403),
        ("a frame of another site", {"origin": "null", "sec-fetch-site": "cross-site"}, 403),
        ("another site's referrer", {"referer": "https://evil.example/x"}, 403),
        ("our own page, which is no referrer", {"origin": "null", "sec-fetch-site": "same-origin"}, 303),
        ("our own page by its public name", {"origin": PUBLIC}, 303),
        ("a program", {}, 303),
    ],
)
def test_only_our_own_page_presses_a_button(linked, why, headers, status):
    before = state(linked)
    assert linked.press("acknowledge", **headers).status_code == status
    assert (state(linked) == before) == (status == 403)


def test_over_plain_http_the_page_is_known_by_its_cookie(linked):
    linked.http.get(linked.path)
    assert linked.press("acknowledge", origin="null").status_code == 303


def test_a_changed_link_or_one_for_another_episode_opens_nothing(linked):
    signed = SignedLinks(linked.store)
    before = state(linked)
    changed = linked.path[:-1] + ("A" if linked.path[-1] != "A" else "B")
    strange = "/s/" + signed.sign(SignedLink("00000000-0000-4000-8000-000000000000", "team", 1.0))
    for path, status in ((changed, 403), ("/s/x", 403), ("/s/" + "x" * 3000, 403), (strange, 410)):
        assert linked.http.get(path).status_code == status
        assert linked.press("acknowledge", path=path).status_code == status
    assert state(linked) == before


def test_the_link_opens_nothing_else(linked):
    for path in ("/alerts/x/ack", "/silences", "/api/v2/silences"):
        assert linked.http.post(path, headers={"Referer": linked.site.url + linked.path}).status_code in (401, 415)
    assert linked.http.get(linked.path + "/x").status_code == 404


def test_a_link_ends_a_day_after_its_episode(linked):
    linked.resolves()
    assert linked.http.get(linked.path).status_code == 200
    late = linked.press("acknowledge")
    assert (late.status_code, "does not fire any more" in late.text) == (409, True)
    ended = linked.episode
    linked.store.commit(Changes(episodes={ended.id: replace(ended, ended=ended.ended - LASTS - 1)}))
    assert linked.http.get(linked.path).status_code == 410
    assert linked.press("acknowledge").status_code == 410


def test_switched_off_no_message_has_a_link_and_none_opens(tmp_path):
    with Site(tmp_path, WATCHDOG_PUBLIC_URL=PUBLIC, WATCHDOG_LINKS="off", sources=1) as site:
        site.breaks(site.sources[0])
        site.until(lambda: site.told.messages)
        assert [line.act_url for one in site.told.messages for line in one.changed] == [""]
        text = SignedLinks(site.store).sign(SignedLink("x", "team", 1.0))
        assert httpx.get(f"{site.url}/s/{text}").status_code == 404


@pytest.mark.system
def test_one_tap_on_a_phone(linked, browser):
    context = browser.new_context(viewport={"width": 390, "height": 844}, base_url=linked.site.url, has_touch=True)
    page = context.new_page()
    page.goto(linked.path)
    page.get_by_label("Your name").fill("Ann")
    page.get_by_role("button", name="Acknowledge").tap()
    expect(page.get_by_text(re.compile("Acknowledged by Ann"))).to_be_visible()
    expect(page.get_by_label("Your name")).to_have_value("Ann")
    page.get_by_role("button", name="for 4 h").tap()
    expect(page.get_by_text(re.compile("Silenced by Ann until 2"))).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    context.close()


def test_revoked_links_are_refused_and_the_next_message_has_another(linked):
    """The last test of this site: no older link opens anything after it."""
    old = linked.path
    SignedLinks(linked.store).revoke()
    assert linked.http.get(old).status_code == 403
    assert linked.press("acknowledge").status_code == 403
    linked.resolves()
    linked.site.breaks(linked.source)
    linked.site.until(lambda: linked.link() != old)
    assert linked.http.get(linked.link()).status_code == 200
