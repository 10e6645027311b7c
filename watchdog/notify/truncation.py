"""Cutting: a text that is too long for its place ends at a word with "…"."""

from __future__ import annotations

ELLIPSIS = "…"


def cut(text: str, limit: int) -> str:
    """At most `limit` characters of a text. It is cut at a word unless the last one alone is longer than half."""
    if len(text) <= limit:
        return text
    if limit <= 0:
        return ""
    kept = text[: limit - 1]
    if not text[limit - 1].isspace():
        word = max(kept.rfind(blank) for blank in " \n\t")
        if word >= len(kept) // 2:
            kept = kept[:word]
    return kept.rstrip() + ELLIPSIS


def one_line(text: str) -> str:
    """A text as one line without control characters; it can end no header and hide nothing."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())
