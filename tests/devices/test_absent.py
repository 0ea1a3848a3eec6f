"""A machine without a GPU: every case of one is a record that says why, and a reader is told once."""

from __future__ import annotations

import json

import pytest

from doubles.scripted import ScriptedDevice, scripted_bench, scripted_work
from hwbench import api
from hwbench.bench import Bench, Pages, Skip, Sweep, Threads
from hwbench.cli import listing
from hwbench.devices import selection
from hwbench.devices.absent import AbsentGpu
from hwbench.measurement import autosave, planning, session
from hwbench.record import store
from hwbench.record.reasons import Reason

WHY = "no NVIDIA driver was found; install one"
NAMED, _, REMEDY = WHY.partition("; ")


@pytest.fixture
def benches(monkeypatch) -> dict[str, Bench]:
    """A bench of the GPU alone, one of both, one of the CPU."""
    from hwbench import catalog

    copies = Bench(
        "transfer.copy", question="How fast is the link?", axes={"size": (Sweep(64, "HBM", 4, on="gpu"),),
        "direction": ("h2d", "d2h")}, baseline="raw",
    )  # fmt: skip
    copies.reference(lambda: 42)
    copies.variant("raw", on="gpu")(lambda: scripted_work(1.0))
    copies.variant("cupy", on="gpu")(lambda: scripted_work(1.0))
    both = scripted_bench({"numpy": 0.002}, "vectorize.add", {"n": (10, 1000)})
    both.variant("cupy", on="gpu")(lambda: scripted_work(1.0))
    known = {bench.name: bench for bench in (both, copies, scripted_bench({"loop": 0.001}, "access.steps"))}
    monkeypatch.setattr(catalog, "benches", lambda: known)
    return known


@pytest.fixture
def device(device, monkeypatch) -> ScriptedDevice:
    """The scripted CPU, and no GPU beside it."""

    def devices(which, **_):
        known = {"cpu": device} if which in ("cpu", "all") else {}
        return known if which == "cpu" else known | {"gpu": AbsentGpu(Reason("needs_gpu", WHY))}

    monkeypatch.setattr(selection, "devices", devices)
    monkeypatch.setattr(selection, "gpus", lambda which="gpu": {"gpu": AbsentGpu(Reason("needs_gpu", WHY))})
    return device


def test_what_needs_a_gpu_to_be_answered_is_left_out_of_the_standard_set(benches, device, command, tmp_path):
    """A bench about the GPU costs no time without one, on the CPU neither, unless it is selected."""
    benches["vectorize.add"].about = "gpu"
    for select, expected in (((), False), (("vectorize.add",), True)):
        out = tmp_path / str(expected)
        assert command("run", *select, "--out", out, "--no-report").code == 0
        [path] = store.find(out)
        assert ("vectorize.add" in {record.bench for record in store.read(path).records}) is expected


def test_every_gpu_case_is_a_record_with_the_reason(benches, device, command, tmp_path):
    """Two directions of two variants (a sweep stands for itself), exit 0, and one sentence."""
    done = command("run", "transfer.*", "--out", tmp_path, "--no-report")
    assert done.code == 0
    [path] = store.find(tmp_path)
    run = store.read(path)
    assert {(r.status, r.why, r.device) for r in run.records} == {("skipped", WHY, "gpu")}
    assert [(r.variant, r.params["direction"]) for r in run.records] == [
        ("raw", "h2d"), ("cupy", "h2d"), ("raw", "d2h"), ("cupy", "d2h")
    ]  # fmt: skip
    assert run.finished
    assert " ".join(done.out.split()) == (
        f"Scripted, 2 cores, bare metal GPU none was measured: {WHY} No case was measured run {path}"
    )
    assert done.err == ""


def test_a_standard_run_measures_the_rest_and_says_it_once(benches, device, command, tmp_path):
    """What runs on the CPU is measured, also in contrasts with the GPU; the GPU has one line."""
    done = command("run", "--out", tmp_path, "--no-report")
    assert done.code == 0
    run = store.read(*store.find(tmp_path))
    assert [(r.bench, r.status) for r in run.records if r.device == "cpu"] == [
        ("vectorize.add", "ok"), ("vectorize.add", "ok"), ("access.steps", "ok")
    ]  # fmt: skip
    assert len([r for r in run.records if r.device == "gpu"]) == 6
    assert " ".join((done.out + done.err).split()).count(NAMED) == 1
    assert "transfer" not in done.err
    assert "needs" not in done.err
    assert "skipped" not in done.out + done.err


