"""apprise's plugins: from a URL to a fresh one that is watched. The one place that knows how apprise finds them."""

from __future__ import annotations

import difflib
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from watchdog.delivery.attempts import Attempt, refusals
from watchdog.delivery.redaction import Secrets
from watchdog.notify.truncation import cut, one_line

#: Seconds to wait for a connection and for each read of the answer, where the URL does not say (`cto`, `rto`). apprise
#: waits 4 s, and an answer that is only slow would count as unknown.
_CONNECT_WITHIN, _ANSWER_WITHIN = 5.0, 10.0
_SCHEME = re.compile(r"\s*([A-Za-z0-9+.-]+)://")
#: What people write who think of a plain webhook.
_WEBHOOKS = {"http": "json", "https": "jsons", "webhook": "jsons", "smtp": "mailto", "smtps": "mailtos"}


def fresh_plugin(url: str, attempt: Attempt, accepted: set[Any]) -> Any:
    """A plugin for one message, which tells `flight` how far it is and keeps in `accepted` who took the message. One
    that is used again sleeps seconds between two sends. Raises what `plugin_class` and apprise's constructors raise."""
    plugin = _plugin(url)
    plugin.attempt, plugin.accepted = attempt, accepted
    return plugin


def plugin_class(url: str) -> type[Any]:
    """The plugin a URL leads to. LookupError for a scheme nobody knows, ValueError for a URL that is malformed."""
    return _parsed(url)[0]


def why_refused(url: str) -> str | None:
    """Why apprise cannot use a URL, None when it can; holds no piece of it that may be secret."""
    found = _SCHEME.match(url)
    if found is None:
        return "it is no URL; apprise URLs look like slack://… or mailto://…"
    scheme = found[1].lower()
    try:
        plugin, warned = refusals(lambda: _plugin(url))
    except LookupError:
        meant = _WEBHOOKS.get(scheme) or next(iter(difflib.get_close_matches(scheme, _schemes(), n=1)), None)
        return f"apprise does not know the URL scheme '{scheme}'" + (f"; did you mean {meant}://?" if meant else "")
    except Exception as cause:  # plugins raise what they like
        plugin, warned = None, [str(cause)]
    if plugin is not None:
        return None
    own = Secrets()
    own.add_url(url)
    refused = f"apprise refuses this {scheme}:// URL: {cut(one_line(own.scrub(warned[-1])), 300)}".rstrip(".:")
    return f"{refused}; write e.g. {_form(scheme)}"


def well_known(*names: str) -> tuple[type[Any], ...]:
    """Plugin classes by their schemes."""
    return tuple(_well_known()[name] for name in names)


def bot_token(url: str) -> str:
    """The token of a Slack bot; "" for every other URL."""
    return str(getattr(_plugin(url), "access_token", None) or "")


def _plugin(url: str) -> Any:
    from apprise.common import OverflowMode

    of, arguments = _parsed(url)
    plugin = _watched(of)(**arguments, asset=_asset())  # type: ignore[arg-type]  # mypy: type[Any] has no hash
    plugin.overflow_mode = OverflowMode.TRUNCATE
    if "cto" not in arguments:
        plugin.socket_connect_timeout = max(plugin.socket_connect_timeout, _CONNECT_WITHIN)
    if "rto" not in arguments:
        plugin.socket_read_timeout = max(plugin.socket_read_timeout, _ANSWER_WITHIN)
    return plugin


def _parsed(url: str) -> tuple[type[Any], dict[str, Any]]:
    """The plugin class of a URL and what the URL says to its constructor."""
    url = url.strip()
    scheme = url.partition("://")[0].lower()
    if of := _well_known().get(scheme):
        arguments = of.parse_url(url.replace("/#", "/%23"))
    else:
        known = scheme in _schemes()
        from apprise.plugins import url_to_dict

        arguments = url_to_dict(url)  # type: ignore[no-untyped-call]  # apprise is typed in parts
        if not arguments and not known:
            raise LookupError(scheme)
    if not arguments:
        raise ValueError("it has not the form apprise expects")
    # the URL of a Slack webhook as Slack shows it, for example, leads to another scheme than its own
    return of or _class(arguments["schema"]), dict(arguments)


def _form(scheme: str) -> str:
    """What a URL of a scheme looks like, after apprise's own description of it."""
    if scheme in ("mailto", "mailtos"):
        return f"{scheme}://user:password@smtp.example.com?to=team@example.com"
    template = str(_class(scheme).templates[0]).replace("{schema}", scheme)
    return re.sub(r"\{(\w+)\}", lambda found: found[1].upper(), template)


def _class(scheme: str) -> type[Any]:
    from apprise.plugins import N_MGR

    found: type[Any] = _well_known().get(scheme) or N_MGR[scheme]
    return found


@cache
def _well_known() -> dict[str, type[Any]]:
    """Plugins found without apprise's manager, which imports all of its two hundred at the first question."""
    with _quiet():
        from apprise.plugins.custom_form import NotifyForm
        from apprise.plugins.custom_json import NotifyJSON
        from apprise.plugins.custom_xml import NotifyXML
        from apprise.plugins.pagerduty import NotifyPagerDuty

        from watchdog.delivery.email import Email
        from watchdog.delivery.slack import Slack

    found: dict[str, type[Any]] = {}
    for of in (NotifyPagerDuty, Slack, Email, NotifyJSON, NotifyXML, NotifyForm):
        for scheme in (of.protocol, of.secure_protocol):
            found |= dict.fromkeys((scheme,) if isinstance(scheme, str) else scheme or (), of)
    return found


@cache
def _schemes() -> frozenset[str]:
    """Every scheme apprise knows; asking for them imports all its plugins."""
    from apprise.plugins import N_MGR

    with _quiet():
        return frozenset(N_MGR.schemas())  # type: ignore[no-untyped-call]


@cache
def _asset() -> Any:
    from apprise import AppriseAsset, PersistentStoreMode

    return AppriseAsset(
        app_id="watchdog",
        app_desc="watchdog",
        app_url="",
        http_redirects=False,  # a redirect would take the message, and what it is signed with, wherever it likes
        storage_mode=PersistentStoreMode.MEMORY,
        pgp_autogen=False,
        pem_autogen=False,
    )


@cache
def _watched(of: type[Any]) -> type[Any]:
    """The plugin class, answering apprise's question before each recipient from a memory that outlives the plugin: who
    has accepted a message is not sent it again when another recipient of the same URL is tried once more."""

    class ServiceView(of):  # type: ignore[misc]
        attempt: Attempt
        accepted: set[Any]

        def is_delivered(self, key: Any, per_message: bool = False) -> bool:
            delivered = self._slot(key, per_message) in self.accepted
            return delivered or bool(super().is_delivered(key, per_message))

        def mark_delivered(self, key: Any, per_message: bool = False) -> None:
            self.accepted.add(self._slot(key, per_message))

    ServiceView.__name__ = of.__name__
    return ServiceView


@contextmanager
def _quiet() -> Iterator[None]:
    """apprise imports modules that Python or their authors have given up; nobody here can do anything about it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        yield
