"""`make messages`: sends every kind of message over real sockets and draws what arrives into docs/messages.

Needs Debian's chromium, fonts-dejavu-core and fonts-noto-color-emoji. An argument names another folder, which then gets
every picture, not only those that the manual shows.
"""

from __future__ import annotations

import logging
import os
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright
from web import chromium

from pictures import pages
from pictures.inboxes import Arrived, inboxes
from pictures.moments import moments
from pictures.palette import with_palette

ROOT = Path(__file__).parents[2]

#: Points; as wide as a mail or a post is on a laptop.
_WIDTH = 720
#: Where the manual shows more than Slack, mail and PagerDuty.
_TEXT_PARTS, _WEBHOOKS = ("firing", "storm"), ("firing",)


def main(folder: Path, *, all_of_them: bool) -> int:
    path = chromium.found()
    if path is None:
        print(f"Chromium is not installed: {chromium.COMMAND}", file=sys.stderr)
        return 1
    folder.mkdir(parents=True, exist_ok=True)
    drawn: set[Path] = set()
    with tempfile.TemporaryDirectory() as place, inboxes(Path(place)) as boxes, sync_playwright() as playwright:
        # a container's root has no sandbox to give
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox"] if os.geteuid() == 0 else []
        )
        for name, arrived in moments(boxes):
            for channel, html in _pages(name, arrived, all_of_them):
                file = folder / f"{name}-{channel}.png"
                file.write_bytes(with_palette(_shot(browser, html)))
                drawn.add(file)
                print(f"{file.name}: {file.stat().st_size / 1000:.0f} kB")
        browser.close()
    for stale in set(folder.glob("*.png")) - drawn:
        stale.unlink()
    return 0


def _pages(name: str, arrived: Arrived, all_of_them: bool) -> Iterator[tuple[str, str]]:
    """Channel and page of what arrived; the last event of each channel is the one the moment is about."""
    ways: list[tuple[str, list[Any], Callable[[Any, int], str], bool]] = [
        ("slack", arrived.slack, pages.slack, True),
        ("mail", arrived.mails, pages.mail, True),
        ("mail-text", arrived.mails, pages.mail_text, name in _TEXT_PARTS),
        ("pagerduty", arrived.pagerduty, pages.pagerduty, True),
        ("webhook", arrived.hook, pages.webhook, name in _WEBHOOKS),
    ]
    for channel, came, draw, shown in ways:
        if came and (shown or all_of_them):
            yield channel, draw(came[-1], _WIDTH)


def _shot(browser: Browser, html: str) -> bytes:
    page = browser.new_page(viewport={"width": _WIDTH, "height": 100}, color_scheme="light")
    try:
        page.set_content(html)
        return page.screenshot(full_page=True)
    finally:
        page.close()


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # the mail server's own
    logging.getLogger().addHandler(logging.NullHandler())  # what the service says of receivers that are down
    elsewhere = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    sys.exit(main(elsewhere or ROOT / "docs/messages", all_of_them=elsewhere is not None))
