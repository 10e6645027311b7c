"""The pages in a real browser, by what a person does who was woken up."""

from __future__ import annotations

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect
from site_under_test import TOKEN, Site

pytestmark = pytest.mark.system

PAGES = ["/", "/rules", "/silences", "/sign-in"]


def mark(page: Page) -> None:
    """Remember this very document: a reload would forget it."""
    page.evaluate("window.sameDocument = true")


def same_document(page: Page) -> bool:
    return bool(page.evaluate("window.sameDocument === true"))


def test_find_the_alert_read_why_and_watch_it_end_without_a_reload(site, visit):
    first, second = site.sources[:2]
    page = visit()
    expect(page.get_by_role("heading", name="Nothing fires")).to_be_visible()
    mark(page)
    site.breaks(first)
    expect(page.get_by_role("heading", name="Firing: 1 to look at")).to_be_visible()
    expect(page).to_have_title(re.compile(r"^\(1\) firing"))
    card = page.get_by_role("article").filter(has_text=first)
    expect(card).to_contain_text(f"{first} is 15m behind its source")
    expect(card).to_contain_text(f"{'StreamingMilliSecondsBehindSource'} is 15m (> 5m)")
    expect(card).to_contain_text(re.compile(r"Notified\s*team at \d\d:\d\d:\d\d UTC"))
    assert same_document(page)
    card.get_by_role("heading").get_by_role("link").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(re.compile(f"firing *{first} is 15m behind its source"))
    expect(page.locator("#chart canvas")).to_be_visible()
    expect(page.locator("#chart")).to_have_attribute("aria-label", re.compile("limit 5m"))
    expect(page.get_by_role("region", name="Related")).to_contain_text("warehouse")
    expect(page.get_by_role("region", name="Rule")).to_contain_text("StreamingMilliSecondsBehindSource > limit")
    expect(page.get_by_role("region", name="Notifications")).to_contain_text("will be notified when it resolves")
    mark(page)
    site.mends(first)
    expect(page.get_by_role("heading", level=1)).to_contain_text("resolved")
    expect(page.get_by_role("region", name="Notifications")).to_contain_text("notified that it resolved")
    assert same_document(page)
    page.goto(site.url)
    expect(page.get_by_role("region", name="Recent episodes")).to_contain_text(first)
    assert second not in page.get_by_role("region", name="Recent episodes").inner_text()


def test_silence_it_see_it_silenced_extend_and_expire(site, visit):
    name = site.sources[0]
    site.breaks(name)
    page = visit(signed_in=True)
    card = page.get_by_role("article").filter(has_text=name)
    card.get_by_text("Acknowledge or silence").click()
    form = card.locator("form")
    form.get_by_label("Your name").fill("ann")
    form.get_by_label("Comment").fill("known, being repaired")
    mark(page)
    form.get_by_role("button", name="Silence").click()
    expect(page.get_by_role("heading", name="Nothing to look at, 1 silenced or suppressed")).to_be_visible()
    expect(page.get_by_role("region", name="Silences and mutes")).to_contain_text("by ann: known, being repaired")
    assert same_document(page)
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Silences").click()
    silence = page.get_by_role("article")
    expect(silence).to_contain_text('alertname="SourceBehind"')
    expect(silence).to_contain_text("matches 1 firing")
    before = silence.locator("time").last.get_attribute("datetime")
    silence.get_by_label("Extend by").fill("4h")
    silence.get_by_role("button", name="Extend").click()
    expect(silence.locator("time").last).not_to_have_attribute("datetime", before or "")
    silence.get_by_role("button", name="Expire now").click()
    expect(page.get_by_text("None is active or planned.")).to_be_visible()
    expect(page.get_by_role("region", name="Over")).to_contain_text("known, being repaired")
    site.until(lambda: any(message.kind == "reminder" for message in site.told.messages))


def test_a_silence_is_previewed_before_it_is_made(site, visit):
    site.breaks(site.sources[0])
    page = visit("/silences", signed_in=True)
    page.get_by_label("Matchers").fill('alertname="SourceBehind" name=~"prod-.*"')
    covers = page.locator("#preview")
    expect(covers).to_contain_text(f"It matches 1 firing now, and {len(site.sources)} that may fire")
    page.get_by_label("Matchers").fill("nonsense")
    expect(covers).to_contain_text("is not a matcher")
    page.get_by_label("Matchers").fill('severity="critical"')
    expect(covers).to_contain_text("It matches 0 firing now")
    page.get_by_label("Your name").fill("ann")
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("article")).to_contain_text('severity="critical"')


