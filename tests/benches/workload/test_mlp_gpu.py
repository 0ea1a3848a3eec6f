"""The perceptron on a strict made-up GPU: the host's weights, no waiting, and how long the GPU itself works."""

import dataclasses

import numpy as np
import pytest

from doubles.strict_cupy import Array, StrictGpu
from hwbench.benches.workload import _mlp, _mlp_gpu, house_prices
from hwbench.benches.workload._mlp_gpu import CupyNet, SendingNet
from made_up.nets import CUPY, gpu_net, named


@pytest.mark.parametrize("kind", CUPY, ids=named)
def test_weights_are_drawn_on_the_host(kind):
    """A net on the GPU starts from NumPy's weights, bit for bit, and goes through the rows in NumPy's order."""
    net, _, epoch = gpu_net(kind)
    numpy, its = house_prices.made(_mlp.ArrayNet, house_prices.first_fold("ames"), 64, np.dtype("f4"), "adam")
    assert np.array_equal(net.fetch(net.start), numpy.start)
    for mine, other in zip(epoch, its, strict=True):
        assert np.array_equal(net.fetch(mine) if isinstance(mine, Array) else mine, other)


@pytest.mark.parametrize("kind", CUPY, ids=named)
def test_an_epoch_on_the_gpu_waits_for_nothing_and_sends_what_it_says(kind):
    """Resident data cross once, before; sent ones in every epoch, each row and its price."""
    net, device, epoch = gpu_net(kind)
    waits, sent = device.waits, device.sent
    net.reset()
    net.epoch(*epoch)
    assert device.waits == waits
    rows = 4 * len(epoch[2]) * (net.sizes[0] + 1)
    assert device.sent - sent == (rows if kind is SendingNet else 0)


def test_how_long_the_gpu_works_is_that_of_its_launches_without_the_host():
    """So many launches a step, a microsecond each, for 37 steps of 64 rows; the 41 of NumPy leave room for CuPy's."""
    net, device, epoch = gpu_net(CupyNet)
    before = device.launches
    for phase in net.phases(*epoch[:2], epoch[2][:64], epoch[3]).values():
        phase()
    launches = device.launches - before
    assert _mlp_gpu.busy_seconds(net, epoch) == pytest.approx(37 * launches * 1e-6)
    assert 2 * launches < _mlp_gpu.LAUNCHES


def test_a_gate_that_opened_by_itself_tells_nothing_of_the_work():
    """What waits for the GPU in the middle of a step lets the queue run dry, and the time is the host's again."""
    device = StrictGpu()
    net, _, epoch = gpu_net(CupyNet, device=device)
    timed = device.timed

    def stuck(*given, **more):
        work = timed(*given, **more)

        def timer(loops):
            device.gate_timeouts += 1
            return work.timer(loops)

        return dataclasses.replace(work, timer=timer)

    device.timed = stuck
    assert _mlp_gpu.busy_seconds(net, epoch) is None
