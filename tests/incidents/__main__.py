"""`make incidents`: the bank and healthy fleets as two tables: what was caught, by which rule, when; who was paged for nothing."""

from __future__ import annotations

import argparse
from collections import Counter
from statistics import median

from rich.console import Console
from rich.table import Table

from incidents import bank, healthy
from incidents.scenarios import read_all

#: Fleets of healthy connectors: how many connectors, weeks, and seconds between polls. One of each, then again with other seeds.
FLEETS = ((10_000, 1.0, 600.0), (400, 0.1, 60.0))


def main() -> int:
    parser = argparse.ArgumentParser(prog="make incidents", description=__doc__)
    parser.add_argument("--years", type=float, default=190, help="connector-years of health to simulate (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=("bank", "calm"))
    arguments = parser.parse_args()
    out = Console(width=150)
    fine = True
    if arguments.only != "calm":
        fine &= _bank(out)
    if arguments.only != "bank":
        fine &= _calm(out, arguments.years, arguments.seed)
    return 0 if fine else 1


def _bank(out: Console) -> bool:
    scenarios = read_all()
    outcomes = bank.play(scenarios, all_worlds=True)
    table = Table("incident", "caught", "first cause right", "minutes", "heard first", title="Incidents that happened to others")
    judged = Counter[str]()
    for scenario in scenarios:
        mine = [one for one in outcomes if one.scenario is scenario]
        first = ", ".join(sorted({one.heard[0].alert for one in mine if one.heard})) or "nothing"
        if scenario.first is None:
            pages = sum(len(one.pages) for one in mine)
            table.add_row(scenario.name, "not visible" if scenario.unseen else "none to catch", f"{pages} pages", "", first)
            judged["pages for nothing"] += pages
            continue
        caught, right = sum(one.caught for one in mine), sum(one.right_first for one in mine)
        minutes = [one.minutes(found) for one in mine if (found := one.expected) is not None]
        judged.update(incidents=len(mine), caught=caught, right=right)
        table.add_row(scenario.name, f"{caught} of {len(mine)}", f"{right} of {len(mine)}",
                      f"{median(minutes):.0f} to {max(minutes):.0f}" if minutes else "", first)  # fmt: skip
    out.print(table)
    hidden = sum(bool(scenario.unseen) for scenario in scenarios)
    out.print(
        f"{len(scenarios)} scenarios in every world their metrics can be in; of {judged['incidents']} that metrics can show, "
        f"{judged['caught'] / judged['incidents']:.1%} were caught in time and {judged['right'] / judged['incidents']:.1%} by the right cause first; "
        f"{hidden} cannot be seen in metrics; {judged['pages for nothing']} pages where there was nothing to say."
    )
    return judged["caught"] >= 0.95 * judged["incidents"] and judged["right"] >= 0.9 * judged["incidents"]


def _calm(out: Console, wanted: float, seed: int) -> bool:
    table = Table("seed", "connectors", "weeks", "a poll each", "connector-years", "pages", "other messages", title="Healthy fleets")
    years, pages, others = 0.0, Counter[str](), Counter[str]()
    while years < wanted:
        for connectors, weeks, every in FLEETS:
            found = healthy.play(seed, connectors, weeks, every)
            years += found.years
            pages.update(one.alert for one in found.pages)
            others.update(one.alert for one in found.heard if one.to != "oncall")
            table.add_row(str(seed), str(connectors), f"{weeks:g}", f"{every:.0f} s", f"{found.years:.1f}", str(len(found.pages)), str(len(found.heard) - len(found.pages)))
        seed += 1
    out.print(table)
    out.print(f"{years:.0f} connector-years without trouble: {sum(pages.values()) / years:.4f} false pages a connector-year {dict(pages) or ''}, "
              f"{sum(others.values()) / years:.4f} other messages {dict(others) or ''}")  # fmt: skip
    return not pages


if __name__ == "__main__":
    raise SystemExit(main())
