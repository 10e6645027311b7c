"""The dispatcher: beginnings, ends, silences and time in; duties to tell out. Decides, sends nothing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from watchdog.alerts.episodes import Acknowledgement, Episode, Withdrawal, answered_by
from watchdog.alerts.lifecycle import AlertKey
from watchdog.alerts.mutes import Mute, next_boundary
from watchdog.alerts.silences import Silence
from watchdog.errors import DeliveryError
from watchdog.notify.escalation import Step, escalate, steps
from watchdog.notify.flush import consider, flush, regroup, remind
from watchdog.notify.ledger import Ending
from watchdog.notify.muting import Muting, ask_reminder
from watchdog.notify.outcomes import Claim, accepted, claim, failed, hand_over, unheld, waiting
from watchdog.notify.records import Records
from watchdog.notify.refiring import take_over
from watchdog.notify.removed_targets import depart
from watchdog.notify.reports import ReportSchedule, make_reports
from watchdog.notify.routes import GroupKey, Routing, groups_for
from watchdog.readings.fleet import Fleet
from watchdog.rules.rule import Rule


class Dispatcher:
    """Owns the book. At a poll: `reroute` if the configuration changed, `began`, `ended` and `changed` for each alert,
    then `judged`. At any time: `tick`, `claim`, `accepted`, `failed`, `acknowledge`, `set_silences`."""

    def __init__(self, records: Records, routing: Routing, rules: Mapping[str, Rule], mutes: Sequence[Mute]) -> None:
        self.records = records
        self.routing = routing
        self._routes = routing.routes
        self._routes_change: float | None = None
        self._muting = Muting(records, rules, mutes)
        self._steps: list[Step] | None = None
        self._resolved_elsewhere = {
            one.id for one in records.open_episodes() if one.acknowledgement and one.acknowledgement.resolved_elsewhere
        }
        self._reports: Sequence[ReportSchedule] = ()
        self._next_report: float | None = None
        self.reports_made = 0.0  #: reports up to this instant were made, or are not wanted
        #: Groups and episodes whose deadline passed while nobody watched: they wait for a poll that judges them.
        self._unconfirmed: set[GroupKey] = set()
        self._unconfirmed_steps: set[str] = set()

    @property
    def held_changed_at(self) -> float | None:
        """The last instant at which what holds some episode changed."""
        return self._muting.changed_at

    def resume(self, now: float, last: float | None) -> None:
        """After a restart, with the silences and the configuration in place: what silences and mutes did since `last`
        is made up for, instant by instant, and deadlines that have passed wait for a poll that says whether their
        alerts still hold."""
        if last is not None and self.records.open_episodes():
            while (edge := self._muting.next_edge(last)) is not None and edge < now:
                self._refresh_holds(edge)
                self._settle_touched(edge)
                last = edge
        self._refresh_holds(now)
        self._settle_touched(now)
        for group in self.records.groups.values():
            deadline = group.reminder_due if group.due is None else group.due
            if deadline is not None and deadline < now:
                self._unconfirmed.add(group.key)
        self._unconfirmed_steps = {step.episode.id for step in self._open_steps() if step.at < now}

    # -- what a poll brings

    def began(self, episode: Episode, now: float) -> None:
        """A new episode: it takes over from the one before wherever that one's end was not told."""
        before = self.records.latest(episode.alert)
        self.records.put_episode(episode)
        self.records.note(now, episode, "began", episode.facts.reason)
        if before is not None and before.id != episode.id:
            take_over(self.records, before, episode, now)
        self._route(self.records.episodes[episode.id])

    def ended(self, episode_id: str, now: float, reason: str, why: str = "") -> None:
        """An episode is over; whoever accepted its beginning is owed the end."""
        episode = self.records.episodes[episode_id]
        groups, entries = self.records.groups_of(episode_id), self.records.entries_of(episode_id)
        waived = [entry for entry in entries if not self.routing.sends_resolved(entry.group.receiver)]
        episode = replace(episode, ended=now, end_reason=reason, why_ended=why)
        self.records.put_episode(episode)
        self.records.note(now, episode, "ended", why or reason)
        for entry in waived:
            self.records.put_entry(replace(entry, ending=Ending.CLOSED))
        self.records.assign(episode, ())
        self.records.touched.update(groups)
        self._steps = None

    def changed(self, episode: Episode) -> None:
        """New facts of an open episode (its labels, its flapping, its severity)."""
        before = self.records.episodes[episode.id]
        self.records.put_episode(episode)
        if episode.facts.labels != before.facts.labels:
            self._route(episode)
        self.records.touched.update(self.records.groups_of(episode.id))

    def evaluated(
        self, now: float, true: Collection[AlertKey], fleet: Fleet, evaluated: Callable[[AlertKey], bool]
    ) -> None:
        """After all alerts of a poll: what holds what now, and which groups have something to tell.

        `true`: those of the alerts that wait for it which this poll found true; `evaluated`: whether it could judge an
        alert at all.
        """
        if self._unconfirmed:
            self._unconfirmed = {key for key in self._unconfirmed if not self._confirmed(key, evaluated)}
        if self._unconfirmed_steps:
            waiting = (self.records.episodes.get(one) for one in self._unconfirmed_steps)
            self._unconfirmed_steps = {one.id for one in waiting if one is not None and not evaluated(one.alert)}
        self._refresh_holds(now, true, fleet)
        self._settle_touched(now)

    def reroute(self, routing: Routing, rules: Mapping[str, Rule], mutes: Sequence[Mute], now: float) -> None:
        """A new configuration: routing is decided anew, and targets that left are closed."""
        before, self.routing = self.routing, routing
        self._muting.configure(rules, mutes)
        depart(self.records, before, routing, now)
        self._routes = routing.at(now)
        self._routes_change = self._next_route_edge(now)
        self._route_all()

    def set_reports(self, schedules: Sequence[ReportSchedule], now: float) -> None:
        """These reports from now on; what was due under those before is made first."""
        self._make_reports(now)
        self._reports, self.reports_made = schedules, max(now, self.reports_made)
        self._next_report = min((one.next(self.reports_made) for one in schedules), default=None)

    def keep_hours(self, now: float) -> None:
        """Where a route's time has begun or ended, routing is decided anew, as after an edit of the routes. To be
        called before what an instant brings."""
        if self._routes_change is None or now < self._routes_change:
            return
        before, self._routes = self._routes, self.routing.at(now)
        self._routes_change = self._next_route_edge(now)
        if self._routes != before:
            self._route_all()

    def _next_route_edge(self, now: float) -> float | None:
        return next_boundary((route.schedule for route in self.routing.routes), now)

    def _route_all(self) -> None:
        for episode in self.records.open_episodes():
            self._route(episode)
        self.records.touched.update(self.records.groups)

    # -- what people say

    def set_silences(self, silences: Iterable[Silence]) -> None:
        """All silences as they are now; `tick` or the next poll applies them."""
        self._muting.set_silences(silences)

    def outlived_silences(self, now: float) -> list[Silence]:
        """Active silences of episodes that have ended."""
        return self._muting.outlived(now)

    def acknowledge(self, episode_id: str, acknowledgement: Acknowledgement) -> None:
        """Stops reminders and escalation of an episode, not its end."""
        episode = self.records.episodes.get(episode_id)
        before = None if episode is None else episode.acknowledgement
        if episode is None or (before is not None and not acknowledgement.replaces(before)):
            return
        self.records.put_episode(replace(episode, acknowledgement=acknowledgement))
        if acknowledgement.resolved_elsewhere:
            self._resolved_elsewhere.add(episode_id)
        self.records.note(acknowledgement.at, episode, "acknowledged", str(acknowledgement))
        self._steps = None

    def withdraw(self, episode_id: str, taken_back: Withdrawal) -> None:
        """An acknowledgement is taken back: reminders and escalation go on."""
        episode = self.records.episodes.get(episode_id)
        if episode is None or episode.acknowledgement is None or not taken_back.takes_back(episode.acknowledgement):
            return
        after = replace(episode, acknowledgement=None)
        self.records.put_episode(after)
        if taken_back.author:
            why = f"by {answered_by(taken_back.author, taken_back.via)}"
        else:
            why = f"{episode.acknowledgement.author} resolved the incident at PagerDuty, and the alert still fires"
            ask_reminder(self.records, after, why)
        self.records.note(taken_back.at, episode, "withdrawn", why)
        self._resolved_elsewhere.discard(episode_id)
        self.records.touched.update(self.records.groups_of(episode_id))
        self._steps = None

    def lapsed(self, now: float) -> list[tuple[str, Withdrawal]]:
        """Incidents that somebody resolved at PagerDuty one repeat interval ago, while their alerts still fire."""
        found = []
        for episode_id in list(self._resolved_elsewhere):
            episode = self.records.episodes.get(episode_id)
            given = None if episode is None or not episode.firing else episode.acknowledgement
            if given is None or not given.resolved_elsewhere:
                self._resolved_elsewhere.discard(episode_id)
                continue
            repeats = [route.repeat_interval for _, route in self.records.routes_of(episode_id)]
            if given.at + min(repeats, default=0.0) <= now:
                found.append((episode_id, Withdrawal(now, "", given.via)))
        return found

    def awaiting(self) -> set[AlertKey]:
        """Alerts that are told only if a poll finds them true, because their suppressor has ended."""
        return self._muting.awaiting()

    # -- what time brings

    def tick(self, now: float) -> None:
        """Everything that is due: silences that began or ended, flushes, reminders, hand-overs, escalations."""
        self.keep_hours(now)
        self._refresh_holds(now)
        self._settle_touched(now)
        for group in list(self.records.groups.values()):
            if group.key in self._unconfirmed:
                continue
            if group.due is not None and group.due <= now:
                flush(self.records, self.routing, group, now)
            elif group.due is None and group.reminder_due is not None and group.reminder_due <= now:
                remind(self.records, self.routing, group, now)
        self._make_reports(now)
        self._hand_over(now)
        due = [step for step in self._awaited_steps() if step.at <= now]
        if due:
            escalate(self.records, self.routing, due, now)
            self._steps = None
        self._settle_touched(now)

    def next_deadline(self, now: float) -> float | None:
        """The next instant at which `tick` or `claim` has something to do; None if only a poll can bring that."""
        groups = (group for group in self.records.groups.values() if group.key not in self._unconfirmed)
        wanted = (group.reminder_due if group.due is None else group.due for group in groups)
        found = [at for at in wanted if at is not None]
        edge = self._muting.next_edge(now)
        if edge is not None:
            found.append(edge)
        found += [at for at in (self._routes_change, self._next_report) if at is not None]
        found += [step.at for step in self._awaited_steps()]
        for notification, first in waiting(self.records):
            if notification is first:
                found.append(notification.next_try)
            if (
                first.attempts
                and notification.hand_over_at is not None
                and self.routing.fallback_of(notification.receiver)
            ):
                found.append(notification.hand_over_at)
        return min(found, default=None)

    # -- what delivery asks and answers

    def claim(self, target: str, now: float) -> Claim | None:
        return claim(self.records, target, now)

    def accepted(self, done: Claim, now: float) -> None:
        accepted(self.records, done, now)
        self._after_answer(done, now)

    def failed(self, done: Claim, error: DeliveryError, now: float) -> None:
        failed(self.records, self.routing, done, error, now)
        self._after_answer(done, now)

    def retry_now(self, receiver: str, now: float) -> None:
        """A receiver is known to be up again: what waits for its targets is due at once."""
        for notification in list(self.records.notifications.values()):
            if notification.receiver == receiver and notification.next_try > now:
                self.records.put_notification(replace(notification, next_try=now))

    # -- inside

    def _confirmed(self, key: GroupKey, evaluated: Callable[[AlertKey], bool]) -> bool:
        firing = [episode for episode, _ in self.records.members(key) if episode.firing]
        return not firing or any(evaluated(episode.alert) for episode in firing)

    def _route(self, episode: Episode) -> None:
        routed = groups_for(episode.facts.labels, self._routes)
        for entry in self.records.entries_of(episode.id):
            for key, route in routed:
                if key.receiver == entry.group.receiver and key != entry.group:
                    regroup(self.records, entry, key, route)
        self.records.assign(episode, routed)
        self._muting.fresh.add(episode.id)
        self._steps = None

    def _refresh_holds(self, now: float, true: Collection[AlertKey] | None = None, fleet: Fleet | None = None) -> None:
        if self._muting.refresh(now, true, fleet):
            self._steps = None

    def _settle_touched(self, now: float) -> None:
        """Deadlines of every group that something happened to; episodes nobody is owed anything of leave the book."""
        touched, self.records.touched = self.records.touched, set()
        for key in touched:
            consider(self.records, self.routing, key, now)
        for episode_id in list(self.records.over):
            episode = self.records.episodes[episode_id]
            if self.records.settled(episode):
                self.records.forget(episode_id)

    def _hand_over(self, now: float) -> None:
        for notification, first in list(waiting(self.records)):
            if notification.hand_over_at is None or notification.hand_over_at > now or not first.attempts:
                continue
            if first.next_try == now:
                continue  # it is tried at this very instant, and the answer decides
            # without a fallback it stays ready: an edit may bring one
            if (
                self.routing.fallback_of(notification.receiver)
                and (ready := unheld(self.records, notification)) is not None
            ):
                notification = ready
                self.records.put_notification(replace(notification, handed_over=True))
                cause = f"{notification.receiver} could not be reached: {first.last_error}"
                hand_over(self.records, self.routing, notification, cause, now, for_good=False)

    def _make_reports(self, now: float) -> None:
        if self._next_report is not None and self._next_report <= now:
            make_reports(self.records, self.routing, self._reports, self.reports_made, now)
            self.reports_made = now
            self._next_report = min(one.next(now) for one in self._reports)

    def _open_steps(self) -> list[Step]:
        if self._steps is None:
            escalates = any(route.escalate for route in self.routing.routes)
            self._steps = [
                step
                for episode in (self.records.open_episodes() if escalates else ())
                for step in steps(self.records, episode)
            ]
        return self._steps

    def _awaited_steps(self) -> list[Step]:
        return [step for step in self._open_steps() if step.episode.id not in self._unconfirmed_steps]

    def _after_answer(self, done: Claim, now: float) -> None:
        self._steps = None
        for item in done.notification.items:
            episode = self.records.episodes[item.episode]
            latest = self.records.latest(episode.alert)
            if not episode.firing and latest is not None and latest.firing:
                take_over(self.records, episode, latest, now)
        self._settle_touched(now)
