"""A Slack bot keeps one message and its thread for a group, whatever happens to the process or to the message."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from sinks.http import Reply

from watchdog.app.slack_roots import SlackRoots
from watchdog.delivery.slack_threads import SlackThreads
from watchdog.delivery.targets import open_target
from watchdog.errors import DeliveryError
from watchdog.notify.message import Message, MessageKind, Thread
from watchdog.store.store import Store

FIRING = Thread("team{}", 100.0, ("e1",), "e1 firing ")
MORE = Thread("team{}", 100.0, ("e2",), "e2 firing ")
GONE = Thread("team{}", None, ("e1",), "e1 resolved ")
NEXT = Thread("team{}", 900.0, ("e3",), "e3 firing ")


class Bot:
    """A target, the threads behind it, and the clock; `restarted` forgets everything but the database."""

    def __init__(self, folder: Path, url: str) -> None:
        self.now = 1000.0
        self._url = url
        self.store = Store.open(f"sqlite:///{folder}/watchdog.db")
        self.restarted()

    def restarted(self) -> None:
        self.threads = SlackThreads(self.store, lambda: self.now)
        self.target = open_target("team", "${SLACK}", self._url, threads=self.threads)

    def roots(self, standing) -> SlackRoots:
        return SlackRoots(self.threads, standing, clock=lambda: self.now)


@pytest.fixture
def bot(tmp_path, slack_workspace):
    made = Bot(tmp_path, slack_workspace.SLACK_BOT_URL)
    yield made
    made.store.close()


def test_what_follows_replies_and_what_begins_is_shown_in_the_channel(slack_workspace, bot, message):
    bot.target.send(message(thread=FIRING))
    bot.target.send(message(id="8", thread=MORE))
    bot.target.send(message(MessageKind.REMINDER, id="9", thread=FIRING))
    bot.restarted()
    bot.target.send(message(MessageKind.RESOLVED, id="10", thread=GONE))
    (root,) = slack_workspace.roots()
    assert root["attachments"][0]["blocks"][0]["type"] == "header"
    told = [(one["thread_ts"], one.get("reply_broadcast", False)) for one in slack_workspace.replies()]
    assert told == [(root["ts"], True), (root["ts"], False), (root["ts"], False)]


def test_a_group_that_begins_anew_has_a_new_root(slack_workspace, bot, message):
    for number, thread in enumerate((FIRING, NEXT, NEXT)):
        bot.target.send(message(id=f"{number}", thread=thread))
    first, second = slack_workspace.roots()
    assert [one["thread_ts"] for one in slack_workspace.replies()] == [second["ts"]]
    assert first["ts"] != second["ts"]


def test_each_channel_of_a_url_has_its_own_root(slack_workspace, tmp_path, message):
    bot = Bot(tmp_path, "slack://xoxb-1234-1234-abc124/#first/#second")
    for number in range(2):
        bot.target.send(message(id=f"{number}", thread=FIRING))
    for channel in ("C02FIRST", "C03SECOND"):
        (root,) = slack_workspace.roots(channel)
        assert [one["thread_ts"] for one in slack_workspace.replies(channel)] == [root["ts"]]
    bot.store.close()


def test_a_deleted_root_is_replaced_by_the_next_message(slack_workspace, bot, message):
    bot.target.send(message(thread=FIRING))
    slack_workspace.delete(slack_workspace.roots()[0]["ts"])
    bot.target.send(message(id="8", thread=MORE))
    bot.target.send(message(id="9", thread=MORE))
    (root,) = slack_workspace.roots()
    assert [one["thread_ts"] for one in slack_workspace.replies()] == [root["ts"]]


@pytest.mark.parametrize(("why", "no_history", "roots"), [
    ("the history knows it", False, 1),
    ("without the scope to read it, twice is better than never", True, 2),
])  # fmt: skip
def test_a_process_killed_before_it_kept_the_answer(slack_workspace, bot, message, why, no_history, roots):
    bot.target.send(message(thread=FIRING))
    (name,) = bot.store.documents("slack-root:")
    kept = bot.store.document(name)
    bot.store.put_document(name, kept.replace(slack_workspace.roots()[0]["ts"], ""))  # as before the answer
    slack_workspace.no_history = no_history
    if no_history:
        bot.store.put_document(name, bot.store.document(name).replace("C01ALERTS", ""))
    bot.restarted()
    bot.target.send(message(thread=FIRING))
    assert len(slack_workspace.roots()) == roots, why
    bot.target.send(message(id="8", thread=MORE))
    assert slack_workspace.replies()[-1]["thread_ts"] == slack_workspace.roots()[-1]["ts"]


def test_a_webhook_and_a_message_of_no_group_know_no_thread(slack_workspace, bot, message):
    bot.target.send(message())
    hook = open_target("team", "t", slack_workspace.SLACK_URL, threads=bot.threads)
    hook.send(message(thread=FIRING))
    assert bot.store.documents("slack-root:") == {}
    assert all("thread_ts" not in request.json for request in slack_workspace.received)


def test_a_root_that_was_refused_is_tried_again_as_a_root(slack_workspace, bot, message):
    slack_workspace.script(Reply(503))
    with pytest.raises(DeliveryError):
        bot.target.send(message(thread=FIRING))
    bot.target.send(message(thread=FIRING))
    assert len(slack_workspace.roots()) == 1
    assert slack_workspace.replies() == []


def test_a_root_is_edited_when_something_else_is_true(slack_workspace, bot, message):
    says = "e1 firing "
    roots = bot.roots(lambda target, episodes: (says, lambda: message(title=f"now: {says}")))
    bot.target.send(message(thread=FIRING))
    roots.edit_due()
    assert "edits" not in slack_workspace.roots()[0]
    says = "e1 firing Ann"
    roots.edit_due()
    says = "e1 resolved "
    roots.edit_due()  # within two seconds
    assert slack_workspace.roots()[0]["attachments"][0]["fallback"] == "now: e1 firing Ann"
    bot.now += 2
    roots.edit_due()
    roots.edit_due()
    (root,) = slack_workspace.roots()
    assert (root["edits"], root["attachments"][0]["fallback"]) == (2, "now: e1 resolved")


def test_an_edit_obeys_retry_after_and_survives_a_restart(slack_workspace, bot, message):
    bot.target.send(message(thread=FIRING))
    bot.restarted()

    def standing(target: str, episodes: object) -> tuple[str, Callable[[], Message]]:
        return "e1 resolved ", lambda: message(title="over")

    roots = bot.roots(standing)
    slack_workspace.script(Reply(429, b'{"ok":false,"error":"ratelimited"}', {"Retry-After": "40"}))
    for seconds, edits in ((0, 0), (30, 0), (10, 1), (10, 1)):
        bot.now += seconds
        roots.edit_due()
        assert slack_workspace.roots()[0].get("edits", 0) == edits, seconds


@pytest.mark.parametrize("error", ["message_not_found", "missing_scope"])
def test_a_root_that_cannot_be_edited_is_left_alone(slack_workspace, bot, message, error):
    bot.target.send(message(thread=FIRING))
    roots = bot.roots(lambda target, episodes: ("e1 resolved ", lambda: message(title="over")))
    slack_workspace.script(Reply(200, b'{"ok":false,"error":"%s"}' % error.encode()))
    asked = len(slack_workspace.received)
    for _ in range(3):
        bot.now += 10
        roots.edit_due()
    assert len(slack_workspace.received) == asked + 1
    assert bool(bot.store.documents("slack-root:")) == (error == "missing_scope")


def test_a_root_is_dropped_a_day_after_its_last_alert(slack_workspace, bot, message):
    bot.target.send(message(thread=FIRING))
    roots = bot.roots(lambda target, episodes: ("e1 resolved ", message))
    for hours, kept in ((1, True), (23, True), (2, False)):
        bot.now += hours * 3600
        roots.edit_due()
        assert bool(bot.store.documents("slack-root:")) is kept, hours
