"""`watchdog links`: ends every link in messages that acts."""

from __future__ import annotations

import sys
import time

from watchdog.commands.operator import author_or_login, open_store
from watchdog.commands.output import as_json as print_json
from watchdog.commands.output import console
from watchdog.errors import ConfigError
from watchdog.settings import Settings
from watchdog.store.audit import Action, Actor, Via, record
from watchdog.store.signed_links import SignedLinks


def links(*, revoke: bool, as_json: bool) -> int:
    """Signs with another key from now on. Raises ConfigError without `--revoke`: there is nothing else to do."""
    if not revoke:
        raise ConfigError("nothing was asked for; write `watchdog links --revoke` to end every link in messages")
    settings = Settings.load()
    store = open_store(settings)
    try:
        SignedLinks(store).revoke()
        record(store, time.time(), Actor(author_or_login(None), Via.TERMINAL), Action.LINK, "all links revoked")
    finally:
        store.close()
    if as_json:
        print_json({"revoked": True})
    else:
        console().print("every link in messages sent so far has ended; messages from now on carry new ones")
    if settings.watchdog_links == "off":
        sys.stderr.write("WATCHDOG_LINKS is off: messages carry no links at all\n")
    return 0
