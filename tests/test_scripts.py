"""The scripts beside the package: pages of the benches, pictures, contradictions, several runs, and five commits."""

from __future__ import annotations

import contextlib
import importlib.util
import itertools
import json
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any

import jsonschema_rs
import msgspec
import numpy as np
import pytest

from hwbench import catalog
from hwbench.bench import Bench, Pages, Sweep, Threads, Work
from hwbench.devices.cpu import CpuDevice
from hwbench.measurement.trial import Trial
from hwbench.record import store
from hwbench.record.reasons import because
from hwbench.tracking import change_points
from hwbench.tracking.history import Series
from made_up.declared import described
from made_up.gpu_sample import gpu_run
from made_up.sample import replace, sample_run

SCRIPTS = Path(__file__).parents[1] / "scripts"


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, SCRIPTS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


bench_pages, consistency, five_runs = script("bench_pages"), script("consistency"), script("five_runs")
allocations, counts, parity = script("allocations"), script("counts"), script("parity")
run_file, peer_rows = script("run_file"), script("peer_rows")
pictures, tracking_experiments = script("pictures"), script("tracking_experiments")
tracking_histories, ab_errors = script("tracking_histories"), script("ab_errors")
tracking_commits, start_times = script("tracking_commits"), script("start_times")
place_overhead = script("place_overhead")
sys.path.append(str(SCRIPTS))
predictions = script("predictions")
first_contact = script("first_contact")
trust, trust_noise, trust_score = script("trust"), sys.modules["trust_noise"], sys.modules["trust_score"]

# --- peer_rows --------------------------------------------------------------------------------------------------------


def test_the_page_of_peers_is_current() -> None:
    """docs/peers.md shows what lies in reports/peers: `python scripts/peer_rows.py` brings it up to date."""
    assert peer_rows.main(["--check"]) == 0


def test_a_row_beside_a_peer_replaces_the_one_before(tmp_path: Path) -> None:
    """Another case and another bench stay; a row is apart where its median is not near 1 and its interval has no 1."""
    file = tmp_path / "here" / "machine.json"
    peer_rows.keep(file, "b", "g++ 1", {"x": (2.0, 1.9, 2.1, 3), "y": (1.04, 0.99, 1.1, 3)})
    peer_rows.keep(file, "a", "g++ 1", {"z": (1.0, 1.0, 1.0, 5)})
    peer_rows.keep(file, "b", "g++ 2", {"x": (1.02, 1.01, 1.03, 7), "w": (0.9, 0.89, 0.95, 7)})
    told = peer_rows.tables("machine", json.loads(file.read_text()))
    assert "| `a` | g++ 1 | 1 | 1.000 | 1.000 | 1.000 | 1 | 0 |" in told
    assert "| `b` | g++ 2, g++ 1 | 3 | 1.020 | 0.900 | 1.040 | 1 | 1 |" in told
    assert "| x | 1.020 (1.010–1.030) | 7 |" in told
    assert "| w | **0.900 (0.890–0.950)** | 7 |" in told


# --- bench_pages ------------------------------------------------------------------------------------------------------


def test_the_committed_pages_are_current() -> None:
    """What lies in docs/benches is what the script writes: `python scripts/bench_pages.py` brings it up to date."""
    said: list[str] = []
    assert bench_pages.main(["--check"], said.append) == 0, said


def test_every_bench_says_what_to_look_at() -> None:
    """No bench without both notes, and no note without its text."""
    notes = bench_pages.read_notes()
    assert bench_pages.missing(catalog.benches().values(), notes) == []
    assert all(text.strip() for note in notes.values() for text in note.values())


def made_up() -> Bench:
    bench = Bench(
        "odd.bench", question="Is a_b * c [not] markup?", baseline="plain", limit="load",
        axes={"size": ("L1", Sweep(4096, points=2)), "t": (Threads(),), "pages": (Pages(),)},
        sweeps=({"variant": "plain", "n": (1, 2)},), quick={"size": ("L1",)}, core=False,
    )  # fmt: skip
    bench.doc = "What <this> file says, with `a_b` in code."

    @bench.counts
    def counts(a: object) -> dict[str, float]:
        """Each element once."""
        return {"bytes": a.nbytes, "flops": 2 * a.size}  # type: ignore[attr-defined]

    @bench.variant("other", on="gpu")
    def other() -> Work:
        """Another way."""
        return Work(lambda: None)

    @bench.variant("plain")
    def plain() -> Work:
        """The plain way | with a bar."""
        return Work(lambda: None)

    return bench


def test_a_page_says_what_the_bench_says() -> None:
    """Question, arithmetic, limit, axes in words, and the variants with the baseline first, safe from Markdown."""
    text = bench_pages.page("odd", [made_up()], {"odd.bench": {"look": "Look here.", "plateau": "It ends there."}})
    for line in (
        "*Is a\\_b \\* c \\[not\\] markup?*",
        "What \\<this> file says, with `a_b` in code.",
        "| one call | Each element once. `bytes = a.nbytes`, `flops = 2 * a.size` |",
        "| limit | load, at the level where the data lies, as `stream.load` measures it |",
        "| axes | `size` L1, 4 KiB … DRAM (2 an octave); `t` 1, 2, 4 … all; `pages` huge (4K where there are none) |",
        "| also | `variant` plain; `n` 1, 2 |",
        "| presets | `--preset quick` measures it only where it is selected. |",
        "**What to look at.** Look here.",
        "**Why it ends where it does.** It ends there.",
    ):
        assert line in text.splitlines()
    rows = [line for line in text.splitlines() if " | cpu | " in line or " | gpu | " in line]
    assert rows == ["| `plain` (baseline) | cpu | The plain way \\| with a bar. |", "| `other` | gpu | Another way. |"]


