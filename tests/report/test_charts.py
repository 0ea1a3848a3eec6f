"""Charts: marks as data, scales that hold them, and names that never reach an expression."""

from __future__ import annotations

import math

import pytest

from hwbench.report import charts
from made_up.page import dataset, record, run_of


def mark(series: str = "a", value: float | None = 1.0, **more: object) -> charts.Mark:
    return charts.Mark(series, "c1", f"case {series}", value, **more)  # type: ignore[arg-type]


def test_a_mark_of_a_point_has_its_figures() -> None:
    """Case, value, unit, samples and interval are those of the record, unless others are given."""
    runs = dataset(run_of(record("stream.copy", "simd", 1e-3, {"bytes": 1e6}, params={"size": "L1"})))
    [point] = runs.points
    made = charts.mark_of(runs, point)
    assert (made.case, made.value, made.unit, made.n) == ("stream.copy simd, L1", 1.0, "GB/s", 10)
    assert charts.mark_of(runs, point, value=charts.unbounded(7.0), unit="%").row({"simd": "s0"})["shown"] == "7.00 %"


def test_an_endless_interval_is_not_drawn() -> None:
    """One sample bounds nothing: the line has no length, and the tooltip no interval."""
    row = mark(low=0.0, high=math.inf).row({"a": "s0"})
    assert (row["low"], row["high"]) == (1.0, 1.0)
    assert "interval" not in row
    assert mark(low=0.5, high=2.0, unit="s").row({"a": "s0"})["interval"] == "0.500–2.00 s"


def test_bars_hold_their_labels_and_state_their_unit() -> None:
    """The longest label has its pixels beyond the longest bar; what has no value says why in its place."""
    spec = charts.bars(
        [mark(label="1.00 s", group="x"), mark("b", None, group="x", label="skipped")],
        groups=["x"], series=["a", "b"], unit="s", top=1.0, alt_text="",
    )  # fmt: skip
    scale = spec["layer"][0]["encoding"]["x"]
    assert scale["scale"]["domain"][1] == pytest.approx(1.05)
    assert scale["scale"]["rangeMax"]["expr"].endswith(f"max(0.4 * width, width - {12 + 6.2 * len('skipped'):.0f})")
    assert scale["axis"]["title"] == "s"
    assert [row["label"] for row in spec["datasets"]["absent"]] == ["skipped"]
    assert spec["usermeta"] == {"s0": "a", "s1": "b"}


def test_a_comparison_has_a_column_of_its_own() -> None:
    """Value beside the bar, ratio at the right edge under its heading; without ratios there is no such column."""
    pair = [mark(label="1 s", group="x", against="baseline"), mark("b", label="2 s", group="x", against="2× slower")]
    spec = charts.bars(pair, groups=["x"], series=["a", "b"], unit="s", top=2.0, alt_text="", against="time")
    assert [(row["label"], row["against"]) for row in spec["datasets"]["marks"]] == [
        ("1 s", "baseline"), ("2 s", "2× slower"),
    ]  # fmt: skip
    assert spec["datasets"]["head"] == [{"label": "time"}]
    alone = charts.bars([mark(group="x")], groups=["x"], series=[""], unit="s", top=1.0, alt_text="", against="time")
    assert "head" not in alone["datasets"]


def test_rooflines_that_are_read_together_share_an_extent() -> None:
    """It holds the marks and roofs of both."""
    roofs = [charts.RoofLine("L1", 1e11, flat=False), charts.RoofLine("peak", 1e11, flat=True)]
    more = [charts.RoofLine("DRAM", 1e10, flat=False), charts.RoofLine("peak", 4e11, flat=True)]
    both = charts.Extent.of([mark(value=1.0, x=1.0)], roofs).with_(charts.Extent.of([mark(value=0.01, x=99.0)], more))
    assert both.high == 800
    assert both.low <= 0.01 / 1.6
    assert both.right >= 99


def test_wide_spans_are_dots_on_a_logarithmic_scale() -> None:
    """With a bottom the axis says so, and no bar starts at a zero that it cannot have."""
    spec = charts.bars([mark(group="x")], groups=["x"], series=[""], unit="s", top=1.0, bottom=1e-3, alt_text="")
    assert spec["layer"][0]["encoding"]["x"]["axis"]["title"] == "s, log scale"
    assert not any(layer["mark"]["type"] == "bar" for layer in spec["layer"])


