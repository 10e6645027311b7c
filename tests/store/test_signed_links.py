"""Signed links: only what was signed with the key of now opens, and every bit of it counts."""

from __future__ import annotations

from collections.abc import Callable

from watchdog.store.signed_links import SignedLink, SignedLinks
from watchdog.store.store import Store

LINK = SignedLink("0b7f3c52-0000-5000-8000-000000000001", "oncall", 1_700_000_000)


def test_every_replica_reads_what_one_signed(store: Store, url: str, opened: Callable[..., Store]) -> None:
    assert SignedLinks(opened(url)).read(SignedLinks(store).sign(LINK)) == LINK


def test_no_changed_character_passes(store: Store) -> None:
    signed = SignedLinks(store)
    text = signed.sign(LINK)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    last = [text[:-1] + char for char in alphabet if char != text[-1]]  # its last bits are not part of the signature
    others = [text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :] for at in range(len(text))]
    assert [one for one in (*last, *others, "", ".", text + "=", text[1:], "x" * 5000) if signed.read(one)] == []


def test_revoked_links_open_nothing_and_new_ones_do(store: Store, url: str, opened: Callable[..., Store]) -> None:
    signed = SignedLinks(store)
    old = signed.sign(LINK)
    SignedLinks(opened(url)).revoke()
    assert signed.read(old) is None
    assert signed.read(signed.sign(LINK)) == LINK
