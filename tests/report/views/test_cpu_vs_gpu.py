"""The lecture's table of CPU against GPU: measured and stated stay apart, and every figure has its source."""

import json
from pathlib import Path

import msgspec
import pytest

from hwbench.analysis import datasheets
from hwbench.analysis.reading import Reading
from hwbench.record import store, text
from hwbench.record.model import Gpu
from hwbench.report.sections import Figure
from hwbench.report.views.compared_devices import MACHINES
from hwbench.report.views.cpu_vs_gpu import view as machine_view
from made_up.cpu_and_gpu import MACHINE, peak, run_of, said, stream, table_of
from made_up.gpu_sample import CARD, gpu_run
from made_up.page import dataset
from made_up.sample import replace as replaced
from made_up.sample import sample_run


def test_without_figures_no_section():
    """A run without a limit, on a CPU without a known datasheet, has nothing to add to the lecture's table."""
    assert machine_view(dataset(run_of([]))) is None


RUNS = sorted((Path(__file__).parents[3] / "reports/runs").rglob("*.json"))


@pytest.mark.parametrize("path", RUNS, ids=lambda path: path.stem)
def test_the_measured_rows_are_the_headlines(path):
    """Peak and bandwidth of committed runs are the tiles' figures: medians on the same threads, read from memory."""
    run = store.read(path)
    section, reading = machine_view(dataset(run)), Reading(run)
    rows = {"gpu:0" if "gpu" in run.machine.name or row[2] == "–" else "cpu": row
            for row in table_of(section).rows if row[1] == "measured here"} if section else {}  # fmt: skip
    for device, row in rows.items():
        names = (f"peak.f4.{reading.who}", f"dram.read.{reading.who}") if device == "cpu" else ("peak.f4", "hbm.read")
        for name, scale, cell in zip(names, (1e-12, 1e-9), (row[3], row[5]), strict=True):
            found = reading.get(name, device)
            assert found is None or cell == text.amount(found.value * scale)


def test_two_runs_of_a_machine_have_one_name_where_their_points_lie_together():
    """10% apart: the first is named, with how many there are; three times apart: each has its name."""

    def names(second):
        runs = dataset(run_of([peak(), stream()]), run_of([peak(second), stream()]))
        figure = next(one for one in machine_view(runs).blocks if isinstance(one, Figure))
        spec = figure.panels[0].spec
        return [point["label"] for point in spec["datasets"]["marks"] if "measured" in point["case"]]

    [first, second] = sorted(names(0.44e12))
    assert (first, second.endswith(" and 1 run more")) == ("", True)
    assert len({*filter(None, names(1.2e12))}) == 2


def test_a_datasheet_s_dot_has_a_short_name():
    """The device alone, without its run or how many runs there are: it is the same in each."""
    runs = dataset(*(store.read(path) for path in RUNS if "h200" in path.name))
    figure = next(one for one in machine_view(runs).blocks if isinstance(one, Figure))
    marks = figure.panels[0].spec["datasets"]["marks"]
    assert [mark["label"] for mark in marks if mark["label"] and "H200 SXM" in mark["case"]] == ["H200 SXM"]


def test_a_figure_above_its_datasheet_is_marked():
    """A peak beyond what the datasheet says cannot be exceeded has its mark."""
    cpu = msgspec.structs.replace(MACHINE.cpu, model="Intel(R) Core(TM) i7-6700K CPU @ 4.00GHz")
    rows = table_of(machine_view(dataset(run_of([peak(0.6e12)], msgspec.structs.replace(MACHINE, cpu=cpu))))).rows
    assert next(row for row in rows if row[1] == "measured / datasheet")[3] == "117%~"


def test_the_measured_row_holds_this_machines_limits():
    """Float32 peak and DRAM bandwidth stand in the measured row, with their quotient; L1 and float64 do not."""
    section = machine_view(dataset(run_of([peak(), peak(9e12, "f8"), stream(), stream(900e9, "L1")])))
    row = table_of(section).rows[0]
    assert row[1] == "measured here"
    assert row[2:7] == ("4", "0.400", "16 GiB", "20.0", "20.0")
    assert row[8] == "multiply-adds, 4 threads; copying in memory, 4 threads"


