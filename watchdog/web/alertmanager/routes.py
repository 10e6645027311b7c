"""The paths of Alertmanager's API and what each answers."""

from __future__ import annotations

import time
from collections.abc import Callable

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from watchdog import __version__
from watchdog.store.audit import Action
from watchdog.web.access import Access
from watchdog.web.alertmanager.alerts import Alerts, filters, flag
from watchdog.web.alertmanager.configuration import PAGE, configuration
from watchdog.web.alertmanager.silences import in_order, post, same_matchers, silence_object
from watchdog.web.resource import Act, Asked, Resource, WrongError
from watchdog.web.times import instant_text
from watchdog.web.view import ServiceView

_VERSION = dict.fromkeys(("branch", "buildDate", "buildUser", "goVersion", "revision"), "")
_NO_SILENCE = "there is no silence with this id"


def routes(watched: ServiceView, access: Access, clock: Callable[[], float] = time.time) -> list[Route]:
    """Reading and changing need what the settings say; an error is a JSON string that says why."""
    started = clock()
    known = Alerts(watched, clock)

    def status(asked: Asked) -> Response:
        return _json({
            "cluster": {"status": "disabled", "peers": []},
            "versionInfo": {**_VERSION, "version": __version__},
            "config": {"original": configuration(watched.policy)},
            "uptime": instant_text(started),
        })  # fmt: skip

    def receivers(asked: Asked) -> Response:
        labelless = filters(asked, "receiver_matchers")
        names = list(watched.policy.receivers) or [PAGE]
        return _json([{"name": name} for name in names if all(one.matches({}) for one in labelless)])

    def silences(asked: Asked) -> Response:
        now, wanted = clock(), filters(asked)
        states = {state for state in ("active", "pending", "expired") if flag(asked, state)}
        found = [one for one in watched.store.silences() if one.state(now) in states and same_matchers(one, wanted)]
        return _json([silence_object(one, now) for one in in_order(found, now)])

    def silence(asked: Asked) -> Response:
        wanted = asked.request.path_params["id"]
        found = next((one for one in watched.store.silences() if one.id == wanted), None)
        if found is None:
            raise WrongError(404, _NO_SILENCE)
        return _json(silence_object(found, clock()))

    def expire(asked: Asked) -> Response:
        found = watched.expire_silence(asked.request.path_params["id"])
        if found is None:
            raise WrongError(404, _NO_SILENCE)
        access.record(access.actor(asked.request), Action.SILENCE, f"expired: {found.text}")
        return Response(status_code=200)

    def make(asked: Asked) -> Response:
        silence, by = post(watched, asked.body, access.actor(asked.request), clock())
        access.record(by, Action.SILENCE, f"made: {silence.text}")
        return _json({"silenceID": silence.id})

    def resource(bodies: frozenset[str] = frozenset(), **methods: Act) -> Resource:
        return Resource(access, methods, _said, bodies)

    return [
        resource(GET=status).route("/api/v2/status"),
        resource(GET=receivers).route("/api/v2/receivers"),
        resource(GET=lambda asked: _json(known.alerts(asked))).route("/api/v2/alerts"),
        resource(GET=lambda asked: _json(known.groups(asked))).route("/api/v2/alerts/groups"),
        resource(frozenset({"POST"}), GET=silences, POST=make).route("/api/v2/silences"),
        resource(GET=silence, DELETE=expire).route("/api/v2/silence/{id}"),
    ]  # fmt: skip


def _json(found: object) -> Response:
    return JSONResponse(found, headers={"Cache-Control": "no-store"})


def _said(cause: WrongError) -> Response:
    return JSONResponse(cause.why, cause.status, headers={"Cache-Control": "no-store"})
