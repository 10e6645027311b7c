"""`/api/v2`: Alertmanager's API, so that amtool, karma and Grafana work with the watchdog unchanged.

Each firing episode is one alert; alerts cannot be posted, they come from rules.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from hashlib import blake2s
from typing import Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from watchdog import __version__
from watchdog.alerts.episodes import Episode
from watchdog.alerts.silences import Matcher, Silence, parse_matcher
from watchdog.cycle.engine import Engine
from watchdog.errors import StoreError
from watchdog.notify.routes import text_of
from watchdog.web.access import Access
from watchdog.web.probes import refusal
from watchdog.web.seen import Watched

Object = dict[str, Any]
_MOST_BODY = 1 << 20


class _Matcher(msgspec.Struct, rename="camel"):
    name: str
    value: str
    is_regex: bool = False
    is_equal: bool = True


class _Posted(msgspec.Struct, rename="camel"):
    matchers: list[_Matcher]
    starts_at: datetime
    ends_at: datetime
    created_by: str
    comment: str
    id: str = ""


def routes(watched: Watched, access: Access, clock: Callable[[], float] = time.time) -> list[Route]:
    """Reading and changing need what the settings say; wrong input is answered with 400 and why."""
    started = clock()

    def reading(answer: Callable[[Request], Response]) -> Callable[[Request], Response]:
        def guarded(request: Request) -> Response:
            if refused := access.may_read(request.headers, request.cookies):
                return refusal(refused)
            try:
                return answer(request)
            except ValueError as cause:
                return JSONResponse(str(cause), 400)

        return guarded

    def status(request: Request) -> Response:
        version = dict.fromkeys(("branch", "buildDate", "buildUser", "goVersion", "revision"), "")
        return JSONResponse({
            "cluster": {"status": "disabled", "peers": []},
            "versionInfo": {**version, "version": __version__},
            "config": {"original": ""},
            "uptime": _instant(started),
        })  # fmt: skip

    def receivers(request: Request) -> Response:
        with watched.reading() as engine:
            return JSONResponse([{"name": name} for name in engine.policy.receivers])

    def alerts(request: Request) -> Response:
        with watched.reading() as engine:
            return JSONResponse([made for _, made in _chosen(engine, request, clock())])

    def groups(request: Request) -> Response:
        found: dict[Any, Object] = {}
        with watched.reading() as engine:
            for episode, made in _chosen(engine, request, clock()):
                for key, _ in engine.policy.contacts.groups_for(episode.facts.labels):
                    group = found.setdefault(
                        key, {"labels": dict(key.labels), "receiver": {"name": key.receiver}, "alerts": []}
                    )
                    group["alerts"].append(made)
        return JSONResponse(list(found.values()))

    def silences(request: Request) -> Response:
        filters = [parse_matcher(text) for text in request.query_params.getlist("filter")]
        now = clock()
        found = [one for one in watched.store.silences() if _matches_filters(one, filters)]
        return JSONResponse([_silence(one, now) for one in sorted(found, key=lambda one: one.ends)])

    def silence(request: Request) -> Response:
        found = next((one for one in watched.store.silences() if one.id == request.path_params["id"]), None)
        if found is None:
            return JSONResponse("there is no silence with this id", 404)
        return JSONResponse(_silence(found, clock()))

    async def post_silence(request: Request) -> Response:
        if refused := access.may_change(request.headers, request.cookies):
            return refusal(refused)
        body = await request.body()
        return await run_in_threadpool(_post, watched, body, clock())

    def delete_silence(request: Request) -> Response:
        if refused := access.may_change(request.headers, request.cookies):
            return refusal(refused)
        found = watched.expire_silence(request.path_params["id"])
        return JSONResponse("there is no silence with this id", 404) if found is None else Response(status_code=200)

    return [
        Route("/api/v2/status", reading(status)),
        Route("/api/v2/receivers", reading(receivers)),
        Route("/api/v2/alerts", reading(alerts), methods=["GET"]),
        Route("/api/v2/alerts/groups", reading(groups)),
        Route("/api/v2/silences", reading(silences), methods=["GET"]),
        Route("/api/v2/silences", post_silence, methods=["POST"]),
        Route("/api/v2/silence/{id}", reading(silence), methods=["GET"]),
        Route("/api/v2/silence/{id}", delete_silence, methods=["DELETE"]),
    ]


def _post(watched: Watched, body: bytes, now: float) -> Response:
    """Make a silence, or change the one whose id is given."""
    try:
        if len(body) > _MOST_BODY:
            raise ValueError("the body is larger than a silence can be")
        posted = msgspec.json.decode(body, type=_Posted)
        matchers = tuple(Matcher(one.name, one.value, one.is_regex, one.is_equal) for one in posted.matchers)
        starts, ends = _seconds(posted.starts_at), _seconds(posted.ends_at)
        if ends <= now:
            raise ValueError("endsAt has passed; a silence has to end in the future")
        before = next((one for one in watched.store.silences() if one.id == posted.id), None)
        if posted.id and before is None:
            return JSONResponse("there is no silence with this id", 404)
        if before is None:
            made = watched.new_silence(matchers, max(starts, now), ends, posted.created_by, posted.comment)
        else:
            changed = Silence(before.id, matchers, starts, ends, posted.created_by, posted.comment, changed=now)
            made = watched.put_silence(changed)
    except (msgspec.MsgspecError, ValueError) as cause:
        return JSONResponse(str(cause), 400)
    except StoreError as cause:
        return JSONResponse(str(cause), 503)
    return JSONResponse({"silenceID": made.id})


def _chosen(engine: Engine, request: Request, now: float) -> list[tuple[Episode, Object]]:
    """The firing episodes a request asks for. Raises ValueError for a filter that is none."""
    asked = request.query_params
    filters = [parse_matcher(text) for text in asked.getlist("filter")]
    try:
        receiver = re.compile(asked.get("receiver", ".*"))
    except re.error as cause:
        raise ValueError(f"receiver: is not a regular expression: {cause}") from cause
    wanted = {name: asked.get(name, "true").lower() != "false" for name in ("active", "silenced", "inhibited")}
    found = []
    for episode in engine.book.open_episodes():
        labels = engine.current(episode).labels
        names = [key.receiver for key, _ in engine.policy.contacts.groups_for(labels)]
        quiet, suppressed = episode.hold.quiet, episode.hold.suppressed
        if (
            all(one.matches(labels) for one in filters)
            and (not names or any(receiver.fullmatch(name) for name in names))
            and ((quiet and wanted["silenced"]) or (suppressed and wanted["inhibited"])
                 or (not quiet and not suppressed and wanted["active"]))
        ):  # fmt: skip
            found.append((episode, _alert(engine, episode, names, now)))
    return found


def _alert(engine: Engine, episode: Episode, receivers: Sequence[str], now: float) -> Object:
    facts, hold = engine.current(episode), episode.hold
    identity = f"{episode.alert.rule}\0{episode.alert.kind}\0{episode.alert.entity}".encode()
    return {
        "labels": {name: text_of(value) for name, value in facts.labels.items() if value},
        "annotations": engine.annotations(episode, now),
        "startsAt": _instant(episode.began),
        # Alertmanager says until when an alert holds unless it is said again
        "endsAt": _instant(now + 3 * engine.every),
        "updatedAt": _instant(now),
        "fingerprint": blake2s(identity, digest_size=8).hexdigest(),
        "generatorURL": "",
        "receivers": [{"name": name} for name in receivers],
        "status": {
            "state": "suppressed" if hold else "active",
            "silencedBy": list(hold.silences),
            "inhibitedBy": [hold.suppressor] if hold.suppressor else [],
            "mutedBy": list(hold.mutes),
        },
    }


def _silence(silence: Silence, now: float) -> Object:
    state = "active" if silence.active(now) else "expired" if silence.ends <= now else "pending"
    return {
        "id": silence.id,
        "matchers": [{"name": one.name, "value": one.value, "isRegex": one.regex, "isEqual": one.equal}
                     for one in silence.matchers],
        "startsAt": _instant(silence.starts),
        "endsAt": _instant(silence.ends),
        "updatedAt": _instant(silence.changed),
        "createdBy": silence.author,
        "comment": silence.comment,
        "status": {"state": state},
    }  # fmt: skip


def _matches_filters(silence: Silence, filters: Sequence[Matcher]) -> bool:
    """As Alertmanager does: a filter matches a silence that has a matcher on that name with such a value."""
    values = {one.name: one.value for one in silence.matchers}
    return all(one.matches(values) for one in filters)


def _seconds(at: datetime) -> float:
    return (at if at.tzinfo is not None else at.replace(tzinfo=UTC)).timestamp()


def _instant(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
