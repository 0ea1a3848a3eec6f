"""Findings: what each bench says in plain words, with this machine's numbers."""

from __future__ import annotations

from ...analysis import run_quality
from ..dataset import Runs
from ..sections import Notes, Section


def view(runs: Runs) -> Section | None:
    """The findings by bench, and of several runs side by side; None where no bench has anything to say."""
    found = runs.findings
    blocks = [] if (quiet := _quiet(runs)) is None else [quiet]
    blocks += [Notes(runs.benches[name].question, found[name], name) for name in runs.catalogue if name in found]
    if not blocks:
        return None
    intro = [
        "Each bench asks one question; these are the answers for this machine, the largest effects first. Figures in "
        "brackets are 95% intervals. Each stands beside the chart that shows it, too."
    ]
    return Section("findings", "Findings", "Findings", intro, blocks, topic="data")


def _quiet(runs: Runs) -> Notes | None:
    """Whether the machine was quiet enough for the findings below."""
    told = [
        f"{label}: {sentence}" if runs.several else sentence
        for label, reading in zip(runs.labels, runs.readings, strict=True)
        for sentence in run_quality.sentences(reading.run, reading.checks)
    ]
    return Notes("Was the machine quiet enough?", told, "quality") if told else None
