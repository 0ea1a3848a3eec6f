"""`hwbench machine` as text and as JSON."""

from __future__ import annotations

import json

import msgspec
import pytest

from hwbench.cli import machine
from hwbench.devices import selection
from hwbench.host import numba_pool, settings
from hwbench.record.model import Disturbance, Gpu


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


def test_lines_fit_a_terminal():
    """Words stay whole below the first of them; off a terminal a fact is a line."""
    facts = [("instructions", " ".join(f"avx512_{number:04}" for number in range(20)))]
    trouble = [Disturbance("steal", "50% " * 30, "samples are longer " * 10, "measure later " * 10)]
    told = [*machine._told(facts, 80), *machine._disturbed(trouble, 80)]
    assert max(map(len, told)) <= 80
    assert told[0].startswith("instructions:     avx512_0000 ")
    assert told[1].startswith(" " * 18 + "avx512_")
    assert [line[:10] for line in told if line.startswith(("  ef", "  re"))] == ["  effect: ", "  remedy: "]
    whole = [*machine._told(facts, machine.UNWRAPPED), *machine._disturbed(trouble, machine.UNWRAPPED)]
    assert len(whole) == 4
    assert [*machine._told([("instructions", ""), ("n", 2)], 80)] == ["instructions:     none", "n:                2"]
    assert [*machine._disturbed([], 80)] == ["Nothing was found that disturbs measuring here."]


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


def test_an_opencl_device_is_told_with_what_it_lacks():
    """One that is this CPU has that in its name; of an older file what it has."""
    device = Gpu(
        name="pthread (this CPU)", memory=2**33, sm=2, driver="3.1",
        versions={"platform": "PoCL", "opencl": "OpenCL 3.0 PoCL HSTR"},
        state={"type": "CPU", "this_cpu": True, "lacks": ["halves"]},
    )  # fmt: skip
    assert machine._opencl(device) == "pthread (this CPU), 8 GiB, 2 units, PoCL, OpenCL 3.0, driver 3.1, without halves"
    assert machine._opencl(Gpu(name="gfx", state={"type": "GPU"})) == "gfx, GPU"


def test_what_is_wrong_with_opencl_is_told_beside_what_there_is(command, monkeypatch):
    """A device that cannot be used, or why there is none."""
    found = "OpenCL 0:         gfx\nOpenCL:           opencl:0 cannot be"
    for devices, why, said in (
        ([], "no platform; install one", "OpenCL:           none: no platform; install one"),
        ([Gpu(name="gfx")], "opencl:0 cannot be used: x", found),
    ):
        monkeypatch.setattr(
            selection, "with_opencl", lambda here, d=devices, w=why: (msgspec.structs.replace(here, opencl=d), w)
        )
        assert said in command("machine").out
