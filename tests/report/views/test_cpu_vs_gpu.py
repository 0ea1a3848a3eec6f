"""The lecture's table of CPU against GPU: measured and stated stay apart, and the sentences follow from the figures."""

import json

import msgspec
import pytest

from hwbench.analysis import datasheets
from hwbench.analysis.limits import Limit
from hwbench.record.model import Cpu, Gpu, Machine, Memory, Metric, Record, Run
from hwbench.report.sections import Figure, Notes
from hwbench.report.views.cpu_vs_gpu import BATCH, MACHINES, WEIGHTS, Row, _best, _verdict
from hwbench.report.views.cpu_vs_gpu import view as machine_view
from made_up.gpu_sample import CARD, gpu_run
from made_up.page import dataset
from made_up.sample import replace as replaced
from made_up.sample import sample_run

MACHINE = Machine(
    name="box",
    cpu=Cpu(model="Unheard-of CPU", arch="x86_64", logical=8, physical=4, allowed=[0, 1, 2, 3]),
    memory=Memory(total=2**34),
)


def peak(flops=0.4e12, dtype="f4", status="ok"):
    return Record(
        bench="peak.fma",
        version=1,
        variant="512",
        device="cpu",
        params={"dtype": dtype, "threads": "all", "chains": 12},
        status=status,
        reason="steal" if status == "suspect" else "",
        loops=1,
        samples=[1e-3] * 10,
        counts={"flops": flops * 1e-3},
        facts={"threads": 4},
    )


def stream(rate=20e9, size="DRAM"):
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


def run_of(records, machine=MACHINE):
    return Run(id=f"{machine.name}-1", started="2026-01-01T00:00:00Z", machine=machine, records=records)


def table_of(section):
    return next(block for block in section.blocks if getattr(block, "caption", "") == "CPU against GPU")


def said(section):
    return " ".join(sentence for block in section.blocks if isinstance(block, Notes) for sentence in block.sentences)


def test_without_figures_no_section():
    """A run without a limit, on a CPU without a known datasheet, has nothing to add to the lecture's table."""
    assert machine_view([run_of([])]) is None


def test_the_measured_row_holds_this_machines_limits():
    """Float32 peak and DRAM bandwidth stand in the measured row, with their quotient; L1 and float64 do not."""
    section = machine_view([run_of([peak(), peak(9e12, "f8"), stream(), stream(900e9, "L1")])])
    row = table_of(section).rows[0]
    assert row[1] == "measured here"
    assert row[2:7] == ("4", "0.400", "16 GiB", "20.0", "20.0")


def branch(variant, share, seconds, n=4):
    return Record(
        bench="branch.prediction", version=1, variant=variant, device="cpu", params={"share": share, "n": n},
        status="ok", loops=1, samples=[seconds] * 3,
    )  # fmt: skip


def test_control_flow_is_told_by_the_branch_that_costs_most():
    """Of the shares of taken branches the one where random order costs most counts, not the first that was measured."""
    branches = [branch("sorted", share, 1.0) for share in (0.0, 0.5)]
    branches += [branch("shuffled", 0.0, 1.1), branch("shuffled", 0.5, 6.0), branch("shuffled", 1.0, 50.0)]
    branches += [branch("sorted", 0.5, 1.0, 2), branch("shuffled", 0.5, 9.0, 2)]  # of a short sequence
    for records in (branches, branches[::-1]):
        row = table_of(machine_view([run_of([peak(), stream(), *records])])).rows[0]
        assert row[-1] == "6.00× for unpredictable"


def test_the_lectures_figures_and_machines_are_there():
    """Typical and high end of the slides are there, and each of the lecture's machines by slide and by datasheet."""
    rows = table_of(machine_view([run_of([peak(), stream()])])).rows
    found = {(row[0], row[1]): row for row in rows}
    assert found["CPU, typical", "lecture"][2:6] == ("6", "0.200", "32 GB", "30.0")
    assert found["GPU, high end", "lecture"][2:6] == ("4000", "100", "32 GB", "1000")
    assert found["Core i7-6700K", "lecture"][3] == "0.150"
    assert found["Core i7-6700K", "datasheet"][3:6] == ("0.512", "64 GiB", "34.1")
    assert found["TITAN X (Pascal)", "lecture"][2:6] == ("2584", "12.0", "16 GB", "480")
    assert found["TITAN X (Pascal)", "datasheet"][2:6] == ("3584", "11.0", "12 GB", "480")
    assert found["2 x Xeon E5-2686 v4 (P3.16xlarge)", "datasheet"][2] == "32"
    assert [found[name, "lecture"][7] for name in ("CPU, typical", "GPU, typical")] == ["strong", "weak"]


