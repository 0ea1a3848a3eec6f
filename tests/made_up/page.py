"""Records whose figures can be worked out by hand, as the report takes them, and what tests read of its sections."""

from __future__ import annotations

from collections.abc import Sequence

from hwbench import catalog
from hwbench.record.model import Record, Run
from hwbench.report.dataset import Runs
from hwbench.report.sections import Figure, Section, Table
from hwbench.report.views import View
from hwbench.tracking.history import History
from made_up.sample import replace, sample_run


def dataset(*runs: Run, histories: Sequence[History] = ()) -> Runs:
    """Runs as views take them, with the benches of this hwbench."""
    return Runs(runs, histories, catalogue=catalog.benches())


def record(bench: str, variant: str, seconds: float, counts: dict[str, float], **fields: object) -> Record:
    """A record whose samples are all alike, so that every derived figure can be worked out by hand."""
    params = fields.pop("params", {})
    return Record(
        bench=bench, version=1, variant=variant, device="cpu", params=params, status="ok", samples=[seconds] * 10,
        counts=counts, **fields,
    )  # type: ignore[arg-type]  # fmt: skip


def run_of(*given: Record) -> Run:
    """A run of the made-up machine that holds these records."""
    return replace(sample_run(benches=()), records=list(given))


def figures(section: Section | None) -> list[Figure]:
    """The figures of a section that is there."""
    assert section is not None
    return [block for block in section.blocks if isinstance(block, Figure)]


def figure(section: Section | None, at: int = 0) -> Figure:
    """One of a section's figures."""
    return figures(section)[at]


def only_figure(section: Section | None) -> Figure:
    """The figure of a section that has no other."""
    [found] = figures(section)
    return found


def table_of(section: Section | None) -> Table:
    """The first table of a section that stands alone, without a chart."""
    assert section is not None
    return next(block for block in section.blocks if isinstance(block, Table))


def column(shown: Figure | Table, head: str) -> list[str]:
    """The cells of a table's column."""
    table = shown.table if isinstance(shown, Figure) else shown
    return [row[list(table.head).index(head)] for row in table.rows]


def labels(shown: Figure, name: str, panel: int = 0) -> list[str]:
    """The labels in one of a chart's data sets."""
    return [row["label"] for row in shown.panels[panel].spec["datasets"].get(name, [])]


def figures_by_title(view: View, run: Run) -> dict[str, Figure]:
    """The figures that a view makes of a run, by title."""
    return {shown.title: shown for shown in figures(view(dataset(run)))}
