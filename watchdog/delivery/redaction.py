"""Redaction: the credentials this process knows, and their removal from logs, pages, errors and the database."""

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
#: Words as people choose them for paths, bots and channels. Passwords and keys are redacted whatever they look like.
_ORDINARY = re.compile(r"#?[a-z]{1,12}([-_.][a-z]{1,12})*")
_SECRET_PARAMETER = re.compile(r"pass|pwd|secret|token|key|auth|sig|cred", re.IGNORECASE)
_PASSWORD = re.compile(r"://[^/?#@:]*:[^/?#@]+@")
#: What makes a link act.
_SIGNED = re.compile(r"(/s/|%2Fs%2F)[A-Za-z0-9_.-]{40,}")
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
        return _SIGNED.sub(rf"\1{STRUCK}", text)


def pieces_of(url: str) -> set[str]:
    """The pieces of a target's URL that can be credentials: user, password, tokens in host and path, parameters.

    Ordinary lower-case words outside the password and parameters such as `token=` are left out: a receiver's name or
    `/hooks/team-alerts` must stay readable.
    """
    scheme, _, rest = url.partition("://")
    try:
        parts = urlsplit(f"x://{rest}")
    except ValueError:
        return {rest}
    login, _, host = parts.netloc.rpartition("@")
    user, _, password = login.partition(":")
    parameters = parse_qsl(parts.query)
    maybe: list[str] = []
    if scheme.lower() not in _PATH_IS_PUBLIC:
        maybe += [user, *parts.path.split("/")]
        if not all(_ORDINARY.fullmatch(piece) for piece in parts.path.split("/") if piece):
            maybe.append(parts.path.strip("/"))
    if scheme.lower() not in HOST_IS_AN_ADDRESS:
        maybe.append(host)
    # which parameters hold a credential depends on the service; only ordinary words are certain not to
    maybe += [value for name, value in parameters if not _SECRET_PARAMETER.search(name)]
    found = [password, *(value for name, value in parameters if _SECRET_PARAMETER.search(name))]
    found += [piece for piece in maybe if not _ORDINARY.fullmatch(unquote(piece))]
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
