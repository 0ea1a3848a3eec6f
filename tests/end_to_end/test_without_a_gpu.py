"""The command of docs/gpu.md in a process of its own, with a report, on a machine without a GPU."""

from __future__ import annotations

import html
import sys

import pytest

from hwbench.host.gpu_probe import probe
from hwbench.record import store

COMMAND = ("run", "transfer.*", "device.*", "offload.*", "--preset", "quick", "--budget", "2")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="processes are forked as Linux does")
def test_the_gpus_benches_end_well_without_one(tmp_path, warm, monkeypatch):
    """Exit 0, one paragraph that says why there is none and what to do, and a report whose GPU section says it too."""
    found = probe()
    if found.state == "ok":
        pytest.skip("this machine has a GPU, which tests/gpu is for")
    why = found.why
    # Nor an OpenCL device, which has such levels and copies, too.
    monkeypatch.setitem(warm.environment, "OCL_ICD_VENDORS", str(tmp_path))
    done = warm.run(*COMMAND, "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    [path] = store.find(tmp_path)
    run = store.read(path)
    assert run.finished is not None
    without = [record for record in run.records if record.device == "gpu"]
    assert {record.bench.partition(".")[0] for record in without} == {"transfer", "device", "offload"}
    assert {(record.status, record.why) for record in without} == {("skipped", why)}
    assert {record.device for record in run.records if record.timed} <= {"cpu"}
    told = " ".join((done.stdout + done.stderr).split())
    assert told.count(f"GPU none was measured: {why.partition(';')[0]} (hwbench machine)") == 1
    page = html.unescape((tmp_path / "index.html").read_text("utf-8"))
    section = page.partition('id="gpu"')[2].partition("</section>")[0]
    assert "No GPU was measured" in section
    assert f"{why}. {len(without)} cases wait for one." in section