def test_pages_that_are_out_of_date_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Written, found current, changed by hand and found out; a page of a topic that is gone is removed."""
    monkeypatch.setattr(bench_pages, "HERE", tmp_path)
    monkeypatch.setattr(catalog, "benches", lambda: {"odd.bench": made_up()})
    monkeypatch.setattr(bench_pages, "read_notes", lambda: {"odd.bench": {"look": "a", "plateau": "b"}})
    (tmp_path / "gone.md").write_text("old")
    said: list[str] = []
    assert bench_pages.main([], said.append) == 0
    assert said == [f"docs/benches/{name}: {what}" for name, what in
                    (("README.md", "written"), ("gone.md", "removed"), ("odd.md", "written"))]  # fmt: skip
    assert bench_pages.main(["--check"], said.append) == 0
    (tmp_path / "odd.md").write_text("by hand")
    assert bench_pages.main(["--check"], said.append) == 1
    assert said[-1] == "docs/benches/odd.md: out of date"


def test_a_bench_without_notes_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A new bench is written without them, and the exit code says that something is missing."""
    monkeypatch.setattr(bench_pages, "HERE", tmp_path)
    monkeypatch.setattr(catalog, "benches", lambda: {"odd.bench": made_up()})
    monkeypatch.setattr(bench_pages, "read_notes", dict)
    said: list[str] = []
    assert bench_pages.main([], said.append) == 1
    assert said[-1] == "docs/benches/notes.toml: needs `look` and `plateau` for odd.bench"


# --- run_file ---------------------------------------------------------------------------------------------------------


def test_the_schema_and_its_page_are_current() -> None:
    """docs/run-file.* are what the script writes: `python scripts/run_file.py` brings them up to date."""
    said: list[str] = []
    assert run_file.main(["--check"], said.append) == 0, said


def test_a_page_that_is_out_of_date_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """And written anew; then nothing is left to do."""
    monkeypatch.setattr(run_file, "DOCS", tmp_path)
    said: list[str] = []
    assert run_file.main(["--check"], said.append) == 1
    assert said[0] == "docs/run-file.schema.json is out of date: python scripts/run_file.py writes it"
    assert run_file.main([], said.append) == run_file.main(["--check"], said.append) == 0
    assert "| `samples` | list of number | `[]` |" in (tmp_path / "run-file.md").read_text()


@pytest.fixture(scope="module")
def validator() -> jsonschema_rs.Validator:
    return jsonschema_rs.validator_for(run_file.schema())


@pytest.mark.parametrize(
    "path",
    sorted(
        path for kind in ("runs", "verify", "parity") for path in (SCRIPTS.parent / "reports" / kind).glob("*/*.json")
    ),
    ids=lambda path: path.stem,
)
def test_every_committed_run_is_valid(validator: jsonschema_rs.Validator, path: Path) -> None:
    """As the schema in the documentation has it."""
    validator.validate(json.loads(path.read_bytes()))


def test_what_is_no_run_file_is_not_valid(validator: jsonschema_rs.Validator) -> None:
    """What is measured now is; a missing id, a status that there is not, and a sample in words are not."""
    data = json.loads(store.encode(sample_run()))
    validator.validate(data)
    first = data["records"][0]
    for wrong in ({"id": 3}, {"records": [first | {"status": "fine"}]}, {"records": [first | {"samples": ["1 s"]}]}):
        assert not validator.is_valid(data | wrong)


# --- pictures ---------------------------------------------------------------------------------------------------------


def test_the_committed_pictures_are_current() -> None:
    """Pictures, and what pages say of them, are of their run: `python scripts/pictures.py` brings them up to date."""
    said: list[str] = []
    assert pictures.main(["--check"], said.append) == 0, said


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (">L1<", ">L9<", 1),
        (' opacity="1"', ' opacity="0.4"', 1),
        (' d="M', ' d="M9', 1),
        ('id="clip', 'id="other', 0),
    ],
)
def test_pictures_that_are_out_of_date_are_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, old: str, new: str, code: int
) -> None:
    """A word, a look or a place of a mark is found out, and names inside the file are not looked at."""
    runs, here = tmp_path / "runs", tmp_path / "pictures"
    here.mkdir()
    store.write(described(sample_run(benches=("stream.load",))), runs / "a.json")
    monkeypatch.setattr(pictures, "HERE", here)
    monkeypatch.setattr(pictures, "RUNS", runs)
    monkeypatch.setattr(pictures, "PLACED", tmp_path / "none")
    monkeypatch.setattr(pictures, "ROOT", tmp_path)
    monkeypatch.setattr(pictures, "PAGES", ("page.md",))
    page = tmp_path / "page.md"
    page.write_text("<!-- pictured -->\nof another run\n<!-- /pictured -->\nThe end.\n")
    (here / "gone.svg").write_text("<svg/>")
    said: list[str] = []
    assert pictures.main([], said.append) == 0
    assert said == ["docs/pictures/bandwidth.svg: written", "docs/pictures/gone.svg: removed",
                    "docs/pictures/summary.svg: written", "page.md: written"]  # fmt: skip
    told = page.read_text()
    assert told.startswith("<!-- pictured -->\nThe run shown: ")
    assert told.endswith("<!-- /pictured -->\nThe end.\n")
    assert f", [`{pictures.pictured().stem}`](runs)" in " ".join(told.split())
    assert pictures.main(["--check"], said.append) == 0
    bandwidth = here / "bandwidth.svg"
    svg = bandwidth.read_text("utf-8")
    assert old in svg
    bandwidth.write_text(svg.replace(old, new), "utf-8")
    assert pictures.main(["--check"], said.append) == code
    assert said[4:] == ["docs/pictures/bandwidth.svg: out of date"] * code


# --- predictions and place_overhead -----------------------------------------------------------------------------------


def test_predictions_are_judged_by_what_is_reached() -> None:
    """Within 15%, and never above the bound; a kernel without the advice counts for nothing."""
    told = {"name": "chain", "code": "fuse", "expected": 2.0, "reached": 1.8, "at_most": 3.0, "doubt": ""}
    found = [told, told | {"reached": 3.5}, {"name": "sort", "code": "fuse", "why": "gets other advice: none"}]
    assert predictions.totals(found) == (2, 1, 1)
    assert predictions.line(told).endswith("expected 2.00, reached 1.80, at most 3.00: +11%")
    assert predictions.line(found[-1]).endswith("gets other advice: none")


