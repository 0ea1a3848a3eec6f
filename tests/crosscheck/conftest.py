"""A CPU, and programs that stand in for native tools."""

import stat

import pytest

from hwbench.crosscheck.tools import likwid
from hwbench.devices.cpu import CpuDevice


@pytest.fixture(scope="module")
def device():
    made = CpuDevice()
    yield made
    made.close()


@pytest.fixture
def tool(tmp_path, monkeypatch):
    """Makes a program of some name the only one on the path: a shell script with this body."""

    def make(name, body):
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", str(tmp_path))
        likwid.tests.cache_clear()
        return path

    yield make
    likwid.tests.cache_clear()


@pytest.fixture
def fake_likwid(tool):
    """A likwid-bench that has few tests and always says the same."""
    return tool(
        "likwid-bench",
        """
if [ "$1" = -a ]; then
    for kind in sse avx avx512; do echo "load_$kind - x"; done; echo "stream_avx512 - x"
else
    echo "Time:                   2.0e+00 sec"
    echo "Number of Flops:        8000000000"
    echo "Data volume (Byte):     100000000000"
    echo "Size per thread:        15872"
fi
""",
    )
