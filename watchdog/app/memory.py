"""Memory: the garbage collector is kept from walking through every answer, the allocator from hoarding.

An answer of ten thousand connectors is a million small dicts without cycles. By default the collector looks at all of
them several times while they are made, which takes longer than making them.
"""

from __future__ import annotations

import ctypes
import gc

#: glibc's name for the number of heaps (malloc.h).
_ARENA_MAX = -8


def calm_collector() -> None:
    """What is there now is never looked at again; the rest seldom. Cycles are few here, and are found all the same."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 50)


def one_heap() -> None:
    """One heap for all threads, to be called before there are any.

    glibc gives every thread its own, and each keeps what the largest answer that its thread read once took; with one
    interpreter lock they would hardly ever allocate at the same time.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:  # other libraries of C have no such heaps
        mallopt(_ARENA_MAX, 1)
