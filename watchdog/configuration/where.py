"""Reading `where`: label names to globs."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from watchdog.configuration.fields import expected, is_blank, is_nothing
from watchdog.configuration.places import Mapping, Node, Scalar, Sequence
from watchdog.errors import Mistake
from watchdog.readings.fleet import LABELS
from watchdog.rules.selector import Selector
from watchdog.spelling import did_you_mean


@dataclass(frozen=True, slots=True)
class Labels:
    """The labels that may be named somewhere.

    `of`: who has them, as "a source". `complete`: no others can be known of; where a file or some rule's labels could
    not be read, a label nobody has heard of may be theirs.
    """

    names: Collection[str]
    of: str = ""
    complete: bool = True

    def unknown(self, name: str) -> str | None:
        """What would be accepted instead of a name; None where it may be used."""
        if name in self.names or not self.complete:
            return None
        elsewhere = any(name in names for names in LABELS.values())  # as `task` of sources: no slip of the hand
        listed = f"; {f'{self.of} has' if self.of else 'there are'} {', '.join(sorted(self.names))}"
        return listed if elsewhere else did_you_mean(name, self.names) or listed


def read_where(node: Node, labels: Labels, mistakes: list[Mistake]) -> Selector:
    """A selector over these labels; what is wrong is added to `mistakes`. Scalars are text: `on` is "on"."""
    if not isinstance(node, Mapping):
        if not is_nothing(node):
            mistakes.append(node.place.mistake(f"where: {expected('a mapping', node)}; write label: pattern"))
        return Selector()
    items: dict[str, tuple[str, ...]] = {}
    for label, value in node.items.items():
        accepted = labels.unknown(label)
        if accepted is not None:
            mistakes.append(node.keys[label].mistake(f"where: unknown label '{label}'{accepted}"))
            continue
        patterns = _patterns(label, value, mistakes)
        if patterns is not None:
            items[label] = patterns
    return Selector(items)


def _patterns(label: str, node: Node, mistakes: list[Mistake]) -> tuple[str, ...] | None:
    if isinstance(node, Scalar) and is_blank(node):
        what = f"where.{label}: nothing is not a pattern; write a text, or '' for entities without it"
        mistakes.append(node.place.mistake(what))
        return None
    if isinstance(node, Scalar):
        return (node.text,)
    if isinstance(node, Mapping):
        what = f"where.{label}: a mapping is not a pattern; write a text or a list of texts"
        mistakes.append(node.place.mistake(what))
        return None
    if isinstance(node, Sequence) and not node.items:
        what = f"where.{label}: is an empty list, which would match everything; leave it out"
        mistakes.append(node.place.mistake(what))
        return None
    found = []
    for item in node.items:
        if isinstance(item, Scalar) and not is_blank(item):
            found.append(item.text)
        else:
            mistakes.append(item.place.mistake(f"where.{label}: {expected('a text', item)}; write one"))
    return tuple(found)
