"""Run files: written whole or not at all, and read with suspicion of every byte."""

from __future__ import annotations

import json
import os
import re
import resource
import threading
from pathlib import Path

import msgspec
import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from doubles.scripted import MACHINE, record, run_of
from hwbench.errors import StoreError
from hwbench.record import store
from hwbench.record.model import COUNTS, STATUSES, BenchInfo, Memory, Policy, Record, Run, key
from hwbench.record.reasons import Reason

RUN = run_of(
    record("a", counts={"bytes": 8.0}, facts={"footprint": 64, "cpus": [0, 1]}, telemetry={"wall_s": [0.1, 0.2]}),
    record(
        "b",
        status="skipped",
        samples=(),
        reasons=[Reason("other", "needs \u2028 SMT")],
        params={"size": "L1", "n": 3, "x": 0.5},
    ),
)
GOOD = msgspec.json.encode(RUN)
REPORTS = Path(__file__).parents[2] / "reports"


def changed(path: str, value: object) -> bytes:
    """The good run with one value put in place of another; `path` like `records.0.samples`."""
    data = json.loads(GOOD)
    *way, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    place = data
    for part in way:
        place = place[part]
    place[last] = value
    return json.dumps(data).encode()


def refusal(data: bytes) -> str:
    """The one line that is said of a file; fails if it is accepted or anything else is raised."""
    with pytest.raises(StoreError) as error:
        store.decode(data, "some.json")
    line = str(error.value)
    assert line.startswith("some.json")
    assert "\n" not in line
    assert len(line) < 400
    return line


# --- reading ----------------------------------------------------------------------------------------------------------

TEXT = st.text(max_size=20)  # Hypothesis leaves lone surrogates out unless asked, as JSON must
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
SCALARS = st.one_of(st.integers(-(2**63), 2**63 - 1), NUMBERS, TEXT)
PLAIN = st.recursive(
    st.one_of(st.none(), st.booleans(), SCALARS),
    lambda x: st.lists(x, max_size=3) | st.dictionaries(TEXT, x, max_size=3),
    max_leaves=5,
)
REASONS = st.builds(Reason, st.sampled_from(["steal", "needs_smt", "other", "of_a_newer_one"]), TEXT)
FACTS = st.dictionaries(TEXT.filter(lambda name: name not in ("footprint", "threads")), PLAIN, max_size=3)


@st.composite
def records(draw):
    status = draw(st.sampled_from(STATUSES))
    samples = draw(st.lists(st.floats(1e-12, 1e6), max_size=5)) if status in ("ok", "suspect") else []
    return Record(
        bench=draw(TEXT), version=draw(st.integers(0, 99)), variant=draw(TEXT), device=draw(TEXT), status=status,
        params=draw(st.dictionaries(TEXT, SCALARS, max_size=3)), reasons=draw(st.lists(REASONS, max_size=2)),
        loops=draw(st.integers(0, 10**9)),
        samples=samples, facts=draw(FACTS),
        counts=draw(st.dictionaries(st.sampled_from(COUNTS), st.just(0.0) | st.floats(1e-9, 1e18), max_size=3)),
        telemetry=draw(st.dictionaries(TEXT, st.lists(st.floats(-1e30, 1e30), max_size=3), max_size=2)),
    )  # fmt: skip


@given(st.lists(records(), max_size=4, unique_by=key), TEXT, st.none() | TEXT)
def test_what_is_written_is_what_is_read(some, name, finished):
    """Any run that the engine can make survives its file, indented or not."""
    run = run_of(*some, id=name, finished=finished)
    assert store.decode(msgspec.json.encode(run), "x") == run
    assert store.decode(store.encode(run), "x") == run


