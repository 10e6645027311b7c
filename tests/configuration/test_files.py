"""Folders of rule files: which are read, what they say together, and what is worth a warning."""

from __future__ import annotations

from pathlib import Path

import pytest

from watchdog.configuration.files import load, load_texts
from watchdog.configuration.rule_folder import snapshot_of
from watchdog.errors import RuleFileError, RulePathError, UnavailableError

RULE = "rules:\n  - alert: {}\n    each: source\n    expr: recordsLag > 5\n"
NOTIFY = "receivers: {team: {to: ['json://localhost']}}\nroutes: [{to: [team]}]\n"


def names(path: Path) -> list[str]:
    return sorted(rule.name for rule in load(path, {}).rules)


def warnings(text: str, **options: object) -> list[str]:
    policy = load_texts({"r.yaml": text}, {}, **options)  # type: ignore[arg-type]
    return [str(one).removeprefix("r.yaml:").split("\n")[0] for one in policy.warnings]


def test_which_files_are_read(tmp_path: Path) -> None:
    for place in ("a.yaml", "b.yml", "deep/er/c.yaml", "tests/d.yaml", "deep/tests/e.yaml", "_f.yaml", ".g.yaml", "_h/i.yaml",
                  ".j/k.yaml", "l.txt", "m.yaml.bak", "n.YAML"):  # fmt: skip
        file = tmp_path / place
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(RULE.format(file.name[0].strip("_.") or "x"))
    assert names(tmp_path) == ["a", "b", "c"]


def test_a_config_map_and_other_links(tmp_path: Path) -> None:
    """Kubernetes mounts `a.yaml -> ..data/a.yaml` and `..data -> ..2026`; a link back up is no endless folder."""
    rules = tmp_path / "rules"
    data = rules / "..2026"
    data.mkdir(parents=True)
    (data / "a.yaml").write_text(RULE.format("a"))
    (rules / "..data").symlink_to(data)
    (rules / "a.yaml").symlink_to(Path("..data") / "a.yaml")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "b.yaml").write_text(RULE.format("b"))
    (rules / "linked").symlink_to(outside)
    (outside / "back").symlink_to(rules)
    assert names(rules) == ["a", "b"]


def test_one_file_and_its_place_as_the_user_gave_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rules").mkdir()
    Path("rules/lag.yaml").write_text(RULE.format("a") + "    exrp: true\n")
    Path("rules/other.yaml").write_text(RULE.format("b") + "    fro: 5m\n")
    with pytest.raises(RuleFileError) as refused:
        load(Path("rules"), {})
    assert str(refused.value).splitlines() == [
        "rules/lag.yaml:5:5: unknown key 'exrp'; did you mean 'expr'?",
        "rules/other.yaml:5:5: unknown key 'fro'; did you mean 'for'?",
    ]
    with pytest.raises(RuleFileError) as refused:
        load(Path("rules/lag.yaml"), {})
    assert str(refused.value).startswith("rules/lag.yaml:5:5: ")


@pytest.mark.parametrize("found", [{}, {"a.txt": "x"}, {"a.yaml": ""}, {"a.yaml": "# rules:\n"}, {"a.yaml": NOTIFY}])
def test_a_folder_without_any_rule(tmp_path: Path, found: dict[str, str]) -> None:
    for name, text in found.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(RuleFileError) as refused:
        load(tmp_path, {})
    assert (
        str(refused.value)
        == f"{tmp_path}:1:1: holds no rule; write at least one below 'rules:' in a *.yaml or *.yml file"
    )
    assert not isinstance(refused.value, UnavailableError)


