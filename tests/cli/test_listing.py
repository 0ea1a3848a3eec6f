"""`hwbench list`: what there is, and why parts of it cannot be had here."""

from doubles.scripted import ScriptedDevice, scripted_bench, scripted_work
from hwbench.bench import Sweep, Threads
from hwbench.cli import listing


def test_entries_tell_question_variants_and_axes(benches, device):
    """Everything a reader of `--json` needs to name a case."""
    [entry] = listing.entries([benches["sweep.sizes"]])
    assert entry["name"] == "sweep.sizes"
    assert entry["question"] == "Which script is shorter?"
    assert entry["baseline"] == "loop"
    assert entry["axes"] == {"size": ["L1"], "threads": ["1 … all"]}
    assert entry["variants"][0] == {"name": "loop", "on": "cpu", "summary": "Take what the script says.", "missing": {}}


def test_what_is_missing_is_told_with_its_reason():
    """A level that is not there, a thread count beyond the CPUs, and what a variant needs."""
    bench = scripted_bench({"a": 1.0}, axes={"size": ("L1", "L3"), "threads": (1, 4)})
    bench.variant("wide", needs=lambda size: "needs 512-bit vectors")(lambda: scripted_work(1.0))
    bench.variant("small", needs=lambda size: "too large" if size > 2**14 else "")(lambda: scripted_work(1.0))
    bench.variant("cupy", on="gpu")(lambda: scripted_work(1.0))
    device = ScriptedDevice()
    assert listing.missing(bench, "a", device, device.spread) == {
        "size=L3": "this machine has no L3", "threads=4": "needs 4 CPUs; 2 may be used"
    }  # fmt: skip
    assert listing.missing(bench, "wide", device, device.spread) == {"*": "needs 512-bit vectors"}
    assert listing.missing(bench, "cupy", None, device.spread) == {"*": "runs on a gpu only"}
    bench.variant("opencl", on="opencl")(lambda: None)
    told = listing.missing(bench, "opencl", None, device.spread)
    assert told == {"*": "needs an OpenCL device (hwbench machine)"}
    assert set(listing.missing(bench, "small", device, device.spread)) == {"size=L3", "threads=4"}


def test_values_that_depend_on_the_machine_are_told_in_words(device):
    """A sweep by its ends, threads from 1 to all."""
    bench = scripted_bench({"a": 1.0}, axes={"size": (Sweep(4096, "DRAM", 4),), "threads": (Threads(),)})
    [entry] = listing.entries([bench])
    assert entry["axes"] == {"size": ["4096 B … DRAM, 4 an octave"], "threads": ["1 … all"]}
    assert listing.missing(bench, "a", device, device.spread) == {}


def test_a_bench_without_axes_is_listed(device):
    """No axes, no values, nothing missing."""
    assert listing.entries([scripted_bench({"a": 1.0})])[0]["axes"] == {}
