"""What tests of benches share: build every variant as the engine does, and compare its answer with the reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from doubles.scripted import ScriptedDevice
from hwbench.analysis.findings import BenchResults
from hwbench.bench import Bench, Work
from hwbench.measurement.verify_output import mismatch
from hwbench.record.model import Cpu, Machine, Memory, Record, Run
from made_up.declared import DECLARED


def work_of(bench: Bench, variant: str, values: Mapping[str, Any]) -> tuple[Work, tuple[Any, ...]]:
    """The work of a variant and its inputs, from the bench's own generator with a fixed seed."""
    given = {"device": ScriptedDevice(), **values, "rng": np.random.default_rng(7)}
    inputs = bench.make_inputs(given)
    return bench.build(variant, given, inputs), inputs


def verdict(bench: Bench, variant: str, values: Mapping[str, Any]) -> str:
    """What the engine's check says of a variant: "" where the answer is right."""
    work, inputs = work_of(bench, variant, values)
    try:
        output = work.call()
        output = output if work.output is None else work.output()
        flops = bench.count(values, inputs).get("flops", 0.0)
        answer = bench.ask("reference", {**values, "variant": variant}, inputs)
        return mismatch(output, answer, values, flops, bench.tolerance)
    finally:
        if work.close is not None:
            work.close()


def reading(
    bench: Bench, rows: Sequence[tuple[str, Mapping[str, Any], float]], counts: Mapping[str, float]
) -> BenchResults:
    """A reading of made-up records, `(variant, parameters, seconds a call)`, with ten samples around each."""
    records = [
        Record(
            bench=bench.name, version=1, variant=variant, device="cpu", params=dict(params), status="ok", loops=1,
            samples=[seconds * (1 + 0.001 * (i % 3 - 1)) for i in range(10)],
            counts=dict(counts), facts={"threads": params.get("threads", 1)},
        )
        for variant, params, seconds in rows
    ]  # fmt: skip
    cpu = Cpu(model="Made Up", arch="x86_64", logical=4, physical=4)
    box = Machine(name="box", cpu=cpu, memory=Memory(total=2**34))
    run = Run(id="box-1", started="2026-01-01T00:00:00Z", machine=box, benches=DECLARED, records=records)
    return BenchResults(bench, run)
