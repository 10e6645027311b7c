"""`make screenshots`: runs a watchdog through an incident and shoots its pages into docs/status-page.

Needs Debian's chromium, fonts-dejavu-core and fonts-noto-color-emoji. An argument names another folder.
"""

from __future__ import annotations

import logging
import os
import sys
import warnings
from pathlib import Path

from pictures.palette import with_palette
from playwright.sync_api import Page, sync_playwright
from web import chromium

from screenshots.scenes import scenes

ROOT = Path(__file__).parents[2]


def main(folder: Path) -> int:
    path = chromium.found()
    if path is None:
        print(f"Chromium is not installed: {chromium.COMMAND}", file=sys.stderr)
        return 1
    folder.mkdir(parents=True, exist_ok=True)
    drawn: set[Path] = set()

    def shoot(page: Page, name: str, *, whole: bool = False) -> None:
        file = folder / f"{name}.png"
        file.write_bytes(with_palette(page.screenshot(full_page=whole, animations="disabled", caret="hide")))
        drawn.add(file)
        print(f"{file.name}: {file.stat().st_size / 1000:.0f} kB")

    with sync_playwright() as playwright:
        # a container's root has no sandbox to give
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox"] if os.geteuid() == 0 else []
        )
        scenes(browser, shoot)
        browser.close()
    for stale in set(folder.glob("*.png")) - drawn:
        stale.unlink()
    print(f"{sum(file.stat().st_size for file in drawn) / 1000:.0f} kB in {len(drawn)} pictures")
    return 0


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    logging.disable(logging.ERROR)
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs/status-page"))
