"""The face for Python: measure, load, place."""

import subprocess
import sys

import pytest

import hwbench
from doubles.scripted import record, run_of, scripted_bench
from hwbench import api, errors
from hwbench.devices import selection
from hwbench.errors import UsageError
from hwbench.measurement.engine import Engine
from hwbench.placing import engine
from hwbench.record import store
from hwbench.record.model import BenchInfo
from made_up.placed import chain, exactly
from made_up.placed import roofs as made_up_roofs


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


@pytest.fixture
def placed(monkeypatch):
    """Functions are placed on a machine of the imagination; what the engine was asked for."""
    asked = []

    def place(name, function, inputs, setting, *, declared):
        asked.append((name, inputs.args, dict(inputs.kwargs), declared))
        return {name: engine.point(name, chain(10**7), exactly(50e-3), setting.roofs, written=8 * 10**7)}

    monkeypatch.setitem(api._kept, "roofs", made_up_roofs())
    monkeypatch.setattr(selection, "devices", lambda _which: {})
    monkeypatch.setattr(engine, "place", place)
    return asked


def add(a, b=0):
    """Something with a parameter."""
    return a + b


def nothing():
    """Something without one."""


def test_a_function_is_placed_with_its_arguments(placed):
    """One without parameters is called without; declared amounts are handed on."""
    assert hwbench.place(add, 1, b=2).share == pytest.approx(1 / 3)
    hwbench.place(nothing)
    hwbench.roofline(add, 1, bytes=24.0)
    assert placed == [
        ("add", (1,), {"b": 2}, engine.NOTHING_DECLARED), ("nothing", (), {}, engine.NOTHING_DECLARED),
        ("add", (1,), {}, engine.Declared(24.0)),
    ]  # fmt: skip


def test_a_decorator_leaves_the_function_as_it_is(placed):
    """Until its share is asked for."""
    decorated = hwbench.place(add)
    assert (decorated(1, b=2), placed) == (3, [])
    assert decorated.share == pytest.approx(1 / 3)
    assert placed == [("add", (1,), {"b": 2}, engine.NOTHING_DECLARED)]


def test_roofs_are_taken_once_a_process(monkeypatch):
    """And measured again when asked for."""
    monkeypatch.setattr(api, "_kept", {})
    asked = []
    monkeypatch.setattr(api.measured, "get", lambda _tell, *, refresh: asked.append(refresh) or made_up_roofs())
    assert hwbench.roofs() is hwbench.roofs()
    hwbench.roofs(refresh=True)
    assert asked == [False, True]


def test_measuring_refuses_what_cannot_be_true(known):
    """As a run does: L1's limit is doubtful where L2's is faster, and L2's out of order."""
    made = scripted_bench({"simd": 0.01}, "stream.load", {"size": ("L1", "L2")}, measures="load")
    made.counts(lambda size: {"bytes": float(size)})  # L2 is the larger, and as many calls a second
    slow, fast = api.measure(made)
    assert slow.status == "suspect"
    assert slow.why.startswith("slower than a level further from the core: L2 load, 1 thread")
    assert fast.codes == ["out_of_order"]


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
