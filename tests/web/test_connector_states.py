"""What a page says in each state the watchdog can be in, in a real browser."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect
from site_under_test import LAG, RULES, TOKEN, Site, Told

from watchdog.errors import DeliveryError

pytestmark = pytest.mark.system

MORE = (
    RULES
    + """
mutes:
  - {name: staging-at-rest, where: {name: staging-*}, times: ["00:00-24:00"], timezone: Europe/Paris}
"""
).replace(
    "  - alert: TaskFailed",
    """  - alert: ConnectorBroken
    each: connector
    expr: connector_status == "Broken"
    severity: critical
    flapping: off
    suppresses: [TaskFailed, PipelineBroken]
  - alert: PipelineBroken
    each: pipeline
    expr: status == "Broken"
    flapping: off
  - alert: LongPause
    each: source
    expr: connector_status == "Paused"
    for: 1h
  - alert: TaskFailed""",
)


class Refusing(Told):
    """A target that takes nothing for now."""

    def open(self, target):
        return self

    def send(self, message):
        raise DeliveryError("503 Service Unavailable", permanent=False)


@pytest.fixture
def site(tmp_path):
    with Site(tmp_path, rules=MORE) as made:
        yield made


def test_what_a_larger_trouble_explains_is_counted_apart_and_says_by_what(site, visit):
    source = site.streamkap.fleet.sources[0]
    site.streamkap.state(source.name, "Broken", task_statuses={0: "FAILED"})
    page = visit()
    expect(page.get_by_role("heading", level=1)).to_have_text("Firing: 1 to look at, 2 silenced or suppressed")
    expect(page.locator(".tally")).to_contain_text("2 suppressed by another alert")
    page.get_by_text("2 more here, silenced or suppressed").click()
    held = page.get_by_role("article").filter(has_text="Task 0 of")
    expect(held).to_contain_text(re.compile(r"Notified\s*nobody"))
    site.streamkap.set(site.sources[1], LAG, 900_000)  # the page changes, what is open stays open
    expect(page.get_by_role("heading", level=1)).to_have_text("Firing: 2 to look at, 2 silenced or suppressed")
    expect(held).to_be_visible()
    held.get_by_role("link", name=f"suppressed by ConnectorBroken on source {source.name}").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(f"ConnectorBroken on source {source.name}")


def test_a_row_shows_its_own_state_and_the_failed_tasks_at_their_connector(site, visit):
    source = site.streamkap.fleet.sources[1]
    site.streamkap.state(source.name, task_statuses={0: "FAILED"})
    page = visit()
    row = page.locator(".rows > li").first
    expect(row.locator(".state")).to_have_text("Active")
    expect(row.locator(".node.trouble")).to_contain_text(re.compile(rf"{source.name} Active, 1 of \d tasks? FAILED"))
    page.get_by_label("State").select_option("firing now")
    expect(page.locator(".rows > li").filter(has_not_text=source.name)).to_have_count(0)


def test_pending_is_shown_with_the_time_it_can_fire(site, visit):
    site.streamkap.state(site.sources[2], "Paused")
    page = visit()
    expect(page.locator(".tally")).to_contain_text("1 pending")
    line = page.get_by_role("region", name="Pending").get_by_role("listitem")
    expect(line).to_contain_text(f"LongPause on source {site.sources[2]}")
    expect(line).to_contain_text(re.compile(r"true for \d+s, fires after (\w+ \d+, )?\d\d:\d\d:\d\d UTC"))


def test_mutes_are_shown_with_what_they_hold_back(site, visit):
    name = "staging-somewhere"
    site.streamkap.rename(site.streamkap.fleet.sources[0].id, name)
    site.streamkap.set(site.streamkap.fleet.sources[0].id, LAG, 900_000)
    page = visit("/silences")
    mute = page.get_by_role("region", name="Mutes").get_by_role("listitem")
    expect(mute).to_contain_text("staging-at-rest")
    expect(mute).to_contain_text("00:00-24:00 Europe/Paris")
    expect(mute).to_contain_text("active, matches 1 firing", timeout=20_000)  # a rename waits for a listing


def test_who_cannot_be_told_is_said_with_the_reason(tmp_path, browser):
    with Site(tmp_path, told=Refusing()) as site:
        site.breaks(site.sources[0])
        page = browser.new_page()
        page.goto(site.url)
        expect(page.locator(".tally")).to_contain_text("1 of 1 target cannot be reached")
        expect(page.get_by_role("article")).to_contain_text(re.compile(r"Notified\s*nobody yet"))
        expect(page.get_by_role("article")).to_contain_text("503 Service Unavailable; tried again")
        expect(page.get_by_role("region", name="Receivers")).to_contain_text("cannot be reached since")
        page.close()


def test_without_receivers_the_card_says_that_nobody_is_told(tmp_path, browser):
    with Site(tmp_path, rules=RULES[: RULES.index("receivers:")]) as site:
        site.breaks(site.sources[0])
        page = browser.new_page()
        page.goto(site.url)
        expect(page.get_by_role("article")).to_contain_text("nobody is notified: no receiver is configured")
        page.close()


def test_an_outage_is_said_and_what_fires_stays(site, visit):
    site.breaks(site.sources[0])
    page = visit()
    site.streamkap.fail("*", status=503)
    expect(page.get_by_text("The last poll is incomplete.")).to_be_visible()
    expect(page.locator("#pulse")).to_contain_text("incomplete")
    expect(page.get_by_role("heading", level=1)).to_have_text("Firing: 1 to look at")
    expect(page.locator(".node").first).to_contain_text("not observed")


def test_nothing_fires_is_no_good_news_where_not_everything_could_be_judged(site, visit):
    page = visit()
    expect(page.locator(".tally")).to_contain_text("Every rule that could be evaluated is inactive")
    site.streamkap.fail("/sources/metrics", status=503)
    expect(page.get_by_role("heading", level=1)).to_have_text("Nothing fires among what could be evaluated")
    expect(page.locator(".tally")).to_contain_text("The rest could not be evaluated")


def test_mistakes_on_disk_are_said_everywhere_and_listed_with_the_rules(site, visit):
    page = visit()
    site.write_rules(MORE.replace("for: 1h", "for: soon"))
    page.get_by_role("link", name="What is wrong").click(timeout=20_000)
    expect(page.get_by_role("region", name="Mistakes in the files on disk")).to_contain_text("for: 'soon' is not a duration")
    expect(page.get_by_role("row").filter(has_text="LongPause")).to_contain_text("for 1h")


def test_what_is_new_and_what_is_over_is_announced(site, visit):
    page = visit()
    site.breaks(site.sources[0])
    said = page.locator("#said")
    expect(said).to_have_text(re.compile(f"^New: .*{site.sources[0]} is 15m behind its source$"))
    site.mends(site.sources[0])
    expect(said).to_have_text(re.compile(f"^Over: .*{site.sources[0]} is 15m behind its source$"))


def test_who_wants_to_act_signs_in_and_is_back_at_the_form(site, visit):
    site.breaks(site.sources[0])
    page = visit()
    page.get_by_role("article").get_by_role("link", name="Acknowledge or silence").click()
    page.get_by_label("Token").fill(TOKEN)
    page.get_by_role("button", name="Sign in").click()
    form = page.get_by_role("article").locator("form")
    form.get_by_label("Your name").fill("ann")
    form.get_by_role("button", name="Acknowledge").click()
    expect(page.get_by_role("article")).to_contain_text("acknowledged by ann")


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("name", [
    "<img src=x onerror=alert(1)>", "very-long-name-" * 15, "W" * 200, "\u05d4\u05d6\u05de\u05e0\u05d5\u05ea \u202e",
    "\N{FIRE}\N{BELL}", "{{ 7*7 }}", "'\"><b>bold</b>",
])  # fmt: skip
def test_no_name_breaks_a_page(site, visit, name, width):
    source = site.streamkap.fleet.sources[0].id
    site.streamkap.rename(source, name)
    site.streamkap.state(source, "Broken")
    page = visit(signed_in=True, viewport={"width": width, "height": 800})
    expect(page.get_by_role("article")).to_be_visible()
    site.until(lambda: name.strip() in page.goto(site.url + "/").text().replace("&#34;", '"').replace("&#39;", "'")
               .replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))  # fmt: skip
    episode = page.get_by_role("article").get_by_role("heading").get_by_role("link").get_attribute("href") or ""
    for path in ("/", episode, "/rules", "/silences?matchers=severity=critical"):
        page.goto(site.url + path)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{path} scrolls sideways"
        assert page.locator("main :is(script, img, b)").count() == 0