@pytest.mark.parametrize("which", ["gpu", "gpu:0"])
def test_asking_for_the_gpu_alone_has_no_answer(benches, device, command, tmp_path, which):
    """Nothing could be measured: a line says why, the exit code is 2, and no run is written."""
    done = command("run", "vectorize", "--device", which, "--out", tmp_path, "--no-report")
    assert (done.code, done.out, store.find(tmp_path)) == (2, "", [])
    assert done.err == f"hwbench: --device {which}: {WHY}\n"


def test_the_report_of_such_a_run_can_be_written(benches, device, command, tmp_path):
    """A page of a run in which nothing was measured."""
    done = command("run", "transfer", "--out", tmp_path)
    assert (done.code, (tmp_path / "index.html").exists()) == (0, True)


def test_show_says_it_once_and_keeps_it_out_of_the_tables(benches, device, command, tmp_path):
    """The reason above as the run itself did, below the tables what it leaves out with the remedy."""
    command("run", "--out", tmp_path, "--no-report")
    shown = command("show", "--out", tmp_path).out
    assert (shown.count(NAMED), shown.count(REMEDY)) == (1, 1)
    assert shown.splitlines()[-1] == f"6 cases of 2 benches (vectorize, transfer) need a GPU: {REMEDY}."


def test_a_run_goes_on_without_measuring_anew_or_twice(benches, device, tmp_path):
    """Resumed, the GPU's cases are there once."""
    request = planning.Request(device="all", out=tmp_path)

    class Watcher:
        planned = measured = trouble = staticmethod(lambda *_: None)

        def measuring(self, group):
            if group.bench.name == "access.steps":
                raise KeyboardInterrupt

    with pytest.raises(autosave.Interrupted) as cut:
        session.execute(request, Watcher())
    assert len([r for r in cut.value.run.records if r.device == "gpu"]) == 6
    stamp = cut.value.run.hwbench | {"pid": 2**22 + 1}
    store.write(session.msgspec.structs.replace(cut.value.run, hwbench=stamp), cut.value.path)
    Watcher.measuring = lambda *_: None
    run, _ = session.execute(planning.Request(device="all", out=tmp_path, resume=True), Watcher())
    assert len([r for r in run.records if r.device == "gpu"]) == 6
    assert len(run.records) == 9


def test_list_says_which_variants_need_one_and_why_once(benches, device, command):
    """A note at each variant, the reason at the end; `--json` has it at each."""
    told = command("list", "-v").out
    assert told.count("not here: needs a GPU") == 3
    assert told.count(NAMED) == 1
    assert told.rstrip().endswith(f"GPU: 3 variants cannot run here: {WHY}.")
    data = json.loads(command("list", "transfer", "--json").out)
    assert [variant["missing"] for variant in data[0]["variants"]] == [{"*": WHY}] * 2
    assert "GPU" not in command("list", "access", "-v").out


def test_machine_says_why_there_is_none(benches, device, command):
    """In the line of the GPUs, and in the JSON."""
    assert f"none: {WHY}" in command("machine").out
    assert json.loads(command("machine", "--json").out)["no_gpu"] == WHY


def test_a_gpu_is_not_looked_for_where_no_bench_could_use_it(benches, device, monkeypatch, tmp_path):
    """Importing CuPy takes half a second, and a context some hundred MiB of the card."""
    asked = []
    real = selection.devices
    monkeypatch.setattr(selection, "devices", lambda which, **more: asked.append(which) or real(which, **more))
    listing.entries([benches["access.steps"]])
    api.measure(benches["access.steps"])
    assert asked == ["cpu", "cpu"]
    assert {r.status for r in api.measure(benches["vectorize.add"], n=10)} == {"ok", "skipped"}
    assert asked[2:] == ["all"]


def test_it_refuses_whatever_a_case_needs():
    """Values, memory and time are skips with the reason; what a run reads between samples is empty."""
    made = AbsentGpu(Reason("needs_gpu", WHY))
    for ask in (
        lambda: made.resolve({}), lambda: made.place((), "host"), lambda: made.host_empty(1, "f8"),
        lambda: made.time(scripted_work(1.0), 1),
    ):  # fmt: skip
        with pytest.raises(Skip, match=WHY):
            ask()
    made.settle(1.0)
    made.reclaim()
    assert (made.free_memory(), made.gauges(), made.sizes, set(made.counters())) == (0, {}, {}, {"wall_s"})


def test_an_axis_that_depends_on_the_machine_is_one_case():
    """The first of a sweep, one thread, small pages: nobody measures there, so nobody tells them apart."""
    made = AbsentGpu(Reason("needs_gpu", WHY))
    assert [made.spread(value) for value in (Sweep(64, "HBM", 4, on="gpu"), Threads(), Pages())] == [
        ["64B"],
        [1],
        ["4K"],
    ]
    with pytest.raises(TypeError, match="no axis value"):
        made.spread(5)
