"""The face for Python: measure, load, roofline."""

import math
import subprocess
import sys

import msgspec
import pytest

import hwbench
from doubles.scripted import MACHINE, SIZES, ScriptedDevice, record, run_of, scripted_bench
from hwbench import api, errors
from hwbench.devices import selection
from hwbench.errors import UsageError
from hwbench.measurement import engine
from hwbench.measurement.engine import Engine
from hwbench.record import store
from hwbench.record.model import BenchInfo, Cache, Policy
from hwbench.record.reasons import Reason


@pytest.fixture
def known(benches, device, monkeypatch):
    """The API on scripted benches and a scripted device."""
    monkeypatch.setattr(api, "Engine", lambda devices, policy: Engine(devices, policy, device.clock))
    return benches


def test_measuring_by_name_with_axis_values(known):
    """One value or a list each, numbers or text, narrowed to a variant."""
    records = api.measure("access.steps", size="L1", dtype=["f4", "f8"], variants=("slow",))
    assert [(r.variant, r.params["dtype"], r.status) for r in records] == [("slow", "f4", "ok"), ("slow", "f8", "ok")]
    assert api.measure("access.share", share=0.5)[0].params == {"share": 0.5}
    assert len(api.measure("access.steps", preset="quick")) == 4


def test_measuring_a_bench_of_one_s_own(known):
    """A bench need not be registered."""
    [mine] = api.measure(scripted_bench({"mine": 0.01}, "my.own"))
    assert (mine.bench, mine.status) == ("my.own", "ok")


@pytest.mark.parametrize(
    ("name", "more", "message"),
    [
        ("access.step", {}, "did you mean access.steps"),
        ("access", {}, "'access' is more than one bench: access.steps, access.share"),
        ("access.steps", {"preset": "fast"}, "'fast' is no preset"),
        ("access.steps", {"sise": 1}, "no selected bench has an axis 'sise'; did you mean size"),
        ("access.steps", {"variants": ("fats",)}, "did you mean fast"),
    ],
)
def test_what_does_not_exist_is_a_value_error(known, name, more, message):
    """The message is the command line's."""
    with pytest.raises(ValueError, match=message) as error:
        api.measure(name, **more)
    assert isinstance(error.value, UsageError)


def test_loading_is_reading(tmp_path):
    """Paths as text, and the reader's own error."""
    run = run_of(record())
    store.write(run, tmp_path / "x.json")
    loaded = hwbench.load(str(tmp_path / "x.json"))
    assert loaded == run
    assert run == loaded
    assert loaded != run_of()
    assert [row["variant"] for row in loaded.table().rows()] == ["a"]
    assert store.encode(loaded) == store.encode(run)
    with pytest.raises(errors.StoreError):
        hwbench.load(tmp_path / "none.json")


def test_a_loaded_run_has_the_verdicts_of_its_limits(tmp_path):
    """The file holds what was measured; twice the limit cannot be true."""
    at = {"params": {"size": "L1", "dtype": "f8"}, "counts": {"bytes": 1e9}}
    records = record(bench="stream.load", **at), record(bench="access.steps", samples=(0.5,) * 3, **at)
    benches = {
        "access.steps": BenchInfo("How fast?", "a", "load"),
        "stream.load": BenchInfo("How fast?", "simd", "load", "load"),
    }
    store.write(run_of(*records, benches=benches), tmp_path / "x.json")
    assert store.read(tmp_path / "x.json").records[1].status == "ok"
    assert hwbench.load(tmp_path / "x.json").records[1].why.startswith("cannot be true: 2.00 times")


def roofs(threads=1):
    facts = {"threads": threads}
    return run_of(
        record(
            samples=(1.0,),
            bench="stream.load",
            params={"size": "L1", "dtype": "f8"},
            counts={"bytes": 100e9},
            facts=facts,
        ),
        record(
            samples=(1.0,),
            bench="stream.load",
            params={"size": "DRAM", "dtype": "f8"},
            counts={"bytes": 10e9},
            facts=facts,
        ),
        record(samples=(1.0,), bench="peak.fma", params={"dtype": "f8"}, counts={"flops": 50e9}, facts=facts),
    )


