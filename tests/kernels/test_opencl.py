"""Where the OpenCL C lies, and that it stays OpenCL C 1.2 without what a driver may lack."""

from __future__ import annotations

import re

import pytest

from hwbench.kernels import opencl


def test_every_topic_has_its_source(monkeypatch, tmp_path):
    """What lies beside the benches, by the name of its file; the device's own kernels beside the device."""
    folder = tmp_path / "benches" / "device"
    folder.mkdir(parents=True)
    (folder / "stream.cl").write_text("// µ", encoding="utf-8")
    (folder / "stream.cu").touch()
    assert "kernel void spin" in opencl.source("opencl_clock")
    monkeypatch.setattr(opencl, "PACKAGE", tmp_path)
    assert opencl.topics() == ["device.stream"]
    assert opencl.source("device.stream") == "// µ"


def test_a_topic_without_kernels_is_told():
    """One line, with those that there are."""
    with pytest.raises(ValueError, match="no OpenCL kernels of 'nothing'; there are opencl_clock, device"):
        opencl.source("nothing")


@pytest.mark.parametrize("topic", [*opencl.OWN, *(one for one in opencl.topics() if one != "vectorize.add")])
def test_doubles_are_named_only_where_they_are_asked_for(topic):
    """Drivers without doubles build every kernel: types come in by macros."""
    code = re.sub(r"//.*", "", opencl.source(topic))
    assert not re.search(r"\b(double|half|atomic_\w+|printf)\b", code)
    assert "kernel " in code
