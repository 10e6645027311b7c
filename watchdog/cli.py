"""The commands, their options and exit codes. What they do is imported when they run, so that `--help` is instant."""

from __future__ import annotations

import os
import time
from enum import IntEnum
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from watchdog import __version__
from watchdog.errors import ConfigError, UnavailableError, WatchdogError

app = typer.Typer(
    name="watchdog",
    help="Alerting and health checks for Streamkap pipelines: rules in YAML, one notification per incident.",
    epilog="Exit codes: 0 fine, 1 something was found, 2 the configuration is wrong, 3 the API or the database could "
    "not be reached. Settings come from the environment and .env; settings.example.env lists them.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
_silence = typer.Typer(help="Silence alerts for some time.", no_args_is_help=True)
app.add_typer(_silence, name="silence")


class Exit(IntEnum):
    """What a command's exit code means."""

    FINE = 0
    FOUND = 1  #: something was found: an alert fires, a test failed, a target refused
    CONFIGURATION = 2  #: the configuration is wrong
    UNREACHABLE = 3  #: the API or the database could not be reached


Json = Annotated[bool, typer.Option("--json", metavar="", help="Print JSON for programs.")]
RulesPath = Annotated[Path | None, typer.Argument(help="Rule file or folder; WATCHDOG_RULES by default.")]


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"watchdog {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", metavar="", help="Print the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """What stands before a command."""


@app.command(epilog="Example: watchdog run --record polls.jsonl.gz")
def run(
    strict: Annotated[
        bool,
        typer.Option(
            "--strict", metavar="", help="Exit with code 2 if the rules are broken, even with older good ones."
        ),
    ] = False,
    record: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Keep every poll in this file, for `watchdog replay`; packed if it ends in .gz."
        ),
    ] = None,
) -> None:
    """Run the service: poll, evaluate, notify. SIGHUP reloads the rules, SIGTERM stops it."""
    from watchdog.commands.signals import Signals

    signals = Signals()
    import watchdog.commands.run as command

    _end(command.run(signals, strict=strict, record=record))


@app.command()
def demo(
    once: Annotated[
        bool, typer.Option("--once", metavar="", help="Exit when the incident ends; do not stay for the page.")
    ] = False,
    port: Annotated[int, typer.Option(metavar="PORT", help="Port of the status page; 0 takes a free one.")] = 8080,
) -> None:
    """Play an incident on a built-in Streamkap in about two minutes; no account needed."""
    import watchdog.commands.demo as command

    _end(command.demo(once=once, port=port))


@app.command(epilog="Example: watchdog check --live")
def check(
    path: RulesPath = None,
    live: Annotated[
        bool,
        typer.Option(
            "--live", metavar="", help="Also sign in, poll once, and show how many entities each rule matches."
        ),
    ] = False,
    json: Json = False,
) -> None:
    """Check settings, rules and receivers; every mistake at once."""
    import watchdog.commands.check as command

    _end(command.check(path, live=live, as_json=json))


@app.command(epilog="Example: watchdog test --coverage --at-least 80%")
def test(
    paths: Annotated[list[Path] | None, typer.Argument(help="Test files or folders; by default the rules'.")] = None,
    coverage: Annotated[
        bool,
        typer.Option(
            "--coverage", metavar="", help="Also show which rules, overrides, comparisons and routes no test reaches."
        ),
    ] = False,
    at_least: Annotated[
        str | None, typer.Option(metavar="PERCENT", help="Exit with code 1 below this coverage, e.g. 80%.")
    ] = None,
    json: Json = False,
) -> None:
    """Run rule tests: what would fire, when, and who would be notified."""
    import watchdog.commands.test as command

    _end(command.test(paths or [], coverage=coverage, at_least=at_least, as_json=json))


@app.command(epilog="Example: watchdog replay --from 24h --rules rules/lag.yaml --plot lag.svg")
def replay(
    file: Annotated[Path | None, typer.Argument(help="A recorded file; without it the service's own polls.")] = None,
    from_: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="DURATION",
            help="Instead of a recording: the API's own time series of the last hours, e.g. 24h.",
        ),
    ] = None,
    rules: Annotated[
        Path | None, typer.Option(metavar="PATH", help="Rule file or folder; WATCHDOG_RULES by default.")
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw the episodes into this file, .svg or .png.")
    ] = None,
    json: Json = False,
) -> None:
    """Play recorded polls through the rules: what would have fired, for how long, and how many messages."""
    import watchdog.commands.replay as command

    _end(command.replay(file, since=from_, rules=rules, plot=plot, as_json=json))


@app.command(epilog="Example: watchdog diff main --since 7d --markdown")
def diff(
    old: Annotated[
        str | None, typer.Argument(help="A folder, a file or a git revision; what runs, where it is left out.")
    ] = None,
    new: Annotated[
        str | None, typer.Argument(help="A folder, a file or a git revision; WATCHDOG_RULES by default.")
    ] = None,
    since: Annotated[
        str | None, typer.Option(metavar="DURATION", help="Only the end of the recording, e.g. 7d.")
    ] = None,
    recording: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A recorded file; without it the service's own polls.")
    ] = None,
    api: Annotated[
        str | None, typer.Option(metavar="URL", help="Fetch the recording of the watchdog at this address.")
    ] = None,
    timezone: Annotated[
        str, typer.Option(metavar="ZONE", help="Whose nights and weekends: Europe/Paris.")
    ] = "UTC",
    markdown: Annotated[
        bool, typer.Option("--markdown", metavar="", help="For a pull request's comment.")
    ] = False,
    json: Json = False,
) -> None:
    """What an edit of the rules does: episodes and pages it adds and saves over recorded polls. Exit code 1 if any."""
    import watchdog.commands.diff as command

    _end(command.diff(old, new, since=since, recording=recording, api=api, timezone=timezone, as_json=json,
                      markdown=markdown))  # fmt: skip


@app.command()
def poll(json: Json = False) -> None:
    """One poll as a table: entities, readings, units."""
    import watchdog.commands.poll as command

    _end(command.poll(as_json=json))


@app.command(epilog="Example: watchdog metrics recordsLag")
def metrics(
    name: Annotated[str | None, typer.Argument(help="One metric; all without it.")] = None, json: Json = False
) -> None:
    """The catalogue of known metrics: unit, meaning, where they appear."""
    import watchdog.commands.metrics as command

    _end(command.metrics(name, as_json=json))


@app.command()
def status(json: Json = False) -> None:
    """What fires, what is silenced, which targets fail. Exit code 1 while an alert fires."""
    import watchdog.commands.status as command

    _end(command.status(as_json=json))


@app.command(epilog="Example: watchdog explain SourceBehind source/prod-orders --if for=4m")
def explain(
    alert: Annotated[str, typer.Argument(help="The rule's name.")],
    entity: Annotated[str, typer.Argument(help=r"\[kind/]name\[/task-or-topic], or an id.")],
    if_: Annotated[
        list[str] | None,
        typer.Option("--if", metavar="NAME=VALUE", help="Over the recording: with another `for` or param, or at=TIME."),
    ] = None,
    recording: Annotated[
        Path | None, typer.Option(metavar="FILE", help="With --if: a recorded file instead of the service's own polls.")
    ] = None,
    json: Json = False,
) -> None:
    """Explain one alert: readings, state changes, notifications sent and not sent, and why."""
    if if_:
        import watchdog.commands.what_if as what_if

        _end(what_if.explain_if(alert, entity, if_, recording, as_json=json))
    import watchdog.commands.explain as command

    _end(command.explain(alert, entity, as_json=json))


@_silence.command(
    "add", epilog="Example: watchdog silence add alertname=SourceBehind name=~'prod-.*' --for 2h --comment migration"
)
def silence_add(
    matchers: Annotated[
        list[str], typer.Argument(help="name=value, name!=value, name=~regex or name!~regex; all have to match.")
    ],
    for_: Annotated[str | None, typer.Option("--for", metavar="DURATION", help="How long: 30m, 2h, 1d.")] = None,
    until: Annotated[str | None, typer.Option(metavar="TIME", help="Or until when: 2026-01-31T18:00Z.")] = None,
    start: Annotated[str | None, typer.Option(metavar="TIME", help="Not before; now by default.")] = None,
    author: Annotated[str | None, typer.Option(metavar="NAME", help="Who; the login name by default.")] = None,
    comment: Annotated[str, typer.Option(metavar="TEXT", help="Why.")] = "",
    json: Json = False,
) -> None:
    """Silence matching alerts: no notifications or escalation. Resolved notifications are still sent."""
    import watchdog.commands.silence as command

    _end(command.add(matchers, for_=for_, until=until, start=start, author=author, comment=comment, as_json=json))


@_silence.command("list")
def silence_list(
    all_: Annotated[bool, typer.Option("--all", metavar="", help="Also expired ones.")] = False,
    json: Json = False,
) -> None:
    """Silences that are or will be active."""
    import watchdog.commands.silence as command

    _end(command.show(everything=all_, as_json=json))


@_silence.command("expire", epilog="Example: watchdog silence expire 6f855afc")
def silence_expire(
    ids: Annotated[list[str], typer.Argument(help="Ids, or beginnings of ids.")], json: Json = False
) -> None:
    """End silences now."""
    import watchdog.commands.silence as command

    _end(command.expire(ids, as_json=json))


@app.command(epilog='Example: watchdog ack TaskFailed prod-orders/0 --comment "restarting it"')
def ack(
    alert: Annotated[str, typer.Argument(help="The rule's name.")],
    entities: Annotated[
        list[str], typer.Argument(metavar="ENTITY...", help=r"\[kind/]name\[/task-or-topic], or an id; one or more.")
    ],
    author: Annotated[str | None, typer.Option(metavar="NAME", help="Who; the login name by default.")] = None,
    comment: Annotated[str, typer.Option(metavar="TEXT", help="What is being done.")] = "",
    json: Json = False,
) -> None:
    """Acknowledge firing alerts: no more reminders, no escalation. You are still notified when they resolve."""
    import watchdog.commands.ack as command

    _end(command.ack(alert, entities, author=author, comment=comment, as_json=json))


@app.command(epilog="Example: watchdog audit --since 7d --action refusal")
def audit(
    since: Annotated[str, typer.Option(metavar="DURATION", help="How far back: 2h, 1d, 30d.")] = "24h",
    action: Annotated[
        str | None,
        typer.Option(
            metavar="ACTION",
            help="Only sign-in, sign-out, refusal, silence, acknowledge, reload, link or hook.",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Who did what, when and from where."""
    import watchdog.commands.audit as command

    _end(command.audit(since=since, action=action, as_json=json))


@app.command(epilog="Example: watchdog report --since 30d --timezone Europe/Paris --html report.html")
def report(
    since: Annotated[str, typer.Option(metavar="DURATION", help="How far back: 7d, 30d.")] = "7d",
    timezone: Annotated[
        str, typer.Option(metavar="ZONE", help="Whose days, nights and weekends: Europe/Paris.")
    ] = "UTC",
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Write one HTML page instead.")] = None,
    send: Annotated[
        str | None, typer.Option(metavar="RECEIVER", help="Send it to a receiver of the rule files instead.")
    ] = None,
    json: Json = False,
) -> None:
    """Which alerts earn their place: pages at night, resolved before anybody acknowledged, rules that never fired."""
    import watchdog.commands.report as command

    _end(command.report(since=since, timezone=timezone, html=html, send=send, as_json=json))


@app.command(epilog="Example: watchdog links --revoke")
def links(
    revoke: Annotated[bool, typer.Option("--revoke", metavar="", help="Revoke every signed link.")] = False,
    json: Json = False,
) -> None:
    """Revoke the links in messages that acknowledge and silence without sign-in."""
    import watchdog.commands.links as command

    _end(command.links(revoke=revoke, as_json=json))


@app.command(epilog="Example: watchdog init ./watchdog")
def init(
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="An empty folder, or a new one.")] = Path(),
) -> None:
    """Write settings, the starter rules with their tests and a compose file into an empty folder."""
    import watchdog.commands.init as command

    _end(command.init(folder))