def test_what_cannot_be_read_is_all_named(tmp_path: Path) -> None:
    with pytest.raises(RulePathError, match="does not exist; a folder with rule files, or one such file, is needed"):
        load(tmp_path / "nowhere", {})
    (tmp_path / "a.yaml").symlink_to(tmp_path / "gone")
    (tmp_path / "b.yaml").symlink_to(tmp_path / "b.yaml")
    (tmp_path / "c.yaml").write_text(RULE.format("c"))
    with pytest.raises(RulePathError) as refused:
        load(tmp_path, {})
    assert [mistake.file for mistake in refused.value.mistakes] == [str(tmp_path / "a.yaml"), str(tmp_path / "b.yaml")]
    assert isinstance(refused.value, UnavailableError)  # exit code 3


def test_names_are_unique_over_all_files() -> None:
    texts = {"a.yaml": RULE.format("same") + NOTIFY, "b.yaml": RULE.format("same") + NOTIFY.replace("routes", "# ")}
    with pytest.raises(RuleFileError) as refused:
        load_texts(texts, {})
    assert str(refused.value).splitlines() == [
        "b.yaml:2:12: duplicate alert name 'same'; it stands in a.yaml:2 already",
        "b.yaml:5:13: duplicate receiver 'team'; it stands in a.yaml:5 already",
    ]


def test_files_are_one_configuration() -> None:
    policy = load_texts(
        {
            "a.yaml": RULE.format("a") + "    labels: {team: x}\n    suppresses: [b]\n",
            "b.yaml": RULE.format("b"),
            "c.yaml": "routes: [{where: {team: x}, to: [team], group_by: [team, flapping]}]\n",
            "d.yaml": NOTIFY,
            "e.yaml": "mutes: [{name: m, where: {team: x}, times: 22:00-06:00, timezone: Europe/Paris}]\n",
        },
        {},
    )
    assert [rule.name for rule in policy.rules] == ["a", "b"]
    assert [route.group_by for route in policy.routes] == [("team", "flapping"), ("alertname",)]
    assert [route.index for route in policy.routes] == [0, 1]
    assert [mute.name for mute in policy.mutes] == ["m"]
    assert policy.warnings == ()


def test_defaults_are_merged_key_by_key() -> None:
    policy = load_texts(
        {
            "a.yaml": "defaults:\n  severity: info\n  for: 5m\n  keep_firing_for: 1m\n  no_data: ok\n  flapping: off\n"
            "  labels: {team: x, tier: '1'}\n  annotations: {summary: '{{ name }}', runbook_url: https://a}\n"
            + RULE.format("plain")
            + RULE.format("own").removeprefix("rules:\n")
            + "    for: 0s\n    flapping: {changes: 8}\n    labels: {tier: '2'}\n    annotations: {summary: own}\n"
            "    params: {limit: 5, other: 1s}\n"
            "    overrides: [{where: {name: x}, params: {limit: 6}, labels: {place: eu}, enabled: false}]\n",
            "b.yaml": RULE.format("elsewhere"),
        },
        {},
    )
    plain, own, elsewhere = policy.rules
    assert (plain.terms.severity, plain.terms.for_, plain.terms.keep_firing_for, plain.terms.no_data) == (
        "info",
        300,
        60,
        "ok",
    )
    assert plain.flapping is None
    assert plain.annotations == {"summary": "{{ name }}", "runbook_url": "https://a"}
    assert (own.terms.severity, own.terms.for_) == ("info", 0)
    assert own.flapping is not None
    assert (own.flapping.changes, own.flapping.within) == (8, 3600)
    assert own.terms.labels == {"team": "x", "tier": "2"}
    assert own.annotations == {"summary": "own", "runbook_url": "https://a"}
    override = own.overrides[0].terms
    assert ({name: param.value for name, param in override.params.items()}) == {"limit": 6, "other": 1}
    assert override.labels == {"team": "x", "tier": "2", "place": "eu"}
    assert not override.enabled
    assert (elsewhere.terms.severity, elsewhere.terms.labels) == ("warning", {})  # defaults are a file's own


