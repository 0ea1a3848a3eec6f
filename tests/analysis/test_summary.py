"""The summary: headline quantities alone, nothing where nothing was measured, on every committed run."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from doubles.scripted import MACHINE, record, run_of
from hwbench.analysis.reading import Reading
from hwbench.analysis.run_quality import EVERY
from hwbench.analysis.summary import MOST, Busy, summary, virtual
from hwbench.record import store
from hwbench.record.model import BenchInfo, Cpu, Policy
from hwbench.record.reasons import Reason
from made_up.gpu_records import chases
from made_up.gpu_sample import CARD, gpu_run
from made_up.sample import only_skipped, replace, sample_run

RUNS = sorted((Path(__file__).parents[2] / "reports" / "runs").rglob("*.json"))


@pytest.fixture(scope="module")
def whole():
    """The reading of a standard run and its summary."""
    reading = Reading(sample_run())
    return reading, summary(reading)


@pytest.mark.parametrize("path", RUNS, ids=lambda path: path.stem)
def test_every_figure_is_a_headline_quantity_of_the_run(path):
    """The summary and `show --json` cannot differ; there are at most five findings, the weightiest first."""
    reading = Reading(store.read(path))
    made = summary(reading)
    assert all(one in reading.headline for one in made.headlines)
    assert len(made.findings) <= MOST
    assert [one.weight for one in made.findings] == sorted((one.weight for one in made.findings), reverse=True)
    assert all(any(row.cells.values()) for row in made.memory), "a row without a figure"


def test_the_table_has_levels_in_rows_and_kernels_in_columns(whole):
    """Latency, one thread reading, all threads reading, copying and in the triad."""
    reading, made = whole
    assert made.columns == ("latency", "read.one", "read.all", "copy.all", "triad.all")
    assert [row.level for row in made.memory] == ["L1", "L2", "L3", "DRAM"]
    assert made.memory[3].cells["copy.all"] == reading.get("dram.copy.all")
    assert made.loop_over_numpy == reading.get("loop_over_numpy")
    assert [peak.name for peak in made.peaks] == ["FP64", "FP32"]


def test_a_row_refers_to_its_note(whole):
    """The made-up guest has 32 MiB of 260 MiB of L3."""
    _, made = whole
    [note] = made.notes
    assert [row.notes for row in made.memory] == [(), (), (note.number,), ()]
    assert note.said.startswith("260 MiB reported, ")


def test_of_one_thread_the_columns_are_those_of_one():
    """A run without all threads shows what one copies; a level that was not measured has no row."""
    run = sample_run()
    rows = [r for r in run.records if r.params.get("threads") != "all" and r.params.get("size") != "L2"]
    made = summary(Reading(msgspec.structs.replace(run, records=rows)))
    assert made.columns == ("latency", "read.one", "copy.one", "triad.one")
    assert "L2" not in [row.level for row in made.memory]


def test_a_run_of_nothing_has_no_figures():
    """Skipped cases alone: no rows, no peaks, no verdict on noise."""
    made = summary(Reading(only_skipped()))
    assert (made.memory, made.columns, made.peaks, made.gpus, made.matmul) == ((), (), (), (), None)
    assert (made.quality.noisy, made.quality.verdict, made.quality.cases) == (None, "", 0)
    assert made.quality.skipped == 40
    assert made.headlines == made.doubts == []


def test_a_gpu_has_figures_of_its_own():
    """Under the card's name, and with the link's directions by memory."""
    run = gpu_run()
    [gpu] = summary(Reading(run)).gpus
    assert (gpu.device, gpu.name) == ("gpu:0", CARD.name)
    assert set(gpu.link) <= {f"{way}.{memory}" for way in ("h2d", "d2h", "both") for memory in ("pinned", "pageable")}
    assert "h2d.pinned" in gpu.link
    assert all(one.device == "gpu:0" for one in gpu.link.values())


def test_the_host_is_named_with_its_generation_once():
    """From family and model where the name lacks it; trademarks are left out."""
    cpu = Cpu(
        model="AMD EPYC", arch="x86_64", vendor="AuthenticAMD", family=0x1A, model_number=2, logical=4, physical=2
    )
    run = run_of(record(), machine=msgspec.structs.replace(MACHINE, cpu=cpu))
    host = summary(Reading(run)).host
    assert (host.cpu, host.cores, host.logical, host.cpus) == ("AMD EPYC (Zen 5)", 2, 4, 4)
    assert summary(Reading(run_of(record()))).host.cpu == "Scripted"


@pytest.mark.parametrize(
    ("found", "said"),
    [(None, "bare metal"), ("KVM", "KVM guest"), ("KVM, Docker", "KVM guest, Docker"), ("Docker", "Docker")],
)
def test_what_a_machine_runs_in_is_told(found, said):
    """Hypervisors make guests, containers do not."""
    assert virtual(found) == said


def test_the_worst_check_is_the_one_furthest_beyond_what_is_allowed():
    """And time is that of measuring, not the idle time before a run was resumed."""
    run = sample_run()
    telemetry = {"wall_s": [1.0, 1.0], "steal_s": [0.5, 0.5], "others_s": [0.2, 0.2]}
    records = [msgspec.structs.replace(r, telemetry=telemetry) if r.timed else r for r in run.records]
    made = summary(Reading(msgspec.structs.replace(run, records=records)))
    assert made.quality.word == "noisy"
    assert made.quality.worst.name == "time stolen by the hypervisor"
    assert made.quality.seconds == 101.3
    assert summary(Reading(sample_run(finished=False))).quality.seconds is None
    assert summary(Reading(msgspec.structs.replace(run, policy=Policy()))).quality.seconds == 101.0


def test_matmul_names_what_holds_it_back():
    """The share of the peak is the reading's, the cause that of the set-up."""
    run = store.read(next(path for path in RUNS if "intel" in path.name))
    reading = Reading(msgspec.structs.replace(run, variables={"OPENBLAS_CORETYPE": "Haswell"}))
    made = summary(reading).matmul
    assert made.value == reading.get("matmul.f8.all")
    assert 0.5 < made.share.value < 0.7
    assert made.why == "OPENBLAS_CORETYPE=Haswell is set"