@pytest.mark.parametrize("cut", sorted({*range(0, len(GOOD) - 1, 7), len(GOOD) - 1}))
def test_a_truncated_file_is_refused_wherever_it_was_cut(cut):
    """No prefix of a run is a run."""
    refusal(GOOD[:cut])


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is no JSON, or was cut off"),
        (b"null", "Expected `object`, got `null`"),
        (b"[]", "Expected `object`, got `array`"),
        (b"{}", "missing required field `schema`"),
        (b'{"schema": 1}', "missing required field `id`"),
        (b'{"version": "0.1", "benchmarks": []}', "missing required field `schema`"),  # pytest-benchmark's
        (b"\x89PNG\r\n\x1a\n", "is no JSON"),
        (b"\xff\xfe{\x00}\x00", "is no JSON"),
        (GOOD.replace(b"box-", b"\xff"), f"is no UTF-8 text (byte {GOOD.index(b'box-')}); save it as UTF-8"),
        (GOOD[: GOOD.index(b"\xe2\x80\xa8") + 1], "is no JSON, or was cut off"),  # within a character
        (b"\xef\xbb\xbf" + GOOD, "has a byte-order mark, or is UTF-16; save it as UTF-8"),
        (GOOD.decode().encode("utf-16"), "has a byte-order mark, or is UTF-16; save it as UTF-8"),
        (GOOD.decode().encode("utf-16-le"), "has a byte-order mark, or is UTF-16; save it as UTF-8"),
        (GOOD.decode().encode("utf-16-be"), "has a byte-order mark, or is UTF-16; save it as UTF-8"),
        (b"<html>", "is no JSON"),
        (b"[" * 10**6, "Expected `object`, got `array`"),
        (b'{"schema":1,"x":' + b"[" * 10**6, "is nested too deeply"),
        (b'{"schema":1,"x":' + b'{"a":' * 10**6, "is nested too deeply"),
        (
            GOOD.replace(b'{"footprint"', b'{"f":' + b"[" * 10**6 + b"]" * 10**6 + b',"footprint"'),
            "is nested too deeply",
        ),
        (GOOD + b"{}", "is no JSON"),
        (GOOD.replace(b'"schema":2', b'"schema":NaN'), "is no JSON"),
        (changed("schema", 3), "schema 3 is newer than 2, the newest this hwbench reads; upgrade hwbench"),
        (changed("schema", 10**30), "is newer than 2"),
        (changed("schema", 0), "schema 0 does not exist (1 to 2 do)"),
        (
            GOOD.replace(b'"ok"', b'"' + b"a" * 10**4 + b'"', 1),
            f"Invalid enum value '{'a' * 60}…' - at `$.records[0].status`",
        ),
        (changed("schema", "1"), "Expected `int`, got `str` - at `$.schema`"),
        (changed("schema", True), "got `bool`"),
    ],
)
def test_foreign_files_are_told_apart(data, said):
    """Empty, cut off, binary, nested a million deep, newer, somebody else's: one line that says which."""
    assert said in refusal(data)


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("records", {}, "at `$.records`"),
        ("records.0.version", "1", "at `$.records[0].version`"),
        ("records.0.status", "great", "at `$.records[0].status`"),
        ("records.0.params", {"n": [1]}, "at `$.records[0].params"),
        ("records.0.samples", [1.0, None], "at `$.records[0].samples[1]`"),
        ("records.0.samples", [1.0, "x"], "at `$.records[0].samples[1]`"),
        ("records.0.samples", [1.0, 0.0], "records[0].samples[1]: 0.0 is no time"),
        ("records.0.samples", [-1.0], "records[0].samples[0]: -1.0 is no time"),
        (
            "records.0.samples",
            [5e-324],
            "records[0].samples[0]: 5e-324 is no time in seconds from 1e-12 to 1e+09; measure",
        ),
        ("records.0.samples", [1.0, 1e300], "records[0].samples[1]: 1e+300 is no time in seconds from"),
        ("records.0.samples", [1e-12, 1e9, 0.0], "records[0].samples[2]: 0.0 is no time"),
        ("records.0.samples", [1000000000.5], "records[0].samples[0]: 1000000000.5 is no time in seconds"),
        ("records.0.samples", [1.0] * 10_001, "records[0].samples: 10001 are more than the 10000"),
        ("records.0.counts", {"words": 1.0}, "records[0].counts: 'words' is none of bytes"),
        ("records.0.counts", {"w" * 50: 1.0}, f"records[0].counts: '{'w' * 40}' is none of bytes"),
        ("records.0.counts", {"bytes": 1e30}, "records[0].counts.bytes: 1e+30 is no amount"),
        ("records.0.counts", {"bytes": -1.0}, "records[0].counts.bytes: -1.0 is no amount"),
        (
            "records.0.counts",
            {"bytes": 1e308},
            "records[0].counts.bytes: 1e+308 is no amount of work: 0, or from 1e-09 to 1e+30; m",
        ),
        ("records.0.counts", {"bytes": 5e-324}, "records[0].counts.bytes: 5e-324 is no amount of work"),
        ("records.1.samples", [1.0], "records[1]: is 'skipped' and has samples"),
        ("records.0.facts", {"footprint": "64"}, "records[0].facts.footprint: is no whole number"),
        ("records.0.facts", {"threads": 1.5}, "records[0].facts.threads: is no whole number"),
        ("records.0.facts", {"losses": [[10**308]]}, "holds a number of 309 digits or more"),
        ("records.0.facts", {"threads": 2**63}, "records[0].facts.threads: is no whole number"),
        ("records.0.facts", {"threads": -(2**63)}, "records[0].facts.threads: is no whole number"),
        ("records.0.facts", {"footprint": 10**400}, "records[0].facts.footprint: is no whole number"),
        ("machine.memory.total", 10**400, "machine.memory.total: is no number of bytes"),
        ("machine.memory.total", 2**63, "machine.memory.total: is no number of bytes"),
        ("machine.cpu.smt", -1, "machine.cpu.smt: is no number of bytes, CPUs or a level"),
        ("machine.cpu.caches", [{"level": 1, "bytes": 1, "line": -1, "shared_by": 1}], "cpu.caches[0].line: is no"),
        ("machine.gpus", [{"name": "x", "memory": -1}], "machine.gpus[0].memory: is no number"),
        ("machine.opencl", [{"name": "x", "memory": -1}], "machine.opencl[0].memory: is no number"),
        ("machine.virtual", "x" * 1001, "settings, topology), variables: more than 500 names"),
        ("variables", {"x": "x" * 1001}, "settings, topology), variables: more than 500 names"),
        ("machine.memory.total", -1, "machine.memory.total: is no number of bytes"),
        ("machine.cpu.isa", ["x" * 1001], "settings, topology), variables: more than 500 names"),
        ("machine.topology", ["x" * 1001], "settings, topology), variables: more than 500 names"),
        ("machine.topology", ["x"] * 501, "settings, topology), variables: more than 500 names"),
        ("machine.cpu.microcode", "x" * 1001, "settings, topology), variables: more than 500 names"),
        ("machine.os", "x" * 1001, "settings, topology), variables: more than 500 names"),
        ("records.0.telemetry", {"wall_s": 3}, "records[0].telemetry.wall_s: is no list of numbers"),
        ("records.0.telemetry", {"w" * 50: 3}, f"records[0].telemetry.{'w' * 40}: is no list of numbers"),
        ("records.0.telemetry", {"wall_s": [1e31]}, "telemetry.wall_s: is no list of numbers of at most 1e+30"),
        ("records.0.telemetry", {"wall_s": [True]}, "is no list of numbers"),
        ("records.0.telemetry", {"wall_s": [0, -1e31]}, "telemetry.wall_s: is no list of numbers of at most 1e+30"),
        ("records.1", json.loads(GOOD)["records"][0], "records[1]: is of the same case as records[0]; remove one"),
        ("records.0.reasons", "steal", "Expected `array`, got `str` - at `$.records[0].reasons`"),
        ("records.0.reasons", [{"code": 1}], "Expected `str`, got `int` - at `$.records[0].reasons[0].code`"),
        ("records.0.reasons", [{"detail": "x"}], "missing required field `code` - at `$.records[0].reasons[0]`"),
        ("records.0.reasons", [{"code": "No Code"}], "records[0].reasons[0].code: is no code such as steal"),
        ("records.0.reasons", [{"code": "steal", "detail": "x" * 2001}], "records[0].reasons[0].detail: has more than"),
        ("records.0.reasons", [{"code": "steal"}] * 101, "records[0].reasons: 101 are more than the 100"),
        ("policy.sizes", {"L1": 0}, "policy.sizes.L1: 0 is no size"),
        ("policy.sizes", {"L" * 50: -1}, f"policy.sizes.{'L' * 40}: -1 is no size"),
        ("policy.precision", -0.5, "policy: a negative number"),
        ("policy.min_sample_s", 0.0, "policy: a negative number, or no rounds"),
        ("policy.rounds", 0, "policy: "),
        ("policy.seed", -1, "policy: "),
        ("machine.settings", {"turbo": "x" * 1001}, "topology), variables: more than 500 names, or one of more than"),
        ("machine.settings", {"turbo": 1}, "at `$.machine.settings[...]`"),
        ("machine.cpu.allowed", [0, "1"], "at `$.machine.cpu.allowed[1]`"),
        ("benches", [], "at `$.benches`"),
        ("benches", {"a.b": {"question": "?"}}, "missing required field `baseline` - at `$.benches[...]`"),
        ("benches", {"a.b": {"question": 1, "baseline": "x"}}, "got `int` - at `$.benches[...].question`"),
        ("benches", {"a.b": {"question": "?", "baseline": "x", "limit": "{n:9}"}}, "benches.a.b.limit: is no kind"),
        ("benches", {"a.b": {"question": "?", "baseline": "x", "limit": ""}}, "benches.a.b.limit: is no kind"),
        ("benches", {"a.b": {"question": "?", "baseline": "x", "measures": "{n:9}"}}, "benches.a.b.measures: is noth"),
        ("benches", {"a.b": {"question": "?", "baseline": "x", "measures": "{n.a}"}}, "benches.a.b.measures: is noth"),
        ("benches", {"a.b": {"question": "?", "baseline": "x", "leading": "bits"}}, "a.b.leading: 'bits' is none of"),
        (
            "benches",
            {"b" * 50: {"question": "?", "baseline": "x", "leading": "l" * 50}},
            f"benches.{'b' * 40}.leading: '{'l' * 40}' is none of bytes",
        ),
        ("benches", {"a.b": {"question": "?" * 1001, "baseline": "x"}}, "or one of more than 1000 characters"),
        ("benches", {"a.b": {"question": "?", "baseline": "x", "axes": {"n": "n" * 1001}}}, "more than 1000 char"),
        ("benches", {"a.b": {"question": "?", "baseline": "x", "variants": ["x"] * 500}}, "more than 500 names"),
        ("benches", {"a.b": {"question": "?", "baseline": "x", "where": {"n": [1]}}}, "at `$.benches[...].where[...]`"),
    ],
)
def test_wrong_types_and_values_are_told_with_their_place(path, value, said):
    """Which file, where in it."""
    assert said in refusal(changed(path, value))


