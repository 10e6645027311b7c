"""`watchdog doctor`: tries what a deployment needs, without sending anything, and says what to fix."""

from __future__ import annotations

import email.utils
import os
import shutil
import socket
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx

from watchdog.app.certificates import trust
from watchdog.app.pagerduty_poll import api_headers
from watchdog.app.startup import client_of
from watchdog.commands.output import as_json as print_json
from watchdog.commands.output import console
from watchdog.configuration.files import load
from watchdog.delivery.targets import check_url
from watchdog.environment import read_variables
from watchdog.errors import ApiError, ConfigError, SignInError, StoreError
from watchdog.settings import Settings
from watchdog.store.store import Store
from watchdog.units import format_bytes, format_duration

_TIMEOUT = 5.0
#: Seconds the clock may be off: alerts, silences and the API's timestamps are compared with it.
_SKEW = 30.0
_ROOM = 500 * 2**20
#: Where services that are named by a scheme alone listen.
_HOSTS = {"slack": "hooks.slack.com", "pagerduty": "events.pagerduty.com", "opsgenie": "api.opsgenie.com",
          "discord": "discord.com", "workflows": "prod.logic.azure.com", "tgram": "api.telegram.org"}  # fmt: skip
_PORTS = {"json": 80, "jsons": 443, "form": 80, "forms": 443, "xml": 80, "xmls": 443, "mailto": 25, "mailtos": 587}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was tried. `text` says what was found and, unless it is fine, what to do."""

    part: str
    state: Literal["OK", "WARN", "FAIL"]
    text: str
    code: int = 0


def doctor(*, as_json: bool) -> int:
    """0 where everything works, 2 for something to configure, 3 where something cannot be reached."""
    findings = []
    out = None if as_json else console()
    for one in _examine():
        findings.append(one)
        if out is not None:
            out.print(f"{one.part:<12} {one.state:<4} {one.text}", markup=False, highlight=False)
    code = max((one.code for one in findings if one.state == "FAIL"), default=0)
    if as_json:
        lines = [{"part": one.part, "state": one.state, "text": one.text} for one in findings]
        print_json({"findings": lines, "exit_code": code})
    return code


def _examine() -> Iterator[Finding]:
    try:
        settings = Settings.load()
        trust(settings.watchdog_ca_file)
    except ConfigError as cause:
        yield from (Finding("settings", "FAIL", line, 2) for line in str(cause).splitlines())
        return
    yield from (Finding("settings", "WARN", warning) for warning in settings.warnings)
    yield Finding("settings", "OK", f"poll every {format_duration(settings.watchdog_poll_every)}")
    if settings.watchdog_ca_file is not None:
        yield Finding("certificates", "OK", f"{settings.watchdog_ca_file} is trusted beside the system's")
    yield from _proxies(settings)
    yield from _api(settings)
    yield from _database(settings)
    yield from _receivers(settings)
    if settings.watchdog_heartbeat_url is not None:
        yield _reached("heartbeat", settings.watchdog_heartbeat_url.get_secret_value())
    else:
        yield Finding("heartbeat", "WARN", "WATCHDOG_HEARTBEAT_URL is not set: nobody notices a dead watchdog")
    yield from _pagerduty(settings)
    yield from _slack(settings)
    yield from _public(settings)


def _pagerduty(settings: Settings) -> Iterator[Finding]:
    """Whether PagerDuty answers to the token that asks for acknowledgements."""
    if settings.pagerduty_api_token is None:
        return
    url, token = settings.pagerduty_api_url, settings.pagerduty_api_token.get_secret_value()
    try:
        answer = httpx.get(f"{url}/incidents", params={"limit": 1}, headers=api_headers(token), timeout=_TIMEOUT)
    except httpx.HTTPError as cause:
        yield Finding("PagerDuty", "FAIL", f"{url} cannot be reached: {type(cause).__name__}", 3)
        return
    if answer.status_code == 200:
        yield Finding("PagerDuty", "OK", f"{url} answers to PAGERDUTY_API_TOKEN")
        return
    what = f"{url} answered {answer.status_code} {answer.reason_phrase}"
    hint = "; check PAGERDUTY_API_TOKEN, and PAGERDUTY_API_URL for the EU service region"
    refused = answer.status_code in (401, 403)
    yield Finding("PagerDuty", "FAIL", what + (hint if refused else ""), 2 if refused else 3)


def _slack(settings: Settings) -> Iterator[Finding]:
    """Whether Slack gives a connection for the buttons; none is opened."""
    if settings.slack_app_token is None:
        return
    from slack_sdk.errors import SlackApiError

    from watchdog.delivery.slack_threads import SlackThreads

    try:
        SlackThreads.client("").apps_connections_open(app_token=settings.slack_app_token.get_secret_value())
    except SlackApiError as cause:
        said = cause.response.get("error", "")
        what = f"Slack answered {said}; SLACK_APP_TOKEN needs the scope connections:write, and Socket Mode switched on"
        yield Finding("Slack", "FAIL", what, 2)
    except Exception as cause:  # no connection, in the words of whatever library found out
        yield Finding("Slack", "FAIL", f"slack.com cannot be reached: {type(cause).__name__}", 3)
    else:
        yield Finding("Slack", "OK", "gives a connection for the buttons of messages")


def _proxies(settings: Settings) -> Iterator[Finding]:
    found = {name: url for name, url in getproxies().items() if name in ("http", "https")}
    if not found:
        return
    host = urlsplit(settings.streamkap_host).hostname or ""
    for name, url in sorted(found.items()):
        parts = urlsplit(url)
        used = "not used for the API (NO_PROXY)" if proxy_bypass(host) else "used for the API and receivers"
        yield _connected("proxy", parts.hostname or "", parts.port or 80, f"{name}: {used}")


def _api(settings: Settings) -> Iterator[Finding]:
    url = urlsplit(settings.streamkap_host)
    host, port = url.hostname or "", url.port or (443 if url.scheme == "https" else 80)
    if "https" not in getproxies() or proxy_bypass(host):
        reached = _connected("API", host, port, settings.streamkap_host)
        if reached.state == "FAIL":
            yield reached
            return
    if not settings.has_credentials:
        yield Finding("API", "FAIL", "no credentials; set STREAMKAP_CLIENT_ID and STREAMKAP_SECRET", 2)
        return
    with client_of(settings) as client:
        budget = client.budget()
        try:
            client.sign_in(budget)
            pages = client.page("/sources", 1, budget)
        except SignInError as cause:
            yield Finding("API", "FAIL", f"{cause}; check STREAMKAP_CLIENT_ID and STREAMKAP_SECRET", 2)
            return
        except ApiError as cause:
            yield Finding("API", "FAIL", f"{cause}", 3)
            return
    many = "sources" if pages.total is None else f"{pages.total} sources"
    yield Finding("API", "OK", f"signed in at {settings.streamkap_host}; it lists {many}")
    yield from _clock(settings.streamkap_host)


def _clock(url: str) -> Iterator[Finding]:
    try:
        sent = httpx.get(url, timeout=_TIMEOUT).headers.get("date", "")
        skew = time.time() - email.utils.parsedate_to_datetime(sent).timestamp()
    except (httpx.HTTPError, TypeError, ValueError):
        return  # no date to compare with
    if abs(skew) > _SKEW:
        side = "ahead of" if skew > 0 else "behind"
        what = f"this clock is {format_duration(abs(skew))} {side} the API's; synchronise it (NTP)"
        yield Finding("clock", "WARN", what)
    else:
        yield Finding("clock", "OK", "agrees with the API's")


def _database(settings: Settings) -> Iterator[Finding]:
    url = settings.watchdog_database_url.get_secret_value()
    try:
        store = Store.open(url, name=settings.watchdog_name, create=False)
        place = store.place
        store.close()
        yield Finding("database", "OK", place)
    except StoreError as cause:
        if "there is no database" not in str(cause):
            yield Finding("database", "FAIL", str(cause), 3)
            return
        yield Finding("database", "OK", "there is none yet; `watchdog run` makes it")
    if url.startswith("sqlite:///"):
        folder = Path(url.removeprefix("sqlite:///") or ".").parent
        if not os.access(folder, os.W_OK):
            yield Finding("database", "FAIL", f"{folder} cannot be written by user {os.geteuid()}; change its owner", 3)
            return
        free = shutil.disk_usage(folder).free
        state: Literal["OK", "WARN"] = "OK" if free >= _ROOM else "WARN"
        more = "" if free >= _ROOM else f"; keep at least {format_bytes(_ROOM)} free"
        yield Finding("disk", state, f"{format_bytes(free)} free in {folder}{more}")
    elif "sslmode=" not in url and not any(host in url for host in ("@localhost", "@127.0.0.1", "@[::1]")):
        what = "sslmode is not set, so the connection falls back to no encryption; add ?sslmode=verify-full"
        yield Finding("database", "WARN", what)


def _receivers(settings: Settings) -> Iterator[Finding]:
    urls: list[str] = []

    def collected(url: str) -> str | None:
        urls.append(url)
        return check_url(url)

    try:
        policy = load(settings.watchdog_rules, read_variables(), check_url=collected)
    except ConfigError as cause:
        yield Finding("rules", "FAIL", f"{str(cause).splitlines()[0]}; `watchdog check` names every mistake", 2)
        return
    yield Finding("rules", "OK", f"{len(policy.rules)} rules in {settings.watchdog_rules}")
    if not urls:
        yield Finding("receivers", "WARN", "no receiver has a target: alerts show on the page and in the log only")
    for host, port in sorted({place for url in urls if (place := _address(url)) is not None}):
        yield _connected("receivers", host, port, host)


def _address(url: str) -> tuple[str, int] | None:
    """Where a target's service listens; None where only apprise knows."""
    scheme, _, rest = url.partition("://")
    if scheme in _HOSTS:
        return _HOSTS[scheme], 443
    if scheme not in _PORTS:
        return None
    parts = urlsplit(f"//{rest}")
    try:
        return (parts.hostname, parts.port or _PORTS[scheme]) if parts.hostname else None
    except ValueError:
        return None


