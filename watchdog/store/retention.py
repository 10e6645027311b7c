"""History that is old enough goes, in small transactions: never what is open, nor what anybody is still owed."""

from __future__ import annotations

from sqlalchemy import Connection, delete, exists, select, tuple_

from watchdog.alerts.lifecycle import Phase
from watchdog.store import rows, statements
from watchdog.store.schema import (
    acknowledgements,
    alerts,
    audit,
    configurations,
    entries,
    episodes,
    notes,
    notifications,
    silences,
)

#: Episodes of one transaction; with their notes they are some thousand rows.
BATCH = 200
#: Accepted configurations that are kept, however old.
_CONFIGURATIONS = 10

#: Where a round of batches has come to: the end and id of the last episode looked at.
Place = tuple[float, str]


def episodes_batch(connection: Connection, before: float, after: Place | None) -> tuple[int, Place | None]:
    """Drop a batch of episodes that ended before this instant, with their part of the ledger and their story.

    Begins behind `after` (None: with the oldest); returns how many went, and where the next batch begins (None: done).
    """
    owed = exists().where(entries.c.episode == episodes.c.id, statements.OWED)
    asked = select(episodes.c.ended, episodes.c.id).where(episodes.c.ended < before, ~owed)
    if after is not None:
        asked = asked.where(tuple_(episodes.c.ended, episodes.c.id) > tuple_(*after))
    found = connection.execute(asked.order_by(episodes.c.ended, episodes.c.id).limit(BATCH)).all()
    if not found:
        return 0, None
    on_their_way = rows.episodes_named(connection.execute(select(notifications.c["items"])).scalars())
    ids = [row.id for row in found if row.id not in on_their_way]
    for table, column in (
        (notes, notes.c.episode),
        (entries, entries.c.episode),
        (acknowledgements, acknowledgements.c.episode),
        (episodes, episodes.c.id),
    ):
        connection.execute(delete(table).where(column.in_(ids)))
    return len(ids), ((found[-1].ended, found[-1].id) if len(found) == BATCH else None)


def the_rest(connection: Connection, before: float) -> None:
    """Drop what belongs to no episode: old notes, silences, audit entries, states of alerts that are over,
    configurations."""
    open_alert = exists().where(
        episodes.c.rule == notes.c.rule,
        episodes.c.kind == notes.c.kind,
        episodes.c.entity == notes.c.entity,
        episodes.c.ended.is_(None),
    )
    connection.execute(delete(notes).where(notes.c.at < before, notes.c.episode == "", ~open_alert))
    connection.execute(delete(silences).where(silences.c.ends < before))
    connection.execute(delete(audit).where(audit.c.at < before))
    # an alert that was only pending since its last end is inactive, and remembers its changes
    over = alerts.c.phase.in_([Phase.RESOLVED.value, Phase.INACTIVE.value])
    connection.execute(delete(alerts).where(over, alerts.c.ended < before))
    newest = select(configurations.c.fingerprint).order_by(configurations.c.accepted.desc()).limit(_CONFIGURATIONS)
    kept = connection.execute(newest).scalars().all()
    connection.execute(delete(configurations).where(configurations.c.fingerprint.not_in(kept)))