def test_a_known_device_gets_its_datasheet_and_its_share():
    """A CPU and a GPU that specs.toml knows get a datasheet row, and the CPU what was measured of it in percent."""
    machine = msgspec.structs.replace(
        MACHINE,
        cpu=msgspec.structs.replace(MACHINE.cpu, model="Intel(R) Core(TM) i7-6700K CPU @ 4.00GHz"),
        gpus=[Gpu(name="Tesla T4"), Gpu(name="Odd")],
    )
    rows = table_of(machine_view([run_of([peak(0.256e12), stream(17.05e9)], machine)])).rows
    found = {(row[0], row[1]): row for row in rows}
    assert found["box: T4", "datasheet"][5] == "320"
    share = found["box: Core i7-6700K", "measured / datasheet"]
    assert (share[3], share[5]) == ("50%", "50%")


def test_training_and_inference_follow_the_roofline():
    """Inference takes 4 bytes a weight, training 6 operations a weight and example, or the other limit if slower."""
    row = Row("x", "measured here", flops=1e12, bandwidth=50e9)
    assert row.inference() == pytest.approx(4 * WEIGHTS / 50e9)
    assert row.training() == pytest.approx(6 * WEIGHTS * BATCH / 1e12)
    assert Row("y", "measured here", flops=1e15, bandwidth=50e9).training() == pytest.approx(20 * WEIGHTS / 50e9)
    assert Row("z", "measured here", flops=1e12).inference() is None


def test_sentences_carry_the_numbers():
    """20 flop a byte, 5 ms an answer, 40 examples until arithmetic binds; the Titan X is 24 and 27.5 times as fast."""
    text = said(machine_view([run_of([peak(), stream()])]))
    assert "This machine does 20.0 float32 operations in the time that a byte takes" in text
    assert "at least 5.00 ms here. From 40 examples" in text
    assert "208 µs, 24.0 times as fast" in text
    assert "96.0 ms here and 3.49 ms there, 27.5 times as fast" in text
    assert (
        "a machine for inference: beside TITAN X (Pascal) it gives up a factor of 24.0 there, and of 27.5 in training"
        in text
    )
    assert "takes 6.25 ms, longer than the 5.00 ms" in text


def on_gpu(bench, rate, count, params, **facts):
    """A record of gpu:0 that does so much a second."""
    return Record(
        bench=bench, version=1, variant="x", device="gpu:0", params=params, status="ok", loops=1, samples=[1e-3] * 10,
        counts={count: rate * 1e-3}, facts=facts,
    )  # fmt: skip


def test_a_measured_gpu_and_its_link_stand_before_the_lectures():
    """10 TFLOP/s and 1 TB/s are 50 and 25 times the CPU's; weights cross 50 GB/s in 2 ms, the lecture's in 6.25."""
    card = [
        on_gpu("device.peak", 10e12, "flops", {"dtype": "f4", "chains": 8}),
        on_gpu("device.stream", 1e12, "bytes", {"kernel": "copy"}, footprint=2**30, l2_bytes=2**20),
        on_gpu("transfer.copy", 50e9, "bytes", {"direction": "h2d", "memory": "pinned", "size": "1GiB"}),
        on_gpu("transfer.copy", 40e9, "bytes", {"direction": "d2h", "memory": "pinned", "size": "1GiB"}),
    ]
    machine = msgspec.structs.replace(MACHINE, gpus=[Gpu(name="Card", memory=2**33)])
    text = said(machine_view([run_of([peak(), stream(), *card], machine)]))
    assert "This machine's CPU does 20.0 float32 operations" in text
    assert "its own Card 10.0 (measured)" in text
    assert "Card answers in 100 µs, 50.0 times as fast" in text
    assert "96.0 ms here and 3.84 ms there, 25.0 times as fast" in text
    assert "beside Card it gives up a factor of 25.0 there, and of 50.0 in inference" in text
    assert "the measured link to it (50.0 GB/s) takes 2.00 ms, less than the 5.00 ms" in text
    assert "208 µs, 24.0 times as fast" in text  # the lecture's card, all the same
    assert "the lecture's PCIe 3.0 ×16 (16.0 GB/s) takes 6.25 ms, longer than the 5.00 ms" in text


def test_each_runs_cpu_stands_beside_its_own_gpu():
    """A card of one run says nothing about the CPU of another."""
    card = [
        on_gpu("device.peak", 10e12, "flops", {"dtype": "f4", "chains": 8}),
        on_gpu("device.stream", 1e12, "bytes", {"kernel": "copy"}, footprint=2**30, l2_bytes=2**20),
    ]
    machine = msgspec.structs.replace(MACHINE, name="with", gpus=[Gpu(name="Card", memory=2**33)])
    text = said(machine_view([run_of([peak(), stream(), *card], machine), run_of([peak(), stream()])]))
    assert "with, 2026-01-01's CPU does" in text
    assert text.count("Card answers") == 1


