"""Every GPU variant is built and launched on a made-up GPU: each kernel is there and given what it declares.

The kernels compute nothing here, so a variant that launches one answers wrongly; that they compute rightly is tested
where they are run by g++, and on a GPU.
"""

from __future__ import annotations

import shutil
from collections import defaultdict

import numpy as np
import pytest

from doubles import fake_cupy
from doubles.fake_cupy import FakeGpu, FakeNvml, install, refuse_arguments, signatures
from doubles.gpu_on_cpu import learn_little
from hwbench import catalog
from hwbench.devices import gpu_gate, selection
from hwbench.kernels import cuda
from hwbench.measurement import cases
from hwbench.measurement.engine import Engine
from hwbench.record.model import Policy

pytestmark = pytest.mark.skipif(shutil.which("g++") is None, reason="needs g++, which .ci/run installs")


class Durations(dict):
    """Each kernel takes a microsecond."""

    def __missing__(self, name: str) -> float:
        return 1e-6


# Of the quick set, arrays in which nothing changes but their length.
SMALL = {
    "device.clock": {"seconds": (0.001,)},
    "device.coalescing": {"n": (2**18,)},
    "device.matmul": {"n": (1024,)},
    "offload.breakeven": {"n": (4**5, 4**8)},
    "transfer.chunks": {"pieces": (1, 256), "size": ("4MiB",)},
    "transfer.copy": {"size": ("64KiB", "4MiB")},
    "transfer.engines": {"size": ("64KiB", "4MiB")},
    "transfer.managed": {"size": ("64KiB", "4MiB")},
    "transfer.peer": {"size": ("4MiB",)},
    "transfer.overlap": {"streams": (1, 4), "size": ("4MiB",)},
}


@pytest.fixture(scope="module")
def built():
    """The quick set's cases on a GPU of 1 MiB of L2: how each variant ended, what failed on the clock, the GPU."""
    with pytest.MonkeyPatch.context() as patch:
        gpu = FakeGpu(count=2)
        gpu.kernels = Durations()
        gpu.attributes[38] = 2**20
        install(patch, gpu, FakeNvml())
        from hwbench.devices import gpu as module

        patch.setattr(module, "HBM_LEAST", 2**22)
        patch.setattr(module, "HBM_TIMED", 2**24)
        # Smaller arrays, but as many launches: what fills the queue is looked at.
        patch.setattr("hwbench.benches.device.layout.ELEMENTS", 2**20)
        patch.setattr("hwbench.benches.device.clock.N", 1024)
        patch.setattr("hwbench.benches.device.clock.COPIED", 2**22)
        patch.setattr("hwbench.benches.device.occupancy.EACH", 1024)
        patch.setattr("hwbench.benches.transfer.mailbox.LIMIT_S", 1e-3)  # nobody answers
        learn_little(patch)
        for name, values in SMALL.items():
            patch.setitem(catalog.benches()[name].presets, "quick", values)
        device = module.GpuDevice(0)
        patch.setattr(device._cpu, "free_memory", lambda: 2**33)
        known = {"gpu:0": device}
        chosen = [bench for bench in catalog.benches().values() if "gpu" in bench.kinds]
        groups = cases.groups(chosen, preset="quick", devices={"gpu:0": "gpu"}, spread=selection.spread(known))
        engine, ends, failed = Engine(known, Policy()), defaultdict(set), {}
        for group in groups:
            with engine.prepared(group) as trials:
                for trial in trials:
                    ends[f"{trial.case.bench}/{trial.case.variant}"].add((trial.status, trial.why))
                    if trial.work is not None and trial.work.timer is not None and trial.status != "skipped":
                        try:
                            trial.work.timer(3)
                        except Exception as error:  # noqa: BLE001 - all of them are told together
                            failed[trial.case.label] = repr(error)
        yield chosen, ends, failed, gpu


