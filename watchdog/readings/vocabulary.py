"""Texts as numbers, so that a column of states is compared and remembered like any other. Case does not matter."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from watchdog.readings.snapshot import Column, Flags, Floats, Texts

Codes = npt.NDArray[np.int32]

#: A remembered value at or below this is a text: code 0 here, the next one step above. No metric comes near.
_FLOOR, _STEP, _CEILING = -1.7e308, 1e293, -1.6e308


class Vocabulary(dict[str | None, int]):
    """A number for each text, the same for texts that differ in case only; no text is -1."""

    def __init__(self) -> None:
        super().__init__({None: -1})
        self.shown: list[str] = []  #: by code: the spelling met first
        self._folded: dict[str, int] = {}
        self._borrowed: set[int] = set()  #: codes whose spelling is a rule's; a reading's takes its place

    def __missing__(self, text: str) -> int:
        folded = text.casefold()
        code = self._folded.get(folded)
        if code is None:
            code = self._folded[folded] = len(self.shown)
            self.shown.append(text)
        elif code in self._borrowed:
            self._borrowed.discard(code)
            self.shown[code] = text
        self[text] = code
        return code

    def constant(self, text: str) -> int:
        """The code of a text that a rule names."""
        known = len(self.shown)
        code = self[text]
        if code == known:
            self._borrowed.add(code)
            del self[text]  # so that the first reading of it is noticed
        return code

    def codes(self, texts: Iterable[str | None], count: int) -> Codes:
        return np.fromiter(map(self.__getitem__, texts), dtype=np.int32, count=count)

    def encoded(self, column: Column) -> Floats:
        """A column as one array of numbers of its own: texts are numbers below all others, nothing is NaN."""
        values = np.array(column.numbers, dtype=np.float64)
        if column.texts is not None:
            codes = self.codes(column.texts.tolist(), len(values))
            there = codes >= 0
            values[there] = _FLOOR + codes[there] * _STEP
        return values

    def texts(self, values: Floats) -> Texts:
        """The texts among such values; None elsewhere."""
        found = np.full(len(values), None, dtype=object)
        for row in np.flatnonzero(is_text(values)):
            found[row] = self.shown[code_of(values[row])]
        return found


def is_text(values: Floats) -> Flags:
    return np.asarray(values < _CEILING)


def code_of(value: float) -> int:
    return round((value - _FLOOR) / _STEP)