def test_every_prediction_kernel_keeps_its_answer() -> None:
    """What is not compiled for it: chains and their pieces in NumPy."""
    for kernel in predictions.KERNELS:
        if kernel.code == "block":
            args = tuple(one[:10_000] for one in kernel.inputs())
            np.testing.assert_allclose(kernel.rewritten(*args), kernel.function(*args))


def test_the_overhead_is_a_ratio_of_both_sides(monkeypatch: pytest.MonkeyPatch) -> None:
    """Within 3% is 0, else 1."""
    monkeypatch.setattr(place_overhead, "by_place", lambda: 1.01e-3)
    monkeypatch.setattr(place_overhead, "by_pyperf", lambda: 1e-3)
    said: list[str] = []
    assert place_overhead.main(["--rounds", "3"], said.append) == 0
    assert said[-1] == "place / pyperf: 1.01; within 3.0%: yes"
    monkeypatch.setattr(place_overhead, "by_place", lambda: 1.1e-3)
    assert place_overhead.main(["--rounds", "3"], said.append) == 1


# --- consistency ------------------------------------------------------------------------------------------------------


def test_contradictions_are_told_with_their_seeds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each kind of fault in a line, with its number and an example; a mutation without a page is a fault, too."""
    fault = consistency.Fault("another figure", "machine", "25 instead of 24")

    def check(seed: int, **_: object) -> object:
        if seed == 3:
            raise ValueError("no chart")
        return consistency.Checked([fault] if seed else [], Counter(cases=5))

    monkeypatch.setattr(consistency, "mutated", lambda seed, records: seed)
    monkeypatch.setattr(consistency, "check", check)
    monkeypatch.setattr(consistency, "ProcessPoolExecutor", lambda **_: ThreadPoolExecutor(1))
    said: list[str] = []
    assert consistency.main(["--number", "3", "--first", "1"], said.append) == 1
    assert said == [
        "2 × another figure at machine: seed 1: 25 instead of 24",
        "1 × no page at ValueError: seed 3: no chart",
        "3 mutations: 10 cases",
    ]
    said.clear()
    assert consistency.main(["--number", "1"], said.append) == 0
    assert said == ["1 mutations: 5 cases"]


# --- allocations ------------------------------------------------------------------------------------------------------


class Placed:
    """An engine whose allocations take 1, 2, 3 … s a call, each in its own memory."""

    def __init__(self) -> None:
        self.alive = self.most = 0

    @contextlib.contextmanager
    def prepared(self, group):
        self.alive += 1
        self.most = max(self.most, self.alive)
        yield [Trial(group.cases[0], {}, work=Work(lambda: None), best=float(self.alive))]
        self.alive -= 1

    def warm_up(self, trial):
        trial.loops = 8

    def sample(self, trial, loops):
        assert loops in (1, 8)
        return trial.best


def test_allocations_are_alive_together_and_each_is_sampled_in_every_round():
    """Three allocations of 1, 2 and 3 s: the slowest takes three times as long, and they are not alike."""
    engine, device = Placed(), CpuDevice()
    found = allocations.measure(engine, allocations.group_of("latency.chase L2", device), 3, 10)
    assert (found, engine.most, engine.alive) == ([[1.0] * 10, [2.0] * 10, [3.0] * 10], 3, 0)
    cells = allocations.line("a case", found).split(" | ")
    assert cells[:3] == ["| a case", "3", "200.0%"]
    assert float(cells[3]) < 1e-5
    with pytest.raises(SystemExit, match="a case is `BENCH LEVEL"):
        allocations.main(["stream.load"])


# --- parity -----------------------------------------------------------------------------------------------------------


def test_parity_has_a_cell_for_each_kernel_level_and_thread_count() -> None:
    """Four kernels, four levels, one and all threads; with non-temporal stores those in memory that write."""
    names = [cell.name for cell in parity.cells("4K")]
    assert len(names) == len(set(names)) == 4 * 4 * 2 + 3 * 2
    assert {cell.base for cell in parity.cells("4K", ["simd-nt"])} == {"store_mem", "copy_mem", "stream_mem"}
    assert [cell.name for cell in parity.cells("4K", ["load/*L2", "nothing"])] == ["load/simd L2 1", "load/simd L2 all"]


def bout(run, *names, pairs):
    """A run with these pairs of GB/s in each cell."""
    made = parity.Bout(parity.cells("4K", names), 0.1, run)
    for cell in made.cells:
        cell.pairs = [(ours * 1e9, theirs * 1e9) for ours, theirs in pairs]
        cell.chosen = ["simd"] * len(pairs)
    return replace(run, records=made.records())


@pytest.mark.parametrize(
    ("ratios", "code"), [((1.0, 1.01, 1.02), 0), ((0.9, 0.95, 0.96), 1), ((0.98, 0.98, 0.99), 1), ((0.9, 1.0, 1.1), 0)]
)
def test_parity_ends_with_1_where_a_cell_is_slow_or_the_median(quiet, tmp_path, ratios, code) -> None:
    """An interval wholly below 0.97, or a median below 1; the table says which."""
    said: list[str] = []
    path = tmp_path / "parity.json"
    store.write(bout(replace(quiet, records=[]), "load/simd L1 1", pairs=[(100 * one, 100) for one in ratios]), path)
    assert parity.main(["--show", str(path)], said.append) == code
    assert said[1].startswith("load/simd L1 1 ")
    assert said[1].endswith("< 0.97") == (ratios[-1] < 0.97)
    assert said[-1].startswith(f"1 cells: median {ratios[1]:.3f}; ")


def test_parity_adds_pairs_to_those_of_a_file(quiet) -> None:
    """Pairs and choices of the cells that are measured again come back from the records; other cells stay."""
    run = bout(replace(quiet, records=[]), "load/simd L1*", pairs=[(90, 100), (110, 100)])
    again = parity.Bout(parity.cells("4K", ["load/simd L1 1"]), 0.1, run)
    [cell] = again.cells
    assert [round(ours / 1e9) for ours, _ in cell.pairs] == [90, 110]
    assert cell.chosen == ["simd", "simd"]
    cell.pairs.append((1e11, 1e11))
    assert Counter(len(one.samples) for one in again.records()) == {3: 2, 2: 2}


def test_parity_needs_likwid_and_a_cell(monkeypatch, tmp_path, capsys) -> None:
    """One line, exit 2."""
    for path, arguments, words in (
        (str(tmp_path), [], "likwid-bench is not installed"),
        (None, ["laod"], "no cell matches laod; names are like 'load/simd L1 1'"),
        (None, ["--contrasts", "0"], "--contrasts 0: it takes one at least"),
    ):
        monkeypatch.setattr(parity.likwid, "why_not", lambda reason=words * bool(path): reason)
        with pytest.raises(SystemExit) as ended:
            parity.main([*arguments, "--out", str(tmp_path)])
        assert ended.value.code == 2
        assert capsys.readouterr().err.splitlines()[-1].endswith(words)


# --- five_runs --------------------------------------------------------------------------------------------------------


def faster(run, factor, kind="stream.load"):
    """The run with every sample of one bench shorter by a factor."""
    records = [
        msgspec.structs.replace(one, samples=[s / factor for s in one.samples]) if one.bench == kind else one
        for one in run.records
    ]
    return replace(run, records=records, id=f"{run.id}-{factor}")


@pytest.fixture
def quiet():
    """A run of steady samples, as a quiet machine gives."""
    run = sample_run(benches=("stream.load", "peak.fma"), every_status=False)
    records = [msgspec.structs.replace(one, samples=[min(one.samples)] * 12) for one in run.records]
    return described(replace(run, records=records))


def test_the_spread_is_largest_over_smallest(quiet) -> None:
    """4% between the best samples of two runs of three are 4%, and do not repeat; what is the same is 0%."""
    rows = five_runs.compare([quiet, faster(quiet, 1.04), faster(quiet, 1.02)])
    loads = [row for row in rows if "load" in row.name]
    assert [row.spread for row in loads] == pytest.approx([0.04] * len(loads))
    assert not any(row.repeats for row in loads)
    assert all(row.repeats and row.spread == 0 for row in rows if row not in loads)
    assert rows[0] in loads


def test_a_limit_that_one_run_lacks_is_left_open(quiet) -> None:
    """It is compared over the runs that have it, and shown as missing in the other; one run alone compares nothing."""
    short = replace(quiet, records=[one for one in quiet.records if one.bench != "peak.fma"])
    rows = {row.name: row for row in five_runs.compare([quiet, short, quiet])}
    peak = next(row for name, row in rows.items() if name.startswith("FP peak"))
    assert peak.values[1] is None
    assert peak.spread == 0
    assert five_runs.compare([quiet, replace(quiet, records=[])]) == []


def written(tmp_path, *runs):
    for number, run in enumerate(runs):
        store.write(replace(run, id=f"box-20261122T18270{number}Z-00000{number}"), tmp_path / f"runs/box/{number}.json")
    return ["--from", str(tmp_path), "--json", str(tmp_path / "said.json")]


def test_a_reason_is_right_where_the_records_that_it_marks_are_off(quiet):
    """One run of three is 20% slower and says why; a mark on one that is not is a false alarm."""
    slow = [
        msgspec.structs.replace(one, status="suspect", reasons=[because("steal")])
        if one.bench == "stream.load"
        else one
        for one in faster(quiet, 1 / 1.2).records
    ]
    other = next(one for one in quiet.records if one.bench != "stream.load" and one.timed)
    doubted = msgspec.structs.replace(other, status="suspect", reasons=[because("quota")])
    false = [doubted if one is other else one for one in quiet.records]
    timed = sum(one.timed for one in quiet.records)
    off = sum(one.timed and one.bench == "stream.load" for one in quiet.records)
    head, *rows = five_runs.reasons([quiet, replace(quiet, records=slow), replace(quiet, records=false)])
    assert head.endswith(f"of {off} records off and {3 * timed - off} others")
    found = {row.split()[0]: row.split()[1:4] for row in rows}
    assert found == {
        "any": [str(off + 1), str(off), f"{off / (off + 1):.0%}"],
        "steal": [str(off), str(off), "100%"],
        "quota": ["1", "0", "0%"],
    }


def test_a_headline_quantity_that_is_off_is_told_by_a_mark_or_passes_in_silence(quiet) -> None:
    """One run of three is 20% faster; a mark on its records tells it."""
    off = faster(quiet, 1.2)
    *rows, said = five_runs.headlines([quiet, off, quiet])
    marked = [
        msgspec.structs.replace(one, status="suspect", reasons=[because("steal")]) if one.timed else one
        for one in off.records
    ]
    *_, told = five_runs.headlines([quiet, replace(off, records=marked), quiet])
    silent = sum("(silent)" in row for row in rows)
    assert silent == sum(row.startswith(("l2.read", "l3.read", "dram.read")) for row in rows) > 0
    assert said == f"{silent} values are more than 3% off; runs tell it of 0."
    assert told == f"{silent} values are more than 3% off; runs tell it of {silent}."


def test_limits_that_repeat_end_well(quiet, tmp_path, capsys) -> None:
    """Exit 0, a line for each limit, each run's verdict, and the same as JSON."""
    assert five_runs.main(written(tmp_path, quiet, faster(quiet, 1.01))) == 0
    out = capsys.readouterr().out
    assert "limits repeat within 3% over 2 runs; 0 of 2 runs say that the machine was too noisy." in out
    assert out.count("The machine was quiet enough") == 2
    assert len(json.loads((tmp_path / "said.json").read_text())["noise"]) == 2