WORDS = ["x" * 1000] * 400


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("records.0.samples", [1.0] * 10_000),
        ("records.0.facts", {"threads": 2**63 - 1, "footprint": 1 - 2**63}),
        ("records.0.facts", {"losses": [10**308 - 1]}),
        ("records.0.reasons", [{"code": "steal", "detail": "x" * 2000}] * 100),
        ("records.0.telemetry", {"wall_s": [-1e30, 0, 1e30], "at_s": []}),
        ("machine.memory.total", 2**63 - 1),
        ("machine.memory.total", 0),
        ("machine.gpus", [{"name": "x"}, {"name": "y", "memory": 2**63 - 1}]),
        ("machine.opencl", [{"name": "x"}]),
        ("machine.topology", WORDS),
        ("policy.sizes", {"L1": 1}),
        ("policy.seed", 0),
        ("policy.min_sample_s", 1e-3),
        ("policy.max_rounds", 1),
        ("benches", {"a.b": {"question": "?" * 1000, "baseline": "x", "variants": ["x"] * 498}}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_just_within_its_bounds_is_read(path, value):
    """The largest and the smallest that is accepted of each."""
    store.decode(changed(path, value), "x")


def test_a_run_has_no_more_records_than_a_page_can_show():
    """12,000 are read on, here to the second, which is the first once more; one more is refused."""
    one = RUN.records[0]
    for count, said in (
        (12_000, r"records\[1\]: is of the same case"),
        (12_001, "12001 records are more than the 12000"),
    ):
        with pytest.raises(StoreError, match=said):
            store._validate(run_of(*[one] * count), "x")


def test_names_of_a_machine_are_counted_together():
    """500 are read: four of the system and the CPU, the rest of settings, topology and variables; more are refused."""
    cpu = msgspec.structs.replace(MACHINE.cpu, isa=["x"] * 4)
    machine = msgspec.structs.replace(MACHINE, cpu=cpu, settings={"a": "b"}, topology=["x"] * 488)
    full = run_of(machine=machine, variables={"a": "b"})
    store._validate(full, "x")
    machine.topology.append("x")
    with pytest.raises(StoreError, match="more than 500 names"):
        store._validate(full, "x")


def test_a_file_that_does_not_fit_in_memory_is_told(monkeypatch):
    """Whatever was too large for the decoder."""

    def full(*_, **__):
        raise MemoryError

    monkeypatch.setattr(store.msgspec.json, "decode", full)
    assert refusal(GOOD) == "some.json: does not fit in memory"


def test_a_field_more_or_less_needs_no_other_schema():
    """What a newer hwbench adds is passed over, its codes are kept, and an optional field may be missing."""
    more = json.loads(GOOD) | {"weather": "fine"}
    more["records"][1]["reasons"] = [{"code": "solar_flare", "detail": "two of them", "since": 3}]
    more["records"][0]["mood"] = {"good": True}
    del more["records"][0]["telemetry"], more["records"][0]["reasons"], more["policy"], more["disturbances"]
    run = store.decode(json.dumps(more).encode(), "newer.json")
    assert run.records[1].reasons == [Reason("solar_flare", "two of them")]
    assert (run.records[1].why, run.records[1].reasons[0].remedy) == ("two of them", "")
    assert (run.records[0].telemetry, run.records[0].reasons, run.policy) == ({}, [], Policy())


def test_conclusions_are_never_written(tmp_path):
    """A record that is suspect by its limits alone is written as it was measured, by each way of writing.

    What an older file holds about a bench that it does not describe is kept: nobody may be able to conclude it again.
    """
    steal, info = Reason("steal", "2% of a CPU"), BenchInfo("How fast?", "a", variants=["a", "b"])
    measured = run_of(record("a"), record("b", status="suspect", reasons=[steal]), benches={record().bench: info})
    marks = [[Reason("implausible", "2.00 times the limit")], [steal, Reason("doubtful", "L2 load"), Reason("twins")]]
    concluded = msgspec.structs.replace(
        measured,
        records=[
            msgspec.structs.replace(one, status="suspect", reasons=reasons)
            for one, reasons in zip(measured.records, marks, strict=True)
        ],
    )
    store.write(concluded, tmp_path / "run.json")
    assert store.read(tmp_path / "run.json") == measured
    assert store.decode(store.encode(concluded), "x") == measured
    older = msgspec.structs.replace(concluded, benches={})
    assert store.decode(store.encode(older), "x") == older


def test_benches_are_optional_and_kept():
    """A file without them reads as it was written; what a bench is to a reader comes back as it was stored."""
    old = {name: value for name, value in json.loads(GOOD).items() if name != "benches"}
    assert store.decode(json.dumps(old).encode(), "old.json") == RUN
    copy = BenchInfo("?", "raw", "link", "{direction}", {"n": 1, "variant": "raw"}, "bytes", ["raw"], {"n": "copies"})
    benches = {"stream.load": BenchInfo("How fast?", "numpy", "load"), "a.b": BenchInfo("Why?", "x"), "a.copy": copy}
    run = msgspec.structs.replace(RUN, benches=benches)
    assert store.decode(store.encode(run), "new.json") == run


@pytest.mark.parametrize(
    ("path", "value"), [("samples", [1e-12, 1e9]), ("counts", {"bytes": 0.0, "flops": 9.9e29, "hops": 1e-9})]
)
def test_numbers_at_the_bounds_are_read(path, value):
    """The shortest and the longest sample, no work and the most of it."""
    assert getattr(store.decode(changed(f"records.0.{path}", value), "x").records[0], path) == value


@pytest.mark.parametrize("path", sorted(REPORTS.glob("*/*/*.json")), ids=lambda path: path.stem)
def test_committed_runs_are_read(path):
    """Every run and comparison that the project keeps is within the bounds."""
    assert store.read(path).records


@pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"-Infinity", b"1e999", b"-1e999"])
def test_numbers_that_are_none_are_refused(number):
    """Strict JSON has no NaN, and what overflows to infinity is no time."""
    refusal(GOOD.replace(b'"samples":[1.0', b'"samples":[' + number))


