"""What commands say of a comparison: its totals, what was compared and how, and each case in words."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from ..record import text
from ..record.estimate import Estimate
from ..record.phrases import compared, counted
from ..tracking.comparison import VERDICTS, Comparison, ComparisonReport
from ..tracking.directions import kind_of, printed, words
from ..tracking.sides import Side, differing
from ..tracking.totals import geometric_mean, surroundings

COLOURS = {
    "slower": "red", "failed": "red", "faster": "green", "ambiguous": "yellow", "no change": "", "same": "", "new": "",
    "gone": "", "not measured": "dim",
}  # fmt: skip
SIGNS = {"slower": "🔴", "failed": "💥", "faster": "🟢", "ambiguous": "🟡", "new": "🆕", "gone": "⚪"}
BARS = "▁▂▃▄▅▆▇█"
WIDEST = 20  # values of a trend
FLAT = 0.05  # relative; a trend that varies by less has no shape
NAMES = {"time": "times", "memory": "memory", "count": "counts"}


def mean(report: ComparisonReport) -> list[str]:
    """The geometric mean of all times; with its verdict where the report has one."""
    found = geometric_mean(report.cases)
    if report.whole is None or found is None:
        return [f"geometric mean of {counted(found[1], 'time')}: {compared(found[0])}"] if found else []
    return [f"geometric mean of {counted(found[1], 'time')}: {report.whole.verdict}, {ratio_of(report.whole)}"]


def software(base: Side, new: Side) -> list[str]:
    """`numba: 0.68.1 in base, 0.69.0 in new` for each version that differs."""
    keys = [key for key in base.environment if key in new.environment]
    return [
        f"{key}: {base.environment[key]} in base, {new.environment[key]} in new"
        for key in keys
        if base.environment[key] != new.environment[key]
    ]


def heading(report: ComparisonReport, base: Side, new: Side, *, remarks: bool = True) -> list[str]:
    """What was compared, and how the two differ; the remarks where they stand nowhere else."""
    lines = [f"base: {base.name}", f"new: {new.name}"]
    lines += [f"the machines differ: {line}" for line in differing(base, new)]
    if base.machine != new.machine and not differing(base, new):
        names = f"{base.machine} and {new.machine}"
        lines.append(f"{names} differ in nothing that is known; they are compared as one machine")
    lines += [f"the software differs: {line}" for line in software(base, new)]
    if around := list(surroundings(base, new)):
        lines.append(f"the settings differ: {'; '.join(around)}")
    lines += report.remarks if remarks else ()
    lines += report.notes
    if normalised(report) and differing(base, new):
        lines.append("verdicts are on the normalised ratio: the ratio divided by that of the machines' own limits")
    return lines


def method(report: ComparisonReport, threshold: float) -> str:
    """The threshold, the correction, and the noise with its source."""
    noises = report.noises or {"time": report.noise}
    told = ", ".join(
        f"{f'of {NAMES[kind]} ' if len(noises) > 1 else ''}by {text.share(one.common)} ({one.source})"
        for kind, one in noises.items()
    )
    what = "quads differ" if report.design else "medians differ from run to run"
    return f"threshold {text.share(threshold)}, corrected for the number of cases ({report.correction}); {what} {told}"


def normalised(report: ComparisonReport) -> bool:
    """Whether the limits of two machines stand beside the ratios."""
    return any(one.machine is not None for one in report.cases)


def ordered(cases: Sequence[Comparison]) -> list[Comparison]:
    """By verdict; the greatest change first."""
    return sorted(cases, key=lambda one: (VERDICTS.index(one.verdict), -abs(math.log(one.ratio or 1.0))))


def case_of(one: Comparison) -> str:
    """`stream.load/simd size=L1 dtype=f8`."""
    values = " ".join(f"{axis}={value}" for axis, value in one.params.items())
    return (f"{one.bench}/{one.variant} {values}" if one.variant else f"{one.bench} {values}").rstrip()


def label(one: Comparison) -> str:
    """`stream.load/simd [L1, f8]`: the case as `hwbench show` takes it."""
    values = ", ".join(map(str, one.params.values()))
    return "/".join(filter(None, (one.bench, one.variant))) + (f" [{values}]" if values else "")


def ratio_of(one: Comparison) -> str:
    """`1.19× slower (1.15–1.23)`; `no clear difference (0.77–1.50)` where the interval holds 1 and is wide."""
    if one.difference is not None:
        word = "more" if one.difference > 0 else "less"
        return f"{printed(abs(one.difference), one.unit)} {word}" if one.difference else "no difference"
    if one.ratio is None or one.low is None:
        return ""
    bounded = one.high is not None and one.low > 0
    said = compared(Estimate(one.ratio, one.low, one.high or math.inf)) if bounded else text.ratio(one.ratio)
    if one.verdict == "no change":
        said = said.replace("no clear difference", "no change")
    if kind_of(one.unit) != "time":
        worse, better = words(one.unit, one.higher)
        said = said.replace("slower", worse).replace("faster", better)
    return said if bounded else f"{said} (no interval)"


def counts(cases: Sequence[Comparison]) -> dict[str, int]:
    """How many cases have each verdict."""
    return {verdict: sum(one.verdict == verdict for one in cases) for verdict in VERDICTS}


def totals(cases: Sequence[Comparison]) -> str:
    """`2 slower, 98 same`; of several kinds of metric `3 worse (2 slower, 1 more), 98 same`."""
    told = []
    for verdict, count in counts(cases).items():
        words = Counter(word_of(one) for one in cases if one.verdict == verdict)
        if not {*words} <= {verdict}:
            each = ", ".join(f"{number} {word}" for word, number in words.most_common())
            told.append(f"{count} {'worse' if verdict == 'slower' else 'better'} ({each})")
        elif count:
            told.append(f"{count} {verdict}")
    return ", ".join(told) or "no cases"


def escaped(cell: str) -> str:
    """Text with Markdown's markup escaped: names from files may hold markup, pipes and line ends."""
    shown = text.printable(" ".join(cell.split()))
    return "".join(f"&#{ord(c)};" if c in "<>|@&" else f"\\{c}" if c in "\\`*_[]#" else c for c in shown)


