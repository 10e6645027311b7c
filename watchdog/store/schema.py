"""The tables. Instants are seconds since the epoch, durations seconds; small structured values are JSON texts.

`HEAD` names the migration that makes exactly these tables; whoever changes one adds a migration and moves it.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
)

HEAD = "0006"

metadata = MetaData()

#: SQLite numbers rows by itself only in a column it calls INTEGER.
_Counter = BigInteger().with_variant(Integer(), "sqlite")


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False)


def _key(name: str) -> Column[str]:
    return Column(name, Text, primary_key=True)


def _flag(name: str) -> Column[bool]:
    return Column(name, Boolean, nullable=False)


def _seconds(name: str) -> Column[float]:
    return Column(name, Double, nullable=False)


def _maybe(name: str) -> Column[float]:
    """An instant or duration that there may not be."""
    return Column(name, Double, nullable=True)


#: Where every alert stands that is more than inactive.
alerts = Table(
    "alerts",
    metadata,
    _key("rule"),
    _key("kind"),
    _key("entity"),
    _text("phase"),
    _maybe("since"),
    _maybe("began"),
    _maybe("ended"),
    _maybe("false_since"),
    _maybe("last_true"),
    _maybe("evaluated"),
    _text("changes"),
    _flag("flapping"),
    _maybe("dark_since"),
    sqlite_with_rowid=False,
)

episodes = Table(
    "episodes",
    metadata,
    _key("id"),
    _text("rule"),
    _text("kind"),
    _text("entity"),
    _seconds("since"),
    _seconds("began"),
    _text("facts"),
    _maybe("ended"),
    _text("why_ended"),
    _text("end_reason"),
    _maybe("dark_since"),
    _maybe("dark_until"),
    _flag("flapping"),
    Column("acknowledgement", Text),
    _maybe("first_accepted"),
    _maybe("held_since"),
    _seconds("paused"),
    _text("escalated"),
    _text("hold"),
    _maybe("released"),
    _text("release_note"),
    Index("episodes_by_alert", "rule", "kind", "entity", "began"),
    Index("episodes_by_beginning", "began"),
    Index("episodes_by_end", "ended"),
)

#: The ledger.
entries = Table(
    "entries",
    metadata,
    _key("episode"),
    _key("target"),
    _text("group_key"),
    _text("role"),
    _text("standing"),
    _maybe("told_at"),
    _text("ending"),
    _text("incident"),
    _text("remind"),
    _flag("told_flapping"),
    _maybe("told_dark"),
    Index("entries_by_standing", "standing", "ending"),
    Index("entries_by_ending", "ending"),
    sqlite_with_rowid=False,
)

groups = Table(
    "groups",
    metadata,
    _key("group_key"),
    _seconds("first"),
    _seconds("wait"),
    _seconds("interval"),
    _seconds("repeat"),
    _maybe("due"),
    _maybe("last_message"),
    _maybe("repeat_from"),
    sqlite_with_rowid=False,
)

notifications = Table(
    "duties",
    metadata,
    Column("id", _Counter, primary_key=True, autoincrement=False),
    _text("target"),
    _text("receiver"),
    _text("group_key"),
    _text("kind"),
    _text("items"),
    _seconds("created"),
    _seconds("next_try"),
    _text("cause"),
    _text("incident"),
    Column("attempts", Integer, nullable=False),
    _flag("handed_over"),
    _flag("is_fallback"),
    _text("last_error"),
    Column("report", Text),
)

silences = Table(
    "silences",
    metadata,
    _key("id"),
    _text("matchers"),
    _seconds("starts"),
    _seconds("ends"),
    _text("author"),
    _text("comment"),
    _seconds("changed"),
    _text("episode"),
)

#: What people said to an episode; the service takes it over into the episode when it has seen it. `withdrawn` is when
#: it was taken back, by whom says `withdrawn_by`.
acknowledgements = Table(
    "acknowledgements",
    metadata,
    _key("episode"),
    _seconds("at"),
    _text("author"),
    _text("comment"),
    _text("via"),
    _text("address"),
    _maybe("withdrawn"),
    _text("withdrawn_by"),
)

#: What signatures are made with, by purpose.
keys = Table("keys", metadata, _key("name"), _text("secret"))

targets = Table(
    "targets",
    metadata,
    _key("target"),
    _text("receiver"),
    _text("label"),
    _maybe("last_accepted"),
    _maybe("failing_since"),
    _text("last_error"),
    Column("delivered", BigInteger, nullable=False),
)

notes = Table(
    "notes",
    metadata,
    Column("id", _Counter, primary_key=True, autoincrement=True),
    _seconds("at"),
    _text("rule"),
    _text("kind"),
    _text("entity"),
    _text("episode"),
    _text("what"),
    _text("text"),
    _text("receiver"),
    _text("target"),
    Index("notes_by_episode", "episode", "at"),
    Index("notes_by_alert", "rule", "kind", "entity", "at"),
    Index("notes_by_time", "at"),
)

#: Small named JSON texts.
documents = Table("documents", metadata, _key("name"), _text("text"))

#: Numbers that only grow: `people` with every silence and acknowledgement, `next_duty`.
counters = Table("counters", metadata, _key("name"), Column("value", BigInteger, nullable=False))

#: Configurations that were accepted: the files as written, variables unexpanded.
configurations = Table("configurations", metadata, _key("fingerprint"), _seconds("accepted"), _text("sources"))

#: Whose readings the pieces of `windows` and `window_states` hold.
rosters = Table("rosters", metadata, _key("id"), _text("kind"), _text("entities"))

#: One poll's readings of one metric, as packed by readings.keeping.
windows = Table(
    "windows",
    metadata,
    _key("kind"),
    _key("metric"),
    Column("at", Double, primary_key=True),
    _text("roster"),
    Column("data", LargeBinary, nullable=False),
)

#: What later polls replace: since when every reading is unchanged, the last reading of every ten minutes, the longest
#: pauses of a day.
window_states = Table(
    "window_states",
    metadata,
    _key("kind"),
    _key("metric"),
    _key("form"),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    _seconds("at"),
    _text("roster"),
    Column("data", LargeBinary, nullable=False),
)

#: Blocks of polls as readings.blocks writes them, for replay and diff; bounded by size.
recording = Table(
    "recording",
    metadata,
    Column("id", _Counter, primary_key=True, autoincrement=True),
    _seconds("start"),
    _seconds("ended"),
    Column("polls", BigInteger, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("data", LargeBinary, nullable=False),
    Index("recording_by_start", "start"),
)

#: Who did what: sign-ins, refusals, silences, acknowledgements, reloads, links, hooks.
audit = Table(
    "audit",
    metadata,
    Column("id", _Counter, primary_key=True, autoincrement=True),
    _seconds("at"),
    _text("who"),
    _text("via"),
    _text("action"),
    _text("subject"),
    _text("address"),
    Index("audit_by_time", "at"),
)

#: Sign-ins on the pages. `id` is made of the cookie and the token, and gives neither away.
sessions = Table("sessions", metadata, _key("id"), _text("who"), _seconds("ends"))

#: Who leads among several replicas: one row. `until` is by the database's clock.
leases = Table(
    "leases",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("epoch", BigInteger, nullable=False),
    _text("holder"),
    _seconds("until"),
)

#: Alembic's own table, so that a new database needs no Alembic at all.
version = Table("alembic_version", MetaData(), Column("version_num", String(32), primary_key=True))
