"""Lists page by page: when the last page was seen, and whether everything was."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from watchdog.errors import ApiError, ShapeError

Item = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Page:
    """One page: its objects that have an id, how many it held in all, and what it says about further ones."""

    items: list[Item]
    length: int
    page_size: int | None = None
    total: int | None = None
    has_next: bool | None = None


def page_of(what: str, document: Any) -> Page:
    """A page from its envelope, or from a bare list. Raises ShapeError."""
    envelope = document if isinstance(document, dict) else {"result": document}
    rows = next((envelope[key] for key in ("result", "results", "data", "items") if key in envelope), None)
    if not isinstance(rows, list):
        raise ShapeError(f"{what}: the answer holds no list under 'result'")
    items = []
    for row in rows:
        if isinstance(row, dict):
            id = row.get("id", row.get("_id"))
            if isinstance(id, int) and not isinstance(id, bool):
                id = str(id)
            if isinstance(id, str) and id:
                items.append(row if row.get("id") == id else {**row, "id": id})
    has_next = envelope.get("has_next")
    return Page(
        items,
        len(rows),
        page_size=_count(envelope.get("page_size")),
        total=_count(envelope.get("total")),
        has_next=has_next if isinstance(has_next, bool) else None,
    )


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


@dataclass(slots=True)
class Pages:
    """A list as far as it was read. `error` is what cut it short.

    Only a complete list proves that something is gone: one whose pages repeat, end early or hold less than they promise
    does not.
    """

    error: ApiError | None = None
    ended: bool = False
    doubted: bool = False  #: empty where the listing before was not, and not yet for long enough to be believed
    _found: dict[str, Item] = field(default_factory=dict)
    _read: int = 0
    _total: int | None = None
    _page_size: int | None = None
    _repeats: bool = False

    @property
    def items(self) -> list[Item]:
        return list(self._found.values())

    @property
    def complete(self) -> bool:
        if self.error is not None or not self.ended or self._repeats or self.doubted:
            return False
        return self._total is None or self._read >= self._total

    def add(self, page: Page) -> None:
        """The next page. An item seen twice (the list moved meanwhile) counts once, as it was last seen."""
        before = len(self._found)
        for item in page.items:
            self._found[item["id"]] = item
        self._read += page.length
        if page.total is not None:
            self._total = page.total
        self._page_size = page.page_size or self._page_size
        if page.length == 0:
            self.ended = True
        elif len(self._found) == before:
            # Nothing new: the API does not know `page`, and would repeat itself for ever.
            self.ended = self._repeats = True
        elif page.has_next is True:
            pass
        elif self._total is not None:
            self.ended = self._read >= self._total
        elif page.has_next is False:
            self.ended = True
        else:
            self.ended = page.length < (page.page_size or 100)

    def promised(self, page_size: int) -> int:
        """How many pages the total speaks of, if the API uses the page size we asked for; 0 without a total."""
        return 0 if self._total is None else -(-self._total // max(1, self._page_size or page_size))
