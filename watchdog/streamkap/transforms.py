"""Transforms: Flink jobs, whose states and numbers come with their details, or job by job."""

from __future__ import annotations

from typing import Any

from watchdog.errors import ApiError
from watchdog.readings.fleet import Kind
from watchdog.streamkap.budget import Budget
from watchdog.streamkap.client import StreamkapClient
from watchdog.streamkap.collection import CollectionPoll, CollectionResult
from watchdog.streamkap.decode import Layer
from watchdog.streamkap.entities import text
from watchdog.streamkap.pages import Item

_FROM_CHECKPOINT = ("state_size", "end_to_end_duration", "alignment_buffered", "num_subtasks",
                    "num_acknowledged_subtasks")  # fmt: skip
#: Answers that say the details endpoint is not there for us; each job's own status still may be.
_NO_DETAILS = (403, 404, 405, 501)


class TransformPoll(CollectionPoll):
    """The part of a poll that is about transforms."""

    def __init__(self, client: StreamkapClient, listing_every: float) -> None:
        super().__init__(Kind.TRANSFORM, client, listing_every)

    def read(self, at: float, budget: Budget) -> CollectionResult:
        result = CollectionResult()
        if self._wants_listing(at):
            self._list(at, result, budget)
        if not self.items:
            return result
        metrics: dict[str, dict[str, Any]] = {}
        pages = self._client.transform_details(budget)
        for item in pages.items:
            metrics[item["id"]] = _metrics(item)
        if pages.error is not None and pages.error.status not in _NO_DETAILS:
            result.errors.append(pages.error)
            result.dark |= self.items.keys() - metrics.keys()
        self._ask_jobs(metrics, result, budget)
        self._list_again |= bool(metrics.keys() - self.items.keys()) and result.listed is None
        self._list_again |= any(not metrics.get(id) for id in self.items if id not in result.dark)
        result.layers = {Kind.TRANSFORM: [Layer(metrics)]}
        return result

    def _ask_jobs(self, metrics: dict[str, dict[str, Any]], result: CollectionResult, budget: Budget) -> None:
        """The state of each job that the details say nothing about."""
        ids = [id for id in self.items if id not in result.dark and "transform_status" not in metrics.get(id, {})]
        for id, job in zip(
            ids, self._client.together(lambda id: self._client.job_status(id, budget), ids, budget), strict=True
        ):
            if isinstance(job, ApiError):
                self._failed(job, [id], result)
            elif job is not None and text(job.get("status")):
                metrics.setdefault(id, {})["transform_status"] = text(job["status"])


def _metrics(item: Item) -> dict[str, Any]:
    """The scalars of a transform's details under their own names, its state, and those of its newest checkpoint."""
    inside: Any = item.get("metrics")
    found: dict[str, Any] = {}
    if isinstance(inside, dict):
        found.update({name: value for name, value in inside.items() if not isinstance(value, dict)})
        checkpoints = inside.get("checkpoints")
        latest = checkpoints.get("latest") if isinstance(checkpoints, dict) else None
        if isinstance(latest, dict):
            found.update({name: latest[name] for name in _FROM_CHECKPOINT if name in latest})
            found["checkpoint_status"] = text(latest.get("status")) or None
    status = text(found.get("status")) or text(item.get("status"))
    if status:
        found["transform_status"] = status
    return found
