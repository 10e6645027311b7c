"""Memory: the garbage collector is kept from walking through every answer.

An answer of ten thousand connectors is a million small dicts without cycles. By default the collector looks at all of
them several times while they are made, which takes longer than making them.
"""

from __future__ import annotations

import gc


def calm_collector() -> None:
    """What is there now is never looked at again; the rest seldom. Cycles are few here, and are found all the same."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 50)
