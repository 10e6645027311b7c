"""Items of the listing endpoints: sources, destinations, pipelines, transforms, topics and tags as JSON documents."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from watchdog.simulator import naming
from watchdog.simulator.dialect import Dialect
from watchdog.simulator.fleet import (
    SERVICE,
    SUBSCRIBER,
    TENANT,
    Destination,
    Pipeline,
    Source,
    Transform,
    created,
    object_id,
)
from watchdog.simulator.measure import measure
from watchdog.simulator.world import Value, World

Item = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Listings:
    """Items as they are at one instant `at` of the world, which is `now` on the client's clock."""

    world: World
    dialect: Dialect
    at: float
    now: float

    def sources(self) -> list[Source]:
        return [source for source in self.world.fleet.sources if self.world.exists(source, self.at)]

    def destinations(self) -> list[Destination]:
        return [found for found in self.world.fleet.destinations if self.world.exists(found, self.at)]

    def pipelines(self) -> list[Pipeline]:
        return [pipeline for pipeline in self.world.fleet.pipelines if self.world.exists(pipeline, self.at)]

    def transforms(self) -> list[Transform]:
        return [transform for transform in self.world.fleet.transforms if self.world.exists(transform, self.at)]

    def connector(self, entity: Source | Destination) -> Item:
        """An item of /sources or /destinations."""
        state = self.world.connector(entity, self.at)
        if isinstance(entity, Source):
            topic_ids: Iterable[str] = entity.topic_ids
            tables: Iterable[str] = entity.tables
        else:
            topic_ids = self.world.fleet.topics_into.get(entity.id, ())
            tables = [topic.partition(".")[2] for topic in topic_ids]
        item: Item = {
            "name": self.world.name(entity, self.at),
            "connector": entity.connector,
            "id": entity.id,
            "connector_display_name": naming.DISPLAY.get(entity.connector, entity.connector),
            "created_timestamp": created(entity),
            "sub_id": SUBSCRIBER,
            "tenant_id": TENANT,
            "config": {},
            "topic_ids": list(topic_ids),
            "topic_map": {},
            "topics": list(tables),
            "tasks": list(state.tasks),
            "connector_status": state.status,
            "task_statuses": self._tasks(state.tasks),
            "desired_state": state.desired,
            "tags": list(entity.tags),
            "kc_cluster_id": "kc-1",
        }
        if isinstance(entity, Source):
            item["service_id"] = SERVICE
        return self._more(item)

    def pipeline(self, entity: Pipeline) -> Item:
        """An item of /pipelines; its state is told by its metrics only."""
        source, destination = self.world.find(entity.source, self.at), self.world.find(entity.destination, self.at)
        topic_ids = list(source.topic_ids) if isinstance(source, Source) else []
        jobs = [self.world.find(id, self.at) for id in entity.transforms]
        return self._more({
            "name": self.world.name(entity, self.at),
            "sub_id": SUBSCRIBER,
            "tenant_id": TENANT,
            "id": entity.id,
            "snapshot_new_tables": True,
            "topic_ids": topic_ids,
            "topics": [topic.partition(".")[2] for topic in topic_ids],
            "source": self.connector(source) if isinstance(source, Source) else None,
            "destination": self.connector(destination) if isinstance(destination, Destination) else None,
            "transforms": [self.transform(job) for job in jobs if isinstance(job, Transform)],
            "tags": list(entity.tags),
            "periodic_audit": None,
        })  # fmt: skip

    def transform(self, entity: Transform) -> Item:
        """An item of /transforms."""
        return self._more({
            "id": entity.id,
            "name": self.world.name(entity, self.at),
            "transform_type": entity.transform_type,
            "tenant_id": TENANT,
            "config": [{}],
            "sql_query": "",
            "tags": list(entity.tags),
            "status": self.world.transform(entity, self.at),
            **_output(entity),
        })  # fmt: skip

    def transform_details(self, entity: Transform) -> Item:
        """An item of /transforms/details, with the job's own numbers."""
        began = self.world.transform_ran_since(entity, self.at)
        status = self.world.transform(entity, self.at)
        since = round((self.now - (self.at - began)) * 1000)
        running = status == "RUNNING"
        measured = measure(self.world, entity, self.at)
        numbers = measured.own if measured else {}
        taken = round(self.now // 60 * 60 * 1000)
        metrics: Item = {
            "tasks": 1,
            "latency": numbers.get("latency") if running else None,
            "status": status,
            "duration": round((self.at - began) * 1000),
            "start_time": since,
            "end_time": "" if running else round(self.now * 1000),
            "checkpoints": {
                "job_id": object_id(entity.id, "job", began),
                "counts": {},
                "summary": {},
                "latest": {
                    "id": int((self.at - began) // 60),
                    "status": "COMPLETED" if running else "FAILED",
                    "is_savepoint": False,
                    "trigger_timestamp": taken,
                    "latest_ack_timestamp": taken + 900,
                    "state_size": 1024 + entity.key % 4096,
                    "end_to_end_duration": 900,
                    "alignment_buffered": 0,
                    "num_subtasks": 4,
                    "num_acknowledged_subtasks": 4,
                },
                "history": [],
                "operator_breakdown": [],
            },
        }
        metrics |= {name: value for name, value in numbers.items() if name not in metrics}
        return self._more({
            "metrics": metrics if measured else None,
            "config": [{}],
            "id": entity.id,
            "name": self.world.name(entity, self.at),
            "transform_type": entity.transform_type,
            "sql_query": "",
            "tags": list(entity.tags),
            **_output(entity),
        })  # fmt: skip

    def topics(self) -> list[Item]:
        """Items of /topics/details: the tables of sources, then the dead letter queues of destinations."""
        found = []
        for source in self.sources():
            entity = self._owner("sources", source, source.topic_ids)
            found += [
                _topic(topic, table, entity, f"source_{source.id}")
                for topic, table in zip(source.topic_ids, source.tables, strict=True)
            ]
        for destination in self.destinations():
            topic = f"destination_{destination.id}.streamkap.deadletterqueue"
            entity = self._owner("destinations", destination, (topic,))
            found.append(_topic(topic, "streamkap.deadletterqueue", entity, f"destination_{destination.id}"))
        return found

    def tags(self) -> list[Item]:
        """Items of /tags."""
        kinds = ["sources", "destinations", "pipelines", "transforms"]
        return [
            {"id": id, "name": name, "type": kinds, "description": None, "custom": True}
            for id, name in self.world.fleet.tags.items()
        ]

    def _tasks(self, tasks: Mapping[int, Value]) -> Item:
        found: Item = {}
        for number, value in tasks.items():
            key = self.dialect.task_key
            if key == "mixed":
                key = "state" if number % 2 else "status"
            found[str(number)] = {key: value}
            if value == "FAILED":
                found[str(number)]["trace"] = "org.apache.kafka.connect.errors.ConnectException: Tolerance exceeded"
        return found

    def _owner(self, kind: str, entity: Source | Destination, topic_ids: Iterable[str]) -> Item:
        topic_ids = list(topic_ids)
        return {
            "entity_type": kind,
            "entity_id": entity.id,
            "name": self.world.name(entity, self.at),
            "connector": entity.connector,
            "topic_ids": topic_ids,
            "topic_db_ids": [object_id("topic", topic) for topic in topic_ids],
            "display_name": naming.DISPLAY.get(entity.connector, entity.connector),
        }

    def _more(self, item: Item) -> Item:
        if self.dialect.unknown_fields:
            item["a_field_of_tomorrow"] = {"nested": [1, None, "x"]}
        return item


def _output(entity: Transform) -> Item:
    topic = entity.topics[0] if entity.topics else ""
    return {
        "topic": topic.partition(".")[2],
        "topic_id": topic,
        "topics": [t.partition(".")[2] for t in entity.topics],
        "topic_ids": list(entity.topics),
    }


def _topic(topic: str, name: str, entity: Item, prefix: str) -> Item:
    return {
        "id": topic,
        "name": name,
        "entity": entity,
        "prefix": prefix,
        "serialization": {
            "key_format": "string",
            "value_format": "avro",
            "key_converter": "x",
            "value_converter": "x",
            "schema_registry_enabled": True,
        },
        "messages_7d": None,
        "messages_30d": None,
    }
