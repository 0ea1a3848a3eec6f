"""Where the CUDA C++ lies, and how it is compiled."""

import pytest

from hwbench.kernels import cuda


def test_the_devices_own_kernels_are_there():
    """The gate and the load that brings up the clock."""
    text = cuda.source("gpu_gate")
    assert 'extern "C" __global__ void gate(' in text
    assert 'extern "C" __global__ void burn(' in text
    assert "gpu_gate" not in cuda.topics()


def test_every_topic_has_its_source(monkeypatch, tmp_path):
    """What lies beside the benches, by the name of its file."""
    folder = tmp_path / "benches" / "device"
    folder.mkdir(parents=True)
    (folder / "stream.cu").write_text("// µ", encoding="utf-8")
    (folder / "stream.py").touch()
    monkeypatch.setattr(cuda, "PACKAGE", tmp_path)
    assert cuda.topics() == ["device.stream"]
    assert cuda.source("device.stream") == "// µ"


def test_a_topic_without_kernels_is_told():
    """One line, with those that there are."""
    with pytest.raises(ValueError, match="no kernels of 'nothing'; there are gpu_gate"):
        cuda.source("nothing")


def test_a_file_elsewhere_is_read(tmp_path):
    """Of a bench outside of hwbench; where it is missing, it is named."""
    file = tmp_path / "mine.cu"
    with pytest.raises(ValueError, match=r"no kernels of 'my.scan' in mine\.cu; there are"):
        cuda.source("my.scan", file)
    file.write_text("// mine")
    assert cuda.source("my.scan", file) == "// mine"
