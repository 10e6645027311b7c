"""`watchdog audit`: who did what, when and from where; read from the database, beside the service."""

from __future__ import annotations

import sys
import time

from watchdog.commands.operator import open_store
from watchdog.commands.output import as_json as print_json
from watchdog.commands.output import shown, table
from watchdog.errors import ConfigError
from watchdog.settings import Settings
from watchdog.spelling import did_you_mean
from watchdog.store.audit import Action, Via, entries
from watchdog.units import parse_duration
from watchdog.web.v1.conversion import audit_object

_MOST = 10_000
_HOW = {
    Via.PROXY: "",
    Via.SESSION: "signed in",
    Via.TOKEN: "with the token",
    Via.LINK: "with a link",
    Via.PAGERDUTY: "at PagerDuty",
    Via.PAGERDUTY_RESOLVED: "at PagerDuty",
    Via.SIGNATURE: "with a signature",
    Via.TERMINAL: "on a terminal",
    Via.SIGNAL: "by SIGHUP",
    Via.FILES: "by an edit",
    Via.NOBODY: "",
}


def audit(*, since: str, action: str | None, as_json: bool) -> int:
    """The newest last, as in a log. Raises ConfigError for a duration or an action that is none."""
    now = time.time()
    try:
        reach = parse_duration(since)
    except ValueError as cause:
        raise ConfigError(f"--since: {cause}") from None
    known = [str(one) for one in Action]
    if action is not None and action not in known:
        raise ConfigError(f"--action: '{action}' is not one of {', '.join(known)}{did_you_mean(action, known)}")
    store = open_store(Settings.load())
    try:
        wanted = None if action is None else Action(action)
        found = entries(store, action=wanted, since=now - reach, limit=_MOST)[::-1]
    finally:
        store.close()
    if as_json:
        print_json([audit_object(one) for one in found])
        return 0
    rows = [
        (shown(one.at), str(one.action), " ".join(filter(None, (one.actor.who, _HOW[one.actor.via]))),
         one.actor.address or "this machine", one.subject)
        for one in found
    ]  # fmt: skip
    table(("when", "action", "who", "from", "what"), rows, empty=f"nothing was done in the last {since}")
    if len(found) == _MOST:
        sys.stderr.write(f"only the newest {_MOST} entries are shown; ask for less with --since\n")
    return 0
