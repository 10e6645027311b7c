"""A site to look at, and a browser to look with."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

sys.path.insert(0, str(Path(__file__).parent))

import chromium
from site_under_test import TOKEN, Site


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = chromium.found()
    if path is None:
        pytest.skip(f"Chromium is not installed: {chromium.COMMAND}")
    with sync_playwright() as playwright:
        # a container's root has no sandbox to give
        made = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"] if os.geteuid() == 0 else [])
        yield made
        made.close()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site(tmp_path) as made:
        yield made


@pytest.fixture
def visit(browser: Browser, site: Site) -> Iterator[Callable[..., Page]]:
    """Open a page of the site as some reader; whatever the page complains about fails the test."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def opened(path: str = "/", *, signed_in: bool = False, **how: object) -> Page:
        context = browser.new_context(viewport={"width": 1280, "height": 800}, **how) if "viewport" not in how else browser.new_context(**how)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("pageerror", lambda error: complaints.append(f"error: {error}"))
        page.on("console", lambda said: complaints.append(said.text) if _is_complaint(said) else None)
        page.on("dialog", lambda box: complaints.append(f"dialog: {box.message}"))
        page.on("request", lambda asked: complaints.append(f"asked elsewhere: {asked.url}")
                if not asked.url.startswith((site.url, "data:")) else None)  # fmt: skip
        if signed_in:
            page.goto(f"{site.url}/sign-in?next={path}")
            page.get_by_label("Token").fill(TOKEN)
            page.get_by_role("button", name="Sign in").click()
            page.wait_for_url(site.url + path)  # loaded, its scripts too: who types sooner gets no preview
        else:
            page.goto(site.url + path)
        return page

    opened.complaints = complaints  # type: ignore[attr-defined]
    yield opened
    for context in contexts:
        context.close()
    assert complaints == []


def _is_complaint(said: ConsoleMessage) -> bool:
    # htmx logs a refresh that gave way to a newer one, which is meant
    return said.type in ("error", "warning") and not said.text.startswith(("htmx:afterRequest", "htmx:sendAbort"))
