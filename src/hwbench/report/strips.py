"""Charts of samples: strips of each case's samples over their median, and the share of samples below a value (ECDF)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..record import text
from ..record.estimate import quantile
from . import charts, vega
from .charts import Datum
from .sections import Key, Spec
from .theme import var

QUANTILES = {"p50": (0.5, "ink"), "p90": (0.9, "c2"), "p99": (0.99, "c4")}
NUMBERS = {name: f"s{number}" for number, name in enumerate(QUANTILES)}  # as series are called in charts
LEGEND = (
    Key("a sample", "c1", "pale"),
    *(Key(f"{name}: {round(100 * share)}% of the samples take no longer", colour, "line")
      for name, (share, colour) in QUANTILES.items()),
)  # fmt: skip
STRIP = 22  # pixels a row
FAR = 3.0  # times the median: beyond, the axis becomes logarithmic


@dataclass(frozen=True)
class Strip:
    """The samples of a case in any unit; `label` names its row, `told` stands at the right.

    `suspect` is why its samples are doubtful, "" where they are not.
    """

    label: str
    case: str
    samples: Sequence[float]
    told: str
    suspect: str = ""


def quantiles(samples: Sequence[float]) -> dict[str, float]:
    """p50, p90 and p99, each where there are enough samples: ten for p90, a hundred for p99."""
    return {
        name: quantile(samples, share)
        for name, (share, _) in QUANTILES.items()
        if share == 0.5 or len(samples) * (1 - share) >= 1 - 1e-9
    }


def strips(rows: Sequence[Strip], *, alt_text: str, head: str) -> Spec:
    """A row for each case: a thin tick for each sample over the case's median, and one for each quantile."""
    marks: list[Datum] = []
    told: list[Datum] = []
    texts: list[Datum] = []
    ends: list[float] = []
    for strip in rows:
        found = quantiles(strip.samples)
        middle = found["p50"]
        ends += [min(strip.samples) / middle, max(strip.samples) / middle]
        marks += [{"row": strip.label, "x": charts.short(sample / middle)} for sample in strip.samples]
        doubt = {"suspect": strip.suspect} if strip.suspect else {}
        told += [
            {
                "row": strip.label,
                "x": charts.short(value / middle),
                "series": NUMBERS[name],
                "name": name,
                "case": strip.case,
                "shown": f"{text.times(value / middle)} the median",
                "fade": 0.4 if strip.suspect else 1,
                **doubt,
            }
            for name, value in found.items()
        ]
        texts.append({"row": strip.label, "label": strip.told})
    low, high = min(ends), max(ends)
    pad = 0.03 * (high - low) or 0.01
    far = high > FAR or low < 1 / FAR
    domain = [low * 0.95, high * 1.05] if far else [low - pad, high + pad]
    ends_at, seen = charts.split(4, 14 + charts.CHAR * max(len(head), *(len(strip.told) for strip in rows)))
    scale = vega.options(type="log" if far else "linear", domain=domain, nice=False, rangeMax=ends_at)
    title = "sample over the median" + (", log scale" if far else "")
    x = vega.field(
        "x:Q", scale=scale, axis=vega.options(title=title, tickCount=4, format=".3~g", labelOverlap="greedy")
    )
    y = vega.field(
        "row:N", sort=None, title=None, scale=vega.options(domain=[strip.label for strip in rows], padding=0.2)
    )
    colours = {NUMBERS[name]: var(colour) for name, (_, colour) in QUANTILES.items()}
    colour = vega.field("series:N", legend=None, scale=vega.options(domain=list(colours), range=list(colours.values())))
    fields = {"case": "case", "name": "quantile", "shown": "value"}
    if any(strip.suspect for strip in rows):
        fields["suspect"] = "suspect"
    tooltip = [vega.field(f"{name}:N", title=title) for name, title in fields.items()]
    fade = vega.field("fade:Q", scale=None)
    thick, edge = vega.options(thickness=3, size=17), vega.options(align="right", opacity=seen)
    layers = [
        vega.layer("marks", "tick", vega.options(color=var("c1"), opacity=0.4, thickness=1.5, size=12), x=x, y=y),
        vega.layer("quantiles", "tick", thick, x=x, y=y, color=colour, opacity=fade, tooltip=tooltip),
        vega.layer("told", "text", edge, x={"value": "width"}, y=y, text=charts.LABEL),
        charts.heading(seen),
    ]
    frame = {"height": STRIP * len(rows), "description": alt_text, "title": ""}
    return charts.finish(layers, frame, NUMBERS, marks=marks, quantiles=told, told=texts, head=[{"label": head}])


def ecdf() -> Spec:
    """The share of samples below a value, without its data: the page's script fills in those of the chosen case."""
    scale = vega.options(zero=False, nice=False, padding=8)
    x = vega.field("x:Q", scale=scale, axis=vega.options(title="", tickCount=6, grid=False, labelOverlap="greedy"))
    y = vega.field(
        "y:Q", scale=vega.options(domain=[0, 1], nice=False),
        axis=vega.options(title=None, format=".0%", values=[0, 0.5, 0.9, 1]),
    )  # fmt: skip
    layers = [
        vega.layer("marks", "line", vega.options(color=var("c1"), interpolate="step-after"), x=x, y=y),
        vega.layer(
            "marks",
            "point",
            vega.options(color=var("c1"), size=18),
            x=x,
            y=y,
            tooltip=[vega.field("shown:N", title="sample")],
        ),
        vega.layer("quantiles", "rule", vega.options(color=var("ink-2"), strokeDash=[4, 4]), x=x),
        vega.layer(
            "quantiles",
            "text",
            vega.options(align="left", dx=3, dy=5, baseline="top"),
            x=x,
            y=vega.field("at:Q", scale=None, axis=None),
            text=charts.LABEL,
        ),
    ]
    frame = {"height": 240, "description": "The share of samples below a value", "title": "share of the samples"}
    return charts.finish(layers, frame, {})
