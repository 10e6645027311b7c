"""Reading `where`: label names to globs."""

from __future__ import annotations

from collections.abc import Collection

from watchdog.configuration.fields import did_you_mean, expected, is_nothing
from watchdog.configuration.places import Mapping, Node, Scalar, Sequence
from watchdog.errors import Mistake
from watchdog.rules.selector import Selector


def read_where(node: Node, labels: Collection[str], mistakes: list[Mistake]) -> Selector:
    """A selector over these labels; what is wrong is added to `mistakes`. Scalars are text: `on` is "on"."""
    if not isinstance(node, Mapping):
        if not is_nothing(node):
            mistakes.append(node.place.mistake(f"where: {expected('a mapping', node)}; write label: pattern"))
        return Selector()
    items: dict[str, tuple[str, ...]] = {}
    for label, value in node.items.items():
        if label not in labels:
            hint = did_you_mean(label, labels) or f"; there are {', '.join(sorted(labels))}"
            mistakes.append(node.keys[label].mistake(f"where: unknown label '{label}'{hint}"))
            continue
        patterns = _patterns(label, value, mistakes)
        if patterns is not None:
            items[label] = patterns
    return Selector(items)


def _patterns(label: str, node: Node, mistakes: list[Mistake]) -> tuple[str, ...] | None:
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
        if isinstance(item, Scalar):
            found.append(item.text)
        else:
            mistakes.append(item.place.mistake(f"where.{label}: {expected('a text', item)}"))
    return tuple(found)