def test_variables_stay_in_what_is_saved_and_out_of_sight() -> None:
    text = RULE.format("a") + NOTIFY.replace("json://localhost", "json://me:${SECRET}@h")
    policy = load_texts({"r.yaml": text}, {"SECRET": "hunter2"})
    assert list(policy.urls.values()) == ["json://me:hunter2@h"]
    assert policy.sources == {"r.yaml": text}
    assert "hunter2" not in repr(policy)
    rotated = load_texts({"r.yaml": text}, {"SECRET": "other"})
    assert (rotated.urls.keys(), rotated.fingerprint) == (policy.urls.keys(), policy.fingerprint)


def test_what_was_accepted_once_runs_also_without_its_variable() -> None:
    text = RULE.format("a") + NOTIFY.replace("['json://localhost']", "['json://${GONE}', 'json://here']")
    policy = load_texts({"r.yaml": text}, {}, unset_out=True)
    assert list(policy.urls.values()) == ["json://here"]
    assert [str(one) for one in policy.warnings] == ["r.yaml:5:25: variable GONE is not set; the target is left out"]


def test_rule_tests_expand_nothing_and_need_no_variable() -> None:
    text = RULE.format("a") + "receivers: {team: {to: ['${A}', '${B:-}']}}\nroutes: [{to: [team]}]\n"
    policy = load_texts({"r.yaml": text}, {}, expand=False)
    assert [target.template for target in policy.receivers["team"].targets] == ["${A}", "${B:-}"]


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("slak://TOKEN/SECRET", "slak://…"),
        ("hooks.slack.com/services/TOKEN/SECRET", "to"),
        ("json://user:SECRET@${HOST}/TOKEN", "json://…"),
        ("${URL}", "${URL}"),
    ],
)
def test_a_url_that_cannot_be_used_is_a_mistake_that_shows_nothing_of_it(url: str, shown: str) -> None:
    text = RULE.format("a") + NOTIFY.replace("json://localhost", url)
    with pytest.raises(RuleFileError) as refused:
        load_texts({"r.yaml": text}, {"HOST": "h", "URL": "slak://TOKEN/SECRET"}, check_url=lambda url: "it is not usable")
    assert str(refused.value) == f"r.yaml:5:25: {shown}: it is not usable"


@pytest.mark.parametrize(
    ("why", "text", "expected"),
    [
        ("no receivers", RULE.format("a"), ["1:1: no receivers: alerts show on the page and in the log only"]),
        ("a metric nobody knows", RULE.format("a").replace("Lag >", "Lga >") + NOTIFY,
         ["4:11: expr: no poll has seen a metric 'recordsLga', and it is not in the catalogue; did you mean 'recordsLag'?"]),
        ("a param misspelled", RULE.format("a").replace("> 5", "> limti") + "    params: {limit: 5}\n" + NOTIFY,
         ["4:24: expr: no poll has seen a metric 'limti', and it is not in the catalogue; did you mean 'limit'?"]),
        ("a metric of others", RULE.format("a").replace("recordsLag >", "poll_failures >") + NOTIFY,
         ["4:11: expr: by the catalogue a source has no 'poll_failures'; it is a metric of: watchdog"]),
        ("of tasks, not of their source", RULE.format("a").replace("recordsLag > 5", 'task_status == "FAILED"') + NOTIFY,
         ["4:11: expr: by the catalogue a source has no 'task_status'; it is a metric of: task"]),
        ("suppresses nothing", RULE.format("a") + "    suppresses: [Bcd]\n" + NOTIFY, ["5:18: suppresses: 'Bcd' matches no rule"]),
        ("pages stay open", RULE.format("a") + NOTIFY.replace("{to: ['json", "{send_resolved: false, to: ['pagerduty"),
         ["5:35: receivers.team: send_resolved: false leaves PagerDuty's incidents open for ever"]),
        ("a receiver nobody names", RULE.format("a") + NOTIFY.replace("}}\n", "}, b: {to: 'json://b'}}\n"),
         ["5:47: receiver 'b' is never notified: no route, escalation or fallback names it"]),
        ("routes out of reach", RULE.format("a") + NOTIFY.replace("[{to", "[{to: [team]}, {to"),
         ["6:10: this route takes everything, so those below it are never reached; give it a 'where'"]),
        ("no such severity", RULE.format("a") + NOTIFY.replace("[{to", "[{where: {severity: high}, to: [team]}, {to"),
         ["6:29: where: no alert has such a severity; there are info, warning, critical"]),
        ("a severity by its glob", RULE.format("a") + NOTIFY.replace("[{to", "[{where: {severity: 'crit*'}, to: [team]}, {to"), []),
        ("acknowledged elsewhere", RULE.format("a") + NOTIFY.replace("json", "pagerduty").replace(
            "[{to", "[{escalate: [{after: 5m, to: [team]}], to"),
         ["6:11: escalate: acknowledgements inside PagerDuty are not seen here; set PAGERDUTY_WEBHOOK_SECRET or PAGERDUTY_API_TOKEN"]),
        ("all is well", RULE.format("a") + NOTIFY, []),
    ],
)  # fmt: skip
def test_warnings(why: str, text: str, expected: list[str]) -> None:
    assert warnings(text) == expected


