"""`hwbench report`: what the page is made of."""

from __future__ import annotations

import os
import sys
import threading

import msgspec
import pytest

from doubles.scripted import MACHINE, record, run_of
from hwbench import report
from hwbench.record import store
from hwbench.tracking import gather, kept_answers
from made_up.commands import saved
from made_up.histories import asv_file, row
from made_up.sample import proof_run


def test_the_report_shows_the_newest_comparison_with_native_tools(benches, command, out, tmp_path):
    """What `verify` kept of this machine is in its report, the newest readable one; not what another machine kept."""
    path = saved(out, record("loop"))
    page = tmp_path / "page.html"
    assert command("report", "--out", out, "-o", page).code == 0
    assert "Beside native tools" not in page.read_text("utf-8")
    kept = out / "verify" / MACHINE.name
    for stamp, tool in (("20261122T180000Z", "older-tool"), ("20261122T190000Z", "newer-tool")):
        proof = proof_run()
        records = [msgspec.structs.replace(one, params=one.params | {"tool": tool}) for one in proof.records]
        store.write(msgspec.structs.replace(proof, machine=MACHINE, records=records), kept / f"box-{stamp}-ffffff.json")
    (kept / "box-20261122T200000Z-ffffff.json").write_text("{")
    store.write(proof_run(), out / "verify" / "elsewhere" / "box-20261122T210000Z-ffffff.json")
    assert command("report", "--out", out, "-o", page).code == 0
    text = page.read_text("utf-8")
    assert "Beside native tools" in text
    assert "newer-tool" in text
    assert "older-tool" not in text
    assert "likwid-bench</td>" not in text
    assert command("report", path, "-o", page).code == 0
    assert "Beside native tools" not in page.read_text("utf-8")


def test_the_report_has_what_the_benches_say(benches, command, out, tmp_path):
    """The command hands the benches in: their findings head the page."""
    benches["access.steps"].finding(lambda r: ["twice as fast as the moon"])
    saved(out, record("fast", bench="access.steps", params={"size": "L1", "dtype": "f8"}))
    page = tmp_path / "page.html"
    done = command("report", "--out", out, "-o", page)
    assert (done.code, done.out) == (0, f"report: {page}\n")
    assert "twice as fast as the moon" in page.read_text("utf-8")


def test_the_page_lies_in_out(benches, command, tmp_path, monkeypatch):
    """Of a file that is named as of the newest run; `-o` alone names another place, and `--out` no file."""
    monkeypatch.chdir(tmp_path)
    run = saved(tmp_path / "kept", record("fast"))
    page = tmp_path / "pages" / "index.html"
    assert command("report", run, "--out", "pages").out == "report: pages/index.html\n"
    assert page.is_file()
    assert command("report", run, "--out", "pages", "-o", "other.html").out == "report: other.html\n"
    done = command("report", run, "--out", "page.html")
    assert (done.code, done.out) == (2, "")
    assert done.err == "hwbench: --out page.html: names a directory; name the page by -o page.html\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kept", "other.html", "pages"]


NAMES = ("../../secret", "/etc", "", ".", "..", "a/b", "../verify/box", "*", "~")
opened: list[str] | None = None


def watch(event: str, arguments: tuple[object, ...]) -> None:
    """What Python opens or lists, while `opened` is a list; such a hook cannot be taken away."""
    if opened is not None and event in ("open", "os.listdir", "os.scandir", "glob.glob") and arguments:
        opened.append(os.path.abspath(str(arguments[0])))  # noqa: PTH100 - links are not followed


@pytest.mark.parametrize("name", NAMES)
def test_a_machine_s_name_in_a_file_is_no_path(command, tmp_path, name, monkeypatch):
    """A report of the newest run reads below --out alone, whatever the run calls its machine."""
    global opened
    sys.addaudithook(watch)
    out = tmp_path / "deep" / "out"
    machine = msgspec.structs.replace(MACHINE, name=name)
    store.write(run_of(record("fast"), machine=machine), out / "runs" / "box" / "box-20261122T180000Z-abcdef.json")
    store.write(run_of(record("fast"), id="secret"), tmp_path / "secret" / "x.json")
    store.write(run_of(record("fast"), id="secret"), tmp_path / "deep" / "secret" / "x.json")
    command("report", "--out", out, "-o", out / "page.html")  # what is imported, is
    opened = []
    try:
        done = command("report", "--out", out, "-o", out / "page.html")
    finally:
        seen, opened = opened, None
    assert done.code == 0, done.err
    assert [path for path in seen if path.startswith(str(tmp_path)) and not path.startswith(str(out))] == []
    assert [path for path in seen if path.startswith("/etc") and path.endswith((".json", "/etc"))] == []
    assert "secret" not in {path.name for path in out.rglob("*")}


def test_a_second_report_of_a_history_reads_nothing(command, tmp_path, monkeypatch):
    """Nor does it draw anything; lines on files that could not be read are repeated; a run is always read."""
    results = tmp_path / "results"
    for number in (1, 2, 3):
        asv_file(results, number, {"a.time_x": row([1.0])})
    (results / "box" / "broken.json").write_text("{")
    page, drawn = tmp_path / "page.html", []
    monkeypatch.setattr(kept_answers, "LEAST", 1)
    monkeypatch.setattr(kept_answers.cache, "directory", lambda *parts: tmp_path / "cache")
    monkeypatch.setattr(report, "encoded", lambda *given, **more: drawn.append(given) or b"page")
    first = command("report", results, "-o", page)
    assert "broken.json" in first.err
    page.unlink()
    assert command("report", results, "-o", page) == first
    assert (page.read_bytes(), len(drawn)) == (b"page", 1)
    run = saved(tmp_path, record("fast"))
    for _ in range(2):
        command("report", run, "-o", page)
    assert len(drawn) == 3
    monkeypatch.setattr(gather, "gather", None)
    assert command("report", results, "-o", page).code == 0


def test_a_device_is_written_to(command, tmp_path):
    """`-o` names a FIFO: its reader has the page, and it stays a FIFO."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    run = tmp_path / "run.json"
    store.write(run_of(record("fast")), run)
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append(path.read_bytes()))
    reader.start()
    assert command("report", run, "-o", path).code == 0
    reader.join()
    assert got[0].rstrip().endswith(b"</html>")
    assert path.is_fifo()


@pytest.mark.parametrize("command_line", [("show",), ("report",), ("compare", "pipe")])
def test_a_fifo_is_refused_in_one_line(command, tmp_path, monkeypatch, command_line):
    """Given as a file it was waited for without end; in a directory, too."""
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe")
    (tmp_path / "folder").mkdir()
    os.mkfifo("folder/x.json")
    for given in ("pipe", "folder"):
        done = command(*command_line, given)
        assert (done.code, done.err.count("\n")) == (2, 1)
        assert "is not a regular file" in done.err
