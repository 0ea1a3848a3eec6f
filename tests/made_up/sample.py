"""Made-up runs with the shape of real ones, from a small model of a machine, for tests of what reads records.

The model knows cache sizes, bandwidths, latencies, a clock and the cost of a Python call; the samples scatter around
what follows from them. Everything is seeded: the same arguments give the same run.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from hwbench.record.model import Cache, Cpu, Gpu, Machine, Memory, Policy, Record, Run, Scalar, Status, key
from hwbench.record.reasons import Reason
from hwbench.record.units import exact, octaves
from made_up.sample_contrasts import contrast_rows
from made_up.sample_lecture import lecture_rows

KIB, MIB, GIB = 2**10, 2**20, 2**30
CALL_S = 60e-9  # an empty Python call
LOOP_S = 55e-9  # one turn of `for i in range(n): c[i] = a[i] + b[i]` over lists
WIDTH = {"f8": 8, "f4": 4}
HOSTILE = (
    "\u202e</script><script>window.pwned=1</script><img src=x onerror='window.pwned=1'>\"'&{{7*7}}\u2028\U0001f525"
)


@dataclasses.dataclass(frozen=True)
class Model:
    """A machine of the imagination: sizes in bytes, seconds a hop, B/s for one thread, and the clock in Hz."""

    name: str = "zen-vm"
    cpu: str = "AMD EPYC 9B14"
    cpus: int = 4
    levels: tuple[int, ...] = (32 * KIB, MIB, 32 * MIB)
    reported: tuple[int, ...] = (32 * KIB, MIB, 260 * MIB)
    hop: tuple[float, ...] = (1.1e-9, 3.9e-9, 14.5e-9, 104e-9)
    load: tuple[float, ...] = (390e9, 165e9, 62e9, 21e9)
    memory_total: float = 46e9  # B/s of all threads together
    clock: float = 3.5e9
    vector: int = 512


LAPTOP = Model(
    name="laptop",
    cpu="Intel Core i7-6700K",
    cpus=8,
    levels=(32 * KIB, 256 * KIB, 8 * MIB),
    reported=(32 * KIB, 256 * KIB, 8 * MIB),
    hop=(1.0e-9, 3.1e-9, 10.5e-9, 71e-9),
    load=(240e9, 88e9, 44e9, 17e9),
    memory_total=29e9,
    clock=4.1e9,
    vector=256,
)


def sample_run(
    model: Model = Model(),
    *,
    seed: int = 0,
    rounds: int = 15,
    benches: tuple[str, ...] | None = None,
    hostile: bool = False,
    finished: bool = True,
    started: str = "2026-11-22T18:27:00Z",
    every_status: bool = True,
) -> Run:
    """A standard run on a made-up machine.

    Parameters
    ----------
    rounds
        Samples a record.
    benches
        Only these (`stream.copy`, …); None: all.
    hostile
        Put markup, quotes and bidirectional controls into every name that a valid file can hold.
    every_status
        Make some records suspect, wrong, skipped and failed.
    """
    records = list(_records(model, seed, rounds, benches, every_status))
    run = Run(
        id=f"{model.name}-{started.replace('-', '').replace(':', '')}-{seed:06x}",
        started=started,
        finished="2026-11-22T18:28:41Z" if finished else None,
        hwbench={"version": "0.1.0", "commit": "0123456789abcdef0123456789abcdef01234567", "dirty": False},
        machine=_machine(model),
        software={
            "python": "3.11.9",
            "numpy": "2.4.6",
            "blas": "OpenBLAS 0.3.29",
            "numba": "0.68.1",
            "threading_layer": "workqueue",
            "scipy": "1.17.1",
            "kernel": "6.8.0",
        },
        policy=Policy(
            seed=seed,
            sizes={
                "L1": model.levels[0] // 2,
                "L2": model.levels[1] // 2,
                "L3": model.levels[2] // 2,
                "DRAM": 4 * max(model.levels[2], 64 * MIB),
            },
            phases={
                "start-up": 3.1,
                "resolve": 0.4,
                "inputs": 2.2,
                "build": 9.8,
                "check": 3.4,
                "warm-up": 21.7,
                "sample": 55.2,
                "telemetry": 1.9,
                "judge": 0.7,
                "stopping rule": 2.4,
                "save": 0.3,
                "total": 101.3,
            },
        ),
        records=records,
    )
    return _poisoned(run) if hostile else run


def only_skipped(model: Model = Model()) -> Run:
    """A run in which nothing could be measured."""
    run = sample_run(model, every_status=False)
    records = [
        without_samples(
            record,
            status="skipped",
            reasons=[Reason("needs_memory", "needs 1.2 GiB; 60% of the 900 MiB free may be taken")],
        )
        for record in run.records[:40]
    ]
    return replace(run, records=records)


def replace(run: Run, **changes: Any) -> Run:
    """A copy of the run with some fields changed."""
    import msgspec

    return msgspec.structs.replace(run, **changes)


def without_samples(record: Record, *, status: Status, reasons: list[Reason]) -> Record:
    """The record as one that has no samples."""
    import msgspec

    return msgspec.structs.replace(record, status=status, reasons=reasons, samples=[], loops=0, telemetry={})


# --- the machine ------------------------------------------------------------------------------------------------------


def _machine(model: Model) -> Machine:
    sharers = (1, 1, model.cpus)
    return Machine(
        name=model.name,
        cpu=Cpu(
            model=model.cpu,
            arch="x86_64",
            isa=["sse4.2", "avx2", "fma"] + ["avx512f"] * (model.vector == 512),
            logical=model.cpus,
            physical=model.cpus,
            allowed=list(range(model.cpus)),
            caches=[
                Cache(level, size, 64, shared)
                for level, size, shared in zip((1, 2, 3), model.reported, sharers, strict=True)
            ],
        ),
        memory=Memory(total=16 * GIB, huge_pages="madvise"),
        numa=[list(range(model.cpus))],
        virtual="kvm" if model.reported != model.levels else None,
        gpus=[Gpu(name="none of yours", memory=8 * GIB)] if model.name == "laptop" else [],
        os="Linux 6.8.0 x86_64",
    )


def _share_beyond(footprint: float, level: int) -> float:
    """How much of a random walk through `footprint` misses a cache of `level` bytes; the edge is soft."""
    return 0.0 if footprint <= level else 1 - (level / footprint) ** 2.2


def hop_time(model: Model, footprint: int, pages: str, order: str) -> float:
    """Seconds a hop: each level's latency by the share that gets so far, and a page walk beyond the TLB's reach."""
    seconds = model.hop[0]
    for level, near, far in zip(model.levels, model.hop, model.hop[1:], strict=False):
        seconds += _share_beyond(footprint, level) * (far - near)
    if pages == "4K":
        reach = 72 * 4 * KIB if order == "random" else 3072 * 4 * KIB * 8
        seconds += _share_beyond(footprint, reach) * (1.8e-9 if footprint < 12 * MIB else 21e-9)
    return seconds


def bandwidth(model: Model, footprint: int, threads: int) -> float:
    """B/s of all threads together, each with a footprint of its own; time adds up over the levels."""
    each = 1 / model.load[0]
    for level, near, far in zip(model.levels, model.load, model.load[1:], strict=False):
        each += _share_beyond(footprint, level) ** 0.5 * (1 / far - 1 / near)
    rate = threads / each
    return min(rate, model.memory_total) if footprint > model.levels[-1] else rate


# --- the benches: (bench, variant, params, seconds, counts, facts) ----------------------------------------------------

Row = tuple[str, str, dict[str, Scalar], float, dict[str, float], dict[str, Any]]


def _rows(model: Model) -> Iterator[Row]:
    yield from _row_column(model)
    yield from _add(model)
    yield from _scaling(model)
    for bench in ("load", "copy", "triad"):
        yield from _stream(model, bench)
    yield from _chase(model)
    yield from _fma(model)
    yield from lecture_rows()
    yield from _company(model)
    yield from _computing(model)
    yield from contrast_rows()


def _labels(model: Model) -> dict[str, int]:
    return {
        "L1": model.levels[0] // 2,
        "L2": model.levels[1] // 2,
        "L3": model.levels[2] // 2,
        "DRAM": 4 * max(model.levels[2], 64 * MIB),
    }


def _row_column(model: Model) -> Iterator[Row]:
    for label, footprint in _labels(model).items():
        fast = footprint / (bandwidth(model, footprint, 1) * 0.55)
        slow = {"L1": 2.1, "L2": 4.6, "L3": 7.2, "DRAM": 13.2}[label]
        counts = {"bytes": float(footprint), "flops": footprint / 8}
        for variant, seconds in (
            ("row", fast),
            ("column", fast * slow),
            ("numpy-row", fast * 1.15 + 3e-6),
            ("numpy-column", fast * 1.4 + 3e-6),
        ):
            yield (
                "access.row_column",
                variant,
                {"size": label, "dtype": "f8", "layout": "C"},
                seconds,
                counts,
                {"footprint": footprint},
            )


def _add(model: Model) -> Iterator[Row]:
    for exponent in range(8):
        n = 10**exponent
        footprint = 24 * n
        stream = footprint / (bandwidth(model, footprint, 1) * 0.6)
        many = footprint / (bandwidth(model, footprint // model.cpus, model.cpus) * 0.6)
        times = {
            "loop": CALL_S + n * LOOP_S,
            "comprehension": 250e-9 + n * LOOP_S * 0.62,
            "numpy": 420e-9 + stream * 1.25,
            "numba": 180e-9 + stream,
            "prange": 6.5e-6 + many,
        }
        counts = {"bytes": 24.0 * n, "flops": float(n), "calls": 1.0, "items": float(n)}
        for variant, seconds in times.items():
            if variant in ("loop", "comprehension") and exponent > 6:
                continue
            threads = model.cpus if variant == "prange" else 1
            yield (
                "vectorize.add",
                variant,
                {"n": n},
                seconds,
                counts,
                {"footprint": footprint // threads, "threads": threads},
            )


def _scaling(model: Model) -> Iterator[Row]:
    counted = [1 << i for i in range(8) if 1 << i < model.cpus] + [model.cpus]
    for work, serial in (("triad", 0.0), ("polynomial", 0.004), ("uneven", 0.03)):
        for scaling in ("strong", "weak"):
            for threads in counted:
                n = 8_000_000 * (threads if scaling == "weak" else 1)
                if work == "triad":
                    rate = min(bandwidth(model, 256 * MIB, threads) * 0.8, model.memory_total * 0.8)
                    seconds = 24 * n / rate
                    counts = {"bytes": 24.0 * n, "flops": 2.0 * n, "items": float(n)}
                else:
                    waiting = 1.05 if threads > 1 and work == "uneven" else 1.0
                    seconds = n * 16 / (model.clock * 8) * (serial + (1 - serial) / threads) * waiting
                    counts = {"flops": 32.0 * n, "items": float(n)} | (
                        {"bytes": 16.0 * n} if work == "polynomial" else {}
                    )
                yield (
                    "parallel.scaling",
                    "prange",
                    {"work": work, "scaling": scaling, "threads": threads},
                    seconds,
                    counts,
                    {"footprint": 24 * n // threads, "threads": threads},
                )


def _stream(model: Model, what: str) -> Iterator[Row]:
    variants = {
        "load": {"simd": 1.0, "numba": 0.8, "numpy": 0.66},
        "copy": {"simd": 0.78, "simd-nt": 0.62, "numba": 0.7, "numpy": 0.69},
        "triad": {"simd": 0.74, "simd-nt": 0.6, "numba": 0.66, "numpy": 0.3},
    }[what]
    dtypes = ("f8", "f4") if what == "triad" else ("f8",)
    points: list[tuple[str, int, str, int | str, tuple[str, ...]]] = [
        (label, footprint, dtype, threads, tuple(variants))
        for label, footprint in _labels(model).items()
        for dtype in dtypes
        for threads in (1, "all")
    ]
    points += [(exact(size), size, "f8", 1, ("simd",)) for size in octaves(4 * KIB, 256 * MIB, 2)]
    for label, footprint, dtype, threads, names in points:
        count = model.cpus if threads == "all" else int(threads)
        for variant in names:
            if variant == "numpy" and threads == "all":
                continue
            factor = variants[variant]
            if variant == "simd-nt":
                factor = factor * 1.28 if footprint > model.levels[-1] else 0.12
            total = float(footprint * count)
            call = {"numpy": 500e-9, "numba": 4e-6 if count > 1 else 200e-9}.get(variant, 0.0)
            seconds = total / (bandwidth(model, footprint, count) * factor) + call
            counts = {"bytes": total}
            if what == "triad":
                counts["flops"] = 2 * total / (3 * WIDTH[dtype])
            yield (
                f"stream.{what}",
                variant,
                {"size": label, "dtype": dtype, "threads": threads, "pages": "huge"},
                seconds,
                counts,
                {"footprint": footprint, "threads": count},
            )


def _chase(model: Model) -> Iterator[Row]:
    for pages in ("huge", "4K"):
        for order in ("random", "page-local"):
            labelled = list(_labels(model).items()) if pages == "huge" else []
            points = 2 if pages == "huge" and order == "random" else 1
            swept = [(exact(size), size) for size in octaves(4 * KIB, 256 * MIB, points)]
            for label, footprint in labelled + swept:
                hops = float(footprint // 64)
                yield (
                    "latency.chase",
                    "follow",
                    {"size": label, "pages": pages, "order": order},
                    hops * hop_time(model, footprint, pages, order),
                    {"hops": hops},
                    {"footprint": footprint, "threads": 1, "page_bytes": 2 * MIB if pages == "huge" else 4 * KIB},
                )


def _fma(model: Model) -> Iterator[Row]:
    for dtype in ("f8", "f4"):
        for threads in (1, "all"):
            count = model.cpus if threads == "all" else 1
            for chains in (1, 2, 4, 8, 12, 16):
                if chains != 12 and (threads == "all" or dtype == "f4"):
                    continue
                for variant in ("scalar", "128", "256", "512") if chains == 12 else ("128", "256", "512"):
                    if variant != "scalar" and int(variant) > model.vector:
                        continue
                    lanes = 1 if variant == "scalar" else int(variant) // 8 // WIDTH[dtype]
                    rate = 2 * lanes * min(2.0, chains / 4) * model.clock * (0.94 if variant == "512" else 1.0)
                    if variant == "512":
                        rate *= 0.56  # Zen 4 runs 512-bit instructions over 256-bit units
                    flops = 1e8
                    yield (
                        "peak.fma",
                        variant,
                        {"dtype": dtype, "threads": threads, "chains": chains},
                        flops * count / (rate * count),
                        {"flops": flops * count},
                        {
                            "threads": count,
                            "footprint": 1536,
                            "lanes": lanes,
                            "width": 64 if variant == "scalar" else int(variant),
                        },
                    )


def _company(model: Model) -> Iterator[Row]:
    """Chases side by side, a chase beside streams, and a line between CPUs."""
    for label, footprint in list(_labels(model).items())[1:]:
        alone = hop_time(model, footprint, "huge", "random")
        for chains in (1, 2, 4, 8, 16):
            room = {"L2": 12, "L3": 14, "DRAM": 11}[label]
            flight = chains / (1 + (chains / room) ** 4) ** 0.25  # as many as asked for, until there is no more room
            hops = 1024.0 * chains
            yield (
                "latency.parallel",
                "follow",
                {"size": label, "pages": "huge", "chains": chains},
                hops * alone / flight,
                {"hops": hops, "bytes": 64 * hops},
                {"footprint": footprint, "threads": 1},
            )
    idle = hop_time(model, _labels(model)["DRAM"], "huge", "random")
    for variant, traffic in (("read", 1), ("write", 2)):
        for gap in ("idle", 1024, 256, 64, 16, 0):
            wait = 0.0 if gap == "idle" else 64 * traffic / (int(gap) / model.clock + 64 * traffic / model.load[-1])
            streamed = min(wait * (model.cpus - 1), model.memory_total)
            yield (
                "latency.loaded",
                variant,
                {"size": "DRAM", "pages": "huge", "gap": gap},
                1024 * idle * (1 + 0.3 / (1.12 - streamed / model.memory_total) - 0.3 / 1.12),
                {"hops": 1024.0},
                {"threads": 1, "streaming": 0 if gap == "idle" else model.cpus - 1, "streamed": streamed},
            )
    for variant, factor in (("store", 1.0), ("exchange", 1.3)):
        between = [
            [a, b, "cache" if a // 2 == b // 2 else "package", factor * (48e-9 if a // 2 == b // 2 else 110e-9)]
            for a in range(model.cpus)
            for b in range(a + 1, model.cpus)
        ]
        hops = 8192.0 * len(between)
        yield (
            "latency.core_to_core",
            variant,
            {"pairs": "all"},
            8192 * sum(seconds for *_, seconds in between),
            {"hops": hops},
            {"threads": 2, "between": between},
        )


def _computing(model: Model) -> Iterator[Row]:
    """The clock, the matrix product, branches and calls."""
    for threads in (1, "all"):
        count = model.cpus if threads == "all" else 1
        for variant in ("scalar", "128", "256", "512"):
            if variant == "scalar" or int(variant) <= model.vector:
                clock = model.clock * (0.94 if variant == "512" else 1.0) * (0.97 if count > 1 else 1.0)
                for units in (1, 2) if variant in ("256", "512") else (1,):
                    yield (
                        "clock.frequency", variant, {"threads": threads, "units": units}, 14336 / clock,
                        {"cycles": 14336.0}, {"threads": count, "multiply_adds_per_cycle": (0, 5 / 7, 12 / 7)[units]},
                    )  # fmt: skip
        for dtype in ("f8", "f4"):
            for n in (16, 32, 64, 128, 256, 512, 1024) if dtype == "f8" else (64, 256, 1024):
                peak = 2 * model.vector // 8 // WIDTH[dtype] * model.clock * count
                seconds = 2 * n**3 / (0.9 * peak) + 1e-6 * count + n * n * 3e-10
                yield (
                    "peak.matmul",
                    "numpy",
                    {"n": n, "dtype": dtype, "threads": threads},
                    seconds,
                    {"flops": 2.0 * n**3, "bytes": 3.0 * n * n * WIDTH[dtype]},
                    {"threads": count, "footprint": 3 * n * n * WIDTH[dtype] // count, "blas": "openblas 0.3.29"},
                )
    for share in (0.0, 0.1, 0.25, 0.5, 0.75, 1.0):
        for variant, each in (("sorted", 0.55e-9), ("shuffled", 0.55e-9), ("branch-free", 0.6e-9)):
            wrong = min(share, 1 - share) if variant == "shuffled" else 0.0
            n = 2**18
            yield (
                "branch.prediction", variant, {"share": share, "n": n}, n * (each + 5e-9 * wrong), {"items": float(n)},
                {"taken": share, "footprint": n},
            )  # fmt: skip
    for variant, each in {"nothing": 2e-9, "function": 32e-9, "method": 40e-9, "builtin": 15e-9, "numpy": 370e-9,
                          "numba": 260e-9, "ctypes": 360e-9}.items():  # fmt: skip
        yield "vectorize.call", variant, {}, 10 * each, {"calls": 10.0}, {}


# --- noise, and trouble -----------------------------------------------------------------------------------------------


@functools.cache
def _records(
    model: Model, seed: int, rounds: int, benches: tuple[str, ...] | None, every_status: bool
) -> tuple[Record, ...]:
    """Made once for all runs that have them: many tests have the same."""
    rng = np.random.default_rng(seed)
    records = [_measured(rng, rounds, *row) for row in _rows(model) if benches is None or row[0] in benches]
    return tuple(_troubled(records, model) if every_status else records)


def _measured(
    rng: np.random.Generator,
    rounds: int,
    bench: str,
    variant: str,
    params: Mapping[str, Scalar],
    seconds: float,
    counts: dict[str, float],
    facts: dict[str, Any],
) -> Record:
    scatter = np.exp(rng.normal(0, 0.006, rounds)) * (1 + 0.02 * rng.exponential(0.3, rounds))
    loops = max(1, math.ceil(0.01 / seconds))
    wall = 0.012
    telemetry = {
        "wall_s": [wall] * rounds,
        "clock_hz": [float(f"{hz:.4g}") for hz in 3.5e9 * (1 + rng.normal(0, 0.003, rounds))],
        "own_s": [float(f"{wall * 0.98:.4g}")] * rounds,
        "steal_s": [0.0] * rounds,
        "throttled_s": [0.0] * rounds,
        "others_s": [float(f"{one:.3g}") for one in np.abs(rng.normal(0, 0.002, rounds)) * wall],
        "involuntary_switches": rng.integers(0, 3, rounds).astype(float).tolist(),
        "faults": [0.0] * rounds,
    }
    return Record(
        bench=bench,
        version=1,
        variant=variant,
        device="cpu",
        params=dict(params),
        status="ok",
        loops=loops,
        samples=[float(f"{x:.7g}") for x in seconds * scatter],
        counts=counts,
        facts=facts,
        telemetry=telemetry,
    )


def _troubled(records: list[Record], model: Model) -> list[Record]:
    """Some records with what can befall one."""
    import msgspec

    out = []
    for index, record in enumerate(records):
        if record.bench == "stream.copy" and record.params["threads"] == "all" and record.params["size"] == "L2":
            stolen = [0.02 * wall for wall in record.telemetry["wall_s"]]
            record = msgspec.structs.replace(
                record,
                status="suspect",
                reasons=[Reason("steal", "2% of a CPU")],
                telemetry=record.telemetry | {"steal_s": stolen},
            )
        elif index % 61 == 17:
            record = msgspec.structs.replace(
                record, status="suspect", reasons=[Reason("clock_drift", f"{3 + index % 7 / 3:.1f}%")]
            )
        elif record.bench == "access.row_column" and record.variant == "numpy-column" and record.params["size"] == "L3":
            record = without_samples(
                record,
                status="wrong",
                reasons=[Reason("wrong_answer", "largest relative error 0.031 where 1.1e-13 is allowed")],
            )
        elif record.bench == "stream.triad" and record.variant == "numba" and record.params["size"] == "L3":
            record = without_samples(
                record, status="error", reasons=[Reason("error", "RuntimeError: the timer said 0.0 s for 3 loops")]
            )
        elif record.bench == "vectorize.add" and record.variant == "comprehension" and record.params["n"] == 10**6:
            record = without_samples(record, status="skipped", reasons=[Reason("budget", "120 s")])
        out.append(record)
    if any(record.bench == "peak.fma" for record in records) and model.vector < 512:
        out += [
            without_samples(
                record, status="skipped", reasons=[Reason("needs_isa", "this CPU has no 512-bit vectors (avx512f)")]
            )
            for record in (
                msgspec.structs.replace(record, variant="512")
                for record in records
                if record.bench == "peak.fma" and record.variant == "256"
            )
        ]
    return out


def _poisoned(run: Run) -> Run:
    """The run with markup in every name."""
    import msgspec

    def bad(text: str) -> str:
        return f"{text}{HOSTILE}"

    machine = msgspec.structs.replace(
        run.machine,
        name=bad(run.machine.name),
        os=bad(run.machine.os),
        virtual=bad("kvm"),
        cpu=msgspec.structs.replace(run.machine.cpu, model=bad(run.machine.cpu.model), isa=[bad("avx2")]),
        gpus=[Gpu(name=bad("gpu"))],
    )
    records = []
    for index, record in enumerate(run.records):
        records.append(record)
        if index % 7 == 0:
            strange = {
                bad(name): bad(value) if isinstance(value, str) else value for name, value in record.params.items()
            }
            records.append(
                msgspec.structs.replace(
                    record,
                    bench=bad("evil.bench"),
                    variant=bad(record.variant),
                    params=strange,
                    reasons=[Reason("other", bad("why"))],
                    status="suspect" if record.samples else record.status,
                )
            )
        if index % 50 == 0:
            records.append(
                msgspec.structs.replace(
                    record,
                    variant=bad("v"),
                    facts=record.facts | {HOSTILE: [HOSTILE]},
                    telemetry=record.telemetry | {HOSTILE: [1.0]},
                )
            )
    return msgspec.structs.replace(
        run,
        id=bad(run.id),
        started=bad(run.started),
        machine=machine,
        records=list({key(one): one for one in records}.values()),
        software={bad("numpy"): bad("2"), "deep": {"nested": [HOSTILE]}},
        hwbench={"version": bad("0"), "commit": HOSTILE},
    )


def proof_run() -> Run:
    """A made-up comparison with native tools: 100 to 80 GB/s, 50 to 100 GFLOP/s, 200 M hops/s to as many, no mbw."""
    machine = sample_run(benches=()).machine

    def side(bench: str, variant: str, tool: str, count: str, rate: float, **params: Any) -> Record:
        return Record(
            bench=f"verify.{bench}", version=1, variant=variant, device="cpu", status="ok", loops=1,
            params={**params, "tool": tool}, samples=[1e9 / rate] * 9, counts={count: 1e9},
            facts={"command": f"{tool} -t load", "threads": 1},
        )  # fmt: skip

    load = {"case": "simd", "size": "L1", "dtype": "f8", "threads": 1, "pages": "4K"}
    peak = {"case": "512", "dtype": "f8", "threads": 2, "chains": 12}
    chase = {"case": "follow", "size": "L1", "pages": "4K", "order": "random"}
    records = [
        side("stream.load", "ours", "likwid-bench", "bytes", 100e9, **load),
        side("stream.load", "native", "likwid-bench", "bytes", 80e9, **load),
        side("peak.fma", "ours", "likwid-bench", "flops", 50e9, **peak),
        side("peak.fma", "native", "likwid-bench", "flops", 100e9, **peak),
        side("latency.chase", "ours", "C loop", "hops", 200e6, **chase),
        side("latency.chase", "native", "C loop", "hops", 200e6, **chase),
        *(
            Record(
                bench="verify.stream.copy",
                version=1,
                variant=variant,
                device="cpu",
                status="skipped",
                params={**load, "tool": "mbw"},
                reasons=[Reason("needs_tool", "no mbw")],
            )
            for variant in ("ours", "native")
        ),
    ]
    return Run(
        id="laptop-proof", started="2026-11-22T12:00:00Z", finished="2026-11-22T12:05:00Z", machine=machine,
        policy=Policy(preset="verify"), records=records,
    )  # fmt: skip