def test_acknowledge_and_go_on_typing_while_the_page_lives(site, visit):
    one, other = site.sources[:2]
    site.breaks(one)
    page = visit(signed_in=True)
    card = page.get_by_role("article").filter(has_text=one)
    card.get_by_text("Acknowledge or silence").click()
    form = card.locator("form")
    form.get_by_label("Your name").fill("ben")
    comment = form.get_by_label("Comment")
    comment.press_sequentially("half a sen")
    page.evaluate("scrollTo(0, 120)")
    before = page.evaluate("scrollY")
    site.breaks(other)
    expect(page.get_by_role("heading", name="Firing: 2 to look at")).to_be_visible()
    expect(comment).to_have_value("half a sen")
    expect(comment).to_be_focused()
    assert page.evaluate("scrollY") == before
    comment.press_sequentially("tence")
    form.get_by_role("button", name="Acknowledge").click()
    expect(card).to_contain_text("acknowledged by ben: half a sentence")
    expect(page.get_by_role("article").filter(has_text=other)).not_to_contain_text("acknowledged by")


def test_what_somebody_does_is_not_lost_to_a_live_update(site, visit):
    site.breaks(site.sources[0])
    page = visit(signed_in=True)
    page.get_by_text("Acknowledge or silence").click()
    form = page.get_by_role("article").locator("form")
    form.get_by_label("Your name").fill("ann")
    with page.expect_request(lambda asked: asked.method == "GET" and asked.url == site.url + "/"):
        page.route(site.url + "/", lambda asked: None, times=1)  # a refresh is under way, and does not come back
    with page.expect_request(lambda asked: asked.url.endswith("/ack")):
        form.get_by_role("button", name="Acknowledge").click()
    expect(page.get_by_role("article")).to_contain_text("acknowledged by ann")


def test_search_and_filter_by_state_kind_and_tag(site, visit):
    site.breaks(site.sources[0])
    page = visit()
    rows = page.locator(".rows > li")
    everything = rows.count()
    assert everything >= len(site.sources)
    expect(rows.first).to_contain_text(site.sources[0])
    mark(page)
    page.get_by_label("Search").press_sequentially(site.sources[1])
    expect(rows.filter(has_not_text=site.sources[1])).to_have_count(0)
    expect(page).to_have_url(re.compile("q="))
    expect(page.get_by_label("Search")).to_be_focused()
    assert same_document(page)
    page.get_by_label("Search").fill("")
    page.get_by_label("State").select_option("firing now")
    expect(rows.filter(has_not=page.locator(".hit"))).to_have_count(0)
    expect(page).to_have_url(re.compile("state=firing"))
    page.get_by_label("State").select_option("any")
    page.get_by_label("Kind").select_option("source")
    expect(page).to_have_url(re.compile("kind=source"))
    page.get_by_label("Kind").select_option("any")
    tag = page.get_by_label("Tag").locator("option").nth(1).text_content()
    assert tag
    page.get_by_label("Tag").select_option(tag)
    expect(page).to_have_url(re.compile(f"tag={tag}"))
    assert 0 < rows.count() <= everything
    page.get_by_role("link", name="Clear").click()
    expect(rows).to_have_count(everything)


