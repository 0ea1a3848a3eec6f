"""Made-up limits of a CPU and a GPU, for the table that compares the two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hwbench.record.model import Cpu, Machine, Memory, Record, Run
from hwbench.record.reasons import Reason
from hwbench.report.sections import Notes, Section, Table

MACHINE = Machine(
    name="box",
    cpu=Cpu(model="Unheard-of CPU", arch="x86_64", logical=8, physical=4, allowed=[0, 1, 2, 3]),
    memory=Memory(total=2**34),
)


def peak(flops: float = 0.4e12, dtype: str = "f4", status: str = "ok") -> Record:
    """The CPU's peak on all threads."""
    return Record(
        bench="peak.fma",
        version=1,
        variant="512",
        device="cpu",
        params={"dtype": dtype, "threads": "all", "chains": 12},
        status=status,
        reasons=[Reason("steal")] if status == "suspect" else [],
        loops=1,
        samples=[1e-3] * 10,
        counts={"flops": flops * 1e-3},
        facts={"threads": 4},
    )


def stream(rate: float = 20e9, size: str = "DRAM") -> Record:
    """The CPU's copy on all threads."""
    return Record(
        bench="stream.copy",
        version=1,
        variant="simd",
        device="cpu",
        params={"size": size, "dtype": "f8", "threads": "all", "pages": "huge"},
        status="ok",
        loops=1,
        samples=[1e-3] * 10,
        counts={"bytes": rate * 1e-3},
        facts={"threads": 4},
    )


def on_gpu(bench: str, rate: float, count: str, params: Mapping[str, Any], **facts: Any) -> Record:
    """A record of gpu:0 that does so much a second."""
    return Record(
        bench=bench, version=1, variant="x", device="gpu:0", params=dict(params), status="ok", loops=1,
        samples=[1e-3] * 10, counts={count: rate * 1e-3}, facts=facts,
    )  # fmt: skip


def run_of(records: Sequence[Record], machine: Machine = MACHINE) -> Run:
    """A run of these records on a machine."""
    return Run(id=f"{machine.name}-1", started="2026-01-01T00:00:00Z", machine=machine, records=records)


def table_of(section: Section) -> Table:
    """The table of devices."""
    return next(block for block in section.blocks if getattr(block, "caption", "") == "CPU against GPU")


def said(section: Section) -> str:
    """All sentences of the section."""
    return " ".join(sentence for block in section.blocks if isinstance(block, Notes) for sentence in block.sentences)