def test_a_metric_some_poll_has_seen_is_known() -> None:
    text = RULE.format("a").replace("recordsLag", "ourOwnMetric") + NOTIFY
    assert warnings(text, seen_metrics={"ourOwnMetric"}) == []


def test_rules_that_all_suppress_each_other_are_told_in_reasonable_time() -> None:
    text = "rules:\n" + "".join(
        RULE.format(f"r{number}").removeprefix("rules:\n") + "    suppresses: ['*']\n" for number in range(300)
    )
    with pytest.raises(RuleFileError, match="cycle of suppression: r0 -> "):
        load_texts({"r.yaml": text}, {})


def test_a_long_chain_of_suppression_is_no_circle() -> None:
    text = "rules:\n" + "".join(
        RULE.format(f"r{number}").removeprefix("rules:\n") + f"    suppresses: [r{number + 1}]\n"
        for number in range(1500)
    )
    assert len(load_texts({"r.yaml": text}, {}).rules) == 1500


def test_the_digest_is_of_contents(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("x")
    before = snapshot_of(tmp_path)
    file.touch()
    (tmp_path / "_a.yaml").write_text("y")
    assert snapshot_of(tmp_path) == before
    file.write_text("y")
    assert snapshot_of(tmp_path) != before
    file.unlink()
    file.symlink_to(tmp_path / "gone")
    assert snapshot_of(tmp_path) == ""


def test_a_link_out_of_the_folder_is_read_and_never_quoted(tmp_path: Path) -> None:
    """A link may lead to any file; what is in it must not appear in logs or on pages. Kubernetes' links stay inside."""
    rules, secret = tmp_path / "rules", tmp_path / "secret.yaml"
    (rules / "..2026").mkdir(parents=True)
    (rules / "..2026" / "a.yaml").write_text("rules: [{alert: A, each: source, exrp: recordsLag > 1}]\n")
    (rules / "..data").symlink_to("..2026")
    (rules / "a.yaml").symlink_to("..data/a.yaml")
    secret.write_text("hunter2: [root]\n")
    (rules / "b.yaml").symlink_to(secret)
    with pytest.raises(RuleFileError) as caught:
        load(rules, {})
    inside, outside = str(caught.value).split(f"{rules}/b.yaml:1:1: ")
    assert "unknown key 'exrp'; did you mean 'expr'?" in inside
    assert outside.startswith("this link leads out of the rules folder") and "hunter2" not in str(caught.value)
    secret.write_text("rules: [{alert: B, each: source, expr: recordsLag > 1}]\n")
    (rules / "..2026" / "a.yaml").write_text("rules: [{alert: A, each: source, expr: recordsLag > 1}]\n")
    assert sorted(load(rules, {}).by_name) == ["A", "B"]