def test_limits_that_differ_unnoticed_are_a_failure(quiet, tmp_path, capsys) -> None:
    """Exit 1 where the runs differ and none says why; 0 where one said that it was too noisy."""
    assert five_runs.main(written(tmp_path, quiet, faster(quiet, 1.05))) == 1
    assert "it went unnoticed" in capsys.readouterr().out
    steal = [msgspec.structs.replace(one, telemetry=one.telemetry | {"steal_s": [0.01] * 15}) for one in quiet.records]
    assert five_runs.main(written(tmp_path, replace(quiet, records=steal), faster(quiet, 1.05))) == 0
    assert "1 of 2 runs say that the machine was too noisy" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"), [(["--runs", "1"], "two runs"), (["--from", "nowhere"], "holds 0 runs")]
)
def test_what_cannot_be_compared_is_said_in_one_line(arguments, said, capsys) -> None:
    """One run is no comparison, and an empty directory holds none."""
    with pytest.raises(SystemExit) as end:
        five_runs.main(arguments)
    assert end.value.code == 2
    assert said in capsys.readouterr().err.splitlines()[-1]


# --- tracking_commits -------------------------------------------------------------------------------------------------


def test_passes_go_there_and_back() -> None:
    """Every commit in each pass, and each in the middle at the same time, so that an even drift is the same to all."""
    commits = ["a", "b", "c", "d", "e"]
    assert "".join(tracking_commits.order(commits, 3)) == "abcdeedcbaabcde"
    turns = list(tracking_commits.order(commits, 4))
    assert {sum(turn for turn, one in enumerate(turns) if one == commit) for commit in commits} == {38}


