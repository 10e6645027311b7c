"""What the watchdog remembers, for the service, for people, and for pages: every method is one transaction.

Any thread may use a Store. Every method raises StoreError with the reason when the database cannot be used.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager

import msgspec
from sqlalchemy import Connection, and_, delete, func, literal, or_, select

from watchdog.alerts.episodes import Acknowledgement, Episode, Note, Withdrawal
from watchdog.alerts.lifecycle import AlertKey, AlertState, Phase
from watchdog.alerts.silences import Silence
from watchdog.cycle.state import Changes, Saved, TargetHealth
from watchdog.errors import StoreError
from watchdog.notify.groups import Group
from watchdog.notify.ledger import Entry
from watchdog.notify.pending import PendingNotification
from watchdog.readings import packing
from watchdog.readings.fleet import Kind
from watchdog.reports.report import Rows
from watchdog.store import retention, rows, schema, statements
from watchdog.store.database import Database
from watchdog.store.lease import HOLDER, FileLock, Leadership, Lease, SoleLeader, steady
from watchdog.store.migrate import prepare


class Store:
    """One database, its schema up to date.

    Until `lead` is called everybody may commit, as commands and tests do; from then on only the leader may.
    """

    def __init__(self, database: Database, name: str = "") -> None:
        self.name = name
        self._database = database
        self._leadership: Leadership | None = None
        self._known_rosters: set[str] = set()

    @classmethod
    def open(cls, url: str, *, name: str = "", create: bool = True) -> Store:
        """The database of WATCHDOG_DATABASE_URL. `name` is this instance's, for those who find the database taken.

        `create`: make it, or bring its schema up to date, where that is needed.
        """
        database = Database(url)
        try:
            prepare(database, create=create)
        except StoreError:
            database.close()
            raise
        return cls(database, name)

    @classmethod
    def in_memory(cls) -> Store:
        """An empty SQLite database that is gone when it is closed."""
        return cls.open("sqlite://")

    @property
    def place(self) -> str:
        """Where the database is, for people."""
        return self._database.place

    def close(self) -> None:
        if self._leadership is not None:
            self._leadership.stop()
        self._database.close()

    def lead(self, every: float, *, clock: Callable[[], float] = steady) -> Leadership:
        """A claim to lead; `every` is the interval between polls in seconds, `clock` a steady one.

        A Store leads once in its life: what was loaded before somebody else led must never be written after.
        """
        if self._leadership is not None:
            raise RuntimeError("this store has a leadership already; open another")
        if self._database.is_sqlite:
            file = self._database.file
            self._leadership = SoleLeader(None if file is None else FileLock(file), self.name)
        else:
            self._leadership = Lease(self._database, self.name, every, clock)
        return self._leadership

    def leader(self) -> str:
        """What the replica that leads calls itself; "" where the database knows none."""
        if self._database.is_sqlite:
            return ""
        with self.reading() as connection:
            return connection.execute(HOLDER).scalar() or ""

    # -- the service

    def load(self) -> Saved:
        """Everything to go on with."""
        with self.reading() as connection:
            return statements.saved(connection)

    def commit(
        self, changes: Changes, windows: Sequence[packing.Saved] = (), rosters: Sequence[packing.RowIds] = ()
    ) -> None:
        """Write what one step decided and what it read, all of it or nothing.

        `rosters` are those the windows name; known ones cost nothing. Raises FencedError where another replica leads.
        """
        new = [roster for roster in rosters if roster.id not in self._known_rosters]
        with self.deciding() as connection:
            _write(connection, changes)
            statements.add_rosters(connection, [rows.roster_row(roster) for roster in new])
            polls = [rows.window_row(piece) for piece in windows if piece.form is packing.Form.POLL]
            statements.put(connection, schema.windows, polls)
            states = [rows.window_state_row(piece) for piece in windows if piece.form is not packing.Form.POLL]
            statements.put(connection, schema.window_states, states)
        self._known_rosters.update(roster.id for roster in new)

    def load_windows(self) -> tuple[list[packing.RowIds], list[packing.Saved]]:
        """What `commit` was given of windows, for History.restore."""
        with self.reading() as connection:
            found = [rows.roster_of(row) for row in connection.execute(select(schema.rosters))]
            polls, states = schema.windows, schema.window_states
            pieces = [
                *(rows.window_of(row) for row in connection.execute(select(polls).order_by(polls.c.at))),
                *(rows.window_state_of(row) for row in connection.execute(select(states).order_by(states.c.at))),
            ]
        self._known_rosters.update(roster.id for roster in found)
        return found, pieces

    def prune_windows(self, keep_from: packing.KeepFrom) -> None:
        """Drop pieces before these instants, those that are not named, and whose they were."""
        windows, states = schema.windows, schema.window_states
        poll = literal(packing.Form.POLL.value)
        with self.deciding() as connection:
            for table, form_of in ((windows, poll), (states, states.c.form)):
                for kind, metric, form in connection.execute(
                    select(table.c.kind, table.c.metric, form_of).distinct()
                ).all():
                    before = keep_from.get((packing.Form(form), Kind(kind), metric))
                    old = and_(table.c.kind == kind, table.c.metric == metric, form_of == form)
                    if before is not None:
                        if before == -math.inf:
                            continue
                        old = and_(old, table.c.at < before)
                    connection.execute(delete(table).where(old))
            used = or_(*(schema.rosters.c.id.in_(select(table.c.roster)) for table in (windows, states)))
            connection.execute(delete(schema.rosters).where(~used))
        self._known_rosters.clear()

    def save_configuration(self, fingerprint: str, sources: Mapping[str, str], at: float) -> None:
        """An accepted configuration: its files by name, as written."""
        others = schema.configurations.c.fingerprint != fingerprint
        newest = select(func.max(schema.configurations.c.accepted)).where(others)
        with self.deciding() as connection:
            before = connection.execute(newest).scalar()
            # a clock that was set back must not make the one before the newest
            accepted = at if before is None else max(at, before + 0.001)
            statements.put(connection, schema.configurations, [(fingerprint, accepted, rows.sources_text(sources))])

    def last_configuration(self) -> dict[str, str] | None:
        """The files of the configuration accepted last."""
        return next(iter(self.configurations(limit=1)), None)

    def configurations(self, *, limit: int | None = None) -> list[dict[str, str]]:
        """The files of the accepted configurations that are kept, the newest first."""
        table = schema.configurations
        asked = select(table.c.sources).order_by(table.c.accepted.desc()).limit(limit)
        with self.reading() as connection:
            return [rows.sources_of(found) for found in connection.execute(asked).scalars()]

    def prune(self, before: float) -> int:
        """Drop the history of episodes that ended before this instant; returns how many went."""
        gone, place = 0, None
        while True:
            with self.deciding() as connection:
                some, place = retention.episodes_batch(connection, before, place)
            gone += some
            if place is None:
                break
        with self.deciding() as connection:
            retention.the_rest(connection, before)
        return gone

    # -- people, also from other processes beside a running service

    def changes_seen(self) -> int:
        """Another number whenever anybody wrote a silence or an acknowledgement; cheap enough for every second."""
        return self._database.number(statements.PEOPLE)

    def silences(self) -> list[Silence]:
        with self.reading() as connection:
            return statements.silences_of(connection)

    def put_silence(self, silence: Silence, note: Note | None = None) -> None:
        """Make a silence, or replace the one with its id; `note` is a line of the story of the alert it is for."""
        with self.writing() as connection:
            statements.put(connection, schema.silences, [rows.silence_row(silence)])
            statements.add(connection, schema.notes, [] if note is None else [rows.note_row(note)])
            statements.count_up(connection, "people")

    def acknowledgements(self) -> dict[str, Acknowledgement | Withdrawal]:
        """What people last said, by id of the episode, for those that are not over."""
        with self.reading() as connection:
            return statements.open_acknowledgements(connection)

    def put_ack(self, episode: str, acknowledgement: Acknowledgement) -> Acknowledgement | Withdrawal | None:
        """Acknowledge an episode; returns what counts now, None when no episode fires under this id. The first word
        counts, unless it was taken back before this one."""
        with self.writing() as connection:
            if not statements.is_firing(connection, episode):
                return None
            said = statements.open_acknowledgements(connection).get(episode)
            if isinstance(said, Acknowledgement) and not acknowledgement.replaces(said):
                return said
            if isinstance(said, Withdrawal) and said.at >= acknowledgement.at:
                return said
            statements.put(connection, schema.acknowledgements, [rows.acknowledgement_row(episode, acknowledgement)])
            statements.count_up(connection, "people")
            return acknowledgement

    def withdraw_ack(self, episode: str, taken_back: Withdrawal) -> bool:
        """Take back what was said through the same channel; False where nothing was, or it was taken back already."""
        with self.writing() as connection:
            found = statements.withdraw(connection, episode, taken_back)
            if found:
                statements.count_up(connection, "people")
            return found

    # -- pages and commands

    def alerts(self, *, phase: Phase | None = None) -> dict[AlertKey, AlertState]:
        """Every alert that is not simply inactive, or those in one phase."""
        asked = select(schema.alerts)
        if phase is not None:
            asked = asked.where(schema.alerts.c.phase == phase.value)
        with self.reading() as connection:
            return dict(rows.alert_of(row) for row in connection.execute(asked))

    def episodes(
        self,
        *,
        firing: bool | None = None,
        alert: AlertKey | None = None,
        after: tuple[float, str] | None = None,
        limit: int = 100,
    ) -> list[Episode]:
        """The newest first, then by id; `firing` False: those that are over, `after`: beginning and id of the one to go
        on behind."""
        with self.reading() as connection:
            return statements.episodes_by(connection, firing=firing, alert=alert, after=after, limit=limit)

    def episode(self, id_: str) -> Episode | None:
        with self.reading() as connection:
            return statements.episode_by_id(connection, id_)

    def episodes_of_incident(self, incident: str) -> list[Episode]:
        """What fires and has this key at PagerDuty."""
        with self.reading() as connection:
            return statements.episodes_of_incident(connection, incident)

    def entries_of(self, *episodes: str) -> list[Entry]:
        """Who was told of these episodes."""
        with self.reading() as connection:
            return statements.entries_of(connection, episodes)

    def notes_of(
        self,
        *,
        episode: str | None = None,
        alert: AlertKey | None = None,
        since: float | None = None,
        limit: int = 1000,
    ) -> list[Note]:
        """The story of an episode or of an alert (of everything without either): its last notes, the oldest first."""
        with self.reading() as connection:
            return statements.notes_by(connection, episode=episode, alert=alert, since=since, limit=limit)

    def rows_of(self, start: float, end: float) -> Rows:
        """What a report of this period is made of."""
        with self.reading() as connection:
            return statements.rows_of(connection, start, end)

    def notifications(self) -> list[PendingNotification]:
        """What waits to be told, in the order it was decided."""
        with self.reading() as connection:
            found = connection.execute(select(schema.notifications).order_by(schema.notifications.c.id))
            return [rows.notification_of(row) for row in found]

    def groups(self) -> list[Group]:
        with self.reading() as connection:
            return [rows.group_of(row) for row in connection.execute(select(schema.groups))]

    def targets(self) -> list[TargetHealth]:
        """How the targets are, by receiver and target."""
        table = schema.targets
        with self.reading() as connection:
            found = connection.execute(select(table).order_by(table.c.receiver, table.c.target))
            return [rows.target_of(row) for row in found]

    def document(self, name: str) -> str | None:
        table = schema.documents
        with self.reading() as connection:
            return connection.execute(select(table.c.text).where(table.c.name == name)).scalar()

    def documents(self, beginning: str) -> dict[str, str]:
        """Those whose names begin so."""
        table = schema.documents
        with self.reading() as connection:
            found = connection.execute(select(table).where(table.c.name.startswith(beginning, autoescape=True)))
            return {row.name: row.text for row in found}

    def put_document(self, name: str, text: str | None) -> None:
        """Keep a text under a name, or drop it (None). Only the leader may."""
        with self.deciding() as connection:
            if text is None:
                statements.remove(connection, schema.documents, [(name,)])
            else:
                statements.put(connection, schema.documents, [(name, text)])

    # -- transactions, also for the audit trail and the sessions

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that sees one state of the database."""
        with self._database.reading() as connection:
            try:
                yield connection
            except (msgspec.MsgspecError, ValueError) as cause:
                # what no version of ours has written: somebody edited the database, or its file is damaged
                raise StoreError(f"database {self.place}: what is kept there cannot be understood: {cause}") from cause

    def writing(self) -> AbstractContextManager[Connection]:
        """A transaction of people's: every replica and every command may write it."""
        return self._database.writing()

    @contextmanager
    def deciding(self) -> Iterator[Connection]:
        """A transaction that only the leader may write."""
        with self._database.writing() as connection:
            if self._leadership is not None:
                self._leadership.fence(connection)
            yield connection