class Fixed(ScriptedDevice):
    """A device on which every call takes a second, for functions that bring no timer."""

    def time(self, work, loops):
        work.call()
        self.clock.now += loops
        return float(loops)


@pytest.fixture
def placed(monkeypatch):
    """`roofline` on a device where every call takes a second."""
    device = Fixed()
    monkeypatch.setattr(selection, "devices", lambda which: {"cpu": device})
    monkeypatch.setattr(api, "Engine", lambda devices, policy: Engine(devices, policy, device.clock))
    return api.roofline


def test_a_function_is_placed_under_the_roof_that_holds_it_down(placed):
    """1 s for 20 GB and 5 GFLOP in L1: a fifth of the bandwidth, a tenth of the peak; what it returns is ignored."""
    at = placed(lambda: "anything", bytes=20e9, flops=5e9, run=roofs(), footprint=SIZES["L1"])
    assert (at.roof.kind, at.roof.level, at.share) == ("load", "L1", pytest.approx(0.2))
    assert (at.seconds.value, at.bandwidth, at.flop_rate, at.intensity) == (1.0, 20e9, 5e9, 0.25)
    below_peak = placed(lambda: None, bytes=1.0, flops=25e9, run=roofs(), footprint=SIZES["L1"])
    assert (below_peak.roof.kind, below_peak.share) == ("fma", pytest.approx(0.5))
    assert placed(lambda: None, bytes=5e9, flops=0, run=roofs(), footprint=SIZES["DRAM"]).share == pytest.approx(0.5)


def test_a_function_faster_than_its_roof_is_placed_as_suspect(placed):
    """120 GB in a second under 100 GB/s: the share is told, and that it cannot be; what is disturbed is told, too."""
    at = placed(lambda: None, bytes=120e9, flops=0, run=roofs(), footprint=SIZES["L1"])
    assert at.share == pytest.approx(1.2)
    assert at.suspect.startswith(
        "faster than its roof: 1.20 times L1 load, 1 thread (100 GB/s); check bytes, flops, footprint"
    )
    assert placed(lambda: None, bytes=100e9, flops=0, run=roofs(), footprint=SIZES["L1"]).suspect == ""
    run = roofs()
    low = [msgspec.structs.replace(one, status="suspect", reasons=[Reason("steal")]) for one in run.records]
    at = placed(lambda: None, bytes=50e9, flops=0, run=msgspec.structs.replace(run, records=low), footprint=64)
    assert at.suspect == f"its roof, L1 load, 1 thread, was disturbed: {Reason('steal')}"


def test_a_function_that_was_disturbed_says_so(placed, monkeypatch):
    """The engine's reason comes with the place."""
    monkeypatch.setattr(engine.interference, "shape", lambda samples: [Reason("bimodal", "9% apart")])
    at = placed(lambda: None, bytes=50e9, flops=0, run=roofs(), footprint=64)
    assert at.suspect == "the samples are bimodal: 9% apart"


def test_threads_fill_the_cache_that_they_share(placed):
    """Two threads of 2.1 L2s each: L2 serves a part of them where it is their own, and none where they share it."""
    run = roofs(threads=2)
    run = msgspec.structs.replace(run, records=[
        *run.records,
        *(
            msgspec.structs.replace(run.records[0], params={"size": size, "dtype": "f8"}, counts={"bytes": rate})
            for size, rate in (("L2", 50e9), ("L3", 30e9))
        ),
    ], policy=Policy(sizes=SIZES | {"L3": 8 * 2**20}))  # fmt: skip

    def level(shared_by):
        cpu = msgspec.structs.replace(MACHINE.cpu, caches=[Cache(level=2, bytes=2**20, line=64, shared_by=shared_by)])
        here = msgspec.structs.replace(run, machine=msgspec.structs.replace(MACHINE, cpu=cpu))
        return placed(
            lambda: None, bytes=1e9, flops=0, run=here, footprint=int(4.2 * SIZES["L2"]), threads=2
        ).roof.level

    assert [level(1), level(2)] == ["L2", "L3"]


