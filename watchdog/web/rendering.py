"""Rendering: templates to answers, with the headers that keep a browser from doing anything else."""

from __future__ import annotations

import gzip
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable

from jinja2 import Environment, PackageLoader, select_autoescape
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

#: Scripts and styles of our own alone; nothing inline, nothing from elsewhere.
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_KEPT = 64


class Templates:
    """The pages' templates; everything is escaped. `name` is this instance's, for display, `assets` the version of the
    files they name."""

    def __init__(self, name: str, assets: str) -> None:
        loader = PackageLoader("watchdog.web")
        self._environment = Environment(loader=loader, autoescape=select_autoescape(default=True), trim_blocks=True,
                                        lstrip_blocks=True)  # fmt: skip
        self._environment.globals.update(name=name, assets=assets)

    def text(self, template: str, **values: object) -> str:
        return self._environment.get_template(template).render(**values)

    def page(self, template: str, status: int = 200, **values: object) -> Response:
        return HTMLResponse(self.text(template, **values), status, headers=HEADERS)


class Rendered:
    """Pages by what they were made from: fifty readers of one state cost one rendering."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, tuple[bytes, bytes]] = OrderedDict()
        self._making: dict[Hashable, threading.Lock] = {}

    def answer(self, request: Request, key: Hashable, make: Callable[[], str]) -> Response:
        """The page for `key`, compressed where the browser takes it."""
        plain, packed = self._page(key, make)
        if "gzip" in request.headers.get("accept-encoding", ""):
            return HTMLResponse(packed, headers={**HEADERS, "Content-Encoding": "gzip", "Vary": "Accept-Encoding"})
        return HTMLResponse(plain, headers={**HEADERS, "Vary": "Accept-Encoding"})

    def _page(self, key: Hashable, make: Callable[[], str]) -> tuple[bytes, bytes]:
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
                return found
            making = self._making.setdefault(key, threading.Lock())
        with making:  # the others wait for the first, instead of making the same
            with self._lock:
                found = self._kept.get(key)
            if found is not None:
                return found
            try:
                plain = make().encode()
                found = plain, gzip.compress(plain, compresslevel=1)
            finally:
                with self._lock:
                    self._making.pop(key, None)
            with self._lock:
                self._kept[key] = found
                while len(self._kept) > _KEPT:
                    self._kept.popitem(last=False)
            return found