def test_a_huge_file_is_refused_unread(tmp_path):
    """A gigabyte is no run file: its size says so, in no time and no memory."""
    path = tmp_path / "huge.json"
    with path.open("wb") as file:
        file.truncate(2**30)
    before = psutil.Process().memory_info().rss
    with pytest.raises(StoreError, match=r"huge.json: has 1 GiB, a run file 64 MiB at most"):
        store.read(path)
    assert psutil.Process().memory_info().rss - before < 2**26


def test_what_is_no_file_is_told(tmp_path):
    """A directory, a missing file, a FIFO, a name beyond the system's limit: one line each, and nothing waits."""
    fifo = tmp_path / "pipe"
    os.mkfifo(fifo)
    no_file, unread = "is not a regular file", "cannot be read"
    places = {tmp_path: no_file, tmp_path / "none.json": unread, fifo: no_file, tmp_path / ("x" * 5000): unread}
    for path, said in (places | {Path("/dev/zero"): no_file}).items():
        with pytest.raises(StoreError, match=said):
            store.read(path)


def test_names_from_a_file_are_no_paths(tmp_path):
    """Reading and finding never go where a name in a file points."""
    path = tmp_path / "runs" / "box" / "x.json"
    store.write(
        msgspec.structs.replace(RUN, id="../../../escaped", machine=msgspec.structs.replace(MACHINE, name="/etc")), path
    )
    assert store.read(path).id == "../../../escaped"
    assert store.find(tmp_path) == [path]
    assert [one.name for one in tmp_path.iterdir()] == ["runs"]


