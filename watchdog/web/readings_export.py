"""`/metrics/readings`: the last poll's readings in OpenMetrics, for entities that WATCHDOG_EXPORT selects."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

import numpy as np
from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from watchdog.readings.catalogue import CATALOGUE
from watchdog.readings.fleet import REAL_KINDS, Kind, LabelValue
from watchdog.readings.snapshot import Snapshot
from watchdog.rules.selector import Selector
from watchdog.web.access import Access
from watchdog.web.probes import refusal
from watchdog.web.view import ServiceView

PATH = "/metrics/readings"
#: Samples of one answer; more would hold up the service and whoever stores them.
MOST = 50_000
_NO_NAME = re.compile(r"[^a-zA-Z0-9_:]")
_KINDS = tuple(kind for kind in REAL_KINDS if kind is not Kind.WATCHDOG)
#: Whose readings, by labels, and what they are: a sample is (labels, value).
Samples = list[tuple[dict[str, str], float]]


class TooManyError(Exception):
    """More samples than one answer may have."""


class _Readings(Collector):
    def __init__(self, families: Mapping[str, Samples]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        for metric, samples in sorted(self._families.items()):
            known = CATALOGUE.get(metric)
            # totals too: `counter` would add `_total` to their names, and promtool does not read `unknown`
            family = Metric(_name(metric), metric if known is None else known.meaning, "gauge")
            for labels, value in samples:
                family.add_sample(family.name, labels, value)
            yield family


def exposition(snapshot: Snapshot, selected: Selector) -> bytes:
    """The text of one scrape. Raises TooManyError."""
    families: dict[str, Samples] = {}
    for count, (metric, labels, value) in enumerate(_samples(snapshot, selected)):
        if count == MOST:
            raise TooManyError
        families.setdefault(metric, []).append((labels, value))
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Readings(_with_names_of_their_own(families)))
    text: bytes = generate_latest(registry)  # type: ignore[no-untyped-call]
    return text


def _samples(snapshot: Snapshot, selected: Selector) -> Iterator[tuple[str, dict[str, str], float]]:
    """Every reading of the selected entities; a text is the label `value` of a 1."""
    for kind in _KINDS:
        table = snapshot.fleet.table(kind)
        rows = np.flatnonzero(selected.rows(table))
        if not len(rows):
            continue
        labels = {row: _labels(table.entities[row].labels, table.entities[row].key.id) for row in rows}
        for metric in snapshot.names(kind):
            column = snapshot.column(kind, metric)
            for row in rows[column.present[rows]]:
                text = None if column.texts is None else column.texts[row]
                if text is None:
                    yield metric, labels[row], float(column.numbers[row])
                else:
                    yield metric, {**labels[row], "value": str(text)}, 1.0


def _labels(labels: Mapping[str, LabelValue], id_: str) -> dict[str, str]:
    """The labels that have a value; lists as one text."""
    texts = {name: value if isinstance(value, str) else ",".join(value) for name, value in labels.items()}
    return {name: value for name, value in {"id": id_, **texts}.items() if value}


def _name(metric: str) -> str:
    return "streamkap_" + _NO_NAME.sub("_", metric)


def _with_names_of_their_own(families: Mapping[str, Samples]) -> dict[str, Samples]:
    """Metrics whose names are alike once they are written as the format wants: only the first is kept."""
    kept: dict[str, str] = {}
    for metric in sorted(families):
        kept.setdefault(_name(metric), metric)
    return {metric: families[metric] for metric in kept.values()}


def routes(watched: ServiceView, access: Access, selected: Selector | None) -> list[Route]:
    """Read like a page; `selected` is None where WATCHDOG_EXPORT is not set."""

    def readings(request: Request) -> Response:
        if refused := access.may_read(request):
            return refusal(refused)
        if selected is None:
            text = "no readings are exported; set WATCHDOG_EXPORT to whose, e.g. {kind: source}, or {} for all\n"
            return PlainTextResponse(text, 404)
        evaluation = watched.evaluation
        if evaluation is None:
            return PlainTextResponse("no poll has been evaluated yet\n", 503)
        try:
            return Response(exposition(evaluation.snapshot, selected), media_type=CONTENT_TYPE_LATEST)
        except TooManyError:
            text = f"more than {MOST:,} samples; select fewer entities in WATCHDOG_EXPORT, e.g. {{kind: source}}\n"
            return PlainTextResponse(text, 422)

    return [Route(PATH, readings)]
