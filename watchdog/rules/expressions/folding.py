"""Constants folded while a rule is read: what is known once need not be judged at every poll."""

from __future__ import annotations

from watchdog.rules.expressions.plan import Always, Junction, Not, Presence, Truth


def junction(operator: str, parts: tuple[Truth, ...]) -> Truth:
    """Constant parts folded: `x and true` is x."""
    decides, neutral = (0, 1) if operator == "and" else (1, 0)
    if any(isinstance(part, Always) and part.truth == decides for part in parts):
        return Always(decides)
    left = tuple(part for part in parts if not (isinstance(part, Always) and part.truth == neutral))
    if not left:
        return Always(neutral)
    if all(isinstance(part, Always) for part in left):
        return Always(-1)
    return left[0] if len(left) == 1 else Junction(operator, left)


def negation(part: Truth) -> Truth:
    """`not` of a constant is one, and not absent is present: its reason then says so."""
    match part:
        case Always(truth):
            return Always(-1 if truth < 0 else 1 - truth)
        case Presence(operand, present):
            return Presence(operand, not present)
        case _:
            return Not(part)


def compared(operator: str, left: float | str, right: float | str) -> int:
    """1, 0 or -1 (unknown) of two constants."""
    if isinstance(left, str) or isinstance(right, str):
        same = str(left).casefold() == str(right).casefold()
        return int(same if operator == "==" else not same)
    if left != left or right != right:
        return -1
    return int({"==": left == right, "!=": left != right, ">": left > right, ">=": left >= right,
                "<": left < right, "<=": left <= right}[operator])  # fmt: skip
