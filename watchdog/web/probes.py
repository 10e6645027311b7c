"""Probes, `/metrics` and reload: the endpoints that machines ask."""

from __future__ import annotations

from collections import Counter

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from watchdog import __version__
from watchdog.cycle.engine import Engine
from watchdog.readings.catalogue import CATALOGUE
from watchdog.rules.verdicts import Verdicts
from watchdog.web.access import Access, Refusal
from watchdog.web.view import ServiceView


def exposition(engine: Engine) -> bytes:
    """The text format, made anew for each scrape from the last poll."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Own(engine))
    return generate_latest(registry)


class _Own(Collector):
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def collect(self) -> list[GaugeMetricFamily]:
        info = GaugeMetricFamily("watchdog_build_info", "Which version runs.", labels=["version"])
        info.add_metric([__version__], 1)
        families = [info]
        evaluation = self._engine.evaluation
        if evaluation is not None:
            for name, value in sorted(evaluation.own.items()):
                known = CATALOGUE.get(name)
                meaning = known.meaning if known is not None else name
                if name == "entities_without_readings":
                    family = GaugeMetricFamily(f"watchdog_{name}", meaning, labels=["kind"])
                    for kind, count in sorted(evaluation.without_readings.items()):
                        family.add_metric([str(kind)], count)
                    families.append(family)
                else:
                    families.append(GaugeMetricFamily(f"watchdog_{name}", meaning, value=value))
        alerts = GaugeMetricFamily(
            "watchdog_alerts", "Alerts by rule, severity and state.", labels=["alertname", "severity", "state"]
        )
        for labels, count in sorted(self._alerts().items()):
            alerts.add_metric(labels, count)
        return [*families, alerts]

    def _alerts(self) -> Counter[tuple[str, str, str]]:
        rules = self._engine.policy.by_name
        evaluation = {} if self._engine.evaluation is None else self._engine.evaluation.verdicts
        found: Counter[tuple[str, str, str]] = Counter()
        for key, state in self._engine.states().items():
            if state.phase in ("pending", "firing") and key.rule in rules:
                verdicts: Verdicts | None = evaluation.get(key.rule)
                severity = rules[key.rule].terms.severity
                row = None if verdicts is None else verdicts.table.row.get(key.entity_key)
                if verdicts is not None and row is not None:
                    position = int(verdicts.rows.searchsorted(row))
                    if position < len(verdicts.rows) and verdicts.rows[position] == row:
                        severity = verdicts.rule.variants[int(verdicts.variant[position])].severity
                found[key.rule, str(severity), str(state.phase)] += 1
        return found


#: Open to everybody, answered at once.
PROBES = frozenset({"/healthz", "/readyz"})
_METRICS = "text/plain; version=0.0.4; charset=utf-8"


def routes(watched: ServiceView, access: Access) -> list[Route]:
    """The probes are always open; `/metrics` is read like a page; `/-/reload` is a change."""

    # Probes run on the event loop itself and ask no database: neither strangers nor an outage can make them wait.

    async def healthz(request: Request) -> Response:
        if watched.stands_by:
            return PlainTextResponse("ok, standing by\n")
        fine = watched.healthy()
        return PlainTextResponse("ok\n" if fine else "cycles do not end\n", 200 if fine else 503)

    async def readyz(request: Request) -> Response:
        if watched.stands_by:
            return PlainTextResponse("ok, standing by\n")
        fine = watched.ready()
        return PlainTextResponse("ok\n" if fine else "no poll has succeeded yet\n", 200 if fine else 503)

    def metrics(request: Request) -> Response:
        if refused := access.may_read(request):
            return refusal(refused)
        with watched.reading() as engine:
            text = exposition(engine)
        return Response(text, media_type=_METRICS)

    def reload(request: Request) -> Response:
        if refused := access.may_change(request):
            return refusal(refused)
        wrong = watched.reload(access.actor(request))
        return PlainTextResponse(f"{wrong}\n" if wrong else "reloaded\n", 422 if wrong else 200)

    return [
        Route("/healthz", healthz),
        Route("/readyz", readyz),
        Route("/metrics", metrics),
        Route("/-/reload", reload, methods=["POST"]),
    ]


def refusal(refused: Refusal) -> Response:
    """Why a request is not answered, with what a client needs to do better."""
    return PlainTextResponse(refused.why + "\n", refused.status, refused.headers)
