"""Small SVGs of a run for a README: the page's own charts on a card of their own, with a title and a legend.

An image does not know the colour of the page around it, so each has a white card that is legible on light and dark.
"""

from __future__ import annotations

import copy
import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ..bench import Bench
from ..errors import UsageError
from ..record.installing import INSTALL_PICTURES
from ..record.model import Run
from ..record.store import write_bytes
from ..record.threads import startable
from . import theme
from .dataset import Runs
from .sections import Figure, Panel, Spec
from .views import View
from .views.bandwidth import view as bandwidth
from .views.ladder import view as ladder
from .views.latency import view as latency
from .views.roofline import view as roofline

WIDTH = 620
FONT = "Helvetica, Arial, sans-serif"

Choose = Callable[[Sequence[Panel]], Panel]


def _most(panels: Sequence[Panel]) -> Panel:
    """The panel of most threads."""
    return panels[-1]


def _telling(panels: Sequence[Panel]) -> Panel:
    """The panel of the largest n at which most variants were measured."""
    return max(reversed(panels), key=lambda panel: len(panel.spec["datasets"]["marks"]))


PICTURES: tuple[tuple[str, View, Choose, str], ...] = (
    ("ladder", ladder, _telling, "c = a + b: share of the machine's bandwidth"),
    ("latency", latency, _most, "Latency by footprint"),
    ("bandwidth", bandwidth, _most, "Bandwidth by level"),
    ("roofline", roofline, _most, "Roofline from measured roofs"),
)


def write_pictures(run: Run, directory: Path, *, catalogue: Mapping[str, Bench]) -> list[Path]:
    """Write `ladder.svg`, `latency.svg`, `bandwidth.svg` and `roofline.svg`, as far as the run holds them."""
    runs = Runs([run], catalogue=catalogue)
    written = []
    for name, view, choose, title in PICTURES:
        section = view(runs)
        figure = next((block for block in section.blocks if isinstance(block, Figure)), None) if section else None
        if figure is None:
            continue
        panel = choose(figure.panels)
        heading = f"{title}, {panel.title}" if panel.title else title
        svg = as_svg(panel.spec, heading, runs.labels[0])
        path = directory / f"{name}.svg"
        write_bytes(svg.encode("utf-8", "replace"), path)
        written.append(path)
    return written


def as_svg(spec: Spec, title: str, machine: str) -> str:
    """The spec as SVG, without a page around it."""
    try:
        import vl_convert
    except ImportError:
        raise UsageError(f"pictures are drawn by vl-convert, which is not installed: {INSTALL_PICTURES}") from None
    _check_threads()
    return str(vl_convert.vegalite_to_svg(picture(spec, title, machine)))


def _check_threads() -> None:
    """Raise UsageError where the system does not start the threads of vl-convert, which would end the process."""
    needed = 4 + (os.cpu_count() or 1)
    started = startable(needed)
    if started < needed:
        raise UsageError(
            f"a picture needs {needed} threads once, and the system starts {started}: raise the limit on processes "
            "(ulimit -u, pids.max of the cgroup, Docker's --pids-limit)"
        )


def picture(spec: Spec, title: str, machine: str) -> Spec:
    """The spec without a page around it: fixed width, colours in place of variables, title, legend, card."""
    alone = json.loads(json.dumps(spec))  # layers share what is named in each below
    above = alone.get("title")
    unit = above.get("text", "") if isinstance(above, dict) else ""
    alone["width"] = WIDTH
    alone["title"] = {
        "text": title,
        "subtitle": f"{unit}; {machine}" if unit else machine,
        "fontSize": 15,
        "fontWeight": 600,
        "color": theme.LIGHT["ink"],
        "subtitleColor": theme.LIGHT["ink-2"],
        "subtitleFontSize": 12,
        "subtitlePadding": 5,
        "anchor": "start",
        "frame": "bounds",
        "offset": 14,
    }
    # Vega-Lite evaluates what it makes of these names, here in a process of our own: only harmless ones are put back.
    names = {number: re.sub(r"[^\w .,:()×·-]", "?", name) for number, name in alone.pop("usermeta").items()}
    _add_legend(alone, names)
    config = copy.deepcopy(theme.CONFIG)
    config |= {"background": theme.LIGHT["card"], "padding": 16, "font": FONT}
    alone["config"] = config
    return theme.resolved(alone)


def _add_legend(spec: Spec, names: dict[str, str]) -> None:
    """Name the series below the chart, where there are several and the axis does not name them already."""
    for row in (row for rows in spec["datasets"].values() for row in rows if "series" in row):
        row["series"] = names[row["series"]]
    for layer in spec["layer"]:
        encoding = layer["encoding"]
        for scale in (encoding[name]["scale"] for name in ("color", "yOffset") if name in encoding):
            scale["domain"] = [names[number] for number in scale["domain"]]
        named_by_axis = encoding.get("y", {}).get("field") == "group" and "yOffset" not in encoding
        if "color" in encoding and not named_by_axis and len(encoding["color"]["scale"]["domain"]) > 1:
            # Every layer alike: Vega-Lite merges their legends, and one that has none would take it from all.
            encoding["color"]["legend"] = {
                "title": None,
                "orient": "bottom",
                "columns": 4,
                "columnPadding": 36,  # names are measured in our font, and may be a quarter wider in the reader's
                "offset": 10,
                "symbolOpacity": 1,
            }
