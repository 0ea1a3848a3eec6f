"""`hwbench report`: what the page is made of."""

from __future__ import annotations

import msgspec

from doubles.scripted import MACHINE, record
from hwbench.record import store
from made_up.commands import saved
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