# --- writing ----------------------------------------------------------------------------------------------------------


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_a_growing_run_is_written_as_if_it_were_new(tmp_path):
    """Records that were encoded before, replaced ones and one whose bench is described only later."""
    growing, new = tmp_path / "growing.json", tmp_path / "new.json"
    concluded = record("a", reasons=[Reason("implausible", "1.2 times the limit")], status="suspect")
    first, second = run_of(concluded, benches={}), run_of(concluded, record("b"))
    writer = store.Rewriter()
    for run in (run_of(), first, second, second, run_of(record("b"))):
        writer.write(run, growing)
        store.write(run, new)
        assert growing.read_bytes() == new.read_bytes()


def test_records_that_are_known_are_not_encoded_again(tmp_path, monkeypatch):
    """To encode all of them after each contrast would take longer the more there are."""
    run = run_of(record("a"), benches={record().bench: BenchInfo("How fast?", "a")})
    writer = store.Rewriter()
    writer.write(run, tmp_path / "run.json")
    monkeypatch.delattr(store, "as_measured")
    writer.write(run, tmp_path / "run.json")
    assert store.read(tmp_path / "run.json") == run


def test_a_file_to_look_at_has_a_field_a_line():
    """Indented by one space, with an end of line at its end."""
    text = store.encode(RUN)
    assert text.startswith(b'{\n "schema": 2,\n "id"')
    assert text.endswith(b"\n}\n")


