"""Signed links: who holds one may act on one alert. What is signed is an episode, a receiver and the time of sending.

The key is in the database, so that every replica knows it; another key ends all links.
"""

from __future__ import annotations

import logging
import secrets
from dataclasses import dataclass
from hashlib import sha256

from itsdangerous import BadData, URLSafeSerializer
from sqlalchemy import select

from watchdog.errors import StoreError
from watchdog.store import statements
from watchdog.store.schema import keys
from watchdog.store.store import Store

logger = logging.getLogger(__name__)

#: Seconds for which a link works after its episode has ended.
LASTS = 24 * 3600.0
_KEY = "links"
#: More than any link of ours has.
_LONGEST = 1000


@dataclass(frozen=True, slots=True)
class SignedLink:
    """What a signature says: the episode it is for, the receiver it was sent to, and when."""

    episode: str
    receiver: str
    at: float


class SignedLinks:
    """Signs and reads. The key is looked up each time: it may have been changed on another replica."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def sign(self, link: SignedLink) -> str:
        """What a URL ends with; "" while the database cannot be used."""
        try:
            return str(self._serializer().dumps([link.episode, link.receiver, int(link.at)]))
        except StoreError as cause:
            logger.warning("message goes without its link", extra={"error": str(cause)})
            return ""

    def read(self, text: str) -> SignedLink | None:
        """What was signed; None for what we have not signed with the key of now. Raises StoreError."""
        if len(text) > _LONGEST:
            return None
        serializer = self._serializer()
        try:
            episode, receiver, at = serializer.loads(text)
        except (BadData, ValueError, TypeError):
            return None
        # base64 leaves bits unused: a text that differs in these would pass, and every bit has to count
        if serializer.dumps([episode, receiver, at]) != text:
            return None
        return SignedLink(episode, receiver, at)

    def revoke(self) -> None:
        """End every link. Raises StoreError."""
        with self._store.writing() as connection:
            statements.put(connection, keys, [(_KEY, secrets.token_hex(32))])

    def _serializer(self) -> URLSafeSerializer:
        return URLSafeSerializer(self._key(), salt="watchdog.links", signer_kwargs={"digest_method": sha256})

    def _key(self) -> str:
        asked = select(keys.c.secret).where(keys.c.name == _KEY)
        with self._store.reading() as connection:
            found: str | None = connection.execute(asked).scalar()
        if found is None:
            with self._store.writing() as connection:
                statements.add_new(connection, keys, [(_KEY, secrets.token_hex(32))])
                found = connection.execute(asked).scalar_one()
        return found
