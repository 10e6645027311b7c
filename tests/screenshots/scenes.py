"""Scenes: one after the other, what is shown of a site that really runs, and how it comes about."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, expect
from web.site_under_test import LAG, TOKEN, Site, Told

from watchdog.errors import DeliveryError
from watchdog.notify.message import Message
from watchdog.notify.routes import TargetSpec

RULES = Path(__file__).with_name("rules.yaml").read_text()
#: A laptop's window, and a phone's.
LAPTOP, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
_LABELS = {"oncall": "pagerduty://…/oncall", "team": "slack://…/#data-alerts"}
_IDS = {TargetSpec(name, f"json://127.0.0.1:9/{name}").id: name for name in _LABELS}

#: Takes the picture of a page under a name; `whole` from its top to its end.
Shoot = Callable[..., None]


class Inbox(Told):
    """Takes everything; while `refusing`, nothing for the receiver of that name."""

    def __init__(self) -> None:
        super().__init__()
        self.refusing = ""

    def open(self, target: str) -> Inbox:
        return self

    def label(self, target: str) -> str:
        return _LABELS[_IDS[target]]

    def send(self, message: Message) -> None:
        if message.receiver == self.refusing:
            raise DeliveryError("503 Service Unavailable", permanent=False)
        super().send(message)


def scenes(browser: Browser, shoot: Shoot) -> None:
    """All of them."""
    with tempfile.TemporaryDirectory() as folder, site_at(Path(folder), sources=12) as site:
        look = Looking(browser, site)
        _quiet(look, shoot)
        _incident(look, shoot)
        _in_hand(look, shoot)
        _watchdogs_own_trouble(look, shoot)
        _gone(look, shoot)
    with tempfile.TemporaryDirectory() as folder, site_at(Path(folder), sources=1000, every="5s") as site:
        _fleet(Looking(browser, site), shoot)


@contextmanager
def site_at(folder: Path, *, sources: int, every: str = "1s") -> Iterator[Site]:
    """A watchdog with the rules of the pictures over a fleet without trouble."""
    with (
        chdir(folder),  # so that mistakes and places name no folder of this machine
        Site(folder, sources=sources, every=every, rules=RULES, told=Inbox(), WATCHDOG_NAME="production",
             WATCHDOG_RULES="rules.yaml") as site,
    ):  # fmt: skip
        for source in site.streamkap.fleet.sources:
            site.streamkap.unset(source.id, LAG)
        yield site


class Looking:
    """Somebody with a browser before a site."""

    def __init__(self, browser: Browser, site: Site) -> None:
        self.site, self._browser = site, browser

    def at(self, path: str = "/", *, signed_in: bool = False, dark: bool = False, phone: bool = False) -> Page:
        context = self._browser.new_context(viewport=PHONE if phone else LAPTOP,
                                            color_scheme="dark" if dark else "light")  # fmt: skip
        page = context.new_page()
        if signed_in:
            context.request.post(f"{self.site.url}/sign-in", form={"token": TOKEN})
        page.goto(self.site.url + path)
        page.evaluate("document.fonts.ready")
        return page


def _quiet(look: Looking, shoot: Shoot) -> None:
    look.site.until_polled(20)
    page = look.at()
    expect(page.get_by_role("heading", name="Nothing fires")).to_be_visible()
    shoot(page, "quiet")
    page = look.at("/sign-in?next=/")
    shoot(page, "sign-in")


def _incident(look: Looking, shoot: Shoot) -> None:
    """A source falls behind, a task fails behind an active connector, a destination breaks."""
    site, sources = look.site, look.site.sources
    behind, failed = sources[0], sources[2]
    broken = next(one.name for one in site.streamkap.fleet.destinations if one.name == "reporting")
    site.streamkap.state(sources[6], "Paused")
    for step in range(1, 9):
        site.streamkap.set(behind, LAG, step * 110_000)
        site.until_polled()
    site.streamkap.state(failed, task_statuses={0: "FAILED"})
    site.until_fires("SourceBehind", behind)
    site.streamkap.state(broken, "Broken")
    site.until_fires("ConnectorBroken", broken)
    for pipeline in site.streamkap.fleet.pipelines:
        if pipeline.name.endswith(broken):
            site.streamkap.state(pipeline.name, "Broken")
    site.until(lambda: len(site.told.messages) >= 5)
    site.until_polled(4)
    shoot(look.at(), "firing")
    shoot(look.at(dark=True), "firing-dark")
    shoot(look.at(phone=True), "firing-phone")
    page = look.at()
    expect(page.locator(".rows > li").first).to_be_visible()
    page.get_by_role("heading", name="Pipelines and connectors").scroll_into_view_if_needed()
    page.evaluate("scrollTo(0, document.querySelector('#pipelines').getBoundingClientRect().top + scrollY - 40)")
    shoot(page, "pipelines")
    page = look.at(signed_in=True)
    card = page.get_by_role("article").filter(has_text=behind)
    card.get_by_text("Acknowledge or silence").click()
    card.get_by_label("Your name").fill("ann")
    card.get_by_label("Comment").fill("the database runs a long transaction")
    shoot(page, "acting")
    episode = card.get_by_role("heading").get_by_role("link").get_attribute("href") or ""
    page = look.at(episode)
    expect(page.locator("#chart canvas")).to_be_visible()
    shoot(page, "alert", whole=True)
    page = look.at(episode, dark=True, phone=True)
    expect(page.locator("#chart canvas")).to_be_visible()
    shoot(page, "alert-dark-phone")
    shoot(look.at("/rules"), "rules", whole=True)


def _in_hand(look: Looking, shoot: Shoot) -> None:
    """One is acknowledged, one silenced, one muted; one is over."""
    site, sources = look.site, look.site.sources
    staging = next(name for name in sources if name.startswith("staging-"))
    site.streamkap.set(staging, LAG, 900_000)
    site.until_fires("SourceBehind", staging)
    page = look.at("/silences", signed_in=True)
    page.get_by_label("Matchers").fill(f'alertname="TaskFailed" name="{sources[2]}"')
    expect(page.locator("#preview")).to_contain_text("It matches 1 firing now")
    page.get_by_label("Your name").fill("ben")
    page.get_by_label("Comment").fill("restarted, the snapshot takes an hour")
    shoot(page, "silence-preview")
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("article")).to_contain_text("matches 1 firing")
    shoot(look.at("/silences", signed_in=True), "silences")
    page = look.at(signed_in=True)
    card = page.get_by_role("article").filter(has_text=sources[0])
    card.get_by_text("Acknowledge or silence").click()
    card.get_by_label("Your name").fill("ann")
    card.get_by_label("Comment").fill("the database runs a long transaction")
    card.get_by_role("button", name="Acknowledge").click()
    expect(card).to_contain_text("acknowledged by ann")
    for opener in page.locator("details.held > summary").all():
        opener.click()
    shoot(page, "in-hand", whole=True)
    episode = card.get_by_role("heading").get_by_role("link").get_attribute("href") or ""
    site.streamkap.set(sources[0], LAG, 700)
    page = look.at(episode)
    expect(page.locator("h1")).to_contain_text("resolved")
    expect(page.get_by_role("region", name="Notifications")).to_contain_text("notified that it resolved")
    expect(page.locator("#chart canvas")).to_be_visible()
    shoot(page, "alert-resolved", whole=True)


def _watchdogs_own_trouble(look: Looking, shoot: Shoot) -> None:
    """A target refuses, the rules on disk are broken, the API answers only in part."""
    site = look.site
    site.told.refusing = "team"
    site.streamkap.set(site.sources[4], LAG, 800_000)
    site.until_fires("SourceBehind", site.sources[4])
    page = look.at()
    expect(page.locator(".tally")).to_contain_text("cannot be reached")
    site.write_rules(RULES.replace("connector_status ==", "conector_status ==").replace("for: 30m", "for: soon"))
    expect(page.get_by_text("The rule files on disk have mistakes")).to_be_visible(timeout=20_000)
    fault = site.streamkap.fail("*", status=503)
    expect(page.get_by_text("The last poll is incomplete")).to_be_visible(timeout=20_000)
    shoot(look.at(), "own-trouble")
    shoot(look.at("/rules"), "rules-invalid")
    site.streamkap.faults.remove(fault)


def _gone(look: Looking, shoot: Shoot) -> None:
    page = look.at()
    expect(page.locator("#live")).to_be_visible()
    look.site.stop()
    expect(page.locator("#lost")).to_be_visible(timeout=20_000)
    shoot(page, "lost")
    look.site.again()


def _fleet(look: Looking, shoot: Shoot) -> None:
    """A thousand sources; somebody looks for a few."""
    site = look.site
    site.streamkap.set(site.sources[777], LAG, 900_000)
    site.streamkap.rename(site.sources[401], "<script>alert(1)</script> \N{PILE OF POO} \u05d4\u05d6\u05de\u05e0\u05d5\u05ea-" + "very-long-name-" * 8)
    site.streamkap.set(site.sources[401], LAG, 900_000)
    site.until_fires("SourceBehind", site.sources[777])
    page = look.at()
    expect(page.get_by_role("article").first).to_be_visible()
    shoot(page, "fleet")
