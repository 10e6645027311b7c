"""Schemathesis against `/api/watchdog/v1`: whatever its description allows or forbids is answered as it says. And against the
pages' forms, which have no description of their own: no field of theirs makes an error."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from site_under_test import TOKEN, Site


def test_schemathesis_finds_nothing(tmp_path: Path) -> None:
    """Every check but the one that sends wrong tokens, which are slowed on purpose: test_security tries every path without
    a token and with a wrong one. It makes the same requests each time; more of them found nothing more."""
    with Site(tmp_path, sources=2, every="5s", WATCHDOG_LISTEN="0.0.0.0:0") as site:
        site.breaks(site.sources[0])
        described = site.url.replace("0.0.0.0", "127.0.0.1") + "/api/watchdog/v1/openapi.json"
        command = [str(Path(sys.executable).with_name("schemathesis")), "run", described, "--checks", "all",
                   "--exclude-checks", "ignored_auth", "--workers", "4", "--header", f"Authorization: Bearer {TOKEN}", "--max-examples", "3", "--generation-deterministic",
                   "--no-color"]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600, cwd=tmp_path)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr
    assert "16 selected / 16 total" in done.stdout, "an operation was added: raise the number, so that none is skipped"


#: Every form and page with parameters: its fields, or its query.
FORMS = {
    "/sign-in": ["token", "next", "user"],
    "/sign-out": [],
    "/silences": ["matchers", "for", "author", "comment", "next"],
    "/silences/{id}/extend": ["for", "next"],
    "/silences/{id}/expire": ["next"],
    "/alerts/{id}/ack": ["author", "comment", "next"],
}
PAGES = {"/": ["q", "state", "kind", "tag", "page"], "/rules": ["q"], "/silences": ["matchers", "for", "author", "comment"],
         "/sign-in": ["next"], "/alerts/{id}": []}  # fmt: skip


def _described(url: str) -> dict[str, object]:
    """The pages as OpenAPI; each field is any text."""
    text = {"type": "string"}
    answers = {"default": {"description": "A page."}}
    paths: dict[str, dict[str, object]] = {}
    for path, names in PAGES.items():
        query = [{"name": name, "in": "query", "schema": text} for name in names]
        paths.setdefault(path, {})["get"] = {"parameters": query, "responses": answers}
    for path, names in FORMS.items():
        form = {"type": "object", "properties": dict.fromkeys(names, text)}
        body = {"content": {"application/x-www-form-urlencoded": {"schema": form}}}
        paths.setdefault(path, {})["post"] = {"requestBody": body, "responses": answers}
    for path, operations in paths.items():
        if "{id}" in path:
            operations["parameters"] = [{"name": "id", "in": "path", "required": True, "schema": text}]
    return {"openapi": "3.1.0", "info": {"title": "pages", "version": "1"}, "servers": [{"url": url}], "paths": paths}


def test_no_field_of_a_form_makes_an_error(tmp_path: Path) -> None:
    with Site(tmp_path, sources=1, every="5s") as site:
        description = tmp_path / "pages.json"
        description.write_text(json.dumps(_described(site.url)))
        command = [str(Path(sys.executable).with_name("schemathesis")), "run", str(description), "--url", site.url, "--checks",
                   "not_a_server_error", "--workers", "4", "--max-examples", "4", "--generation-deterministic",
                   "--exclude-path", "/sign-in", "--header", f"Authorization: Bearer {TOKEN}", "--no-color"]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300, cwd=tmp_path)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr
    assert "9 selected / 11 total" in done.stdout, "wrong tokens are slowed: the sign-in is fuzzed elsewhere"