def test_the_lectures_figures_and_machines_are_there():
    """Typical and high end of the slides are there, and each of the lecture's machines by slide and by datasheet."""
    rows = table_of(machine_view(dataset(run_of([peak(), stream()])))).rows
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
    rows = table_of(machine_view(dataset(run_of([peak(0.256e12), stream(17.05e9)], machine)))).rows
    found = {(row[0], row[1]): row for row in rows}
    assert found["box: T4", "datasheet"][5] == "320"
    share = found["box: Core i7-6700K", "measured / datasheet"]
    assert (share[3], share[5]) == ("50%", "50%")


def test_disturbed_limits_are_said_to_be():
    """Where only a disturbed peak was to be had, pointing at the machine's dot says so."""
    section = machine_view(dataset(run_of([peak(status="suspect"), stream()])))
    spec = next(block for block in section.blocks if isinstance(block, Figure)).panels[0].spec
    dots = [row for row in spec["datasets"]["marks"] if row["case"].endswith("(measured here)")]
    assert any("4 threads, suspect (the hypervisor" in dot["more"] for dot in dots)


def test_several_machines_stand_in_one_table():
    """Each run has its measured row, and its own sentences by name."""
    other = msgspec.structs.replace(MACHINE, name="other")
    section = machine_view(dataset(run_of([peak(), stream()]), run_of([peak(1e12), stream(100e9)], other)))
    assert [row[1] for row in table_of(section).rows[:2]] == ["measured here"] * 2
    assert "other" in said(section)


def test_one_limit_alone_gives_a_table_without_sentences():
    """With bandwidth but no peak there is no balance, no point and no sentence, and nothing breaks."""
    section = machine_view(dataset(run_of([stream()])))
    assert table_of(section).rows[0][6] == "–"
    assert said(section) == ""


def test_hostile_names_stay_text():
    """Markup in names of machine, CPU and GPU ends up in cells and data as it is, and nothing is looked up by it."""
    bad = "<script>alert(1)</script>: ("
    machine = msgspec.structs.replace(
        MACHINE, name=bad, cpu=msgspec.structs.replace(MACHINE.cpu, model=bad), gpus=[Gpu(name=bad)]
    )
    section = machine_view(dataset(run_of([peak(), stream()], machine)))
    assert bad in table_of(section).rows[0][0]
    json.dumps(next(block for block in section.blocks if isinstance(block, Figure)).panels[0].spec, allow_nan=False)


def test_every_datasheet_figure_names_its_source():
    """The table of sources names a page for each figure of each of the lecture's machines, or says that it has none."""
    section = machine_view(dataset(run_of([peak(), stream()])))
    sources = next(block for block in section.blocks if getattr(block, "caption", "").startswith("Sources"))
    known = datasheets.load()
    for name in MACHINES:
        rows = [row for row in sources.rows if row[0] == name]
        told = "; ".join(row[2] for row in rows)
        assert all(what in told for what in known.named(name).figures)
        assert all("." in row[1] for row in rows)


def test_the_lectures_table_holds_the_gpu_measured_and_by_its_datasheet():
    """A measured row, the datasheet's, and the share of it that was reached; the lecture's rows below."""
    section = machine_view(dataset(gpu_run()))
    table = table_of(section)
    rows = {(row[0].rpartition(": ")[2], row[1]): row for row in table.rows}
    measured = rows[CARD.name, "measured here"]
    assert float(measured[3]) == pytest.approx(50, rel=0.01) and "for 32 ways" in measured[7]
    assert rows["H100 SXM", "datasheet"][3] == "67.0"
    assert rows["H100 SXM", "measured / datasheet"][3:6] == ("74%", "–", "86%")  # medians, of a copy


def test_a_gpu_that_was_not_measured_has_no_measured_row():
    """The datasheet of a card alone is no measurement, and is compared with none."""
    run = replaced(sample_run(), machine=replaced(gpu_run().machine, gpus=[CARD]))
    section = machine_view(dataset(run))
    table = table_of(section)
    kinds = [row[1] for row in table.rows if "H100" in row[0]]
    assert kinds == ["datasheet"]