def test_doubts_are_told_in_words_the_commonest_first():
    """Of the values that are shown alone."""
    run = run_of(
        record(bench="x.call", samples=(1.0, 1.0, 1.0), status="suspect", counts={"calls": 1.0}, variant="numpy",
               reasons=[]),
        benches={"x.call": BenchInfo("How long?", "numpy", measures="call")},
    )  # fmt: skip
    assert summary(Reading(run)).doubts == ["no reason is known"]


def test_a_gpu_is_busy_from_the_fewest_threads_that_reach_nine_tenths_of_the_best_rate():
    """2048 threads of 8 chains reach 95% and fewer do not; what one number of threads did says nothing."""

    def one(work, threads, chains, rate, **more):
        params = {"work": work, "threads": threads, "chains": chains}
        counts = {"flops" if work == "fma" else "bytes": rate}
        return record(
            "kernel", samples=(1.0,) * 5, bench="device.occupancy", device="gpu:0", params=params, counts=counts, **more
        )

    steal = {"status": "suspect", "reasons": [Reason("gpu_low_clock", "1 GHz")]}
    curve = [(512, 8, 80.0), (2048, 1, 20.0), (2048, 8, 95.0), (8192, 8, 100.0)]
    records = [one("fma", *place, **steal) for place in curve] + [one("copy", 32, 1, 5.0)]
    run = gpu_run()
    described = run.benches | {"device.occupancy": BenchInfo("How many?", "kernel", measures="occupancy")}
    [gpu] = summary(Reading(replace(run, records=[*run.records, *records], benches=described))).gpus
    assert gpu.busy == (Busy("fma", 2048, 8, doubtful=True),)


def test_a_gpu_s_l2_has_both_its_latencies_where_they_differ():
    """A ring of half of the L2 is the headline; a small one, in the near part, is said beside it."""

    def of(near, half):
        return summary(Reading(replace(gpu_run(), records=chases(near, half)))).gpus[0]

    gpu = of(140e-9, 287e-9)
    assert [row.notes for row in gpu.memory] == [(), (1,), ()]
    assert gpu.memory[1].cells["latency"].value == pytest.approx(287e-9)
    assert [note.said for note in gpu.notes] == [
        "near L2 140 ns (16 KiB); half of the L2 287 ns, a part far or in memory"
    ]
    assert (gpu.near.value, gpu.near.name) == (pytest.approx(140e-9), "l2.latency.near")
    alike = of(140e-9, 143e-9)
    assert (alike.near, alike.notes) == (None, ())


def test_a_verdict_says_on_how_many_checks_it_rests():
    """Quiet by one check is another thing than quiet by all; of a noisy run those that failed count."""
    alone = summary(Reading(run_of(record(samples=(1.0,) * 5)))).quality
    assert (alone.checks, alone.impossible, alone.word) == (1, len(EVERY) - 1, "quiet")
    assert alone.verdict == f"quiet: 1 check passed, {len(EVERY) - 1} not possible"
    disturbed = record(samples=(1.0,) * 5, status="suspect", reasons=[Reason("steal")])
    assert summary(Reading(run_of(disturbed))).quality.verdict == "noisy: 1 of 1 check failed"