@pytest.mark.parametrize("moment", ["fsync", "replace"])
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_write_that_fails_leaves_the_old_file_and_no_litter(tmp_path, monkeypatch, moment, error):
    """Whatever ends a write, and wherever: the file is the old one, whole."""
    path = tmp_path / "run.json"
    store.write(RUN, path)

    def fail(*_):
        raise error

    monkeypatch.setattr(*{"fsync": (os, "fsync", fail), "replace": (Path, "replace", fail)}[moment])
    with pytest.raises(StoreError if isinstance(error, OSError) else KeyboardInterrupt):
        store.write(run_of(), path)
    assert files(tmp_path) == ["run.json"]
    assert store.read(path) == RUN


def test_a_full_disk_is_told_in_one_line(tmp_path):
    """The kernel itself refuses the 4097th byte (a limit on file sizes in a child): one line, nothing left behind."""
    path = tmp_path / "run.json"
    store.write(RUN, path)
    code = os.fork()
    if code == 0:  # the limit cannot be taken back, so a child takes it
        status = 1
        try:
            import signal

            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
            try:
                store.write_bytes(b"x" * 100_000, path)
            except StoreError as error:
                status = 0 if "cannot be written (File too large)" in str(error) else 2
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(code, 0)[1]) == 0
    assert files(tmp_path) == ["run.json"]
    assert store.read(path) == RUN


def test_readers_never_see_half_a_file(tmp_path):
    """While one thread replaces a run again and again, another reads a whole one each time."""
    path = tmp_path / "run.json"
    runs = [run_of(*[record(params={"n": i}) for i in range(size)]) for size in (1, 400)]
    store.write(runs[0], path)
    stop = threading.Event()

    def write():
        while not stop.is_set():
            for run in runs:
                store.write(run, path)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        seen = {len(store.read(path).records) for _ in range(200)}
    finally:
        stop.set()
        writer.join()
    assert seen <= {1, 400}


def test_a_place_that_cannot_be_written_is_told_beforehand(tmp_path):
    """A file where the directory should be, and a directory below it."""
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(StoreError, match=r"cannot be written to .*name another directory with --out"):
            store.prepare(place)
    for _ in range(2):
        store.prepare(tmp_path / "new" / "deep")
    assert files(tmp_path) == ["file"]


def test_too_little_room_is_told_beforehand(tmp_path, monkeypatch):
    """Both numbers, in MiB."""
    usage = type("Usage", (), {"free": 3 * 2**20})
    monkeypatch.setattr(store.shutil, "disk_usage", lambda _: usage)
    with pytest.raises(StoreError, match="only 3 MiB free of the 16 a run may need"):
        store.prepare(tmp_path)
    usage.free = 16 * 2**20
    store.prepare(tmp_path)
    usage.free -= 1
    with pytest.raises(StoreError, match="only 15 MiB free"):
        store.prepare(tmp_path)


def test_a_directory_in_the_file_s_place_is_told(tmp_path):
    """Replacing a directory by a file is refused, without litter."""
    (tmp_path / "run.json").mkdir()
    with pytest.raises(StoreError, match=r"run\.json: cannot be written"):
        store.write(RUN, tmp_path / "run.json")
    assert files(tmp_path) == []


# --- finding ----------------------------------------------------------------------------------------------------------


def keep(out: Path, run: Run) -> Path:
    path = store.path_of(run, out)
    store.write(run, path)
    return path


def test_ids_differ_within_a_second():
    """A thousand runs started at once have a thousand names."""
    assert len({store.new_id("box") for _ in range(1000)}) == 1000
    assert re.fullmatch(r"box-\d{8}T\d{6}Z-[0-9a-f]{12}", store.new_id("box"))
    assert store.new_id("box", "ticket").endswith("Z-ticket")


def test_runs_are_found_oldest_first_by_their_time(tmp_path):
    """Whatever machine they are of; hidden partial files are no runs."""
    stamps = ["20261122T180000Z", "20251122T180000Z", "20261122T175959Z"]
    machines = [msgspec.structs.replace(MACHINE, name=name) for name in ("b", "a-z", "a")]
    paths = [
        keep(tmp_path, run_of(id=f"{machine.name}-{stamp}-ffffff", machine=machine))
        for machine, stamp in zip(machines, stamps, strict=True)
    ]
    (paths[0].parent / ".hwbench-0123456789abcdef.partial").write_text("")
    (paths[0].parent / ".x.json.lock").write_text("")
    (paths[0].parent / ".x.json").write_text("")
    assert store.find(tmp_path) == [paths[1], paths[2], paths[0]]
    assert store.find(tmp_path, "a") == [paths[2]]
    assert store.newest(tmp_path) == paths[0]
    with pytest.raises(StoreError, match="holds no run yet; `hwbench run` makes one"):
        store.newest(tmp_path / "elsewhere")


