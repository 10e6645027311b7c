"""`/metrics`: the watchdog's own numbers for Prometheus."""

from __future__ import annotations

from collections import Counter

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from watchdog import __version__
from watchdog.cycle.engine import Engine
from watchdog.readings.catalogue import CATALOGUE
from watchdog.rules.verdicts import Verdicts


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
        judged = self._engine.judged
        if judged is not None:
            for name, value in sorted(judged.own.items()):
                known = CATALOGUE.get(name)
                meaning = known.meaning if known is not None else name
                families.append(GaugeMetricFamily(f"watchdog_{name}", meaning, value=value))
        alerts = GaugeMetricFamily(
            "watchdog_alerts", "Alerts by rule, severity and state.", labels=["alertname", "severity", "state"]
        )
        for labels, count in sorted(self._alerts().items()):
            alerts.add_metric(labels, count)
        return [*families, alerts]

    def _alerts(self) -> Counter[tuple[str, str, str]]:
        rules = self._engine.policy.by_name
        judged = {} if self._engine.judged is None else self._engine.judged.verdicts
        found: Counter[tuple[str, str, str]] = Counter()
        for key, state in self._engine.states().items():
            if state.phase in ("pending", "firing") and key.rule in rules:
                verdicts: Verdicts | None = judged.get(key.rule)
                severity = rules[key.rule].terms.severity
                row = None if verdicts is None else verdicts.table.row.get(key.entity_key)
                if verdicts is not None and row is not None:
                    position = int(verdicts.rows.searchsorted(row))
                    if position < len(verdicts.rows) and verdicts.rows[position] == row:
                        severity = verdicts.rule.variants[int(verdicts.variant[position])].severity
                found[key.rule, str(severity), str(state.phase)] += 1
        return found
