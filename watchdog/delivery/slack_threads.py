"""Slack threads: the first message of a group is a root, kept in the database; what follows replies to it.

Slack answers a posted message with its channel and time stamp (`ts`), which name it from then on. A process that is
killed between the post and the note of that answer must not make a second root. So the intent is saved first, and every
root carries a mark by which it is found again in the channel's history.
"""

from __future__ import annotations

import logging
import os
import ssl
import threading
import urllib.request
from collections.abc import Callable
from hashlib import blake2s
from typing import Any

import msgspec

from watchdog.notify.message import Thread
from watchdog.store.store import Store

logger = logging.getLogger(__name__)
logging.getLogger("slack_sdk").setLevel(logging.WARNING)  # its debug lines hold tokens

#: What Slack answers when the message that is replied to, or edited, is not there any more.
#: https://docs.slack.dev/reference/methods/chat.postMessage#errors and chat.update#errors
ROOT_IS_GONE = frozenset({"thread_not_found", "message_not_found", "cannot_reply_to_message", "invalid_ts"})
#: Which button was pressed.
ACKNOWLEDGE, SILENCE = "acknowledge", "silence-1h"
_PREFIX, _CHANNELS = "slack-root:", "slack-channel:"
_EVENT = "watchdog_root"
_WITHIN = 10  #: seconds for a question to Slack that is no notification
_MOST = 100  #: alerts that a root stands for, the newest
_PAGES = 10  #: of a channel list that are looked through
#: Seconds that clocks may differ.
_CLOCKS = 300.0


class Root(msgspec.Struct, frozen=True):
    """A group's root. `ts` is "" between the intent to post it and Slack's answer; `intended` names the notification,
    `at` is when. `shown` is what it says of its `episodes`. `changed` is when any of this last changed."""

    target: str
    group: str
    began: float | None
    name: str
    channel: str = ""
    ts: str = ""
    intended: str = ""
    at: float = 0.0
    episodes: tuple[str, ...] = ()
    shown: str = ""
    changed: float = 0.0


class Place(msgspec.Struct, frozen=True):
    """Where a message of a group goes: `root` is what it replies to, None for nothing yet; `posted` is Slack's answer
    to this very message where it is in the channel already."""

    key: str
    target: str
    channel: str
    root: Root | None = None
    posted: dict[str, str] | None = None


