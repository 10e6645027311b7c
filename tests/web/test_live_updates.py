"""The stream of events: one word for each change, however many changes a moment brings."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import pairwise

import httpx
from site_under_test import Site


def _words(lines: Iterator[str]) -> Iterator[str]:
    return (line.removeprefix("event: ") for line in lines if line.startswith("event: "))


def test_every_open_page_is_told_of_a_change_within_seconds(site: Site) -> None:
    with httpx.Client(base_url=site.url, timeout=10) as client, client.stream("GET", "/events") as one, \
            client.stream("GET", "/events") as other:  # fmt: skip
        streams = [_words(one.iter_lines()), _words(other.iter_lines())]
        assert [next(words) for words in streams] == ["hello", "hello"]
        site.until_polled()
        assert [next(words) for words in streams] == ["changed", "changed"]


def test_a_page_is_told_at_most_every_other_second(site: Site) -> None:
    with httpx.Client(base_url=site.url, timeout=10) as client, client.stream("GET", "/events") as stream:
        words = _words(stream.iter_lines())
        next(words)
        told = []
        for _ in range(3):
            assert next(words) == "changed"
            told.append(time.monotonic())
        assert min(later - before for before, later in pairwise(told)) >= 1.9