@app.command(epilog="Example: watchdog doctor")
def doctor(json: Json = False) -> None:
    """Try what a deployment needs (API, clock, database, disk, proxies, receivers' hosts) and say what to fix."""
    import watchdog.commands.doctor as command

    _end(command.doctor(as_json=json))


@app.command("send-test", epilog="Example: watchdog send-test oncall")
def send_test(
    receiver: Annotated[str, typer.Argument(help="The name of a receiver in the rule files.")], json: Json = False
) -> None:
    """Send a test message to every target of a receiver and show each answer."""
    import watchdog.commands.send_test as command

    _end(command.send_test(receiver, as_json=json, now=time.time()))


@app.command(epilog="Example: watchdog simulate --port 8090 --sources 50")
def simulate(
    port: Annotated[int, typer.Option(metavar="PORT", help="Port to listen on; 0 takes a free one.")] = 8090,
    sources: Annotated[
        int | None, typer.Option(metavar="NUMBER", help="How many sources the fleet has; the scenario's, or 12.")
    ] = None,
    scenario: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Incidents to play, as YAML; none without it.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(metavar="NUMBER", help="Same seed, same fleet; the scenario's, or 1.")
    ] = None,
) -> None:
    """The built-in Streamkap API alone, for tests and trials."""
    import watchdog.commands.simulate as command

    _end(command.simulate(port=port, sources=sources, scenario=scenario, seed=seed))


@app.command(epilog="Example: watchdog schema > rules.schema.json")
def schema() -> None:
    """JSON Schema of rule files, for editors."""
    import watchdog.commands.schema as command

    _end(command.schema())


def _end(code: int) -> NoReturn:
    raise typer.Exit(code)


def main() -> None:
    """Run a command; every error a user can meet becomes its text on stderr and an exit code."""
    os.umask(0o077)  # databases, recordings and reports are their owner's alone
    try:
        app()
    except UnavailableError as cause:
        _fail(cause, Exit.UNREACHABLE)
    except ConfigError as cause:
        _fail(cause, Exit.CONFIGURATION)
    except WatchdogError as cause:
        _fail(cause, Exit.FOUND)


def _fail(cause: WatchdogError, code: Exit) -> NoReturn:
    typer.echo(str(cause), err=True)
    raise SystemExit(int(code))
