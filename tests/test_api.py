"""The face for Python: measure, load, roofline."""

import math
import subprocess
import sys

import pytest

import hwbench
from hwbench import api, runner, store
from hwbench.engine import Engine
from hwbench.registry import UsageError
from scripted import SIZES, ScriptedDevice, record, run_of, scripted_bench


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
    assert hwbench.load(str(tmp_path / "x.json")) == run
    with pytest.raises(store.StoreError):
        hwbench.load(tmp_path / "none.json")


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
    monkeypatch.setattr(runner, "devices", lambda which: {"cpu": device})
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


def test_what_cannot_be_placed_is_told(placed):
    """No roof for this many threads, no bytes, a function that fails."""
    with pytest.raises(ValueError, match=r"no load or fma limit for 2 threads; measure stream\.load and peak\.fma"):
        placed(lambda: None, bytes=1.0, flops=1.0, run=roofs(), footprint=64, threads=2)
    for nothing in (0, -1, math.nan):
        with pytest.raises(ValueError, match="moves nothing has no place on a roofline"):
            placed(lambda: None, bytes=nothing, flops=1.0, run=roofs(), footprint=64)
    with pytest.raises(ValueError, match="could not be measured: ZeroDivisionError: division by zero"):
        placed(lambda: 1 / 0, bytes=1.0, flops=1.0, run=roofs(), footprint=64)


@pytest.mark.parametrize("code", ["import hwbench", "import hwbench; hwbench.Bench, hwbench.Record, hwbench.Work"])
def test_importing_loads_nothing_heavy(code):
    """Numba, SciPy, Altair and CuPy are imported where they are used."""
    heavy = "{'numba', 'scipy', 'altair', 'cupy', 'llvmlite', 'rich', 'vl_convert'}"
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
