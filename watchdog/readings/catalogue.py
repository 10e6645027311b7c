"""Every metric the watchdog knows: where it appears, its unit, what it means, and which value means "no reading".

Names are the API's own. A metric outside this list works too; it has no unit and no description.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from watchdog.readings.fleet import REAL_KINDS, Kind

#: A reading older than this many seconds is unknown, unless its metric says otherwise.
STALE_AFTER = 600.0


@dataclass(frozen=True, slots=True)
class Metric:
    """One known metric.

    `unit` is one of "ms", "s", "bytes", "records", "records/s", "state" (a word, or 1 and 0) and "" (a plain number). A
    `counter` only grows, and begins again at 0 when its task restarts. `nothing` is the value that means "no reading";
    only exactly that one: clock skew makes honest readings of a delay negative. Readings of a `sensitive` metric are
    dropped when decoded.
    """

    name: str
    on: frozenset[Kind]
    unit: str
    meaning: str
    counter: bool = False
    nothing: float | None = None
    sensitive: bool = False
    text: bool = False
    stale_after: float = STALE_AFTER


_SOURCE = frozenset({Kind.SOURCE})
_STREAM = frozenset({Kind.SOURCE, Kind.TASK, Kind.TOPIC})
_CONNECTORS = frozenset({Kind.SOURCE, Kind.DESTINATION})
_MOVING = frozenset({Kind.SOURCE, Kind.DESTINATION, Kind.TASK, Kind.TOPIC})
_SINK = frozenset({Kind.DESTINATION, Kind.TASK, Kind.TOPIC})
_TASK = frozenset({Kind.TASK})
_TOPIC = frozenset({Kind.TOPIC})
_TRANSFORM = frozenset({Kind.TRANSFORM})
_PIPELINE = frozenset({Kind.PIPELINE})
_WATCHDOG = frozenset({Kind.WATCHDOG})
_LISTED = frozenset({Kind.SOURCE, Kind.DESTINATION, Kind.TRANSFORM})

_SINCE_START = "since the task was last restarted"


def _state(name: str, on: frozenset[Kind], meaning: str) -> Metric:
    return Metric(name, on, "state", meaning, text=True)


def _flag(name: str, on: frozenset[Kind], meaning: str) -> Metric:
    return Metric(name, on, "state", meaning)


def _count(name: str, on: frozenset[Kind], meaning: str, unit: str = "records") -> Metric:
    return Metric(name, on, unit, meaning, counter=True)


def _debezium(name: str, meaning: str) -> Metric:
    """Debezium answers -1 until there was a first event."""
    return Metric(name, _STREAM, "ms", meaning, nothing=-1.0)


_ALL = (
    # States, from listings and from metrics
    _state("connector_status", _CONNECTORS,
           "Active, Broken, Paused, Stopped, Starting, Unassigned, Pending Update or Unknown."),
    _state("desired_state", _CONNECTORS, "What its operators asked for: Active, Paused, Stopped or Pending."),
    _state("task_status", _TASK,
           "RUNNING, FAILED, PAUSED, RESTARTING, UNASSIGNED, STOPPED or DESTROYED, as Kafka Connect says."),
    _state("transform_status", _TRANSFORM,
           "State of the Flink job: RUNNING, FAILED, FAILING, RESTARTING, INITIALIZING and others."),
    _state("status", frozenset({Kind.PIPELINE, Kind.TRANSFORM, Kind.SOURCE, Kind.DESTINATION, Kind.TASK}),
           "State of a pipeline: Active, Stopped or Broken; elsewhere the state under another name."),
    _state("pipeline_status", frozenset({Kind.PIPELINE, Kind.DESTINATION, Kind.TOPIC}),
           "State of the pipeline, as the lineage tells it."),
    _state("state", _STREAM, "What the source does: Streaming or Snapshotting."),
    _state("streamingState", _STREAM, "connected while the source reads its database's log."),
    _state("snapshotState", _STREAM, "How the snapshot stands: running, completed, failed, pending or cancelled."),
    _state("snapshot_status", _TOPIC,
           "How the snapshot of this table stands: running, completed, failed, pending or cancelled."),
    # Debezium, streaming
    _debezium("StreamingMilliSecondsBehindSource",
              "How far the last captured event lagged behind; frozen while idle, negative under clock skew."),
    _debezium("StreamingMilliSecondsSinceLastEvent",
           "Time since the last event was read; the honest clock of idleness."),
    *(_debezium(f"StreamingMilliSecondsBehindSource{part}", f"{what} of that delay since the connection was made.")
      for part, what in (("MinValue", "Smallest"), ("MaxValue", "Largest"), ("AverageValue", "Average"),
                         ("P50", "Median"), ("P95", "95th percentile"), ("P99", "99th percentile"))),
    _flag("StreamingConnected", _STREAM, "1 while connected; 0 in a snapshot, gone while the database is away."),
    _count("StreamingTotalNumberOfCreateEventsSeen", _STREAM, f"Inserts read {_SINCE_START}."),
    _count("StreamingTotalNumberOfUpdateEventsSeen", _STREAM, f"Updates read {_SINCE_START}."),
    _count("StreamingTotalNumberOfDeleteEventsSeen", _STREAM, f"Deletes read {_SINCE_START}."),
    _count("StreamingTotalNumberOfEventsSeen", _STREAM, f"Events read {_SINCE_START}."),
    _count("StreamingNumberOfEventsFiltered", _STREAM,
           f"Events left out, of tables that are not captured or by filters, {_SINCE_START}."),
    _count("StreamingNumberOfErroneousEvents", _STREAM, f"Events that could not be handled {_SINCE_START}."),
    _count("StreamingNumberOfDisconnects", _STREAM, "Times the database connection was lost.", ""),
    _count("StreamingNumberOfCommittedTransactions", _STREAM,
           f"Transactions with captured changes {_SINCE_START}.", ""),
    Metric("StreamingQueueTotalCapacity", _STREAM, "records", "Places in the queue between reading and writing."),
    Metric("StreamingQueueRemainingCapacity", _STREAM, "records", "Free places in that queue; 0 is backpressure."),
    Metric("StreamingLastEvent", _STREAM, "",
           "The last event; holds row keys, so it is never kept.", sensitive=True, text=True),
    # Debezium, snapshot
    _debezium("SnapshotMilliSecondsSinceLastEvent", "Time since the snapshot read its last row."),
    _count("SnapshotTotalNumberOfEventsSeen", _STREAM, f"Rows the snapshot read {_SINCE_START}."),
    _flag("SnapshotRunning", _STREAM, "1 while a snapshot runs."),
    _flag("SnapshotCompleted", _STREAM, "1 once the snapshot ended; not reliable, prefer snapshotState."),
    _flag("SnapshotAborted", _STREAM, "1 if the snapshot was given up."),
    _flag("SnapshotPaused", _STREAM, "1 while the snapshot is paused."),
    Metric("SnapshotRemainingTableCount", _STREAM, "", "Tables the snapshot has still to read."),
    Metric("SnapshotTotalTableCount", _STREAM, "", "Tables of the snapshot."),
    Metric("SnapshotDurationInSeconds", _STREAM, "s", "How long the snapshot has taken so far."),
    Metric("SnapshotPercentageComplete", _STREAM, "", "Share of the snapshot that is done, 0 to 100."),
    Metric("snapshotPercentageComplete", _STREAM, "", "Share of the snapshot that is done, 0 to 100."),
    Metric("SnapshotLastEvent", _STREAM, "", "The snapshot's last row; holds row keys, so it is never kept.",
           sensitive=True, text=True),
    # Kafka Connect and the producer
    _count("sourceRecordWriteTotal", _MOVING,
           f"Records written to Kafka {_SINCE_START}; of a destination, to the target."),
    _count("sourceRecordPollTotal", _STREAM, f"Records polled, before transformations, {_SINCE_START}."),
    Metric("sourceRecordPollRate", _STREAM, "records/s", "Records polled a second."),
    Metric("sourceRecordWriteRate", _STREAM, "records/s", "Records written a second."),
    Metric("sourceRecordActiveCount", _STREAM, "records", "Records polled but not yet written."),
    _count("recordSendTotal", _MOVING, f"Records sent {_SINCE_START}."),
    _count("recordRetryTotal", _MOVING, f"Sends that had to be repeated {_SINCE_START}.", ""),
    _count("recordErrorTotal", _MOVING, f"Sends that failed {_SINCE_START}.", ""),
    _count("byteTotal", _MOVING, f"Bytes sent {_SINCE_START}.", "bytes"),
    _count("sinkRecordReadTotal", _SINK, f"Records read from Kafka {_SINCE_START}."),
    _count("sinkRecordSendTotal", _SINK,
           f"Records handed to the destination {_SINCE_START}; not necessarily committed there."),
    Metric("sinkRecordLagMax", _SINK, "records", "The longest lag among its partitions."),
    Metric("sinkRecordActiveCount", _SINK, "records", "Records read but not yet committed."),
    _count("totalRecordErrors", _MOVING, f"Errors while handling records {_SINCE_START}.", ""),
    _count("totalRecordFailures", _MOVING, f"Records that failed for good {_SINCE_START}."),
    _count("totalRecordsSkipped", _MOVING, f"Records skipped because of errors {_SINCE_START}."),
    _count("totalRetries", _MOVING, f"Retries {_SINCE_START}.", ""),
    _count("deadletterqueueProduceRequests", _MOVING, f"Records meant for the dead letter queue {_SINCE_START}."),
    _count("deadletterqueueProduceFailures", _MOVING,
           f"Records that even the dead letter queue refused {_SINCE_START}."),
    # Streamkap's own
    Metric("latency", frozenset({*_MOVING, Kind.PIPELINE, Kind.TRANSFORM}), "ms",
           "Delay of the newest data, as Streamkap computes it."),
    Metric("recordsLag", frozenset({*_MOVING, Kind.PIPELINE}), "records", "Records waiting to be delivered."),
    Metric("lag", frozenset({Kind.DESTINATION, Kind.TOPIC}), "records", "Records waiting to be delivered."),
    Metric("qaCount", frozenset({Kind.DESTINATION, Kind.TOPIC}), "records",
           "Records counted at the destination by the audit."),
    Metric("sourceQaCount", frozenset({Kind.SOURCE, Kind.TOPIC}), "records",
           "Records counted at the source by the audit."),
    _count("messages_in", _TOPIC, "Messages written to the topic."),
    _count("messages_out", _TOPIC, "Messages read from the topic."),
    _count("bytes_in", _TOPIC, "Bytes written to the topic.", "bytes"),
    _count("bytes_out", _TOPIC, "Bytes read from the topic.", "bytes"),
    Metric("retention.ms", _TOPIC, "ms", "How long Kafka keeps the topic's messages before it deletes them."),
    Metric("avg_latency_ms", _TOPIC, "ms", "Average delay of the topic's messages."),
    Metric("messages_7d", _TOPIC, "records", "Messages of the last 7 days."),
    Metric("messages_30d", _TOPIC, "records", "Messages of the last 30 days."),
    # Lineage
    Metric("max_latency_ms", _LISTED, "ms", "The longest delay among its topics."),
    Metric("total_speed_rps", _LISTED, "records/s", "Records a second over all its topics."),
    Metric("total_lag", _LISTED, "records", "Records waiting, over all its topics."),
    Metric("topic_count", _LISTED, "", "Topics it has."),
    Metric("total_topic_count", _LISTED, "", "Topics it has, those of the dead letter queue included."),
    Metric("error_count", _LISTED, "", "Errors Streamkap counts for it."),
    Metric("percent_complete", _SOURCE, "", "Share of the snapshot that is done, 0 to 100."),
    Metric("total_table_count", _SOURCE, "", "Tables of the snapshot."),
    Metric("remaining_table_count", _SOURCE, "", "Tables the snapshot has still to read."),
    Metric("eta_ms", frozenset({Kind.SOURCE, Kind.TOPIC}), "ms", "Time the snapshot will still take, estimated."),
    Metric("duration_ms", _TOPIC, "ms", "How long the table's snapshot has taken."),
    Metric("rows_scanned", _TOPIC, "records", "Rows of the table the snapshot has read."),
    Metric("rows_total", _TOPIC, "records", "Rows of the table."),
    # Transforms
    Metric("tasks", _TRANSFORM, "", "Tasks of the Flink job."),
    Metric("duration", _TRANSFORM, "ms", "How long the Flink job has been running."),
    Metric("start_time", _TRANSFORM, "", "When the job started, in milliseconds since 1970."),
    Metric("end_time", _TRANSFORM, "", "When the job ended, in milliseconds since 1970."),
    _state("checkpoint_status", _TRANSFORM, "State of the newest checkpoint: COMPLETED, IN_PROGRESS or FAILED."),
    Metric("state_size", _TRANSFORM, "bytes", "Size of the newest checkpoint."),
    Metric("end_to_end_duration", _TRANSFORM, "ms", "How long the newest checkpoint took."),
    Metric("alignment_buffered", _TRANSFORM, "bytes", "Bytes held back while the newest checkpoint was aligned."),
    Metric("num_subtasks", _TRANSFORM, "", "Subtasks that take part in the newest checkpoint."),
    Metric("num_acknowledged_subtasks", _TRANSFORM, "", "Subtasks that have acknowledged it."),
    # The watchdog's own
    Metric("reading_age", frozenset({*REAL_KINDS, Kind.CONNECTOR}), "s",
           "Time since the newest reading, or since it was first listed if it never had one."),
    Metric("poll_age", _WATCHDOG, "s", "Time since the last poll that succeeded."),
    Metric("poll_failures", _WATCHDOG, "", "Polls that failed, in a row."),
    Metric("auth_failures", _WATCHDOG, "", "Polls whose credentials were refused, in a row."),
    Metric("entities", _WATCHDOG, "", "Entities watched."),
    Metric("entities_without_readings", _WATCHDOG, "", "Entities that the last poll answered for without any reading."),
    Metric("readings_missing_share", _WATCHDOG, "", "Largest share of a kind's entities without a reading, 0 to 1."),
    Metric("values_dropped", _WATCHDOG, "", "Values of the last poll that could not be read."),
    Metric("rules_invalid", _WATCHDOG, "", "Mistakes in the rule files on disk; the last good configuration runs."),
    Metric("web_refusals", _WATCHDOG, "", "Wrong tokens and signatures sent to this replica in the last minute."),
    Metric("rules_never_matching", _WATCHDOG, "",
           "Enabled rules that for an hour of good polls matched no entity or were always unknown."),
    Metric("deliveries_waiting", _WATCHDOG, "", "Messages that no target has accepted yet."),
    Metric("delivery_oldest_age", _WATCHDOG, "s", "How long the oldest of them has waited."),
    Metric("targets_failing", _WATCHDOG, "", "Targets whose last delivery failed."),
    Metric("polls_missed", _WATCHDOG, "", "Polls skipped because the one before took too long.", counter=True),
    Metric("cycle_seconds", _WATCHDOG, "s", "How long the last cycle took."),
    Metric("recording_seconds", _WATCHDOG, "s", "How far back the recording of polls reaches."),
)  # fmt: skip

#: Every known metric by name.
CATALOGUE: Mapping[str, Metric] = MappingProxyType({metric.name: metric for metric in _ALL})


def unit_of(name: str) -> str:
    """The unit of a metric; "" outside the catalogue."""
    known = CATALOGUE.get(name)
    return known.unit if known else ""