class SlackThreads:
    """The roots of all groups, kept in the database. Raises StoreError where they cannot be kept: what cannot be kept
    is not posted."""

    def __init__(self, store: Store, clock: Callable[[], float], *, buttons: bool = False) -> None:
        self._store, self._clock = store, clock
        self.buttons = buttons  #: whether somebody listens when one is pressed
        self._lock = threading.Lock()
        self._tokens: dict[str, str] = {}
        self._roots: dict[str, Root] | None = None
        self.changed = threading.Event()  #: a root was posted, or replied to

    # -- for messages on their way

    def place(self, target: str, token: str, channel: str, thread: Thread, message: str) -> Place:
        """Where a message goes; `token` is the bot's, `message` the notification's id."""
        self.learn(target, token)
        key = _PREFIX + blake2s("\0".join((target, channel, thread.group)).encode(), digest_size=16).hexdigest()
        found = self._all().get(key)
        place = Place(key, target, channel)
        if found is None or (thread.began is not None and found.began != thread.began):
            return place
        if found.ts:
            return msgspec.structs.replace(place, root=found)
        return self._look_for(place, found, thread, message)

    def begin(self, place: Place, thread: Thread, message: str) -> None:
        """A root is about to be posted."""
        now = self._clock()
        channel = "" if place.root is None else place.root.channel
        self._keep(place.key, Root(place.target, thread.group, thread.began, place.channel, channel,
                                   intended=message, at=now, episodes=thread.episodes[-_MOST:], shown=thread.shown,
                                   changed=now))  # fmt: skip

    def began(self, place: Place, thread: Thread, channel: str, ts: str) -> None:
        """Slack has answered with the root's channel and time stamp."""
        self._update(place.key, channel=channel, ts=ts)
        if self._store.document(self._channel_key(place.target, place.channel)) != channel:
            self._store.put_document(self._channel_key(place.target, place.channel), channel)
        self.changed.set()

    def replied(self, place: Place, thread: Thread) -> None:
        """A reply was posted; the root stands for its alerts as well."""
        root = self._all()[place.key]
        episodes = tuple(dict.fromkeys((*root.episodes, *thread.episodes)))[-_MOST:]
        if episodes != root.episodes:
            self._update(place.key, episodes=episodes, shown="")
        self.changed.set()

    @staticmethod
    def mark(place: Place, message: str) -> dict[str, Any]:
        """What a root is found by. https://docs.slack.dev/messaging/message-metadata"""
        return {"event_type": _EVENT, "event_payload": {"root": place.key, "notification": message}}

    # -- for edits of roots

    def open_roots(self) -> dict[str, Root]:
        """Roots that were posted, by key."""
        return {key: root for key, root in self._all().items() if root.ts}

    def edit(self, root: Root, attachment: dict[str, Any], text: str) -> None:
        """Put something else into a root. Raises slack_sdk's errors and OSError."""
        self.client(self._tokens[root.target]).chat_update(
            channel=root.channel, ts=root.ts, text=text, attachments=[attachment]
        )

    def can_edit(self, root: Root) -> bool:
        """Whether the bot's token is known."""
        return root.target in self._tokens

    def learn(self, target: str, token: str) -> None:
        """The bot's token of a target; it stays in memory."""
        self._tokens[target] = token

    def shown(self, key: str, shown: str) -> None:
        self._update(key, shown=shown)

    def forget(self, key: str) -> None:
        """It was deleted in Slack, or is over for long: the next message of its group begins a new one."""
        with self._lock:
            if self._roots is not None:
                self._roots.pop(key, None)
        self._store.put_document(key, None)

    @staticmethod
    def client(token: str) -> Any:
        """Slack's Web API. slack-sdk reads HTTPS_PROXY but not NO_PROXY, so the proxy is chosen here."""
        from slack_sdk import WebClient

        direct = urllib.request.proxy_bypass("slack.com")
        proxy = None if direct else urllib.request.getproxies().get("https")
        trusted = ssl.create_default_context(cafile=os.environ.get("REQUESTS_CA_BUNDLE"))  # as for notifications
        made = WebClient(token, timeout=_WITHIN, ssl=trusted, proxy=proxy)
        if direct:
            made.proxy = None
        return made

    # -- inside

    def _look_for(self, place: Place, found: Root, thread: Thread, message: str) -> Place:
        """A root may have been posted by a process that ended before Slack's answer was kept."""
        try:
            answer = self._in_history(self._tokens[place.target], place, found)
        except Exception as cause:  # a notification that comes twice is better than none
            error = str(getattr(cause, "response", {}).get("error", "") or type(cause).__name__)
            logger.warning("Slack's history could not be read; a root may be posted twice",
                           extra={"channel": place.channel, "error": error})  # fmt: skip
            return place
        if answer is None:
            return place
        channel, ts = answer
        self.began(place, thread, channel, ts)
        root = self._all()[place.key]
        posted = {"ok": "true", "channel": channel, "ts": ts} if found.intended == message else None
        return msgspec.structs.replace(place, root=root, posted=posted)

    def _in_history(self, token: str, place: Place, intent: Root) -> tuple[str, str] | None:
        client = self.client(token)
        channel = self._channel_id(client, place, intent)
        if not channel:
            return None
        answer = client.conversations_history(
            channel=channel, oldest=f"{intent.at - _CLOCKS:.6f}", limit=200, include_all_metadata=True
        )
        for one in answer.get("messages", ()):
            said = (one.get("metadata") or {}).get("event_payload") or {}
            if said.get("root") == place.key and said.get("notification") == intent.intended:
                return channel, str(one["ts"])
        return None

    def _channel_id(self, client: Any, place: Place, intent: Root) -> str:
        if not place.channel.startswith("#"):
            return place.channel
        known = intent.channel or self._store.document(self._channel_key(place.target, place.channel))
        if known:
            return known
        cursor = ""
        for _ in range(_PAGES):
            answer = client.conversations_list(limit=1000, exclude_archived=True, cursor=cursor or None)
            for one in answer.get("channels", ()):
                if one.get("name") == place.channel[1:]:
                    return str(one["id"])
            cursor = str((answer.get("response_metadata") or {}).get("next_cursor") or "")
            if not cursor:
                break
        return ""

    @staticmethod
    def _channel_key(target: str, name: str) -> str:
        return f"{_CHANNELS}{target}:{name}"

    def _all(self) -> dict[str, Root]:
        with self._lock:
            if self._roots is None:
                self._roots = {}
                for key, text in self._store.documents(_PREFIX).items():
                    try:
                        self._roots[key] = msgspec.json.decode(text, type=Root)
                    except msgspec.MsgspecError as cause:  # another version wrote it
                        logger.warning(
                            "a Slack root cannot be read; its group begins a new one", extra={"error": str(cause)}
                        )
            return dict(self._roots)

    def _update(self, key: str, **changes: Any) -> None:
        self._keep(key, msgspec.structs.replace(self._all()[key], changed=self._clock(), **changes))

    def _keep(self, key: str, root: Root) -> None:
        self._store.put_document(key, msgspec.json.encode(root).decode())
        with self._lock:
            assert self._roots is not None
            self._roots[key] = root
