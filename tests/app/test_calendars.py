"""Calendars while the service runs: fetched over TLS every 15 minutes; the last good copy goes on."""

from __future__ import annotations

import pytest
from sinks.http import Reply

from watchdog.app.calendars import Calendars
from watchdog.configuration.files import load_texts
from watchdog.store.store import Store

URL = "https://hooks.slack.com/private-path/work.ics"
TEXT = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART:{}\r\nDURATION:PT1H\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
TEN = 1_774_087_200.0  # 2026-03-21T10:00Z
RULES = f"""
rules: [{{alert: A, each: source, expr: recordsLag > 5}}]
mutes: [{{name: work, where: {{name: '*'}}, ics: '{URL}'}}]
"""


def calendar(begins: str) -> Reply:
    return Reply(200, TEXT.format(begins).encode())


class Site:
    def __init__(self, folder, policy) -> None:
        self.now, self.policy, self._url = TEN - 3600, policy, f"sqlite:///{folder}/watchdog.db"
        self.restart()

    def restart(self) -> None:
        self.store = Store.open(self._url)
        self.calendars = Calendars(self.store, lambda: self.now)

    def look(self, minutes: float = 0) -> bool:
        """Whether the mute is on at ten, after so many minutes."""
        self.now += minutes * 60
        self.calendars.filled(self.policy)
        self.calendars.join()
        return self.calendars.filled(self.policy).mutes[0].active(TEN)


@pytest.fixture
def site(tmp_path, tls_sinks, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", tls_sinks.env()["REQUESTS_CA_BUNDLE"])
    made = Site(tmp_path, load_texts({"rules/notify.yaml": RULES}, {}))
    yield made
    made.store.close()


def test_it_is_read_again_every_15_minutes_and_the_last_good_copy_goes_on(site, tls_sinks, caplog):
    tls_sinks.script(calendar("20260321T100000Z"), Reply(503), Reply(200, b"<html>sign in</html>"),
                     calendar("20260321T120000Z"))  # fmt: skip
    told = [(site.look(minutes), len(tls_sinks.received), len(site.calendars.failing)) for minutes in (0, 14, 1, 15, 15)]
    assert told == [(True, 1, 0), (True, 1, 0), (True, 2, 1), (True, 3, 1), (False, 4, 0)]
    first, second = (record.error for record in caplog.records if record.name == "watchdog.app.calendars")
    assert first == "ics: https://hooks.slack.com/… answered 503 Service Unavailable; 200 is accepted"
    assert second.startswith("ics: https://hooks.slack.com/… is no iCalendar file")


def test_after_a_restart_the_kept_copy_counts_from_the_first_look(site, tls_sinks):
    tls_sinks.script(calendar("20260321T100000Z"), Reply(503))
    site.look()
    site.store.close()
    site.restart()
    assert site.calendars.filled(site.policy).mutes[0].active(TEN)  # nothing has been fetched yet
    assert site.look()
    assert len(site.calendars.failing) == 1


def test_one_that_was_never_read_mutes_nothing_and_says_so(site, tls_sinks):
    tls_sinks.script(Reply(404))
    assert not site.look()
    assert list(site.calendars.failing.values()) == ["ics: https://hooks.slack.com/… answered 404 Not Found; 200 is accepted"]


def test_a_server_that_drips_is_given_up(site, tls_sinks):
    site.calendars = Calendars(site.store, lambda: site.now, within=0.5)

    def drip(handler):
        handler.close_connection = True
        handler.connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while not handler.server.closing.wait(0.1):
            handler.connection.sendall(b"B")

    tls_sinks.script(drip)
    assert not site.look()
    assert list(site.calendars.failing.values()) == ["ics: https://hooks.slack.com/… takes longer than 0.5 s"]


def test_what_is_not_named_any_more_is_not_read(site, tls_sinks):
    tls_sinks.script(Reply(404))
    site.look()
    site.policy = load_texts({"rules/notify.yaml": "rules: [{alert: A, each: source, expr: recordsLag > 5}]\n"}, {})
    site.now += 3600
    site.calendars.filled(site.policy)
    assert site.calendars.failing == {}
    assert len(tls_sinks.received) == 1