def _write(connection: Connection, changes: Changes) -> None:
    put, remove = statements.put, statements.remove
    put(connection, schema.alerts, (rows.alert_row(k, v) for k, v in changes.alerts.items() if v is not None))
    remove(connection, schema.alerts, (rows.alert_key_row(k) for k, v in changes.alerts.items() if v is None))
    put(connection, schema.episodes, (rows.episode_row(one) for one in changes.episodes.values()))
    put(connection, schema.entries, (rows.entry_row(one) for one in changes.entries.values()))
    put(connection, schema.groups, (rows.group_row(one) for one in changes.groups.values() if one is not None))
    remove(connection, schema.groups, ((rows.group_text(k),) for k, v in changes.groups.items() if v is None))
    put(
        connection,
        schema.notifications,
        (rows.notification_row(one) for one in changes.notifications.values() if one is not None),
    )
    remove(connection, schema.notifications, ((id_,) for id_, one in changes.notifications.items() if one is None))
    if changes.notifications:
        # an id is never given twice, also when the last duty is gone
        statements.raise_counter(connection, "next_duty", max(changes.notifications) + 1)
    put(connection, schema.targets, (rows.target_row(one) for one in changes.targets.values()))
    statements.add(connection, schema.notes, (rows.note_row(one) for one in changes.notes))
    put(connection, schema.documents, list(changes.documents.items()))
