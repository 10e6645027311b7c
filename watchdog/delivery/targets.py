"""Targets: one URL of a receiver, and what carries a message to it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlsplit

from watchdog.delivery import secrets
from watchdog.delivery.answers import failure_of
from watchdog.delivery.cutting import cut, one_line
from watchdog.delivery.flights import LONGEST, Flight, fly, watch
from watchdog.delivery.secrets import Secrets
from watchdog.notify.message import Message
from watchdog.notify.routes import TargetSpec

#: So many messages are remembered of which a part of a target's recipients has accepted one.
_HALF_ACCEPTED = 64


@dataclass(frozen=True, slots=True)
class Target:
    """Where a message goes. `id` is the same as long as receiver and URL before expansion are; `label` is fit for logs;
    `kind` is pagerduty, slack, email or other."""

    id: str
    receiver: str
    label: str
    kind: str


class Carrier(Protocol):
    """What carries one message to one target; raises DeliveryError when it did not arrive."""

    @property
    def target(self) -> Target: ...

    def send(self, message: Message) -> None: ...


def open_target(receiver: str, template: str, url: str, *, known: Secrets = secrets.known) -> Carrier:
    """The carrier of a target, `template` being its URL before expansion. Raises ValueError where `check_url` would give
    a reason. Every piece of the URL is known as a secret from now on."""
    known.add_url(url)
    if refused := check_url(url):
        raise ValueError(refused)
    watch()
    return _Apprise(_target(receiver, template, url), url, known)


def target_of(receiver: str, template: str, url: str) -> Target:
    """The target of a URL without opening it."""
    return _target(receiver, template, url)


def check_url(url: str) -> str | None:
    """Why apprise cannot use a URL; None when it can. The reason holds no secret of it."""
    from watchdog.delivery.plugins import why_refused

    watch()
    return why_refused(url)


@dataclass
class _Apprise:
    """Carries messages through apprise."""

    target: Target
    _url: str = field(repr=False)
    _known: Secrets = field(repr=False)
    _accepted: OrderedDict[str, set[Any]] = field(default_factory=OrderedDict, repr=False)

    def send(self, message: Message) -> None:
        flight = Flight()
        accepted = self._accepted.setdefault(message.id, set())
        fly(flight, lambda: self._notify(message, flight, accepted), LONGEST)
        if flight.finished and flight.sent:
            self._accepted.pop(message.id, None)
            return
        if not accepted:
            self._accepted.pop(message.id, None)
        while len(self._accepted) > _HALF_ACCEPTED:
            self._accepted.popitem(last=False)
        raise failure_of(flight, self.target.label, self._known)

    def _notify(self, message: Message, flight: Flight, accepted: set[Any]) -> bool:
        from watchdog.delivery.plugins import fresh_plugin

        plugin = fresh_plugin(self._url, flight, accepted)
        return _KINDS[self.target.kind](plugin, message)


def _send_plain(plugin: Any, message: Message) -> bool:
    from watchdog.delivery.phrases import tone_of
    from watchdog.delivery.plain import plain_text

    title, body = one_line(message.title), plain_text(message)
    if plugin.title_maxlen > 0:
        title = cut(title, plugin.title_maxlen)
        room = plugin.body_maxlen - (len(title) if plugin.overflow_amalgamate_title else 0)
    else:
        title = cut(title, max(plugin.body_maxlen // 2, 1))
        room = plugin.body_maxlen - len(title) - 2  # apprise puts it on a line of its own before the body
    # apprise cuts at a character, and where it leaves room for a counter, earlier; so its own margin is kept
    body = cut(body, max(room - plugin.overflow_buffer, 1)) if plugin.body_maxlen > 0 else body
    return _notify(plugin, title, body, message, tone_of(message))


def _send_pagerduty(plugin: Any, message: Message) -> bool:
    from watchdog.delivery import pagerduty
    from watchdog.delivery.phrases import tone_of

    pagerduty.dress(plugin, message)
    return _notify(plugin, "", pagerduty.summary_of(message), message, tone_of(message))


def _send_slack(plugin: Any, message: Message) -> bool:
    from watchdog.delivery.phrases import tone_of
    from watchdog.delivery.plain import plain_text

    plugin.wear(message)
    return _notify(plugin, one_line(message.title), cut(plain_text(message), 3000), message, tone_of(message))


def _notify(plugin: Any, title: str, body: str, message: Message, tone: str, **more: Any) -> bool:
    from apprise.common import NotifyFormat

    more.setdefault("body_format", NotifyFormat.TEXT)
    return bool(plugin.notify(body=body, title=title, notify_type=tone, **more))


#: How a message is put for each kind of target.
_KINDS: dict[str, Callable[[Any, Message], bool]] = {
    "pagerduty": _send_pagerduty,
    "slack": _send_slack,
    "email": _send_plain,
    "other": _send_plain,
}


def _target(receiver: str, template: str, url: str) -> Target:
    scheme = url.partition("://")[0].strip().lower()
    return Target(TargetSpec(receiver, template).id, receiver, _label(scheme, url), _kind(url))


def _label(scheme: str, url: str) -> str:
    """`slack://…`; with the host where that is an address and no token."""
    if scheme not in secrets.HOST_IS_AN_ADDRESS:
        return f"{scheme}://…"
    try:
        host = urlsplit(url.strip()).hostname
    except ValueError:
        host = None
    return f"{scheme}://{host}/…" if host else f"{scheme}://…"


def _kind(url: str) -> str:
    from watchdog.delivery.plugins import plugin_class, well_known

    of = plugin_class(url)
    for kind, known in zip(("pagerduty", "slack", "email"), well_known("pagerduty", "slack", "mailto"), strict=True):
        if issubclass(of, known):
            return kind
    return "other"
