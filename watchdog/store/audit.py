"""The audit trail: who did what, when and from where, in the log and in the database."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from enum import StrEnum

from sqlalchemy import select

from watchdog.errors import StoreError
from watchdog.store import statements
from watchdog.store.rows import storable
from watchdog.store.schema import audit
from watchdog.store.store import Store

logger = logging.getLogger(__name__)

#: Longest name and longest subject that are kept.
_NAME, _SUBJECT = 200, 500


class Action(StrEnum):
    """What was done."""

    SIGN_IN = "sign-in"  #: on the pages, or the first request of a person that the trusted proxy names
    SIGN_OUT = "sign-out"
    REFUSAL = "refusal"  #: wrong tokens and signatures, one entry per address and minute
    SILENCE = "silence"  #: made, changed or expired
    ACKNOWLEDGE = "acknowledge"
    RELOAD = "reload"
    LINK = "link"  #: all links in messages were revoked
    HOOK = "hook"  #: another program reported something


class Via(StrEnum):
    """How the person or program is known."""

    PROXY = "proxy"  #: named by the trusted proxy
    SESSION = "session"  #: signed in on the pages
    TOKEN = "token"  #: sent the token with the request
    LINK = "link"  #: used a signed link
    PAGERDUTY = "pagerduty"  #: acknowledged at PagerDuty, as PagerDuty names them
    PAGERDUTY_RESOLVED = "pagerduty-resolved"  #: resolved the incident at PagerDuty
    SLACK = "slack"  #: pressed a button in Slack, as Slack names them
    SIGNATURE = "signature"  #: signed the request
    TERMINAL = "terminal"  #: ran a command beside the database
    SIGNAL = "signal"  #: sent SIGHUP
    FILES = "files"  #: changed the rule files
    NOBODY = ""  #: not known


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts. `who` is verified where the proxy names it, otherwise it is what the person wrote, or "".
    `address` is where the request came from, "" for this machine."""

    who: str = ""
    via: Via = Via.NOBODY
    address: str = ""

    def called(self, name: str) -> Actor:
        """The same, by the name the person wrote, where nothing else says who it is."""
        return self if self.via is Via.PROXY or not name else replace(self, who=name)


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One line of the trail. `id` is 0 until the database has numbered it."""

    at: float
    actor: Actor
    action: Action
    subject: str
    id: int = 0


def record(store: Store, at: float, actor: Actor, action: Action, subject: str) -> None:
    """Write one entry to the log and to the database. Raises nothing: a database that cannot be written costs the
    entry its row, not the person the action."""
    who, subject = actor.who[:_NAME], subject[:_SUBJECT]
    fields = {"who": who, "via": str(actor.via), "action": str(action), "subject": subject, "from": actor.address}
    logger.info("audit", extra=fields)
    row = (at, *map(storable, (who, str(actor.via), str(action), subject, actor.address)))
    try:
        with store.writing() as connection:
            statements.add(connection, audit, [row])
    except StoreError as cause:
        logger.warning("audit entry could not be saved", extra={**fields, "error": str(cause)})


def entries(
    store: Store, *, action: Action | None = None, since: float = 0.0, before: int | None = None, limit: int = 100
) -> list[AuditEntry]:
    """The newest first; `before` is the id of the last entry of the page before. Raises StoreError."""
    asked = select(audit).where(audit.c.at >= since).order_by(audit.c.id.desc()).limit(limit)
    if action is not None:
        asked = asked.where(audit.c.action == str(action))
    if before is not None:
        asked = asked.where(audit.c.id < before)
    with store.reading() as connection:
        return [_entry(*row) for row in connection.execute(asked)]


def _entry(id_: int, at: float, who: str, via: str, action: str, subject: str, address: str) -> AuditEntry:
    return AuditEntry(at, Actor(who, Via(via), address), Action(action), subject, id_)
