"""`python3 -m watchdog`: the same as the command."""

from watchdog.cli import main

main()
