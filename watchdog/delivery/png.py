"""Pictures: a chart drawn as SVG becomes a PNG, for mail programs show nothing else."""

from __future__ import annotations

import re
from html import unescape
from importlib.resources import as_file, files

#: Twice the size it is shown at, so that it is sharp on fine screens.
_ZOOM = 2
_FAMILY = "DejaVu Sans"


def png_of(svg: str) -> bytes | None:
    """The picture, None where it cannot be drawn: a message without its chart is better than none."""
    try:
        import resvg_py
    except ImportError:
        return None
    # a slim image has no fonts at all; with ours alone the picture is the same everywhere
    with as_file(files("watchdog.delivery") / "fonts" / "DejaVuSans.ttf") as font:
        try:
            return bytes(
                resvg_py.svg_to_bytes(
                    svg_string=svg, zoom=_ZOOM, background="#ffffff", skip_system_fonts=True, font_files=[str(font)],
                    font_family=_FAMILY, sans_serif_family=_FAMILY, serif_family=_FAMILY, monospace_family=_FAMILY,
                )
            )  # fmt: skip
        except ValueError:
            return None


def words_in(svg: str) -> str:
    """What a picture says of itself in words, "" for one that says nothing."""
    found = re.search(r'aria-label="([^"]*)"', svg)
    return unescape(found[1]) if found else ""
