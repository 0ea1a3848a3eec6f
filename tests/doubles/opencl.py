"""An OpenCL device for tests: the first that is this machine's CPU (PoCL, Intel's runtime); one stated skip without."""

from __future__ import annotations

import functools

import pytest

from hwbench.host import opencl_probe

SMALL = {"L2": 2**20, "HBM": 2**22}  # bytes: answers do not depend on the size


@functools.cache
def devices() -> tuple[opencl_probe.Found, ...]:
    """The devices that can be used, as the probe's child describes them."""
    return tuple(one for one in opencl_probe.probe().devices if not one.why)


def opencl_device():
    """The device, with small sizes behind its labels."""
    found = devices()
    if not found:
        pytest.skip(f"no OpenCL device: {opencl_probe.probe().why} (apt-get install pocl-opencl-icd)")
    from hwbench.devices.opencl import OpenClDevice

    device = OpenClDevice(0, found[0])
    device._sizes.update(SMALL)
    return device


def answer(device, bench, variant, **params):
    """The work of a case, its counts, what one call gives, and the reference."""
    import numpy as np

    values = {**device.resolve(params), "device": device, "variant": variant, "rng": np.random.default_rng(1)}
    inputs = bench.make_inputs(values)
    wanted, counts = bench.ask("reference", values, inputs), bench.count(values, inputs)
    work = bench.build(variant, values, device.place(inputs, bench.variants[variant].inputs))
    returned = work.call()
    return work, counts, returned if work.output is None else work.output(), wanted
