"""Findings: what each bench says in plain words, with this machine's numbers."""

from __future__ import annotations

from collections.abc import Sequence

from ...findings import findings
from ...model import Run
from ..sections import Sayings, Section
from ..source import Runs


def view(runs: Sequence[Run]) -> Section | None:
    """The findings by bench, and of several runs side by side; None where no bench has anything to say."""
    runs = Runs.of(runs)
    told: dict[str, list[str]] = {}
    for label, run in zip(runs.labels, runs, strict=True):
        for name, sentences in findings(run, runs.benches.values()).items():
            told.setdefault(name, []).extend(
                f"{label}: {sentence}" if runs.several else sentence for sentence in sentences
            )
    if not told:
        return None
    blocks = [Sayings(runs.benches[name].question, told[name], name) for name in runs.benches if name in told]
    intro = [
        "Each bench asks one question; this is what it answers here. Figures in brackets are 95% intervals of the "
        "median. The sections below show where the sentences come from."
    ]
    return Section("findings", "Findings", "Findings", intro, blocks)
