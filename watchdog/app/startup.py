"""Starting: settings to a running service, part by part, each with the error that belongs to it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from pydantic import SecretStr

from watchdog.app.certificates import trust
from watchdog.app.engine_store import EngineStore
from watchdog.app.heartbeat import Heartbeat
from watchdog.app.leader import LeaderView
from watchdog.app.pagerduty_poll import PagerDutyPoll
from watchdog.app.polling import Source
from watchdog.app.recorder import Recorder
from watchdog.app.reloader import Reloader
from watchdog.app.service import Service
from watchdog.app.slack_actions import SlackActions
from watchdog.app.slack_roots import SlackRoots
from watchdog.app.standby import StandbyView
from watchdog.configuration.export import export_selector
from watchdog.configuration.files import load, load_texts
from watchdog.configuration.reload import Watcher
from watchdog.cycle.engine import Engine
from watchdog.cycle.policy import Policy
from watchdog.delivery.sender import Carrier
from watchdog.delivery.slack_threads import SlackThreads
from watchdog.delivery.targets import check_url, open_target, target_of
from watchdog.errors import DeliveryError
from watchdog.loopback import is_loopback
from watchdog.notify.rendering import Links, Wording
from watchdog.readings.fleet import Kind
from watchdog.readings.poll import Poll
from watchdog.settings import Settings
from watchdog.store.signed_links import SignedLink, SignedLinks
from watchdog.store.store import Store
from watchdog.streamkap.client import StreamkapClient
from watchdog.streamkap.poll import Poller
from watchdog.streamkap.signin import Credentials
from watchdog.web.access import Access
from watchdog.web.proxy import Proxy
from watchdog.web.server import Server, application
from watchdog.web.view import ServiceView

logger = logging.getLogger(__name__)

Clock = Callable[[], float]


class Carriers(Protocol):
    """Who opens what carries messages, and says what to call a target on pages ("": its receiver alone has to do)."""

    def open(self, target: str) -> Carrier: ...

    def label(self, target: str) -> str: ...


class Stoppable(Protocol):
    def stop(self) -> None: ...


@dataclass(slots=True)
class Known:
    """Carriers by the URLs of the configuration. One that left and is owed an end is found among those accepted
    before, given by `earlier`, the newest first."""

    policy: Callable[[], Policy]
    earlier: Callable[[], Iterable[Policy]]
    threads: SlackThreads | None = None
    known: dict[str, tuple[str, str, str]] = field(default_factory=dict)

    def label(self, target: str) -> str:
        """A URL that apprise does not know has none: its targets are refused when something is sent."""
        try:
            return target_of(*self.known[target]).label if target in self.known else ""
        except (ValueError, LookupError):
            return ""

    def open(self, target: str) -> Carrier:
        if not self._learn(self.policy(), target) and target not in self.known:
            for policy in self.earlier():
                if self._learn(policy, target):
                    break
        if target not in self.known:
            raise DeliveryError("its URL is in no accepted rule files that are kept", permanent=True)
        try:
            return open_target(*self.known[target], threads=self.threads)
        except ValueError as cause:
            raise DeliveryError(f"its URL cannot be used: {cause}", permanent=True) from cause

    def _learn(self, policy: Policy, target: str) -> bool:
        spec, url = policy.routing.specs.get(target), policy.urls.get(target)
        if spec is None or url is None:
            return False
        self.known[target] = (spec.receiver, spec.template, url)
        return True


def credentials_of(settings: Settings) -> Credentials:
    """Raises SettingsError where there are none."""
    settings.require_credentials()
    if settings.streamkap_token is not None:
        return Credentials(token=settings.streamkap_token.get_secret_value())
    assert settings.streamkap_client_id is not None and settings.streamkap_secret is not None
    return Credentials(settings.streamkap_client_id, settings.streamkap_secret.get_secret_value())


def client_of(settings: Settings) -> StreamkapClient:
    """The API client these settings ask for."""
    trust(settings.watchdog_ca_file)
    return StreamkapClient(
        settings.streamkap_host,
        credentials_of(settings),
        tenant_ids=settings.tenant_ids,
        timeout=settings.watchdog_poll_timeout,
    )


def loader(path: Path, variables: Mapping[str, str], seen: Callable[[], set[str]] = set) -> Callable[[], Policy]:
    """Reads the rule files whenever it is called; `seen` are the metrics polls have had so far."""
    return lambda: load(path, variables, seen_metrics=seen(), check_url=check_url)


def saved_loader(variables: Mapping[str, str]) -> Callable[[dict[str, str]], Policy]:
    """Reads a configuration that was accepted and saved once; a target whose variable is gone must not stop it."""
    return lambda sources: load_texts(sources, variables, unset_out=True)


@dataclass(frozen=True, slots=True)
class Started:
    """A service that is ready to run, and what has to be closed behind it."""

    service: Service
    watcher: Watcher
    server: Server | None
    beside: tuple[Stoppable, ...] = ()  #: threads of their own, which only the leader has

    def close(self) -> None:
        for one in self.beside:
            one.stop()
        self.watcher.stop()
        if self.server is not None:
            self.server.stop()


def start(
    settings: Settings,
    variables: Mapping[str, str],
    store: Store,
    source: Source,
    *,
    strict: bool = False,
    on_poll: Callable[[Poll], None] = lambda poll: None,
    carriers: Carriers | None = None,
    load_policy: Callable[[], Policy] | None = None,
    may_send: Callable[[], bool] = lambda: True,
    clock: Clock = time.time,
) -> Started:
    """Join the parts. Raises ConfigError for rules that cannot be used, StoreError for a database that cannot."""
    now = clock()
    before = last_policy(store, variables)
    watcher = Watcher(settings.watchdog_rules)
    engine_store: EngineStore | None = None

    def seen() -> set[str]:
        evaluation = None if engine_store is None else engine_store.evaluation
        return set() if evaluation is None else {name for kind in Kind for name in evaluation.snapshot.names(kind)}

    reloader = Reloader(load_policy or loader(settings.watchdog_rules, variables, seen), store, clock, watcher)
    policy = reloader.first(saved_loader(variables), strict=strict)
    signed = _signed_links(settings, store)
    sign = None if signed is None else lambda *what: signed.sign(SignedLink(*what))
    links = Links(settings.watchdog_public_url, settings.watchdog_entity_url, sign)
    wording = Wording(links, settings.watchdog_name)
    engine = Engine(
        before or policy,
        store.load(),
        start=now,
        every=settings.watchdog_poll_every,
        wording=wording,
        name=settings.watchdog_name,
        stopwatch=time.perf_counter,
    )
    engine.adopt(policy)  # with the first poll: targets that left meanwhile get the ends they are owed
    engine.restore_windows(*store.load_windows())
    if carriers is None:
        carriers = Known(lambda: engine.policy, lambda: _accepted(store, variables),
                         SlackThreads(store, clock, buttons=settings.slack_app_token is not None))  # fmt: skip
    engine_store = EngineStore(
        engine, store, clock=clock, open_carrier=carriers.open, label=carriers.label, may_send=may_send
    )
    access = _access(settings, store)
    heartbeat = settings.watchdog_heartbeat_url
    service = Service(
        engine_store,
        source,
        reloader,
        every=settings.watchdog_poll_every,
        timeout=settings.watchdog_poll_timeout,
        clock=clock,
        heartbeat=None if heartbeat is None else Heartbeat(heartbeat.get_secret_value()),
        on_poll=on_poll,
        history=settings.watchdog_history,
        web_refusals=access.refusals.last_minute,
        recorder=Recorder(store, settings.watchdog_recording) if settings.watchdog_recording else None,
    )
    view = LeaderView(service, reloader)
    server = _server(settings, view, access, signed)
    watcher.start(service.wake)
    threads = carriers.threads if isinstance(carriers, Known) else None
    roots = None if threads is None else SlackRoots(threads, engine_store.standing, clock=clock,
                                                    open_target=engine_store.carrier, may_send=may_send)  # fmt: skip
    if roots is not None:
        roots.start()
    actions = None
    if token := secret_of(settings.slack_app_token):
        actions = SlackActions(token, view, clock)
        actions.start()
    asking = None
    if token := secret_of(settings.pagerduty_api_token):
        asking = PagerDutyPoll(token, settings.pagerduty_api_url, view, engine_store.open_incidents, clock)
        asking.start()
    beside = [one for one in (actions, asking, roots) if one is not None]
    return Started(service, watcher, server, tuple(beside))


def stand_by(settings: Settings, variables: Mapping[str, str], store: Store, clock: Clock = time.time) -> Server | None:
    """The pages of a replica that waits for the lead, from what the leader writes. Raises SettingsError."""

    def last() -> Policy:
        return last_policy(store, variables) or Policy()

    wording = Wording(Links(settings.watchdog_public_url, settings.watchdog_entity_url), settings.watchdog_name)
    patience = 3 * max(settings.watchdog_poll_every, settings.watchdog_poll_timeout)
    every = settings.watchdog_poll_every
    watched = StandbyView(store, last, wording, every=every, patience=patience, clock=clock, steady=time.monotonic)
    return _server(settings, watched, _access(settings, store), _signed_links(settings, store))


def _access(settings: Settings, store: Store) -> Access:
    """Who may read and change, as the settings say."""
    token = settings.watchdog_web_token
    host = "" if settings.listen is None else settings.listen[0]
    return Access(
        token="" if token is None else token.get_secret_value(),
        open_reading=settings.watchdog_web_read == "open" or is_loopback(host),
        own_names=settings.watchdog_web_read != "open",
        public_url=settings.watchdog_public_url,
        proxy=Proxy(settings.trusted_proxies, settings.watchdog_user_header.lower()),
        store=store,
    )


def secret_of(value: SecretStr | None) -> str:
    """ "" for none."""
    return "" if value is None else value.get_secret_value()


def _signed_links(settings: Settings, store: Store) -> SignedLinks | None:
    """None where links that act are switched off."""
    return SignedLinks(store) if settings.watchdog_links == "on" else None


def _server(settings: Settings, watched: ServiceView, access: Access, signed: SignedLinks | None) -> Server | None:
    """Raises SettingsError where the address cannot be used."""
    if settings.listen is None:
        return None
    app = application(watched, access, settings.watchdog_name, signed, secret_of(settings.pagerduty_webhook_secret),
                      export_selector(settings.watchdog_export))  # fmt: skip
    server = Server(app, *settings.listen, housekeeping=access.report_refusals)
    server.start()
    return server


def poller_of(settings: Settings, client: StreamkapClient) -> Poller:
    return Poller(client, listing_every=settings.watchdog_listing_every)


def last_policy(store: Store, variables: Mapping[str, str]) -> Policy | None:
    """The configuration the last run ended with; None where there is none or it cannot be read any more."""
    sources = store.last_configuration()
    return None if sources is None else _readable(sources, variables)


def _accepted(store: Store, variables: Mapping[str, str]) -> Iterator[Policy]:
    """The configurations that were accepted and are kept, the newest first."""
    for sources in store.configurations():
        policy = _readable(sources, variables)
        if policy is not None:
            yield policy


def _readable(sources: dict[str, str], variables: Mapping[str, str]) -> Policy | None:
    try:
        return load_texts(sources, variables, unset_out=True)
    except Exception:  # it was written by another version
        logger.warning("accepted rules cannot be read any more; targets that left since are not told")
        return None
