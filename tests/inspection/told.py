"""What a finding says of made-up records: with spread, so that intervals are printed, and with doubt where it is given.

Records come from `answers.reading`; the functions return another reading of changed records.
"""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np

from hwbench.analysis.findings import BenchResults
from hwbench.record.reasons import because


def said(read: BenchResults) -> list[str]:
    """The sentences of the bench."""
    sentences: list[str] = list(read.bench.hooks["finding"](read))
    return sentences


def spread(read: BenchResults, by: float = 0.01) -> BenchResults:
    """Ten samples a record with the same median, spread by this share; each record has its own."""
    records = []
    for seed, record in enumerate(read.records):
        noise = 1 + by * np.random.default_rng(seed).standard_normal(10)
        middle = float(np.median(record.samples)) / float(np.median(noise))
        records.append(msgspec.structs.replace(record, samples=[middle * float(one) for one in noise]))
    read.records = records
    return read


def doubt(read: BenchResults, variant: str = "", **params: Any) -> BenchResults:
    """The records that fit are suspect: time was stolen."""
    reasons = [because("steal", "9% of a CPU")]
    read.records = [
        msgspec.structs.replace(record, status="suspect", reasons=reasons)
        if (not variant or record.variant == variant) and params.items() <= record.params.items()
        else record
        for record in read.records
    ]
    return read


STOLEN = "(suspect: the hypervisor gave the CPU to other guests (steal): 9% of a CPU)."
