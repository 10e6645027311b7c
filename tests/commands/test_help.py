"""`--help` of every command."""

from __future__ import annotations

import pytest
import typer
from typer.testing import CliRunner

from watchdog.cli import app

COMMANDS = sorted(typer.main.get_command(app).commands)  # type: ignore[attr-defined]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_its_help(command):
    answer = CliRunner().invoke(app, [command, "--help"])
    assert (answer.exit_code, answer.exception) == (0, None)
    assert f"{command} [OPTIONS]" in answer.output


def test_the_exit_codes_are_said_where_somebody_looks():
    answer = CliRunner().invoke(app, ["--help"])
    assert "3 the API or the database" in " ".join(answer.output.split())
