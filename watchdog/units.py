"""Durations and sizes: text to numbers and back.

Durations are seconds (`5m`, `1h30m`, `500ms`), sizes are bytes (`10KiB`, `1GB`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

#: The largest first: the order in which a duration names them.
_SECONDS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_BYTES = {
    "B": 1.0,
    "kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12,
    "KiB": 2.0**10, "MiB": 2.0**20, "GiB": 2.0**30, "TiB": 2.0**40,
}  # fmt: skip
#: Seconds of the longest duration; beyond it instants stop being dates.
_LONGEST = 100 * 365.25 * 86400
_COUNT = r"[0-9]+(?:\.[0-9]+)?"
_DURATION = re.compile("".join(f"(?:({_COUNT}){unit})?" for unit in _SECONDS))
_SIZE = re.compile(f"({_COUNT})({'|'.join(_BYTES)})")

#: Units as people write them elsewhere, in lower case, and ours.
_LOOSE_TIME = {
    "ms": "ms", "msec": "ms", "msecs": "ms", "millisecond": "ms", "milliseconds": "ms",
    "s": "s", "sec": "s", "secs": "s", "second": "s", "seconds": "s",
    "m": "m", "min": "m", "mins": "m", "minute": "m", "minutes": "m",
    "h": "h", "hr": "h", "hrs": "h", "hour": "h", "hours": "h",
    "d": "d", "day": "d", "days": "d", "w": "w", "week": "w", "weeks": "w",
}  # fmt: skip
_LOOSE_SIZE = {
    "b": "B", "byte": "B", "bytes": "B",
    "k": "KB", "kb": "KB", "mb": "MB", "g": "GB", "gb": "GB", "t": "TB", "tb": "TB",
    "ki": "KiB", "kib": "KiB", "mi": "MiB", "mib": "MiB", "gi": "GiB", "gib": "GiB", "ti": "TiB", "tib": "TiB",
}  # fmt: skip
LOOSE_UNITS = frozenset({*_LOOSE_TIME, *_LOOSE_SIZE, *_BYTES, "Ki", "Mi", "Gi", "Ti", "K", "M", "G", "T"})
_LOOSE = re.compile(rf"\s*({_COUNT})\s*([A-Za-z]+)")


def parse_duration(text: str) -> float:
    """Seconds in `500ms`, `30s`, `5m`, `1h30m`, `2d`: units in falling order, each once.

    Raises ValueError that says what would be accepted.
    """
    text = text.strip()
    found = _DURATION.fullmatch(text)
    if not text or not found:
        meant = near_duration(text)
        hint = f"; did you mean '{meant}'?" if meant else ""
        raise ValueError(f"{text!r} is not a duration; write a number and ms, s, m, h or d, e.g. 5m or 1h30m{hint}")
    total = sum(float(count) * unit for count, unit in zip(found.groups(), _SECONDS.values(), strict=True) if count)
    if total > _LONGEST:
        raise ValueError(f"{text!r} is longer than a hundred years; write less, e.g. 30d")
    return round(total, 6)


def parse_size(text: str) -> float:
    """Bytes in `10KiB`, `5MiB`, `1GB`. Raises ValueError that says what would be accepted."""
    found = _SIZE.fullmatch(text.strip())
    if not found:
        raise ValueError(f"{text!r} is not a size; write a number and B, KB, MB, GB, KiB, MiB or GiB, e.g. 10MiB")
    return float(found[1]) * _BYTES[found[2]]


def near_duration(text: str) -> str:
    """`1 hour 30 min`, `30m1h`, `1w` or `5M` as it is written here; "" for what means no duration."""
    counts = dict.fromkeys(_SECONDS, 0.0)
    for count, unit in _loose_parts(text, _LOOSE_TIME):
        counts["d" if unit == "w" else unit] += float(count) * (7 if unit == "w" else 1)
    meant = "".join(f"{count:.15g}{unit}" for unit, count in counts.items() if count)
    return meant if _DURATION.fullmatch(meant) else ""


def near_quantity(text: str) -> str:
    """A duration or size as it is written here; "" for neither. A capital letter is a size's: `5M`."""
    sizes = _loose_parts(text, _LOOSE_SIZE)
    if not sizes and text[-1:] == "M":
        sizes = [(text[:-1].strip(), "MB")]
    size = "".join(sizes[0]) if len(sizes) == 1 else ""
    return size or near_duration(text)


def _loose_parts(text: str, units: Mapping[str, str]) -> list[tuple[str, str]]:
    """Numbers and units of a text that holds nothing else, units as ours."""
    found, end = [], 0
    for part in _LOOSE.finditer(text.strip()):
        if part.start() != end or part[2].lower() not in units:
            return []
        found.append((part[1], units[part[2].lower()]))
        end = part.end()
    return found if end == len(text.strip()) else []


def format_duration(seconds: float) -> str:
    """Seconds as people write them: `12m4s`, `1h30m`, `840ms`; at most two units, so a glance is enough."""
    if not math.isfinite(seconds):
        return str(seconds)
    sign, rest = ("-" if seconds < 0 else ""), abs(seconds)
    if not rest:
        return "0s"
    if rest < 0.9995:
        return f"{sign}{rest * 1000:.0f}ms"
    if rest < 9.95:
        return f"{sign}{rest:.1f}".removesuffix(".0") + "s"
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
        if abs(round(size, 1)) < 1024:
            return f"{format_number(round(size, 1))} {unit}"
        size /= 1024
    return f"{format_number(round(size, 1))} TiB"


def exact_duration(seconds: float) -> str:
    """Seconds as somebody would write them, nothing rounded: `1h30m`, `1d4m`; "" below and beyond milliseconds."""
    milliseconds = abs(seconds) * 1000
    if milliseconds > 1e15 or abs(milliseconds - round(milliseconds)) > 1e-6:
        return ""
    parts, left = [], round(milliseconds)
    for unit, length in _SECONDS.items():
        count, left = divmod(left, round(length * 1000))
        if count:
            parts.append(f"{count}{unit}")
    return ("-" if seconds < 0 else "") + ("".join(parts) or "0s")


def exact_bytes(size: float) -> str:
    """Bytes as somebody would write them, nothing rounded: `10 MiB`, `1.5 GB`, `1234567 B`."""
    for unit, of in sorted(_BYTES.items(), key=lambda item: -item[1]):
        count = round(size / of, 1)
        if abs(count) >= 1 and count * of == size:
            return f"{exact_number(count)} {unit}"
    return f"{exact_number(size)} B"


def exact_number(value: float) -> str:
    """A number as somebody would write it, nothing rounded but the last digits of a float: 0.3 for 0.1 + 0.2."""
    shown = format_number(value)
    return shown if float(shown) == value else f"{value:.15g}"


def format_number(value: float) -> str:
    """A number without noise: 3, 0.05, 1 200 000 as `1200000`, 1e+21."""
    if abs(value) < 1e15 and value == int(value):
        return str(int(value))
    return f"{value:.6g}"
