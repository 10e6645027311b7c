"""What can be asked of the metrics endpoints, by the API's own names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Literal

TimeType = Literal["latest", "timeseries", "timesummary"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsQuery:
    """Every query parameter of `GET /sources/metrics`; None is not sent. Instants are seconds since the epoch.

    `from_` and `size` page the connectors by key, `topic_list_from` and `topic_list_size` the topics of the answer.
    """

    id: str | None = None
    topic_list_from: int | None = None
    topic_list_size: int | None = None
    from_: str | None = None
    size: int | None = None
    level: str | None = None
    page: int | None = None
    timestamp_to: float | None = None
    timestamp_from: float | None = None
    time_unit: str | None = None
    time_interval: int | None = None
    time_type: TimeType | None = None
    tenant_ids: Sequence[str] | None = None
    ids: Sequence[str] | None = None
    snapshot: str | None = None
    sort: str | None = None
    sort_dir: Literal["asc", "desc"] | None = None

    def params(self) -> dict[str, str]:
        """As a query string's parameters."""
        found = {}
        for entry in fields(self):
            value = getattr(self, entry.name)
            if value is None:
                continue
            name = entry.name.rstrip("_")
            if name.startswith("timestamp_"):
                found[name] = iso(float(value))
            elif isinstance(value, str | int):
                found[name] = str(value)
            else:
                found[name] = ",".join(value)
        return found


def iso(at: float) -> str:
    """An instant as the API takes it: 2025-03-02T07:10:15Z."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
