"""`watchdog schema`: JSON Schema of rule files."""

from __future__ import annotations

from watchdog.commands.output import as_json
from watchdog.configuration.schema import schema as rule_file_schema


def schema() -> int:
    """Print it."""
    as_json(rule_file_schema())
    return 0
