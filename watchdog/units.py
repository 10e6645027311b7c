"""Durations and sizes: text to numbers and back.

Durations are seconds (`5m`, `1h30m`, `500ms`), sizes are bytes (`10KiB`, `1GB`).
"""

from __future__ import annotations

import math
import re

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_BYTES = {
    "B": 1.0,
    "kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12,
    "KiB": 2.0**10, "MiB": 2.0**20, "GiB": 2.0**30, "TiB": 2.0**40,
}  # fmt: skip
#: Seconds of the longest duration; beyond it instants stop being dates.
_LONGEST = 100 * 365.25 * 86400
#: Number and unit, repeated: 1h30m. Longest units first, so that `ms` is never read as minutes.
_DURATION_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d)")
_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?)(" + "|".join(sorted(_BYTES, key=len, reverse=True)) + ")")


def parse_duration(text: str) -> float:
    """Seconds in `500ms`, `30s`, `5m`, `1h30m`, `2d`. Raises ValueError that says what would be accepted."""
    text = text.strip()
    end, total = 0, 0.0
    for part in _DURATION_PART.finditer(text):
        if part.start() != end:
            break
        total += float(part[1]) * _SECONDS[part[2]]
        end = part.end()
    if end != len(text) or not text:
        raise ValueError(f"{text!r} is not a duration; write a number and ms, s, m, h or d, e.g. 5m or 1h30m")
    if total > _LONGEST:
        raise ValueError(f"{text!r} is longer than a hundred years; write less, e.g. 30d")
    return round(total, 6)


def parse_size(text: str) -> float:
    """Bytes in `10KiB`, `5MiB`, `1GB`. Raises ValueError that says what would be accepted."""
    found = _SIZE.fullmatch(text.strip())
    if not found:
        raise ValueError(f"{text!r} is not a size; write a number and B, KB, MB, GB, KiB, MiB or GiB, e.g. 10MiB")
    return float(found[1]) * _BYTES[found[2]]


def format_duration(seconds: float) -> str:
    """Seconds as people write them: `12m4s`, `1h30m`, `840ms`; at most two units, so a glance is enough."""
    if not math.isfinite(seconds):
        return str(seconds)
    sign, rest = ("-" if seconds < 0 else ""), abs(seconds)
    if rest < 1:
        return f"{sign}{rest * 1000:.0f}ms" if rest else "0s"
    if rest < 60:
        return f"{sign}{rest:.1f}".removesuffix(".0") + "s" if rest < 10 else f"{sign}{rest:.0f}s"
    whole = round(rest)
    parts = []
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, whole = divmod(whole, size)
        if count:
            parts.append(f"{count}{unit}")
        elif parts:
            break  # 1d4m would read as more exact than it is
    return sign + "".join(parts[:2])


def format_bytes(size: float) -> str:
    """Bytes with a binary unit: `12 B`, `1.5 MiB`."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(size) < 1024:
            return f"{format_number(round(size, 1))} {unit}"
        size /= 1024
    return f"{format_number(round(size, 1))} TiB"


def format_number(value: float) -> str:
    """A number without noise: 3, 0.05, 1 200 000 as `1200000`, 1e+21."""
    if value == int(value) and abs(value) < 1e15 if math.isfinite(value) else False:
        return str(int(value))
    return f"{value:.6g}"
