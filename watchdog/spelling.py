"""Spelling: the known word that somebody probably meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`; did you mean 'x'?` for the nearest known word, "" where none is near."""
    near = nearest(word, known)
    return f"; did you mean '{near}'?" if near else ""


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word that is written most like this one, or the only one it is a part of; "" for none."""
    names = list(known)
    close = difflib.get_close_matches(word, names, 1, cutoff=0.6)
    if not close:
        folded = {one.lower(): one for one in names}
        close = [folded[word.lower()]] if word.lower() in folded else []
    if not close:
        close = [one for one in names if "_" in one and word in one.split("_")]
    return close[0] if len(close) == 1 else ""