def test_measuring_refuses_what_cannot_be_true(known):
    """As a run does: L1's limit is doubtful where L2's is faster, and L2's out of order."""
    made = scripted_bench({"simd": 0.01}, "stream.load", {"size": ("L1", "L2")}, measures="load")
    made.counts(lambda size: {"bytes": float(size)})  # L2 is the larger, and as many calls a second
    slow, fast = api.measure(made)
    assert slow.status == "suspect"
    assert slow.why.startswith("slower than a level further from the core: L2 load, 1 thread")
    assert fast.codes == ["out_of_order"]


def test_what_cannot_be_placed_is_told(placed):
    """No roof for this many threads, no bytes, a function that fails."""
    with pytest.raises(ValueError, match=r"no roof for 2 threads: measure stream\.load and peak\.fma on as many"):
        placed(lambda: None, bytes=1.0, flops=1.0, run=roofs(), footprint=64, threads=2)
    for nothing in (0, -1, math.nan):
        with pytest.raises(ValueError, match="a point on the roofline needs the bytes that one call moves"):
            placed(lambda: None, bytes=nothing, flops=1.0, run=roofs(), footprint=64)
    with pytest.raises(ValueError, match="could not be measured: ZeroDivisionError: division by zero"):
        placed(lambda: 1 / 0, bytes=1.0, flops=1.0, run=roofs(), footprint=64)


def test_without_a_run_the_newest_with_a_roof_is_taken(placed, monkeypatch, tmp_path):
    """Of runs and of checks; what another machine measured is no roof, and without one it is said what measures it."""
    monkeypatch.setattr(api.machine, "describe", lambda: MACHINE)
    here = {"finished": "2026-01-01T00:01:00Z", "machine": MACHINE}
    old = msgspec.structs.replace(roofs(), id="box-20260101T000000Z-1", started="2026-01-01T00:00:00Z", **here)
    rate = {"bytes": 50e9}
    slower = [msgspec.structs.replace(one, counts=rate) if "bytes" in one.counts else one for one in old.records]
    new = msgspec.structs.replace(old, id="box-20260102T000000Z-1", started="2026-01-02T00:00:00Z", records=slower)
    bare = msgspec.structs.replace(old, id="box-20260103T000000Z-1", started="2026-01-03T00:00:00Z", records=[])
    for folder, run in (("runs", old), ("checks", new), ("runs", bare)):
        store.write(run, tmp_path / folder / MACHINE.name / f"{run.id}.json")
    at = placed(lambda: None, bytes=20e9, flops=0, footprint=SIZES["L1"], out=tmp_path)
    assert at.share == pytest.approx(0.4)
    with pytest.raises(ValueError, match=r"no run of this machine in .* has a roof for 2 threads: .*, or run hwbench"):
        placed(lambda: None, bytes=20e9, flops=0, footprint=64, threads=2, out=tmp_path)


@pytest.mark.parametrize("code", ["import hwbench", "import hwbench; hwbench.Bench, hwbench.Record, hwbench.Work"])
def test_importing_loads_nothing_heavy(code):
    """Numba, SciPy and CuPy are imported where they are used."""
    heavy = "{'numba', 'scipy', 'cupy', 'llvmlite', 'rich', 'vl_convert'}"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}; import sys; print(sorted({heavy} & set(sys.modules)))"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == "[]"


def test_an_unknown_public_name_is_an_attribute_error():
    """As of any module; every name that is promised is there."""
    with pytest.raises(AttributeError, match="module 'hwbench' has no attribute 'mesure'"):
        hwbench.mesure  # noqa: B018
    assert all(getattr(hwbench, name) for name in hwbench.__all__)
