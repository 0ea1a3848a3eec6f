"""The page: the views' sections, charts and data as inert JSON, one style sheet and one script.

Its content security policy lets no other script run and nothing be fetched.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..analysis.reading import Reading
from ..bench import Bench
from ..record.model import Run
from ..tracking.history import History
from . import bundle, templates, theme
from .dataset import Runs, when
from .frame import Page, arrange
from .sections import Download, Figure, Section, Spec, Tracks
from .views import VIEWS

HERE = Path(__file__).parent
INHERITED = (
    "constructor", "hasOwnProperty", "isPrototypeOf", "propertyIsEnumerable", "toLocaleString", "toString", "valueOf",
    "__proto__", "__(?:define|lookup)[GS]etter__",
)  # fmt: skip


def render(runs: Sequence[Run | Reading], histories: Sequence[History] = (), *, catalogue: Mapping[str, Bench]) -> str:
    """One HTML page of the runs and histories; ValueError where there is neither."""
    if not runs and not histories:
        raise ValueError("a report needs a run or a history")
    source = Runs(runs, histories, catalogue=catalogue)
    sections = sections_of(source)
    layout = arrange(sections, source.findings, source.benches)
    return assembled(sections, layout, _heading(source), _title(source), _summary(source))


def assembled(
    sections: Sequence[Section], layout: Page, heading: str, title: str, summary: Sequence[str], *,
    alone: bool = False,
) -> str:  # fmt: skip
    """One HTML page of sections. `alone`: of one subject, without a rail."""
    charts: dict[str, Spec] = {}
    # Ids are numbers in order of appearance: names from run files must not get into an attribute.
    identify = _Numbers(charts)
    scripts = [bundle.harmless((HERE / name).read_text("utf-8")) for name in ("frame.js", "tracks.js", "page.js")]
    blocks = [block for section in sections for block in section.blocks]
    has_charts = any(isinstance(block, Tracks) or (isinstance(block, Figure) and block.panels) for block in blocks)
    if has_charts:
        scripts.insert(1, bundle.script())
        scripts.append(bundle.harmless((HERE / "samples.js").read_text("utf-8")))
    template = templates.environment().get_template("page.html.j2")
    return template.render(
        layout=layout,
        heading=heading,
        title=title,
        summary=summary,
        alone=alone,
        chart_id=identify.chart,
        download=_packed,
        pack=_pack,
        css=theme.css() + (HERE / "page.css").read_text("utf-8"),
        policy=_policy(scripts),
        scripts=scripts,
        config=embedded(theme.CONFIG),
        charts=lambda: _pack(own_names(embedded(charts)).encode()),
    )


def sections_of(runs: Runs) -> list[Section]:
    """What the page shows of the runs, as data."""
    return [section for section in (view(runs) for view in VIEWS) if section is not None]


class _Numbers:
    """Hands out the ids of charts and keeps their specs."""

    def __init__(self, charts: dict[str, Spec]) -> None:
        self.charts = charts

    def chart(self, spec: Spec) -> str:
        name = f"chart-{len(self.charts) + 1}"
        self.charts[name] = spec
        return name


def embedded(data: Spec) -> str:
    """JSON for a `<script>`: pure ASCII, without the characters that mean something to HTML."""
    text = json.dumps(data, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    for char in "<>&":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text


def own_names(charts: str) -> str:
    """Charts whose data hold no name that every object of JavaScript has: Vega looks groups up in plain objects.

    A space of no width makes the name another one, and looks the same.
    """
    return re.sub(rf'"({"|".join(INHERITED)})"', r'"\1\\u200b"', charts)


def _policy(scripts: Sequence[str]) -> str:
    """A content security policy: these scripts by their hashes, styles in the page, nothing from anywhere."""
    hashes = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()}'" for code in scripts
    )
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _packed(download: Download) -> str:
    """The download's bytes as the page holds them: gzip, in base64. Samples shrink to a third."""
    return _pack(download.data)


def _pack(data: bytes) -> str:
    return base64.b64encode(gzip.compress(data, 6, mtime=0)).decode()


def _heading(runs: Runs) -> str:
    if not runs.runs:
        return "What changed, from commit to commit?"
    what = "these machines" if runs.several else "this machine"
    return f"What can {what} do, and how much of it does Python get?"


def _title(runs: Runs) -> str:
    if not runs.runs:
        return f"hwbench: {', '.join(history.name for history in runs.histories)}"
    return f"hwbench: {runs.labels[0]}" if not runs.several else f"hwbench: {len(runs)} runs side by side"


def _summary(runs: Runs) -> list[str]:
    """A line for each run: what it is, what it holds, and what it lacks."""
    lines = []
    for label, run in zip(runs.labels, runs, strict=True):
        timed = sum(record.timed for record in run.records)
        line = f"{label}: {timed} of {len(run.records)} cases timed, {when(run)} UTC, preset {run.policy.preset}"
        if not run.records:
            line = f"{label}: the run holds no cases yet"
        elif not timed:
            line += ". Nothing could be timed; Quality says why"
        if run.finished is None:
            line += ". The run was cut off; hwbench run --resume goes on with it"
        lines.append(line + ".")
    for history in runs.histories:
        machines = len({setting.machine for setting in history.settings})
        lines.append(
            f"{history.name}, measured by {history.source}: {len(history.series)} series over {len(history.commits)} "
            f"commits on {machines} machine{'s' * (machines != 1)}."
        )
    return lines
