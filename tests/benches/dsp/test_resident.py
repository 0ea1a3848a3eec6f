"""An operation on arrays that stay on a GPU: launched at each call, waited for at the end of a sample."""

import numpy as np

from doubles.strict_cupy import StrictGpu
from hwbench.benches.dsp._resident import resident_work


def test_the_output_is_that_of_the_last_call():
    """A call launches and waits for nothing; the answer comes to the host when it is asked for."""
    device = StrictGpu()
    a, b = device.put(np.arange(4.0)), device.put(np.ones(4))
    work = resident_work(device, device.xp.dot, a, b, footprint=64)
    launches = device.launches
    work.call()
    assert (device.launches, device.waits) == (launches + 1, 0)
    assert work.output() == 6
    assert device.waits == 1
    assert device.synced == ["end"]
    assert (work.facts["transfers"], work.facts["footprint"]) == (False, 64)
