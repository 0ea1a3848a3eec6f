"""Findings of suspect records: in every bench each sentence with a figure that a disturbance can change has a mark."""

from __future__ import annotations

import functools
import re

import pytest
from msgspec.structs import replace

from hwbench import catalog
from hwbench.analysis.findings import findings
from hwbench.analysis.reading import Reading
from hwbench.record.model import COUNTS, Run
from hwbench.record.phrases import DOUBTS
from made_up.gpu_records import record, suspect
from made_up.gpu_sample import gpu_run
from made_up.mutations import RUNS, committed
from made_up.page import run_of
from made_up.sample import sample_run

# Sentences on accuracy and on simulated cycles, which are the same on a disturbed machine.
EXACT = re.compile(
    "^(Error of the Taylor expansion|Norm of a gradient|Of .* pairs of activation|Output( and gradient)? variance"
    "|PEs in use|Loading the next tile's weights|Held-out log-RMSE|Learning rates that train|[A-Z]\\w+, first step:)"
)
LIMITS = re.compile("|".join(re.escape(words) for words in DOUBTS.values() if words))  # marks of shares


def further() -> Run:
    """Records of benches of which no committed or made-up run has any."""
    piece, stage = {"direction": "h2d", "size": "64MiB"}, {"size": "64MiB"}
    stages = (("h2d", 1, 1.0), ("kernel", 1, 1.0), ("d2h", 1, 1.0), ("all", 1, 3.0), ("all", 2, 2.0))
    return run_of(
        *(record("device.launch", way, {}, 1e-3, counts={"calls": 100}) for way in ("enqueue", "sync", "graph")),
        *(record("device.coalescing", way, {"n": 2**24}, at)
          for way, at in (("contiguous", 1.0), ("misaligned", 1.3), ("stride_2", 2.0), ("gather", 6.0),
                          ("indexed", 1.5))),
        record("device.cache", "l1", {}, 1e-3, counts={"bytes": 33e9}),
        record("device.clock", "load", {"work": "fma", "seconds": 30}, 1.0, counts={"flops": 60e12},
               facts={"boost_call_s": 1.0, "sustained_call_s": 1.1, "seconds": 30}),
        *(record("device.graph", way, {"n": 1024}, at, counts={"calls": 100})
          for way, at in (("python", 1.0), ("graph", 0.5))),
        *(record("device.roofline", way, {"dtype": "f4", "fmas": n, "size": "HBM"}, max(1.0, n / 80) * at,
                 counts={"bytes": 8e9, "flops": 2e9 * n})
          for way, at in (("fused", 1.0), ("cupy", 16.0)) for n in (2, 8, 64, 512)),
        *(record("transfer.engines", way, {"direction": "d2d", "size": "1MiB"}, at, counts={"bytes": 2**21})
          for way, at in (("runtime", 1.0), ("kernel", 0.8))),
        record("transfer.latency", "load", {"memory": "host"}, 1.0, counts={"hops": 2048}),
        record("transfer.mailbox", "poll", {}, 2e-4, counts={"calls": 100}, facts={"trip_p99_s": 3e-6}),
        *(record("transfer.managed", way, {"direction": "h2d", "size": "1MiB"}, at, counts={"bytes": 2**20})
          for way, at in (("touch", 1.0), ("prefetch", 0.2), ("after", 0.1))),
        *(record("transfer.peer", way, {"direction": "from", "peer": n, "size": "1MiB"}, at, counts={"bytes": 2**20},
                 facts={"peer": f"gpu:{n}", "direct": n == 1})
          for way, n, at in (("engine", 1, 1.0), ("kernel", 1, 0.9), ("engine", 2, 2.0))),
        *(record("transfer.chunks", "each", piece | {"pieces": n}, 1e-3 + 5e-6 * n, facts={"piece_bytes": 2**26 // n},
                 counts={"bytes": 2**26, "calls": 1}) for n in (1, 64)),
        *(record("transfer.overlap", "pipeline", stage | {"stage": name, "streams": streams}, at)
          for name, streams, at in stages),
        *(record("stream.mix", "simd", {"size": "DRAM", "mix": mix, "threads": "all"}, 1.0, device="cpu",
                 counts={"bytes": 1e9}) for mix in ("1:0", "0:1")),
        *(record("access.gather", way, {"size": "DRAM", "order": order, "threads": 1}, 1.0, device="cpu",
                 counts={"bytes": 16e9, "items": 1e9})
          for way in ("gather", "scatter") for order in ("sequential", "random")),
        *(record("access.translation", way, {"n": n, "layout": layout}, 1e-6 * (1 + (way == "spread") * n / 40),
                 device="cpu", counts={"hops": 1000})
          for way in ("packed", "spread") for n in (2, 80, 160) for layout in ("4K", "in-huge", "huge")),
        *(record("numa.matrix", who, {"what": what}, 1.0, device="cpu", counts={"hops": 1e7, "bytes": 1e9})
          for who in ("local", "remote") for what in ("latency", "bandwidth")),
        *(record(f"system.{bench}", way, params, at, device="cpu", counts=dict.fromkeys(COUNTS, 10))
          for bench, params, ways in (
              ("call", {}, ("native", "python")), ("faults", {"work": "touch"}, ("small", "huge")),
              ("faults", {"work": "memset"}, ("small", "reused")), ("mapped", {}, ("read", "mmap")),
              ("process", {}, ("shell", "python")), ("switch", {}, ("alone", "one-cpu", "python")),
              ("thread", {}, ("native", "python", "pool")))
          for at, way in enumerate(ways, 1)),
        *(record("python.objects", way, {"operation": name}, at, device="cpu", counts={"items": 100})
          for name in ("call", "task") for at, way in enumerate(("here", "free-threaded"), 1)),
        *(record("energy.use", "counted", {"work": work}, 1.0, device="cpu", counts={"bytes": 1e9}, facts={"watts": at})
          for work, at in (("idle", 40.0), ("memory", 90.0))),
        *(record("io.file", "cached", {"operation": name}, 1.0, device="cpu", counts={"calls": 1, "bytes": 1e6})
          for name in ("read", "random-write", "sync")),
        *(record("parallel.smt", who, {"work": "compute"}, 1.0, device="cpu") for who in ("alone", "siblings")),
        *(record("peak.integer", "512", {"operation": name, "threads": 1}, 1e-3, device="cpu", counts={"ops": 1e9})
          for name in ("add-int32", "dot-int8", "aes-round")),
        *(record("instruction.table", way, {"operation": "add-f8"}, at, device="cpu", counts={"items": 1000})
          for way, at in (("cycle", 1e-6), ("latency", 3e-6), ("throughput", 5e-7))),
        record("sustain.cpu", "load", {"seconds": 60}, 1.0, device="cpu", counts={"flops": 1e11},
               facts={"boost_call_s": 1.0, "settled_call_s": 1.1, "boost_clock_hz": 4e9, "settled_clock_hz": 3.6e9,
                      "settled_after_s": 28.0, "dip_count": 1, "dip_s": 0.5, "dips": [[30.0, 0.5, 0.6, 1.0]],
                      "seconds": 60}),
    )  # fmt: skip


@functools.cache
def told() -> dict[str, list[str]]:
    """For each bench what it says of runs whose timed records are all suspect."""
    found: dict[str, list[str]] = {}
    for run in (*map(committed, RUNS), gpu_run(), sample_run(), further()):
        records = [suspect(one) if one.timed else one for one in run.records]
        benches = catalog.benches()
        for bench, sentences in findings(Reading(replace(run, records=records), benches), benches.values()).items():
            found.setdefault(bench, []).extend(sentences)
    return found


@pytest.mark.parametrize("bench", catalog.benches())
def test_every_figure_of_suspect_records_is_marked(bench: str) -> None:
    """Each sentence that has a figure has a record's mark, unless the figure cannot depend on the machine."""
    said = [sentence for sentence in told().get(bench, []) if re.search(r"\d", sentence) and not EXACT.match(sentence)]
    static = catalog.benches()[bench].measures in ("machine code", "hardware array")  # no machine changes its figures
    assert said or static or bench.startswith("stability."), f"no run has records of {bench}: add some to `further`"
    said = [] if static else said
    assert [sentence for sentence in said if "(suspect" not in LIMITS.sub("", sentence)] == []