@pytest.mark.parametrize(
    ("kind", "title"),
    [("bytes", "x, log scale"), ("threads", "x"), ("share", "x"), ("rate", "x"), ("doubling", "x, log scale")],
)
def test_lines_name_their_axis(kind: str, title: str) -> None:
    """Sizes and counts are logarithmic, threads and shares are not."""
    spec = charts.lines([mark(x=1.0), mark(x=8.0)], x_title="x", y_title="y", alt_text="", x_kind=kind)
    assert spec["layer"][0]["encoding"]["x"]["axis"]["title"] == title
    assert spec["title"]["text"] == "y, log scale"


def test_rules_and_ideals_are_data_sets_of_their_own() -> None:
    """Solid and dashed lines with their labels, and a dotted line through points."""
    spec = charts.lines(
        [mark(x=1.0), mark(x=8.0)], x_title="", y_title="", alt_text="", x_kind="count",
        rules=[(2.0, "line", False), (4.0, "OS", True)], ideal=[(1.0, 1.0), (8.0, 8.0)],
    )  # fmt: skip
    data = spec["datasets"]
    assert (data["solid"], data["dashed"]) == ([{"x": 2.0, "label": "line"}], [{"x": 4.0, "label": "OS"}])
    assert data["ideal"][-1] == {"x": 8.0, "value": 8.0}


def test_the_span_of_values_leaves_out_what_is_none() -> None:
    """Zero, negative and infinite values have no place on a logarithmic scale."""
    assert charts.value_range([0.0, -1.0, 2.0, 8.0, math.inf]) == (2.0, 8.0)
    assert charts.value_range([]) == (1.0, 1.0)


def test_a_line_of_suspect_marks_alone_is_pale() -> None:
    """One good mark and the line has its full colour."""
    marks = [mark("a", x=1.0, suspect="steal"), mark("a", x=2.0, suspect="steal"), mark("b", x=1.0, suspect="steal"),
             mark("b", x=2.0)]  # fmt: skip
    spec = charts.lines(marks, x_title="", y_title="", alt_text="", x_kind="count")
    assert [(row["series"], row["pale"]) for row in spec["datasets"]["marks"]] == [
        ("s0", 0.4), ("s0", 0.4), ("s1", 1), ("s1", 1),
    ]  # fmt: skip
    [line] = [layer for layer in spec["layer"] if layer["mark"]["type"] == "line"]
    assert line["encoding"]["opacity"]["field"] == "pale"
    clear = charts.lines([mark(x=1.0), mark(x=2.0)], x_title="", y_title="", alt_text="", x_kind="count")
    assert "pale" not in clear["datasets"]["marks"][0]


@pytest.mark.parametrize(("power", "said"), [(5e3, "5000"), (1e5, "100\u202f000"), (1e6, "10⁶"), (2e6, "2 × 10⁶")])
def test_numbers_on_axes_are_spelled_as_elsewhere(power: float, said: str) -> None:
    """The expression of labels, as Vega evaluates it."""
    vl_convert = pytest.importorskip("vl_convert")
    spec = {"data": {"values": [{"x": 1}]}, "mark": "point", "encoding": {"x": {
        "field": "x", "type": "quantitative", "scale": {"domain": [0, power]},
        "axis": {"values": [power], "labelExpr": charts.NUMBER_LABEL}}}}  # fmt: skip
    assert f">{said}<" in vl_convert.vegalite_to_svg(spec)


@pytest.mark.parametrize(("low", "high"), [(42.0, 71.0), (96.0, 106.0), (0.9, 1.1), (3.0, 8e4)])
def test_a_logarithmic_axis_has_two_numbers_at_least(low: float, high: float) -> None:
    """One tick gives no scale."""
    ticks = charts._steps(low, high)
    assert len(ticks) >= 2
    assert all(low <= tick <= high * (1 + 1e-9) for tick in ticks)


def test_a_matrix_writes_its_values_where_there_is_room() -> None:
    """Fuller colour for larger values; from nine rows on no text in cells."""

    def made(count: int) -> charts.Spec:
        cells = [(row, column, 1.0 + row, "") for row in range(count) for column in range(count)]
        return charts.matrix(cells, order=range(count), unit="ns", rows="from", columns="to", alt_text="")

    small = made(2)
    assert [row["fade"] for row in small["datasets"]["marks"]] == [0.2, 0.2, 0.8, 0.8]
    assert small["datasets"]["marks"][1]["cell"] == "from 0, to 1"
    assert [layer["mark"]["type"] for layer in small["layer"]] == ["rect", "text"]
    assert [layer["mark"]["type"] for layer in made(9)["layer"]] == ["rect"]
