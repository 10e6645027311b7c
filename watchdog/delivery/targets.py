"""Targets: one URL of a receiver, and what carries a message to it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlsplit

from watchdog.delivery import redaction
from watchdog.delivery.attempts import LONGEST, Attempt, start, watch
from watchdog.delivery.failures import failure_of
from watchdog.delivery.redaction import Secrets
from watchdog.delivery.slack_threads import SlackThreads
from watchdog.errors import DeliveryError
from watchdog.notify.message import Message, MessageKind
from watchdog.notify.routes import TargetSpec
from watchdog.notify.truncation import cut

#: So many messages are remembered that may have reached some of the recipients in one URL.
_HALF_ACCEPTED = 64
#: Characters of a reason; it goes to logs, pages and the fallback.
_REASON = 400


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


def open_target(
    receiver: str,
    template: str,
    url: str,
    *,
    known: Secrets = redaction.known,
    within: float = LONGEST,
    threads: SlackThreads | None = None,
) -> Carrier:
    """The carrier of a target, `template` being its URL before expansion. Raises ValueError with the reason of
    `check_url` where apprise cannot use the URL. Every piece of the URL is a `known` secret from now on.

    A send takes at most `within` seconds. Keep the carrier between the tries of a message: it knows which of several
    recipients in one URL have taken it already. With `threads` a Slack bot keeps one thread for each group.
    """
    known.add_url(url)
    if refused := check_url(url):
        raise ValueError(refused)
    target = target_of(receiver, template, url)
    if threads is not None and target.kind == "slack":
        from watchdog.delivery.apprise_plugins import bot_token

        threads.learn(target.id, bot_token(url))
    return _Apprise(target, url, known, within, threads)


def target_of(receiver: str, template: str, url: str) -> Target:
    """The target of a URL, without opening it. ValueError or LookupError for a URL `check_url` has a reason against."""
    watch()
    scheme = url.partition("://")[0].strip().lower()
    return Target(TargetSpec(receiver, template).id, receiver, _label(scheme, url), _kind(url))


def check_url(url: str) -> str | None:
    """Why apprise cannot use a URL; None when it can. The reason holds no secret of it."""
    from watchdog.delivery.apprise_plugins import why_refused

    watch()  # apprise's own words about a URL may hold it
    return why_refused(url)


@dataclass
class _Apprise:
    """Carries messages through apprise."""

    target: Target
    _url: str = field(repr=False)
    _known: Secrets = field(repr=False)
    _within: float
    _threads: SlackThreads | None = None
    _accepted: OrderedDict[tuple[str, MessageKind], set[Any]] = field(default_factory=OrderedDict, repr=False)

    def send(self, message: Message) -> None:
        # a beginning that is over by its next try is another message, also to those who have heard the first
        which = (message.id, message.kind)
        accepted = self._accepted.setdefault(which, set())
        attempt = Attempt()
        start(attempt, lambda: self._deliver(message, attempt, accepted), self._within)
        if attempt.sent and not attempt.given_up:
            self._accepted.pop(which, None)
            return
        while len(self._accepted) > _HALF_ACCEPTED:
            self._accepted.popitem(last=False)
        failure = failure_of(attempt, self.target.kind)
        # whoever of several has heard a beginning must hear its end, so one who never will hear it spoils it for nobody
        partly = bool(accepted) and failure.permanent
        reason = cut(self._known.scrub(str(failure)), _REASON)
        raise DeliveryError(
            f"{self.target.label}: {'some recipients took it, others did not: ' if partly else ''}{reason}",
            permanent=failure.permanent and not partly,
            unknown=failure.unknown or partly,
            retry_after=failure.retry_after,
        )

    def _deliver(self, message: Message, attempt: Attempt, accepted: set[Any]) -> bool:
        from watchdog.delivery.apprise_plugins import fresh_plugin

        plugin = fresh_plugin(self._url, attempt, accepted)
        if self.target.kind == "slack":
            plugin.threads, plugin.target_id = self._threads, self.target.id
        return _channel(self.target.kind)(plugin, message)


def _channel(kind: str) -> Callable[[Any, Message], bool]:
    """How a message is put, and handed to a plugin. Imported late: apprise costs what `--help` must not."""
    from watchdog.delivery import email, pagerduty, plain_text, slack

    ways: dict[str, Callable[[Any, Message], bool]]
    ways = {"pagerduty": pagerduty.deliver, "slack": slack.deliver, "email": email.deliver}
    return ways.get(kind, plain_text.deliver)


def _kind(url: str) -> str:
    from watchdog.delivery.apprise_plugins import plugin_class, well_known

    of = plugin_class(url)
    for kind, known in zip(("pagerduty", "slack", "email"), well_known("pagerduty", "slack", "mailto"), strict=True):
        if issubclass(of, known):
            return kind
    return "other"


def _label(scheme: str, url: str) -> str:
    """`slack://…`; with the host where that is an address and no token."""
    if scheme not in redaction.HOST_IS_AN_ADDRESS:
        return f"{scheme}://…"
    try:
        host = urlsplit(url.strip()).hostname
    except ValueError:
        host = None
    return f"{scheme}://{host}/…" if host else f"{scheme}://…"
