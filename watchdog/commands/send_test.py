"""`watchdog send-test`: a message to every target of a receiver, and what each answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from watchdog.app.certificates import trust
from watchdog.commands.output import as_json as print_json
from watchdog.commands.output import table
from watchdog.configuration.files import load
from watchdog.cycle.policy import Policy
from watchdog.delivery.targets import check_url, open_target
from watchdog.environment import read_variables
from watchdog.errors import ConfigError, DeliveryError
from watchdog.notify.message import Line, Message, MessageKind
from watchdog.settings import Settings
from watchdog.spelling import did_you_mean


def send_test(receiver: str, *, as_json: bool, now: float) -> int:
    """0 where every target took it, 1 where one did not; ConfigError for a receiver there is none of."""
    settings = Settings.load()
    trust(settings.watchdog_ca_file)
    policy = load(settings.watchdog_rules, read_variables(), check_url=check_url)
    answers = send(policy, receiver, _message(receiver, settings.watchdog_name, now))
    if as_json:
        print_json(answers)
    else:
        show(answers)
    return 0 if all(one.accepted for one in answers) else 1


@dataclass(frozen=True, slots=True)
class Answer:
    """What one target said to a message."""

    target: str
    accepted: bool
    answer: str


def send(policy: Policy, receiver: str, message: Message, *, leave_out: frozenset[str] = frozenset()) -> list[Answer]:
    """Send a message to every target of a receiver but the kinds to leave out. Raises ConfigError for a receiver there
    is none of, or without a target."""
    found = policy.receivers.get(receiver)
    if found is None:
        hint = did_you_mean(receiver, policy.receivers) or f"; there are {', '.join(policy.receivers) or 'none'}"
        raise ConfigError(f"there is no receiver '{receiver}'{hint}")
    if not found.targets:
        raise ConfigError(f"receiver '{receiver}' has no target: the variables its URLs name are not set")
    answers = []
    for spec in found.targets:
        carrier = open_target(spec.receiver, spec.template, policy.urls[spec.id])
        if carrier.target.kind in leave_out:
            continue
        try:
            carrier.send(message)
            answer, fine = "accepted", True
        except DeliveryError as cause:
            answer, fine = str(cause).removeprefix(f"{carrier.target.label}: "), False
        answers.append(Answer(carrier.target.label, fine, answer))
    return answers


def show(answers: Sequence[Answer]) -> None:
    table(("target", "", "answer"), [(one.target, "OK" if one.accepted else "FAIL", one.answer) for one in answers])


def _message(receiver: str, name: str, now: float) -> Message:
    line = Line(
        alertname="WatchdogTest",
        severity="info",
        entity="watchdog/watchdog",
        phase="firing",
        summary=f"This is a test of the receiver {receiver}",
        description="Nothing is wrong. Somebody ran `watchdog send-test`.",
        since=now,
    )
    return Message(
        id=f"test-{now:.0f}",
        kind=MessageKind.TEST,
        receiver=receiver,
        title=f"[TEST] {receiver} hears the watchdog",
        changed=(line,),
        at=now,
        threads=(f"test-{now:.0f}",),
        dedup_key=f"wd-test-{now:.0f}",
        instance=name,
    )