def each(one: Comparison) -> tuple[str, str]:
    """Both values with their unit."""
    before, after = (text.NOTHING if value is None else printed(value, one.unit) for value in (one.base, one.new))
    return before, after


def values_of(one: Comparison) -> str:
    """`1.31 ms → 1.56 ms`; "" without any."""
    return "" if one.base is None and one.new is None else " → ".join(each(one))


def word_of(one: Comparison) -> str:
    """The verdict as a reader says it: of memory `more`, not `slower`."""
    return one.change or one.verdict


def colour(one: Comparison) -> str:
    """Green only where the better direction is known."""
    return COLOURS[one.verdict] if one.sure or one.verdict != "faster" else ""


def sign(one: Comparison) -> str:
    """The sign of a verdict in a comment; a gain is green only where the better direction is known."""
    return SIGNS.get(one.verdict, "") if one.sure or one.verdict != "faster" else "🔵"


def remark(one: Comparison) -> str:
    """The trend, for how long the old level stood, and the remark."""
    unsure = "" if one.sure or one.verdict not in ("slower", "faster") else "the better direction is assumed"
    sees = f"a change of {text.share(one.sees)} would be found" if one.verdict == "ambiguous" and one.sees else ""
    return "; ".join(filter(None, (before_of(one), one.reason, sees, unsure)))


def before_of(one: Comparison) -> str:
    """`▁▁▂▁█ was 1.31 ms for 40 commits`; "" where too little is known."""
    if one.base is None or len(one.history) < 3 or one.verdict not in ("slower", "faster", "failed"):
        return ""
    known = [*one.history, *([one.new] if one.new is not None else [])]
    stood = f" was {printed(one.base, one.unit)} for {counted(one.held, 'commit')}" if one.held > 1 else ""
    return f"{trend(known)}{stood}"


def trend(values: Sequence[float]) -> str:
    """The last values as bars."""
    shown = values[-WIDEST:]
    low, high = min(shown), max(shown)
    if high - low <= FLAT * max(abs(low), abs(high)):
        return BARS[3] * len(shown)
    return "".join(BARS[round((value - low) / (high - low) * (len(BARS) - 1))] for value in shown)