def test_half_as_slow_again_is_found_in_noise_of_two_percent() -> None:
    """What the script says that its five commits bear: the step at the third is the greatest that is told."""
    pytest.importorskip("asv", reason="asv is not installed: pip install '.[asv]'")
    rng = np.random.default_rng(0)
    level = np.where(tracking_commits.SLOW, 1.5, 1.0)

    def named(noise: float) -> float:
        found = 0
        for _ in range(100):
            values = level * np.exp(rng.normal(0, noise, len(level)))
            [told] = change_points.find([Series("a", "", {}, 0, values, values * 0.99, values * 1.01)])
            found += bool(told) and max(told, key=lambda step: step.factor).first == 2
        return found / 100

    assert named(0.01) == 1.0
    assert named(0.02) >= 0.95
    assert named(0.05) < 0.9  # the script's docstring says so


# --- start_times ------------------------------------------------------------------------------------------------------


def test_start_times_has_a_line_for_each_command(monkeypatch, capsys) -> None:
    """The median of the runs after the first, beside what is allowed; the largest committed run is shown."""
    asked: list[list[str]] = []
    monkeypatch.setattr(start_times, "taken", lambda arguments: asked.append(arguments) or 0.25)
    assert start_times.main([]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["pass     0.25 s", "--help   0.25 s (at most 0.3 s)"]
    assert len(lines) == len(start_times.COMMANDS)
    assert Path(asked[2][-1]).stat().st_size == max(one.stat().st_size for one in start_times.RUNS.glob("*/*.json"))


# --- trust ------------------------------------------------------------------------------------------------------------


def chain(*readings, kind="cpu"):
    """A chain of (level, median, codes) of one record each, alone on the machine."""
    made = [
        trust_score.Reading(level, 0.0, [trust_score.Row(0, median, list(codes))]) for level, median, codes in readings
    ]
    return trust_score.Chain(kind, "stream.load [L1]", "2026-01-01T00:00:00+00:00", made)


QUIET = ("", 1.0, ())


def test_a_record_is_disturbed_by_its_distance_from_the_references_beside_it():
    """5% either way; references of 1 s and 1.02 s are near enough, of 1 s and 1.03 s not."""
    records, unscored = trust_score.scored([
        chain(QUIET, ("10%", 1.04, ()), QUIET, ("50%", 1.06, ("steal",)), QUIET, ("100%", 0.94, ()), QUIET),
        chain(QUIET, ("10%", 1.01, ()), ("", 1.019, ()), ("50%", 1.2, ()), ("", 1.05, ())),
    ])  # fmt: skip
    assert [(one.level, one.disturbed, one.flagged) for one in records] == [
        ("10%", False, False), ("50%", True, True), ("100%", True, False), ("10%", False, False),
    ]  # fmt: skip
    assert unscored == 1


def test_where_other_programs_were_at_work_there_is_no_reference():
    """A quiet reading beside somebody's compiler scores nothing, and is no false alarm either."""
    loud = trust_score.Reading("", 0.5, [trust_score.Row(0, 1.0, ["other_processes"])])
    made = chain(QUIET, ("10%", 1.0, ()))
    found = trust_score.summary([msgspec.structs.replace(made, readings=[*made.readings, loud])])
    assert (found.unscored, found.quiet_records, found.quiet_flagged) == (1, 1, 0)


def test_the_skill_of_a_reason_is_hits_less_false_alarms():
    """A perfect reason has 1, one that marks everything 0, and one that marks the wrong ones less."""
    made = [
        chain(QUIET, ("50%", 2.0, ("right", "always")), QUIET, ("5%", 1.0, ("always", "wrong")), QUIET)
        for _ in range(20)
    ]
    found = trust_score.summary(made)
    assert {code: one.skill for code, one in found.reasons.items()} == {"always": 0.0, "right": 1.0, "wrong": -1.0}
    right = found.reasons["right"]
    assert (right.hits, right.misses, right.false_alarms, right.correct, right.low, right.high) == (20, 0, 0, 20, 1, 1)
    assert (found.overall.disturbed, found.overall.flagged, found.overall.false_alarms) == (20, 20, 20)
    assert found.strong.scored == 20  # 5% of a CPU is below
    told = "\n".join(trust_score.lines(found))
    assert "| `right` | 20 | 0 | 0 | 0, 0 | 0 | 1.00 (1.00 to 1.00) |" in told
    assert "| cpu 50% | 20 | 20 | 20 (100%) | 0 | 0 |" in told


def test_what_the_host_does_is_scored_by_the_quiet_readings_alone():
    """Of three quiet readings the middle one is off and marked: a hit, whatever was disturbed between them."""
    found = trust_score.summary([
        chain(QUIET, ("50%", 2.0, ("other",)), ("", 1.2, ("steal",)), ("100%", 2.0, ("other",)), QUIET),
        chain(QUIET, ("50%", 2.0, ()), QUIET, ("100%", 2.0, ()), QUIET),
    ])  # fmt: skip
    assert (found.host.scored, found.host.disturbed) == (2, 1)
    assert {code: one.skill for code, one in found.host_reasons.items()} == {"steal": 1.0}
    told = "\n".join(trust_score.lines(found))
    assert "Of 2 readings that nothing here disturbed" in told
    assert "Unmarked and off: 2 of 2 records (100.0%) from 10% of a CPU on, and 0 of 1 records (0.0%) that" in told


def test_without_disturbed_records_there_is_no_skill():
    """Nothing can be hit; and the share that is flagged of none is all."""
    found = trust_score.summary([chain(QUIET, ("10%", 1.0, ("steal",)), QUIET)])
    assert found.reasons["steal"].skill is None
    assert trust_score.missed_targets(found) == []
    assert trust_score.missed_targets(trust_score.summary([chain(("", 1.0, ("steal",)))])) == [
        "false alarms, quiet: 100.0%, target at most 2%"
    ]


def test_what_was_measured_is_read_back(tmp_path, capsys):
    """A chain a line; the tables are printed again, and the exit code says whether a target is missed."""
    file, path = (
        trust.File("box", "CPU", {"version": "1"}, "quick", left_out={"quota": "no cgroup"}),
        tmp_path / "a.json",
    )
    file.chains = [chain(QUIET, ("50%", 2.0, ()), QUIET)]
    trust.save(file, path)
    assert trust.read(path).chains == file.chains
    assert trust.main(["--from", str(path)]) == 1
    said = capsys.readouterr().out
    assert "Left out: quota: no cgroup." in said
    assert "Target missed: flagged: 0.0%, target at least 95%." in said


@pytest.mark.parametrize("arguments", [["--from", "missing.json"], ["--level", "7%"], ["--noise", "fire"]])
def test_wrong_use_of_trust_is_exit_2_and_one_line(arguments, capsys):
    """What cannot be read, a level and a disturbance that do not exist."""
    with pytest.raises(SystemExit) as left:
        trust.main(arguments)
    assert left.value.code == 2
    assert "Traceback" not in capsys.readouterr().err


def test_a_file_of_something_else_is_refused(tmp_path, capsys):
    """It is neither overwritten nor half read."""
    path = tmp_path / "a.json"
    path.write_text('{"chains": 1}')
    with pytest.raises(SystemExit):
        trust.main(["--from", str(path)])
    assert f"{path}: is no file of this script" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("level", "turn"), [("", (0, 1)), ("burst", (1, 3)), ("25%", (0.025, 0.075)), ("100%", (0.1, 0))]
)
def test_a_level_is_a_share_of_the_time(level, turn):
    """Turns of a tenth of a second; a burst is a second of every four."""
    assert trust_noise.duty(level) == pytest.approx(turn)


