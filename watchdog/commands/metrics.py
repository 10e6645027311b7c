"""`watchdog metrics`: the catalogue of known metrics."""

from __future__ import annotations

from watchdog.commands.output import as_json as print_json
from watchdog.commands.output import console, table
from watchdog.errors import ConfigError
from watchdog.readings.catalogue import CATALOGUE
from watchdog.spelling import did_you_mean
from watchdog.units import format_duration
from watchdog.web.v1.conversion import metric_object


def metrics(name: str | None, *, as_json: bool) -> int:
    """All metrics, or one; raises ConfigError for a name outside the catalogue."""
    if name is not None and name not in CATALOGUE:
        hint = did_you_mean(name, CATALOGUE) or "; `watchdog metrics` lists all"
        raise ConfigError(f"the catalogue has no metric {name}{hint}")
    chosen = [CATALOGUE[name]] if name is not None else [CATALOGUE[one] for one in sorted(CATALOGUE, key=str.lower)]
    if as_json:
        print_json([metric_object(metric) for metric in chosen])
    elif name is not None:
        metric = chosen[0]
        out = console()
        out.print(f"{metric.name}: {metric.meaning}", markup=False)
        out.print(f"on          {', '.join(sorted(metric.on))}", markup=False)
        out.print(f"unit        {metric.unit or 'none'}{' (counter)' if metric.counter else ''}", markup=False)
        if metric.nothing is not None:
            out.print(f"no reading  {metric.nothing:g}", markup=False)
        out.print(f"stale       after {format_duration(metric.stale_after)}", markup=False)
        if metric.sensitive:
            out.print("sensitive   dropped when it is read", markup=False)
    else:
        rows = [(m.name, m.unit or "-", ", ".join(sorted(m.on)), m.meaning) for m in chosen]
        table(("metric", "unit", "on", "meaning"), rows)
    return 0
