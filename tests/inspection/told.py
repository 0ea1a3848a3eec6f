"""What a finding says of made-up records: with spread, so that intervals are printed, and with doubt where it is given.

Records come from `answers.reading`; the functions return another reading of changed records.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec
import numpy as np

from hwbench.analysis.findings import BenchResults
from hwbench.record import text
from hwbench.record.reasons import because

FRACTION = re.compile(r"\d+\.\d+(?![\d%])")
INTERVAL = re.compile(r"\((?:[-\d.\u202f]+)–(?:[-\d.\u202f]+)\)")


def said(read: BenchResults) -> list[str]:
    """The sentences of the bench, each interval as `(…)`, fractions to three digits whatever the interval allows."""
    sentences = (INTERVAL.sub("(…)", sentence) for sentence in read.bench.hooks["finding"](read))
    return [FRACTION.sub(lambda found: text.amount(float(found[0])), sentence) for sentence in sentences]


def spread(read: BenchResults, by: float = 0.02) -> BenchResults:
    """Ten samples a record, spread by this share around the median, each record in its own way.

    The spread is symmetric, so that medians of samples and of ratios are those without it.
    """
    records = []
    for seed, record in enumerate(read.records):
        half = by * np.random.default_rng(seed).uniform(0.3, 1.0, 5)
        noise = np.exp(np.concatenate([half, -half[::-1]]) * (-1) ** seed)
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


STOLEN = "(suspect: the hypervisor gave the CPU to other guests (steal))."
