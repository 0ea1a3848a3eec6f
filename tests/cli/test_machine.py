"""`hwbench machine` as text and as JSON."""

from __future__ import annotations

import json

import pytest

from hwbench.cli import machine
from hwbench.host import numba_pool, settings
from hwbench.record.model import Gpu


@pytest.fixture(autouse=True)
def pool(monkeypatch):
    """No cache of the user's is read."""
    monkeypatch.setattr(numba_pool, "kept", lambda: numba_pool.ThreadPool(3, "tbb"))


def test_machine_as_json_and_text(command):
    """This machine, its software and what disturbs, both ways."""
    data = json.loads(command("machine", "--json").out)
    assert set(data) == {"machine", "no_gpu", "no_opencl", "software", "variables", "disturbances"}
    assert data["machine"]["cpu"]["logical"] >= 1
    assert (data["software"]["numba_threads"], data["software"]["threading_layer"]) == (3, "tbb")
    assert data["machine"]["name"] in command("machine").out


def test_what_is_inherited_is_told(command, monkeypatch):
    """Variables that change figures in a line, those that lower them with effect and remedy, settings by name."""
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    monkeypatch.setenv("NUMBA_SLP_VECTORIZE", "1")
    monkeypatch.setattr(settings, "settings", lambda *_: {"governor": "powersave", "kernel command line": "nosmt"})
    lines = command("machine").out.splitlines()
    [variables] = [line for line in lines if line.startswith("variables:")]
    assert {"NUMBA_SLP_VECTORIZE=1", "OPENBLAS_CORETYPE=Haswell"} <= set(variables.split())
    at = lines.index("OPENBLAS_CORETYPE: Haswell")
    assert lines[at + 1].startswith("  effect: matrix products")
    assert lines[at + 2] == "  remedy: unset OPENBLAS_CORETYPE"
    assert {"governor:         powersave", "command line:     nosmt"} <= set(lines)


def test_a_card_is_told_with_what_it_is_set_to():
    """Libraries, power limit, ECC, MIG and UUID; of an older file what it has."""
    card = Gpu(
        name="NVIDIA H100 80GB HBM3", sm=132, driver="580.65", cuda="13.2", uuid="GPU-1",
        versions={"driver_cuda": "13.0", "nvrtc": "13.0", "cublas": "13.1.0"},
        state={"power_limit_w": 350.0, "ecc": True, "mig": True},
    )  # fmt: skip
    assert machine._gpu(card) == (
        "NVIDIA H100 80GB HBM3, 132 SMs, driver 580.65, CUDA 13.2, NVRTC 13.0, cuBLAS 13.1.0, 350 W, ECC on, MIG, GPU-1"
    )
    assert machine._gpu(Gpu(name="H100")) == "H100"