def test_by_keyboard_alone(site, visit):
    site.breaks(site.sources[0])
    page = visit(signed_in=True)
    expect(page.get_by_role("article")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    opener = page.get_by_text("Acknowledge or silence")
    for _ in range(12):
        page.keyboard.press("Tab")
        if opener.evaluate("one => one === document.activeElement"):
            break
    expect(opener).to_be_focused()
    outline = opener.evaluate("one => getComputedStyle(one).outlineStyle")
    assert outline == "solid", "focus can be seen"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.type("kim")
    page.keyboard.press("Enter")
    expect(page.get_by_role("article")).to_contain_text("acknowledged by kim")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_nothing_serious(site, visit, scheme, width):
    site.breaks(site.sources[0])
    with_alert = visit("/", signed_in=True, color_scheme=scheme, viewport={"width": width, "height": 800})
    with_alert.get_by_text("Acknowledge or silence").click()
    episode = with_alert.get_by_role("article").get_by_role("heading").get_by_role("link").get_attribute("href")
    pages = ["/", episode or "", "/rules", "/silences?matchers=severity%3Dwarning", "/sign-in"]
    for path in pages:
        with_alert.goto(site.url + path)
        found = Axe().run(with_alert).response["violations"]
        serious = [(one["id"], [node["html"][:120] for node in one["nodes"]]) for one in found if one["impact"] in ("serious", "critical")]
        assert serious == [], path
        assert with_alert.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{path} scrolls sideways"


def test_in_the_dark_the_ground_is_dark(visit):
    colours = []
    for scheme in ("light", "dark"):
        page = visit("/", color_scheme=scheme)
        colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
        colours.append(sum(map(int, re.findall(r"\d+", colour)[:3])))
    assert colours[0] > 700
    assert colours[1] < 150


def test_a_hostile_name_stays_text(site, visit):
    name = "<script>alert(1)</script>"
    site.streamkap.rename(site.streamkap.fleet.sources[0].id, name)
    site.streamkap.set(site.streamkap.fleet.sources[0].id, "StreamingMilliSecondsBehindSource", 900_000)
    page = visit(signed_in=True)
    card = page.get_by_role("article").filter(has_text="SourceBehind")
    expect(card).to_contain_text("by rule SourceBehind")
    card.get_by_role("heading").get_by_role("link").click()
    expect(page.locator("#chart canvas")).to_be_visible()
    site.until(lambda: name in page.get_by_role("heading", level=1).inner_text())
    assert page.locator("main script").count() == 0


def test_without_scripts_everything_can_be_read_and_done(site, visit):
    name = site.sources[0]
    site.breaks(name)
    page = visit("/", signed_in=True, java_script_enabled=False)
    expect(page.get_by_role("article")).to_contain_text(f"{name} is 15m behind")
    page.get_by_label("Search").fill(name)
    page.get_by_role("button", name="Show").click()
    assert page.locator(".rows > li").count() >= 1
    page.get_by_role("article").get_by_text("Acknowledge or silence").click()
    form = page.get_by_role("article").locator("form")
    form.get_by_label("Your name").fill("zoe")
    form.get_by_role("button", name="Acknowledge").click()
    expect(page.get_by_role("article")).to_contain_text("acknowledged by zoe")
    page.get_by_role("article").get_by_role("heading").get_by_role("link").click()
    expect(page.locator("#chart svg")).to_be_visible()


def test_what_is_wrong_with_a_form_is_said_where_it_was(site, visit):
    site.breaks(site.sources[0])
    page = visit(signed_in=True)
    page.get_by_text("Acknowledge or silence").click()
    form = page.get_by_role("article").locator("form")
    form.get_by_label("Silence for").fill("soon")
    form.get_by_label("Your name").fill("ann")
    form.get_by_role("button", name="Silence").click()
    expect(page.locator("#refused")).to_contain_text("'soon' is not a duration")
    expect(form.get_by_label("Silence for")).to_have_value("soon")
    visit.complaints.clear()  # the browser logs the 400


def test_a_page_that_lost_its_watchdog_says_so_and_goes_on_when_it_is_back(site, visit):
    page = visit()
    expect(page.get_by_role("heading", name="Nothing fires")).to_be_visible()
    mark(page)
    site.stop()
    expect(page.get_by_role("alert").filter(has_text="connection to the watchdog is lost")).to_be_visible()
    site.streamkap.set(site.sources[0], "StreamingMilliSecondsBehindSource", 900_000)
    site.again()
    expect(page.get_by_role("heading", name="Firing: 1 to look at")).to_be_visible(timeout=30_000)
    expect(page.locator("#lost")).to_be_hidden()
    assert same_document(page)
    visit.complaints.clear()  # the browser logs what it could not reach


def test_signing_in_and_out(site, visit):
    page = visit("/sign-in?next=/rules")
    page.get_by_label("Token").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("that is not the token")
    page.get_by_label("Token").fill(TOKEN)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(f"{site.url}/rules")
    (cookie,) = page.context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("link", name="Sign in")).to_be_visible()
    assert page.context.cookies() == []
    visit.complaints.clear()  # the browser logs the 401


def test_rules_tell_what_they_match_and_which_never_do(site, visit):
    site.breaks(site.sources[0])
    page = visit("/rules")
    expect(page.get_by_role("row").filter(has_text="SourceBehind")).to_contain_text("1 true")
    expect(page.get_by_role("row").filter(has_text="SourceBehind")).to_contain_text("1 firing")
    expect(page.get_by_role("row").filter(has_text="NeverTrue")).to_contain_text("0 destinations now")
    page.get_by_label("Search").press_sequentially("task_status")
    expect(page.get_by_role("row").filter(has_text="SourceBehind")).to_have_count(0)
    expect(page.get_by_role("row").filter(has_text="TaskFailed")).to_be_visible()


def test_a_thousand_pipelines_stay_readable(tmp_path, browser):
    with Site(tmp_path, sources=1000, every="5s") as site:
        troubled = site.sources[777]
        site.streamkap.set(troubled, "StreamingMilliSecondsBehindSource", 900_000)
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.goto(site.url)
        expect(page.get_by_role("article").filter(has_text=troubled)).to_be_visible(timeout=30_000)
        rows = page.locator(".rows > li")
        assert rows.count() == 50
        expect(rows.first).to_contain_text(troubled)
        page.get_by_role("link", name="Next").click()
        expect(page.get_by_text(re.compile("page 2 of"))).to_be_visible()
        page.get_by_label("Search").fill(site.sources[500])
        expect(rows).not_to_have_count(50)
        expect(rows.first).to_contain_text(site.sources[500])
        page.close()
