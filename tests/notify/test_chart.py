"""The picture of an episode, read as a reader of the SVG would."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import numpy as np
import pytest

from watchdog.notify.chart import Picture, draw, in_unit, limit_of
from watchdog.readings.chart_history import ChartHistory, Line
from watchdog.readings.fleet import Entity, EntityKey, Fleet, Kind
from watchdog.readings.snapshot import SparseReadings
from watchdog.rules.rule import Quantity

NAN = float("nan")
LAG = "StreamingMilliSecondsBehindSource"
SVG = "{http://www.w3.org/2000/svg}"


def picture(values: list[float], *, limit: float | None = 300_000.0, unit: str = "ms", ended: float | None = None) -> Picture:
    times = np.array([60.0 * number for number in range(len(values))])
    return Picture("Lag<&>", unit, Line(times, np.array(values)), 120.0, float(times[-1]), limit, ended)


def drawn(one: Picture) -> ET.Element:
    return ET.fromstring(draw(one))


def texts(root: ET.Element) -> list[str]:
    return [text.text or "" for text in root.iter(f"{SVG}text")]


def of_class(root: ET.Element, name: str) -> list[ET.Element]:
    return [one for one in root.iter() if one.get("class") == name]


def test_it_tells_metric_limit_and_firing_in_words():
    root = drawn(picture([0, 100_000, 400_000, 600_000]))
    assert texts(root)[0].startswith("Lag<&>, ")
    assert "limit 5m" in texts(root)
    assert "firing" in texts(root)
    assert root.get("aria-label") == "Lag<&> over time: last 10m, lowest 0s, highest 10m, limit 5m"


def test_a_gap_breaks_the_line_and_a_lone_reading_is_a_dot():
    root = drawn(picture([1, 2, NAN, 4, NAN, 6, 7, 8]))
    assert [len((one.get("points") or "").split()) for one in of_class(root, "chart-line")] == [2, 3]
    assert len(of_class(root, "chart-dot")) == 1


def test_the_limit_is_on_the_scale_also_where_no_value_comes_near():
    root = drawn(picture([1, 2, 3, 4]))
    (line,) = of_class(root, "chart-limit-line")
    assert 30 <= float(line.get("y1") or 0) <= 164
    assert not of_class(drawn(picture([1, 2, 3, 4], limit=None)), "chart-limit-line")


@pytest.mark.parametrize("huge", [1.7976931348623157e308, -1e300])
def test_what_is_too_large_for_a_picture_stands_at_its_edge(huge):
    key, trace, readings = EntityKey(Kind.SOURCE, "a"), ChartHistory(), SparseReadings()
    readings.put(key, LAG, huge, 0.0)
    trace.record(readings.snapshot(0.0, Fleet.of([Entity(key, {"name": "a"})], 0.0)))
    line = trace.line(key, LAG)
    assert line is not None
    assert of_class(drawn(Picture(LAG, "ms", line, 0.0, 60.0, 300_000.0)), "chart-dot")


def test_the_shade_ends_with_the_episode():
    (open_,) = of_class(drawn(picture([1] * 10)), "chart-firing")
    (over,) = of_class(drawn(picture([1] * 10, ended=240.0)), "chart-firing")
    assert float(over.get("width") or 0) < float(open_.get("width") or 0)


@pytest.mark.parametrize("values", [[0.0, 0.0], [5.0], [-3.0, -3.0], [1e300, -1e300], [1e-9, 2e-9], [7.0, NAN]])
@pytest.mark.parametrize("unit", ["ms", "s", "bytes", "records", ""])
def test_any_numbers_are_drawn_inside_the_picture(values, unit):
    root = drawn(picture(values, unit=unit, limit=None))
    for one in of_class(root, "chart-line"):
        for point in (one.get("points") or "").split():
            x, y = map(float, point.split(","))
            assert 0 <= x <= 640
            assert 0 <= y <= 190


def test_without_a_number_there_is_nothing_to_draw():
    with pytest.raises(ValueError, match="there is no number"):
        draw(picture([NAN, NAN]))


LIMITS = [
    ("the reading itself", Quantity(400.0, "ms"), Quantity(300.0, "ms"), 400.0, 300.0),
    ("a rate of it has another scale", Quantity(4.0, "ms"), Quantity(300.0, "ms"), 400.0, None),
    ("a text has none", Quantity("FAILED"), Quantity("FAILED"), "FAILED", None),
    ("no limit", Quantity(4.0), None, 4.0, None),
    ("no value", None, Quantity(4.0), None, None),
]


@pytest.mark.parametrize(("why", "value", "limit", "reading", "found"), LIMITS, ids=[row[0] for row in LIMITS])
def test_a_limit_is_drawn_only_on_the_metrics_own_scale(why, value, limit, reading, found):
    assert limit_of(value, limit, reading) == found


@pytest.mark.parametrize(("value", "unit", "shown"), [
    (300_000, "ms", "5m"), (-2000, "ms", "-2s"), (90, "s", "1m30s"), (2048, "bytes", "2 KiB"), (12.5, "records", "12.5"),
])  # fmt: skip
def test_axes_are_in_words(value, unit, shown):
    assert in_unit(value, unit) == shown