# What a made-up GPU cannot stand for: graphs, cuBLAS, and kernels that say by themselves that they computed nothing.
NOT_MADE_UP = (
    "AttributeError: 'Stream' object has no attribute 'begin_capture'",
    "AttributeError: 'types.SimpleNamespace' object has no attribute",
    "AssertionError: warps that were given the same matrices disagree",
)


def test_every_variant_builds_and_launches(built):
    """No kernel is misspelt, none is given too few arguments or a scalar of another type."""
    _, ends, _, _ = built
    errors = {
        variant: reason
        for variant, found in ends.items()
        for status, reason in found
        if status == "error" and not reason.startswith(NOT_MADE_UP)
    }
    assert not errors


def test_every_variant_was_tried(built):
    """None is left out for want of a case in the quick set."""
    chosen, ends, _, _ = built
    on_gpu = {f"{bench.name}/{one.name}" for bench in chosen for one in bench.variants.values() if one.on == "gpu"}
    assert set(ends) == on_gpu


def test_every_variant_can_be_timed(built):
    """Nothing fills the queue behind the closed gate, nor waits there."""
    _, _, failed, gpu = built
    assert not failed
    assert gpu.fullest <= gpu_gate.QUEUE


def test_what_cupy_computes_is_right(built):
    """Variants that ask CuPy itself are checked to the end, NumPy computing in its place."""
    _, ends, _, _ = built
    for variant, found in ends.items():
        if variant.endswith("/cupy"):
            assert "wrong" not in {status for status, _ in found}, variant


def test_most_kernels_are_launched(built):
    """What is never launched would be never measured: all kernels but few have a case in the quick set."""
    gpu = built[3]
    known = {name for topic in cuda.topics() for name in signatures(cuda.source(topic))}
    assert gpu.launched - {"gate", "stamp", "burn"} <= known
    assert len(gpu.launched & known) > len(known) / 2


# --- the net itself ---------------------------------------------------------------------------------------------------

KERNELS = """
#include <cuda_fp16.h>
#define KERNEL(name, type) \\
    extern "C" __global__ void __launch_bounds__(256) name(const type* from, type *to, long long n) {}
KERNEL(copy4, float)
KERNEL(copy8, double)
extern "C" __global__ void scale(float* a, float s, unsigned n) {}
"""


def test_signatures_are_those_after_the_preprocessor():
    """Macros make kernels too."""
    assert signatures(KERNELS) == {
        "copy4": ["float*", "float *", "long long"], "copy8": ["double*", "double *", "long long"],
        "scale": ["float*", "float", "unsigned"],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("args", "said"),
    [((), "takes 3 arguments, 0 were given"),
     ((np.uint64(1), 2.0, np.uint32(3)), "argument 1 is to be float, not float"),
     ((np.uint64(1), np.float64(2), np.uint32(3)), "argument 1 is to be float, not float64"),
     ((np.uint64(1), np.int32(2), np.uint32(3)), "argument 1 is to be float, not int32"),
     ((np.uint64(1), np.float32(2), 3), "argument 2 is to be unsigned, not int"),
     ((np.zeros(3), np.float32(2), np.uint32(3)), "argument 0 is to be an address, not ndarray"),
     ((np.uint32(1), np.float32(2), np.uint32(3)), "argument 0 is to be an address, not uint32")],
)  # fmt: skip
def test_a_launch_that_its_kernel_does_not_declare_is_refused(args, said):
    """Too few, a Python number, the wrong width, an integer for a float, a host array, half an address."""
    with pytest.raises(TypeError, match=said):
        refuse_arguments("scale", ["float*", "float", "unsigned"], args)


def test_a_launch_that_its_kernel_declares_is_let_through():
    """Addresses and device arrays, floats and integers of the right width."""
    types = ["float*", "float", "unsigned"]
    refuse_arguments("scale", types, (np.uint64(1), np.float32(2), np.uint32(3)))
    refuse_arguments("scale", types, (fake_cupy.on_device(np.zeros(3)), np.float32(2), np.int32(3)))