def _public(settings: Settings) -> Iterator[Finding]:
    if not settings.watchdog_public_url:
        yield Finding("public URL", "WARN", "WATCHDOG_PUBLIC_URL is not set: messages carry no links to alerts")
        return
    try:
        answer = httpx.get(f"{settings.watchdog_public_url}/healthz", timeout=_TIMEOUT)
        fine = answer.status_code in (200, 503)
        found = f"answers {answer.status_code} at /healthz"
    except httpx.HTTPError as cause:
        fine, found = False, f"cannot be reached from here ({type(cause).__name__})"
    more = "" if fine else "; check the proxy in front, or ignore this while the service is not running"
    yield Finding("public URL", "OK" if fine else "WARN", f"{settings.watchdog_public_url} {found}{more}")


def _reached(part: str, url: str) -> Finding:
    """The host of a secret URL, whose path is not shown."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    return _connected(part, host, port, host, tls=parts.scheme == "https")


def _connected(part: str, host: str, port: int, what: str, *, tls: bool = False) -> Finding:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError:
        return Finding(part, "FAIL", f"{what}: the name {host!r} is not known here; check DNS", 3)
    error: OSError | None = None
    for family, kind, protocol, _, address in found:
        try:
            with socket.socket(family, kind, protocol) as connection:
                connection.settimeout(_TIMEOUT)
                connection.connect(address)
                if tls:
                    ssl.create_default_context().wrap_socket(connection, server_hostname=host).close()
            return Finding(part, "OK", f"{what}: reached at port {port}")
        except ssl.SSLCertVerificationError as cause:
            why = f"{what}: its certificate is not trusted ({cause.verify_message}); set WATCHDOG_CA_FILE"
            return Finding(part, "FAIL", why, 3)
        except OSError as cause:
            error = cause
    why = f"{what}: no connection to port {port} ({error}); check the firewall and HTTPS_PROXY"
    return Finding(part, "FAIL", why, 3)