def test_a_disturbance_that_is_not_installed_is_unavailable(monkeypatch):
    """The reason names the program."""
    monkeypatch.setattr(trust_noise.shutil, "which", lambda name: None)
    with pytest.raises(trust_noise.Unavailable, match="stress-ng is not installed"):
        trust_noise.command("vm", 0)


def test_where_no_cgroup_can_be_made_there_is_no_quota(monkeypatch, tmp_path):
    """A folder that does not let itself be written, and a system without cgroups."""
    monkeypatch.setattr(trust_noise.cgroups, "cgroup_folders", lambda root, controller: ([], False))
    with pytest.raises(trust_noise.Unavailable, match="no cgroup was found"), trust_noise.quota():
        pass
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setattr(trust_noise.cgroups, "cgroup_folders", lambda root, controller: ([blocked], False))
    with pytest.raises(trust_noise.Unavailable, match="no cgroup can be made below"), trust_noise.quota():
        pass


# --- counts -----------------------------------------------------------------------------------------------------------


def test_counts_compares_with_what_is_derived_by_hand() -> None:
    """One kernel exact, one that is not known; what is not reached is told."""
    said: list[str] = []
    assert counts.main(["--size", "400", "--only", "axpy", "sort"], said.append) == 1
    assert "16,000" in said[1]
    assert " yes " in said[1]
    assert said[3:5] == ["NumPy kernels exact: 1 of 2, 1.8 wanted", "truth inside: 2 of 2"]


# --- first_contact ----------------------------------------------------------------------------------------------------


def on_a_card(out: Path, run: Any) -> Any:
    """In the place of processes: each `hwbench run` leaves the records of its bench; all else prints its name."""
    asked = []

    def taken(command: Any, limit_s: float) -> Any:
        asked.append((list(command), limit_s))
        if "run" not in command:
            return first_contact.Ended(0, f"said by {command[1]}")
        select = command[4]
        if select == "device.peak":
            return first_contact.Ended("cut off after 45 s", "measuring device.peak\n")
        mine = [one for one in run.records if one.bench == select or select == "device.*"]
        path = Path(command[-1]) / "runs/box" / f"{run.id}.json"
        path.parent.mkdir(parents=True)
        store.write(replace(run, records=mine), path)
        return first_contact.Ended(1 if select == "device.latency" else 0, "2 cases failed")

    taken.asked = asked
    return taken