def test_a_machine_s_name_is_no_glob(tmp_path):
    """A machine called [ab]* has its own runs, not everybody's."""
    keep(tmp_path, RUN)
    odd = msgspec.structs.replace(MACHINE, name="[b]o*")
    assert store.find(tmp_path, "[b]o*") == []
    assert store.find(tmp_path, "[b]o*") != [keep(tmp_path, run_of(machine=odd))] == store.find(tmp_path, "[b]o*")


def cut_off(stamp="20261122T180000Z", **more):
    return run_of(record("a"), id=f"box-{stamp}-ffffff", finished=None, **more)


def test_the_newest_cut_off_run_is_gone_on_with(tmp_path):
    """Finished and unreadable ones are passed over; without any there is one line."""
    with pytest.raises(StoreError, match="no run there was cut off; leave --resume away"):
        store.unfinished(tmp_path, MACHINE)
    keep(tmp_path, cut_off("20261122T170000Z"))
    newer = keep(tmp_path, cut_off("20261122T180000Z"))
    keep(tmp_path, run_of(id="box-20261122T190000Z-ffffff"))
    (newer.parent / "box-20261122T200000Z-ffffff.json").write_bytes(GOOD[:50])
    assert store.unfinished(tmp_path, MACHINE) == (newer, store.read(newer))


def test_a_run_that_somebody_still_measures_is_left_alone(tmp_path):
    """Its process lives; a number that belongs to another process by now, or to none, holds nobody up."""
    me = psutil.Process()
    keep(tmp_path, cut_off(hwbench={"pid": me.pid, "process_started": me.create_time()}))
    with pytest.raises(StoreError, match="no run there was cut off"):
        store.unfinished(tmp_path, MACHINE)
    earlier = {"pid": me.pid, "process_started": me.create_time() - 3600}
    nobody = {"pid": 2**22 + 1, "process_started": me.create_time()}
    for stamp in (earlier, nobody, {"pid": "x"}, {"pid": -1, "process_started": 0}, {}):
        keep(tmp_path, cut_off(hwbench=stamp))
        assert store.unfinished(tmp_path, MACHINE)[1].hwbench == stamp


def test_a_killed_process_that_nobody_buried_measures_nothing(tmp_path):
    """A zombie still has its number; the run it left can be gone on with."""
    child = os.fork()
    if child == 0:
        os._exit(0)
    try:
        os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
        path = keep(tmp_path, cut_off(hwbench={"pid": child, "process_started": psutil.Process(child).create_time()}))
        assert store.unfinished(tmp_path, MACHINE)[0] == path
    finally:
        os.waitpid(child, 0)


def test_a_run_of_another_cpu_is_not_gone_on_with(tmp_path):
    """Half of one processor and half of another would be one machine's run."""
    other = msgspec.structs.replace(MACHINE, cpu=msgspec.structs.replace(MACHINE.cpu, allowed=[0]))
    keep(tmp_path, cut_off(machine=other))
    with pytest.raises(StoreError, match=r"measured on another machine \(CPUs allowed 1 against 2\)"):
        store.unfinished(tmp_path, MACHINE)
    other = msgspec.structs.replace(MACHINE, cpu=msgspec.structs.replace(MACHINE.cpu, allowed=[2, 3]))
    keep(tmp_path / "b", cut_off())
    with pytest.raises(StoreError, match=r"\(allowed CPUs \[0, 1\] against \[2, 3\]\)"):
        store.unfinished(tmp_path / "b", other)


ZEN4 = msgspec.structs.replace(
    MACHINE,
    name="amd-epyc-zen4-2cpu",
    cpu=msgspec.structs.replace(MACHINE.cpu, vendor="AuthenticAMD", family=25, model_number=17),
)
BEFORE = msgspec.structs.replace(MACHINE, name="amd-epyc-2cpu")


def test_runs_under_the_former_name_are_found(tmp_path):
    """A run that was cut off there is gone on with, and either name finds the runs of both."""
    path = keep(tmp_path, cut_off(machine=BEFORE))
    assert store.unfinished(tmp_path, ZEN4)[0] == path
    assert store.find(tmp_path, ZEN4.name) == store.find(tmp_path, BEFORE.name) == [path]
    mine = keep(tmp_path, run_of(machine=ZEN4))
    assert store.find(tmp_path, ZEN4.name) == store.find(tmp_path, BEFORE.name)
    assert sorted(store.find(tmp_path, ZEN4.name)) == sorted([path, mine])
    assert store.find(tmp_path, "amd-epyc-zen5-2cpu") == [path]


