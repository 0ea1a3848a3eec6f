"""The page of a fleet: odd machines with their evidence, a map of machines and quantities, distributions, drift.

Deviations are kept in a byte each, in quarters of a robust standard deviation, so that 10,000 machines of 40 quantities
are half a megabyte; those of accused machines are there exactly as well. Names are text: they get into the page as JSON
without characters that mean something to HTML, or through the template, which escapes them.
"""

from __future__ import annotations

import base64
import datetime
import gzip
import hashlib
import math
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

import numpy as np

from .. import report
from ..record import text
from ..record.phrases import counted
from ..report import bundle, templates, theme
from ..report.page import embedded
from .cube import Cube, Floats, Group
from .diagnosis import (
    ALIKE,
    RATE,
    Accused,
    Diagnosis,
    Doubtful,
    Verdict,
    advice,
    called,
    deviations,
    named,
    scales,
    summed,
    verdict,
)
from .levels import levels, quiet_median

STEP = 4  # of a cell in a robust standard deviation
NONE, MOST = -128, 127
ROWS = 50  # machines of a table: the map has all
EXACT = 1000  # accused machines of a group whose figures are there exactly
BINS = 240
DAY = 86400.0
DAYS = 400
QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
HERE = Path(report.__file__).parent


def render(made: Cube) -> str:
    """One HTML page of a fleet."""
    verdicts = sorted((verdict(group) for group in made.groups), key=lambda one: -len(one.group.machines))
    told = summed(made, verdicts)
    data, cells = [], []
    for one in verdicts:
        z = _cells(one)
        data.append(_group(one, z))
        cells.append(pack(z.tobytes()))
    script = bundle.harmless((HERE / "fleet.js").read_text("utf-8"))
    return templates.environment().get_template("fleet.html.j2").render(
        heading="Which machines are odd, and what in them?",
        summary=_summary(made, told),
        tiles=_tiles(told),
        intro_odd=(
            "Machines of one hardware are compared with each other. Of the machines accused at most "
            f"{text.share(RATE)} are expected to be healthy. A ratio is of the value as it is: 0.75 of a bandwidth, "
            f"1.3 of a latency. Of fewer than {ALIKE} machines alike, each one's newest run is compared with its own "
            "earlier runs."
        ),
        odd=[_row(one) for one in told.odd[:ROWS]],
        more_odd=len(told.odd[ROWS:]),
        doubtful=[_row(one) for one in told.doubtful[:ROWS]],
        more_doubtful=len(told.doubtful[ROWS:]),
        groups=told.groups,
        refused=told.refused,
        css=theme.css() + "".join((HERE / name).read_text("utf-8") for name in ("page.css", "fleet.css")),
        policy=_policy(script),
        script=script,
        data=pack(embedded(data).encode()),  # type: ignore[arg-type]
        cells=cells,
    )  # fmt: skip


def pack(data: bytes) -> str:
    """Bytes as the page holds them: gzip, in base64."""
    return base64.b64encode(gzip.compress(data, 6, mtime=0)).decode()