def test_first_contact_keeps_each_step_and_writes_targets_after_it(tmp_path: Path) -> None:
    """A step that is cut off or fails costs the others nothing; the folder is flat and has no more than eight files."""
    run = gpu_run(spread=0.0, suspect=False)
    written = []
    taken = on_a_card(tmp_path, run)

    def watched(command: Any, limit_s: float) -> Any:
        written.append(sorted(one.name for one in tmp_path.iterdir()))
        return taken(command, limit_s)

    said: list[str] = []
    chosen = [one for one in first_contact.steps(nvcc=True) if one.name != "nvidia-smi"]
    assert first_contact.contact(tmp_path, chosen, watched, said.append) == 2
    assert [one.partition(":")[0] for one in said] == [one.name for one in chosen]
    assert any("device.peak: cut off after 45 s in" in one for one in said)
    assert said == (tmp_path / "steps.txt").read_text().splitlines()
    assert written[2] == ["goals.json", "machine.txt", "steps.txt", "targets.txt"], "after the first goal"
    found = sorted(tmp_path.iterdir())
    assert [one.name for one in found] == [
        "checks.txt", "goals.json", "machine.txt", "run.json", "steps.txt", "targets.txt"
    ]  # fmt: skip
    assert all(one.is_file() for one in found)
    goals = store.read(tmp_path / "goals.json")
    assert {one.bench for one in goals.records} >= {"device.stream", "transfer.copy", "device.matmul"}
    told = (tmp_path / "targets.txt").read_text().splitlines()
    assert "NOT REACHED  device copy: 2.9 TB/s, at least 3 TB/s" in told
    assert all(line.startswith(("reached   ", "NOT REACHED")) for line in told)
    assert "=== answers\nsaid by -m" in (tmp_path / "checks.txt").read_text()


def test_first_contact_takes_six_minutes_and_asks_for_no_more_than_is_there() -> None:
    """Limits of all steps but those by choice; each bench, parameter and test that is named exists."""
    chosen = list(first_contact.steps())
    assert sum(one.limit_s for one in chosen if one.name.startswith("goal")) <= 330
    benches = catalog.benches()
    for one in chosen:
        assert one.file in ("machine.txt", "goals.json", "checks.txt", "run.json")
    for goal in first_contact.GOALS:
        names = list(itertools.takewhile(lambda word: not word.startswith("--"), goal))
        given = goal[len(names) :]
        pairs = list(zip(given[::2], given[1::2], strict=True))
        for name in names:
            assert {value.partition("=")[0] for flag, value in pairs if flag == "--param"} <= set(benches[name].axes)
            assert {value for flag, value in pairs if flag == "--variant"} <= set(benches[name].variants)
    tests = (SCRIPTS.parent / "tests/gpu/test_on_a_gpu.py").read_text()
    asked = [one.command[-1] for one in first_contact.steps(nvcc=True, sanitizer=True) if "-k" in one.command]
    for word in (word for one in asked for word in one.split(" or ")):
        assert word in tests or word in ("copy16", "pick", "fma_f4_8", "barriers_block"), word


def test_a_step_that_hangs_is_ended_and_what_it_printed_is_kept() -> None:
    """With the whole of its process group."""
    hangs = "import time; print('begun', flush=True); time.sleep(60)"
    ended = first_contact.process((sys.executable, "-S", "-c", hangs), 0.5)
    assert (ended.code, ended.output) == ("cut off after 0.5 s", "begun\n")
    assert first_contact.process((sys.executable, "-S", "-c", "raise SystemExit(3)"), 20).code == 3


# --- tracking_histories -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", tracking_histories.WAYS)
def test_a_planted_tenth_is_found_and_nobody_accused(way: str) -> None:
    """Two trials of each kind of results; docs/verdicts-tested.md has the figures of many."""
    pytest.importorskip("asv", reason="asv is not installed: pip install '.[asv]'")
    assert tracking_histories.shares(way, 2, seed=3) == (0.0, 1.0)


# --- ab_errors --------------------------------------------------------------------------------------------------------


def test_made_up_runs_of_ab_are_judged_as_real_ones() -> None:
    """Where all is quiet 2% are found in the case that has them alone; each kind of noise can be made."""
    source = np.random.default_rng(1)
    assert ab_errors.alarms(ab_errors.simulated("normal 0.2%", source, 0.02)) == ["case0"]
    for kind in ab_errors.KINDS:
        assert ab_errors.noise(kind, source, 8).shape == (8, ab_errors.CASES)
    with pytest.raises(ValueError, match="storm"):
        ab_errors.noise("storm", source, 8)