def test_the_newest_run_of_a_name_is_of_that_name_s_hardware(tmp_path):
    """Under the former name too, but not of another machine that had this name."""
    other = msgspec.structs.replace(BEFORE, memory=Memory(total=2**40))
    first = keep(tmp_path, run_of(machine=ZEN4, id="amd-20261122T100000Z-aaaaaa"))
    assert store.newest(tmp_path, BEFORE.name) == first
    later = keep(tmp_path, run_of(machine=BEFORE, id="amd-20261122T110000Z-bbbbbb"))
    foreign = keep(tmp_path, run_of(machine=other, id="amd-20261122T120000Z-cccccc"))
    assert store.newest(tmp_path, ZEN4.name) == later
    assert store.newest(tmp_path, BEFORE.name) == store.newest(tmp_path) == foreign
    (later.parent / "amd-20261122T130000Z-dddddd.json").write_bytes(GOOD[:50])
    assert store.newest(tmp_path, ZEN4.name) == later


def test_a_name_is_of_the_hardware_that_it_was_last_used_for(tmp_path):
    """Not of what it was first used for, of which there is a newer run under another name."""
    other = msgspec.structs.replace(BEFORE, memory=Memory(total=2**40))
    keep(tmp_path, run_of(machine=other, id="amd-20261122T100000Z-aaaaaa"))
    last = keep(tmp_path, run_of(machine=BEFORE, id="amd-20261122T110000Z-bbbbbb"))
    elsewhere = msgspec.structs.replace(other, name=ZEN4.name)
    keep(tmp_path, run_of(machine=elsewhere, id="amd-20261122T120000Z-cccccc"))
    assert store.newest(tmp_path, BEFORE.name) == last


def proof(out, machine, name):
    path = out / "verify" / machine.name / f"{name}.json"
    store.write(run_of(machine=machine, id=name), path)


def test_comparisons_with_native_tools_are_those_of_this_hardware(tmp_path):
    """Under whatever name; else of the likest machine of the name with this CPU, and of no other."""
    assert store.verified(tmp_path, ZEN4) == []
    cache = msgspec.structs.replace(ZEN4.cpu.caches[0], bytes=49152)
    bigger = msgspec.structs.replace(ZEN4.cpu, caches=[cache, *ZEN4.cpu.caches[1:]])
    like = msgspec.structs.replace(BEFORE, cpu=bigger)
    proof(tmp_path, like, "box-20261122T160000Z-aaaaaa")
    less = msgspec.structs.replace(BEFORE, cpu=msgspec.structs.replace(bigger, quota=1.0))
    proof(tmp_path, less, "box-20261122T170000Z-bbbbbb")
    foreign = msgspec.structs.replace(ZEN4, cpu=msgspec.structs.replace(ZEN4.cpu, model="Other"))
    proof(tmp_path, foreign, "box-20261122T180000Z-cccccc")
    assert [run.id[-6:] for run in store.verified(tmp_path, ZEN4)] == ["aaaaaa"]
    proof(tmp_path, msgspec.structs.replace(BEFORE, name="renamed"), "box-20261122T150000Z-dddddd")
    assert [run.id[-6:] for run in store.verified(tmp_path, ZEN4)] == ["dddddd"]
    (tmp_path / "verify" / "renamed" / "box-20261122T190000Z-eeeeee.json").write_bytes(GOOD[:50])
    assert [run.id[-6:] for run in store.verified(tmp_path, ZEN4)] == ["dddddd"]
    assert store.verified(tmp_path, msgspec.structs.replace(foreign, name="fox", memory=Memory(total=2**40))) == []


def test_of_many_comparisons_the_newest_are_read(tmp_path):
    """Thirty-two of them, of whatever hardware: one of this hardware before these is too old to matter."""
    other = msgspec.structs.replace(MACHINE, name="other", memory=Memory(total=2**40))
    proof(tmp_path, MACHINE, "box-20261101T000000Z-aaaaaa")
    for minute in range(31):
        proof(tmp_path, other, f"box-20261102T00{minute:02}00Z-bbbbbb")
    assert [run.id[-6:] for run in store.verified(tmp_path, MACHINE)] == ["aaaaaa"]
    proof(tmp_path, other, "box-20261103T000000Z-bbbbbb")
    assert store.verified(tmp_path, MACHINE) == []


def test_policies_of_every_preset_can_be_read_back():
    """What the runner writes is within what the reader accepts."""
    from hwbench.measurement.policy import POLICIES

    for policy in [*POLICIES.values(), Policy()]:
        assert store.decode(store.encode(run_of(policy=policy)), "x").policy == policy
