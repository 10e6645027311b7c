"""Style sheet, scripts, font and icon: ours and what is vendored, compressed once, kept by browsers for good."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from hashlib import blake2s
from importlib.resources import files
from importlib.resources.abc import Traversable

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".woff2": "font/woff2",
}
#: Compressed already.
_PACKED = (".woff2",)


@dataclass(frozen=True, slots=True)
class Asset:
    """One file; `packed` is what goes over the wire to a browser that takes gzip."""

    type: str
    plain: bytes
    packed: bytes


class Assets:
    """All of them, in memory. `version` changes with any of them, so that a browser never mixes two versions."""

    def __init__(self) -> None:
        self._found = dict(_read(files("watchdog.web").joinpath("static"), ""))
        digest = blake2s(digest_size=6)
        for name in sorted(self._found):
            digest.update(self._found[name].plain)
        self.version = digest.hexdigest()

    @property
    def weight(self) -> int:
        """Bytes a browser loads for everything, compressed."""
        return sum(len(one.packed) for one in self._found.values())

    def routes(self) -> list[Route]:
        """Open to everybody: the sign-in page needs them."""
        return [Route("/static/{path:path}", self._answer)]

    def _answer(self, request: Request) -> Response:
        found = self._found.get(request.path_params["path"])
        if found is None:
            return PlainTextResponse("there is no such file\n", 404)
        # the pages name the version with each file: what it names never changes
        named = bytes(request.scope["query_string"]) == self.version.encode()
        kept = "public, max-age=31536000, immutable" if named else "no-cache"
        headers = {"Cache-Control": kept, "Vary": "Accept-Encoding", "X-Content-Type-Options": "nosniff"}
        if found.packed is not found.plain and "gzip" in request.headers.get("accept-encoding", ""):
            return Response(found.packed, headers={**headers, "Content-Encoding": "gzip"}, media_type=found.type)
        return Response(found.plain, headers=headers, media_type=found.type)


def _read(folder: Traversable, under: str) -> list[tuple[str, Asset]]:
    found: list[tuple[str, Asset]] = []
    for entry in folder.iterdir():
        if entry.is_dir():
            found += _read(entry, f"{under}{entry.name}/")
            continue
        ending = entry.name[entry.name.rfind(".") :]
        plain = entry.read_bytes()
        packed = plain if ending in _PACKED else gzip.compress(plain, mtime=0)
        found.append((under + entry.name, Asset(_TYPES[ending], plain, packed)))
    return found