def test_what_was_measured_of_ab_is_told_again(tmp_path, capsys):
    """Runs are added to those that are there; a false alarm of a null run is exit 1."""
    out = tmp_path / "errors.json"
    one = {"mode": "duet", "seconds": 12.0, "deviation": 0.01, "alarms": [], "quads": 9, "log_width": -3.0}
    one["loop"] = ["slower", 1.02, 0.015]
    for name in ("null", "planted"):
        ab_errors.added(out, name, [one, one])
    ab_errors.added(out, "duet", [{"duet": one, "no-duet": one | {"log_width": -2.0 + at / 10}} for at in (0, 1)])
    assert ab_errors.main(["told", "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert "Real null runs: 2, 0 with a false alarm; 12 to 12 s each, 2 as duets" in said
    assert "2% planted: found in 2 of 2 runs, 0 with another alarm" in said
    assert "duet: 2 pairs; width of duets' intervals over those in turn 0.35 (0.19 to 0.66)" in said
    ab_errors.added(out, "null", [one | {"alarms": [["x", "slower", 1.1]]}])
    assert ab_errors.main(["told", "--out", str(out)]) == 1


def test_kept_rounds_of_ab_are_judged_again(tmp_path, capsys):
    """By each figure, of the first rounds and of all, and by the means of both processes as before."""
    rng, lines = np.random.default_rng(1), ["{}"]
    for number in range(40):
        quad, step = divmod(number, 4)
        side = int(step in (1, 2)) ^ quad % 2
        lines.append(json.dumps({"quad": quad, "step": step, "side": side}))
        slow = 1.5 if number in (3, 17, 25) else 1.0
        stats = {"data": [slow * (1.1 if side else 1.0) * (1 + x) for x in rng.exponential(0.01, 9)]}
        name = f"{number + 1:03}-{'new' if side else 'base'}.json"
        (tmp_path / name).write_text(
            json.dumps({"benchmarks": [{"name": f"x[loop{i}]", "stats": stats} for i in range(5)]})
        )
    (tmp_path / "ab.jsonl").write_text("\n".join(lines))
    out = tmp_path / "errors.json"
    assert ab_errors.main(["rejudged", str(tmp_path), "--out", str(out)]) == 0
    found = {(x["rounds"], x["figure"], x["sides"]): x for x in json.loads(out.read_text())["rejudged"]}
    assert {rounds for rounds, *_ in found} == {7, 9}
    assert found[9, "min", "chosen"]["loop"][0] == "slower"
    assert found[9, "min", "chosen"]["sees"][4] < found[9, "min", "means"]["sees"][4] / 3
    assert "| 9 | min | chosen | 1 |" in capsys.readouterr().out


# --- fleet_faults -----------------------------------------------------------------------------------------------------

fleet_faults = script("fleet_faults")
CALM = dict.fromkeys({fleet_faults.part(name) for name in fleet_faults.NAMES}, (0.003, 0.001))


def test_the_bound_is_a_ratio_of_densities() -> None:
    """The density of a part of one quantity is 1 in the whole; high ratios of healthy machines are rare."""
    known = fleet_faults.truth(0.04, CALM)
    number = int(known.part[list(fleet_faults.NAMES).index("prange.compute")])
    (at,) = known.of(number)
    x = np.zeros((20_001, len(fleet_faults.NAMES)))
    x[:, at] = np.linspace(-1, 1, len(x))
    density = np.exp(fleet_faults._density(known, x, known.own**2 + known.run**2 / 3, number, fleet_faults.TAIL))
    assert abs(density.sum() * 1e-4 - 1) < 1e-3
    fleet = fleet_faults.made(known, 800, {0.08: 60}, 1)
    found = fleet_faults.bound(fleet, known, (0.08,))
    healthy = fleet.kind == fleet_faults.HEALTHY
    assert (found[healthy] > 2).mean() < np.exp(-2)
    assert np.median(found[~healthy]) > np.quantile(found[healthy], 0.99)


def test_a_cell_has_what_was_found_and_by_whom() -> None:
    known = fleet_faults.truth(0.01, CALM)
    cell = fleet_faults.Cell()
    fleet_faults.judged(fleet_faults.made(known, 900, dict.fromkeys(fleet_faults.SIZES, 10), 2), known, cell)
    cells = list(fleet_faults._cells(0.01, cell))
    assert [one["size"] for one in cells] == list(fleet_faults.SIZES)
    assert cells[-1]["bound"] == cells[-1]["ours"] == cells[-1]["odd"] == cells[-1]["named"] == 1.0
    assert cells[0]["odd_healthy"] == 0.0
    assert cells[-1]["rules"]["10% below the mean"][0] > 0.5
    assert len(list(fleet_faults.told({"recall": cells}))) == 6


def test_the_published_fleet_is_labelled() -> None:
    path = fleet_faults.OUT / "made-up.npz"
    assert path.stat().st_size < 3e6
    with np.load(path) as kept:
        assert kept["deviation"].shape == (40, 3, 10_000)
        assert (kept["kind"] >= 0).sum() == (kept["size"] > 0).sum() == 300
        # A link of half width is nowhere else: who is at fault is slower by about the size.
        at = list(kept["quantities"]).index("h2d.pinned@gpu:0")
        hit = (kept["kind"] == list(kept["kinds"]).index("link width")) & (kept["size"] > 0.14)
        assert abs(np.median(kept["deviation"][at, :, hit]) * 2e-4 - np.log(0.85)) < 0.03


def test_the_runs_at_hand_show_their_noise() -> None:
    path = fleet_faults.OUT / "faults.json"
    kept = json.loads(path.read_text("utf-8"))
    assert set(fleet_faults.noise(kept)) == set(CALM)
    assert 0 < kept["variances"]["measured"]["core"]["run_to_run"] < 0.01


# --- rocm_assembly ----------------------------------------------------------------------------------------------------

MARK = """
mark:                                   ; @mark
\tglobal_store_dword v0, v1, s[0:1]
\ts_endpgm
.Lfunc_end0:
amdhsa.kernels:
  - .agpr_count:     0
    .name:           mark
    .private_segment_fixed_size: 16
    .sgpr_spill_count: 0
    .vgpr_count:     2
    .vgpr_spill_count: 0
    .wavefront_size: 64
"""


def test_the_assembly_of_rocm_is_held_against_what_is_counted(monkeypatch, capsys):
    """A kernel that is missing, memory of a thread's own, another width of a wavefront; 2 where nothing can be told."""
    rocm_assembly = script("rocm_assembly")
    monkeypatch.setattr(rocm_assembly.amdgcn, "assembly", lambda *_: MARK)
    monkeypatch.setattr(rocm_assembly.amdgcn, "lacking", lambda: "")
    assert rocm_assembly.main(["device.sync", "--arch", "gfx1100"]) == 1
    said = capsys.readouterr().out
    assert "gfx1100 wave32 device.sync/step: is not in the assembly" in said
    assert "gfx1100 wave64 device.sync/mark: 16 registers or bytes spilled" in said
    assert [line for line in said.splitlines() if "wavefronts of" in line] == [
        "gfx1100 wave32 device.sync/mark: wavefronts of 64"
    ]
    assert rocm_assembly.main(["device.tensor"]) == 2
    assert "for ROCm: its kernels are PTX" in capsys.readouterr().err
    monkeypatch.setattr(rocm_assembly.amdgcn, "lacking", lambda: "needs clang")
    assert (rocm_assembly.main([]), capsys.readouterr().err) == (2, "needs clang\n")
