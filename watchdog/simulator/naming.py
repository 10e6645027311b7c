"""Names, plugins, tables and tags that look like those of a real account."""

from __future__ import annotations

from dataclasses import dataclass

TAGS = ("production", "staging", "tier-1", "tier-2", "finance", "analytics", "pii")

#: Plugins and what the API calls them on its pages.
DISPLAY = {
    "postgresql": "PostgreSQL", "mysql": "MySQL", "mariadb": "MariaDB", "mongodb": "MongoDB", "sqlserver": "SQL Server",
    "oracle": "Oracle", "dynamodb": "DynamoDB", "s3": "Amazon S3", "webhook": "Webhook", "kafkadirect": "Kafka",
    "snowflake": "Snowflake", "clickhouse": "ClickHouse", "bigquery": "BigQuery", "databricks": "Databricks",
    "redshift": "Redshift", "iceberg": "Iceberg", "motherduck": "MotherDuck",
}  # fmt: skip
DEBEZIUM = frozenset({"postgresql", "mysql", "mariadb", "mongodb", "sqlserver", "oracle"})

TRANSFORM_TYPES = ("map_filter", "enrich", "unnest", "fan_out", "rollup", "sql_join")
TRANSFORM_VERBS = {
    "map_filter": "clean", "enrich": "enrich", "unnest": "unnest", "fan_out": "split", "rollup": "rollup",
    "sql_join": "join",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Known:
    """A connector as its owners would describe it; `rate` is events a second."""

    name: str
    connector: str
    tasks: int
    tables: tuple[str, ...] = ()
    rate: float = 0.0
    tags: tuple[str, ...] = ()


_SOURCES = (
    Known("prod-orders", "postgresql", 1, ("public.orders", "public.order_items", "public.addresses"), 14.0,
          ("production", "tier-1")),
    Known("prod-payments", "mysql", 1, ("payments.transactions", "payments.refunds"), 9.0,
          ("production", "tier-1", "finance", "pii")),
    Known("prod-inventory", "sqlserver", 2, ("dbo.stock", "dbo.warehouses", "dbo.movements"), 6.0,
          ("production", "tier-1")),
    Known("prod-customers", "mongodb", 3, ("crm.customers", "crm.contacts"), 4.0, ("production", "pii")),
    Known("prod-sessions", "dynamodb", 2, ("default.sessions", "default.devices"), 22.0, ("production", "tier-2")),
    # Hardly an event, and healthy: what a rule about silence has to tell from a stall.
    Known("prod-archive", "postgresql", 1, ("public.closed_orders",), 0.002, ("production", "tier-2")),
    Known("prod-shipments", "mysql", 1, ("logistics.shipments", "logistics.carriers"), 3.0, ("production", "tier-2")),
    Known("prod-billing", "oracle", 1, ("BILLING.INVOICES", "BILLING.LINES"), 2.0, ("production", "finance")),
    Known("staging-orders", "postgresql", 1, ("public.orders", "public.order_items"), 0.5, ("staging",)),
    Known("prod-catalog", "mariadb", 1, ("catalog.products", "catalog.prices"), 0.02, ("production", "tier-2")),
    Known("staging-payments", "mysql", 1, ("payments.transactions",), 0.3, ("staging", "finance")),
    Known("prod-clicks", "s3", 1, ("default.clicks",), 40.0, ("production", "analytics")),
)  # fmt: skip
_DESTINATIONS = (
    Known("warehouse", "snowflake", 2, tags=("production", "tier-1")),
    Known("analytics", "clickhouse", 2, tags=("production", "analytics")),
    Known("reporting", "bigquery", 1, tags=("production", "finance")),
    Known("lakehouse", "databricks", 3, tags=("production", "tier-2")),
    Known("marts", "redshift", 1, tags=("production", "tier-2")),
)
_DOMAINS = (
    "accounts", "ads", "audit", "bookings", "carts", "claims", "contracts", "coupons", "events", "identity",
    "invoices", "ledger", "loyalty", "messages", "notifications", "partners", "policies", "pricing", "profiles",
    "quotes", "ratings", "returns", "reviews", "search", "settlements", "stores", "subscriptions", "suppliers",
    "tickets", "users", "vouchers",
)  # fmt: skip
_STAGES = (("prod", ("production", "tier-2"), 1.0), ("staging", ("staging",), 0.1))
_REGIONS = ("", "-eu", "-us", "-ap", "-uk", "-latam")
_PLUGINS = ("postgresql", "mysql", "postgresql", "mongodb", "sqlserver", "mysql", "dynamodb", "oracle", "webhook")
_TASKS = {"sqlserver": 2, "mongodb": 3, "dynamodb": 2}
_SCHEMA = {"postgresql": "public", "sqlserver": "dbo", "mongodb": "app", "dynamodb": "default", "webhook": "default"}
_TABLES = ("{}", "{}_history", "{}_items", "{}_events")
_SINKS = ("snowflake", "clickhouse", "bigquery", "databricks", "redshift", "iceberg", "motherduck")


def source(number: int) -> Known:
    """The source with this number, from 0 on; its name belongs to no other."""
    if number < len(_SOURCES):
        return _SOURCES[number]
    at = number - len(_SOURCES)
    (stage, tags, share), rest = _STAGES[at % 2], at // 2
    rest, domain = divmod(rest, len(_DOMAINS))
    rest, region = divmod(rest, len(_REGIONS))
    word = _DOMAINS[domain]
    name = f"{stage}-{word}{_REGIONS[region]}{f'-{rest + 1}' if rest else ''}"
    plugin = _PLUGINS[(at // 2 + domain) % len(_PLUGINS)]
    schema = _SCHEMA.get(plugin, word)
    tables = tuple(f"{schema}.{pattern.format(word)}" for pattern in _TABLES[: 1 + at % 4])
    rate = (0.01, 0.4, 1.5, 5.0, 0.8)[at % 5] * share
    return Known(name, plugin, _TASKS.get(plugin, 1), tables, rate, tags)


def destination(number: int) -> Known:
    """The destination with this number, from 0 on; its name belongs to no other."""
    if number < len(_DESTINATIONS):
        return _DESTINATIONS[number]
    at = number - len(_DESTINATIONS)
    name = f"{_DESTINATIONS[at % len(_DESTINATIONS)].name}-{at // len(_DESTINATIONS) + 2}"
    return Known(name, _SINKS[at % len(_SINKS)], 1 + at % 3, tags=("production", "tier-2"))