def _policy(script: str) -> str:
    """The script by its hash, styles in the page, nothing from anywhere."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return (
        f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _cells(one: Verdict) -> np.ndarray:
    """Machine × quantity in bytes, without the last two, which say how noisy a machine is."""
    number = len(one.health.quantities) - 2 * (one.scores is not None)
    z = deviations(one.health)[:, :number] if one.scores is not None else np.full(one.health.deviation.shape, np.nan)
    scaled = np.clip(np.nan_to_num(np.round(z * STEP), nan=0.0), -MOST, MOST)
    return np.where(np.isfinite(z), scaled, NONE).astype(np.int8)


def _group(one: Verdict, z: np.ndarray) -> dict[str, object]:
    group = one.group
    # Machines of small groups are shown against their own history: each has a centre of its own, and the group none.
    alone = len(group.machines) < ALIKE
    found = levels(group)
    middle = quiet_median(found.level, axis=0)
    # The runs of few machines each count: what is left out of a level may be what is at fault.
    shown = group.y.swapaxes(0, 1).reshape(len(group.quantities), -1) if alone else found.level.T
    accused = named(one)
    state = [0 if i not in accused else 2 if isinstance(accused[i], Doubtful) else 1 for i in range(len(z))]
    told = {str(i): _sentence(each) for i, each in accused.items()}
    size = max(1, math.ceil(len(z) / BINS))
    usual = float(-np.quantile(z[z != NONE], 1 / (size + 1)) / STEP) if size > 1 and (z != NONE).any() else 0.0
    days, drift = _drift(group, found.level)
    moved = [max((abs(x) for x in row[1] if x is not None), default=0.0) for row in drift]
    scale = quiet_median(scales(one.health), axis=0)[: z.shape[1]] if one.scores else np.zeros(z.shape[1])
    return {
        "hardware": group.hardware,
        "model": group.model,
        "machines": [called(name) for name in group.machines],
        "alone": alone,
        "quantities": list(group.quantities),
        "units": list(group.units) or [""] * len(group.quantities),
        "better": [int(x) for x in group.better],
        "centre": [_short(math.exp(sign * x)) for sign, x in zip(group.better, middle, strict=True)],
        "spread": [_short(x) for x in scale],
        "exact": {str(i): _exact(one, i, z.shape[1]) for i in _worst(one, accused)},
        "state": state,
        "score": [round(float(x), 1) for x in one.scores.total] if one.scores else [0.0] * len(z),
        "told": told,
        "usual": round(max(0.0, usual), 2),
        "days": days,
        "drift": drift,
        "quantiles": [_quantiles(sign * column) for sign, column in zip(group.better, shown, strict=True)],
        "first": group.quantities[int(np.argmax(moved))] if moved else "",
    }


def _worst(one: Verdict, accused: Mapping[int, Accused]) -> list[int]:
    """The accused whose figures the page has exactly: the highest scores."""
    score = one.scores.total if one.scores else np.zeros(len(one.group.machines))
    return sorted(sorted(accused, key=lambda i: (-float(score[i]), i))[:EXACT])


def _exact(one: Verdict, i: int, number: int) -> list[list[float] | None]:
    """For each quantity of a machine the deviation, and the ratio of the value as it is; None where it has none."""
    z, d = deviations(one.health)[i, :number], one.health.deviation[i, :number]
    ratios = np.exp(one.group.better * d)
    return [
        [round(float(a), 2), float(f"{b:.4g}")] if math.isfinite(a) else None
        for a, b in zip(z, ratios, strict=True)
    ]  # fmt: skip


def _quantiles(logs: Floats) -> list[float] | None:
    there = logs[np.isfinite(logs)]
    return [_short(math.exp(x)) for x in np.quantile(there, QUANTILES)] if len(there) else None


def _drift(group: Group, level: Floats) -> tuple[list[int], list[list[list[float | None]]]]:
    """For each quantity and day the quartiles of machines against their own levels: who was measured is no drift."""
    when = np.floor(group.started / DAY)
    days = np.unique(when[np.isfinite(when)])[-DAYS:]
    out: list[list[list[float | None]]] = [[[], [], []] for _ in group.quantities]
    if len(days) < 2:
        return [int(day) for day in days], out
    apart = group.y - level[:, :, None]
    for day in days:
        here = apart.swapaxes(1, 2)[when == day]
        ordered = np.sort(here, axis=0)
        count = np.isfinite(ordered).sum(axis=0)
        for q, number in enumerate(count):
            for k, share in enumerate((0.25, 0.5, 0.75)):
                out[q][k].append(round(float(np.quantile(ordered[:number, q], share)), 5) if number else None)
    return [int(day) for day in days], out


def _short(value: float) -> float:
    return float(f"{value:.5g}") if math.isfinite(value) else 0.0


def _sentence(one: Accused) -> str:
    second = f", else {one.second}" if one.second else ""
    return f"{one.component} ({one.chance}){second}. Look at {advice(one.component) or 'these figures'}."


def _row(one: Accused) -> dict[str, str]:
    shown = "; ".join(it.words for it in one.evidence[:4])
    about = advice(one.component)
    if isinstance(one, Doubtful):
        about = f"{one.why}; {', '.join(one.retest) or 'all benches'}"
    return {
        "machine": called(one.machine), "link": f"#machine={quote(called(one.machine), safe='')}",
        "component": one.component,
        "probability": one.chance.replace("more than", ">"), "second": one.second or "–", "evidence": shown,
        "about": about or "–",
    }  # fmt: skip


def _tiles(told: Diagnosis) -> list[tuple[str, str, str]]:
    found: dict[str, int] = {}
    for one in told.odd:
        found[one.component] = found.get(one.component, 0) + 1
    most = sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))[:2]
    share = f"{text.share(len(told.odd) / told.machines)} of all" if told.machines else ""
    return [
        ("Machines", text.count(told.machines), f"in {counted(len(told.groups), 'group')} of like hardware"),
        ("Odd", text.count(len(told.odd)), share),
        ("Doubtful", text.count(len(told.doubtful)), "to be measured again"),
        *((f"At fault: {name}", text.count(number), counted(number, "machine")) for name, number in most),
    ]


def _summary(made: Cube, told: Diagnosis) -> list[str]:
    times = [group.started[np.isfinite(group.started)] for group in made.groups]
    seen = np.concatenate(times) if times else np.zeros(0)
    if not len(seen):
        return ["The store holds no runs yet."]
    first, last = (
        datetime.datetime.fromtimestamp(float(one), datetime.UTC).strftime("%-d %B %Y")
        for one in (seen.min(), seen.max())
    )
    when = first if first == last else f"{first} to {last}"
    runs = sum(one.runs for one in told.groups)
    return [f"{counted(told.machines, 'machine')}, {counted(runs, 'run')}, {when}."]