@pytest.mark.parametrize(
    ("faster", "trained", "words"),
    [
        (10, 40, "a machine for inference"),
        (40, 10, "a machine for training"),
        (20, 21, "no better suited"),
        (0.5, 0.9, "alike"),
    ],
)
def test_the_verdict_follows_the_ratios(faster, trained, words):
    """What gives up less is what the machine suits; within a tenth neither; where it is as fast, both."""
    assert words in _verdict("This machine", "that card", faster, trained)


def test_disturbed_limits_are_said_to_be():
    """Where only a disturbed peak was to be had, pointing at the machine's dot says so."""
    section = machine_view([run_of([peak(status="suspect"), stream()])])
    spec = next(block for block in section.blocks if isinstance(block, Figure)).panels[0].spec
    dots = [row for row in spec["datasets"]["marks"] if row["case"].endswith("(measured here)")]
    assert any("disturbed" in dot["more"] for dot in dots)


def test_several_machines_stand_in_one_table():
    """Each run has its measured row, and its own sentences by name."""
    other = msgspec.structs.replace(MACHINE, name="other")
    section = machine_view([run_of([peak(), stream()]), run_of([peak(1e12), stream(100e9)], other)])
    assert [row[1] for row in table_of(section).rows[:2]] == ["measured here"] * 2
    assert "other" in said(section)


def test_one_limit_alone_gives_a_table_without_sentences():
    """With bandwidth but no peak there is no balance, no point and no sentence, and nothing breaks."""
    section = machine_view([run_of([stream()])])
    assert table_of(section).rows[0][6] == "–"
    assert said(section) == ""


def test_hostile_names_stay_text():
    """Markup in names of machine, CPU and GPU ends up in cells and data as it is, and nothing is looked up by it."""
    bad = "<script>alert(1)</script>: ("
    machine = msgspec.structs.replace(
        MACHINE, name=bad, cpu=msgspec.structs.replace(MACHINE.cpu, model=bad), gpus=[Gpu(name=bad)]
    )
    section = machine_view([run_of([peak(), stream()], machine)])
    assert bad in table_of(section).rows[0][0]
    json.dumps(next(block for block in section.blocks if isinstance(block, Figure)).panels[0].spec, allow_nan=False)


def test_every_datasheet_figure_names_its_source():
    """The table of sources names a page for each figure of each of the lecture's machines, or says that it has none."""
    section = machine_view([run_of([peak(), stream()])])
    sources = next(block for block in section.blocks if getattr(block, "caption", "").startswith("Sources"))
    known = datasheets.load()
    for name in MACHINES:
        rows = [row for row in sources.rows if row[0] == name]
        told = "; ".join(row[2] for row in rows)
        assert all(what in told for what in known.named(name).figures)
        assert all("." in row[1] for row in rows)


def test_a_machine_is_what_all_its_threads_do():
    """Disturbed on all threads is nearer the machine than undisturbed on one; of like ones the undisturbed counts."""
    unit = Metric("rate", "flops", "GFLOP/s", 1e-9, True)

    def limit(threads, value, suspect=""):
        return Limit("fma", "", threads, "f4", value, unit, "512", suspect)

    chosen = _best([limit(1, 2e11), limit(2, 4e11, "steal"), limit(2, 3e11, "steal")], ("fma",), "", "f4")
    assert (chosen.threads, chosen.value) == (2, 4e11)
    assert _best([limit(2, 4e11, "steal"), limit(2, 3e11)], ("fma",), "", "f4").value == 3e11
    assert _best([], ("fma",), "", "f4") is None


def test_the_lectures_table_holds_the_gpu_measured_and_by_its_datasheet():
    """A measured row, the datasheet's, and the share of it that was reached; the lecture's rows below."""
    section = machine_view(dataset(gpu_run()))
    table = next(block for block in section.blocks if getattr(block, "caption", "") == "CPU against GPU")
    rows = {(row[0].rpartition(": ")[2], row[1]): row for row in table.rows}
    measured = rows[CARD.name, "measured here"]
    assert float(measured[3]) == pytest.approx(50, rel=0.01) and "for 32 ways" in measured[7]
    assert rows["H100 SXM", "datasheet"][3] == "67.0"
    assert rows["H100 SXM", "measured / datasheet"][3:6] == ("75%", "–", "91%")


def test_a_gpu_that_was_not_measured_has_no_measured_row():
    """The datasheet of a card alone is no measurement, and is compared with none."""
    run = replaced(sample_run(), machine=replaced(gpu_run().machine, gpus=[CARD]))
    section = machine_view(dataset(run))
    table = next(block for block in section.blocks if getattr(block, "caption", "") == "CPU against GPU")
    kinds = [row[1] for row in table.rows if "H100" in row[0]]
    assert kinds == ["datasheet"]
