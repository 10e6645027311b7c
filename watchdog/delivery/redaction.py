"""Secrets: what must never be seen in a log, a page, an error or the database, and the pen that strikes it out."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable
from urllib.parse import parse_qsl, quote, unquote, urlsplit

STRUCK = "***"
#: Shorter pieces are words like "json" or a channel's name; striking those out would garble every text.
_SHORTEST = 6
#: Nobody names a path or a channel with so many letters; tokens have more.
_TOKEN = 16
_PASSWORD = re.compile(r"://[^/?#@:]*:[^/?#@]+@")
#: Schemes whose host is an address; elsewhere apprise keeps a token in its place (`slack://<token>/…`).
HOST_IS_AN_ADDRESS = frozenset({"json", "jsons", "xml", "xmls", "form", "forms", "mailto", "mailtos", "http", "https"})
#: Schemes whose path names mailboxes, not tokens.
_PATH_IS_PUBLIC = frozenset({"mailto", "mailtos"})


class Secrets:
    """A set of texts to strike out; safe to share between threads."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        self._lock = threading.Lock()
        self._values: frozenset[str] = frozenset()
        self.add(*values)

    def add(self, *values: str) -> None:
        """Remember values, as they are and as they look inside a URL."""
        wanted = {value for value in values if len(value) >= _SHORTEST}
        wanted |= {quote(value, safe="") for value in wanted} | {quote(value) for value in wanted}
        with self._lock:
            self._values |= wanted

    def add_url(self, url: str) -> None:
        """Remember a target's URL and every piece of it that can be a credential."""
        self.add(url)
        self.add(*pieces_of(url))

    def scrub(self, text: str) -> str:
        """The text with every secret struck out, the longest first, so that no half of one stays."""
        for value in sorted(self._values, key=len, reverse=True):
            text = text.replace(value, STRUCK)
        return text


def pieces_of(url: str) -> set[str]:
    """The pieces of a target's URL that can be credentials: user, password, tokens in host and path, parameters."""
    scheme, _, rest = url.partition("://")
    try:
        parts = urlsplit(f"x://{rest}")
    except ValueError:
        return {rest}
    login, _, host = parts.netloc.rpartition("@")
    user, _, password = login.partition(":")
    found = [password]
    if scheme.lower() not in _PATH_IS_PUBLIC:
        found += [user, parts.path.strip("/"), *parts.path.split("/")]
    if scheme.lower() not in HOST_IS_AN_ADDRESS:
        found.append(host)
    # "+References=…", "to=…": a mailbox or a header is no secret, but which parameters are ones cannot be known
    found += [value for _, value in parse_qsl(parts.query)]
    return {form for piece in found for form in (piece, unquote(piece)) if form}


def written_out(template: str) -> bool:
    """Whether a target's URL, as it stands in the rules, holds a password or what looks like a token."""
    if "${" in template:
        return False
    return bool(_PASSWORD.search(template)) or any(
        len(piece) >= _TOKEN and not {"/", "@"} & set(piece) for piece in pieces_of(template)
    )


#: What this process knows; whoever prints something that may hold a URL sends it through here.
known = Secrets()
