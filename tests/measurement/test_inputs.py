"""Shared inputs: which arrays are watched, what a digest tells, and how inputs are made anew."""

from types import SimpleNamespace

import numpy as np
import pytest

from doubles.scripted import ScriptedDevice, scripted_work
from hwbench.bench import Bench
from hwbench.measurement.inputs import SharedInputs, arrays, digest
from hwbench.measurement.trial import Trial
from hwbench.record.model import Case


@pytest.mark.parametrize("dtype", ["f2", "f8", "i1", "u4", "?", "c16", "f8,i4", "U3"])
def test_a_digest_tells_one_written_element_and_the_order(dtype):
    """Also in a view with gaps."""
    for view in (lambda whole: whole, lambda whole: whole[::2], lambda whole: whole.reshape(3, 9).T):
        array = view(np.zeros(27, dtype))
        before = digest(array)
        assert digest(array) == before
        array[-1] = 1
        written = digest(array)
        assert written != before
        array[...] = array[::-1].copy()
        assert digest(array) not in (before, written)


def test_arrays_are_found_in_containers_and_public_attributes():
    """Whatever else a builder takes is left alone, also an object that holds itself."""
    a, b, c, d = np.zeros(3), np.zeros(3, "i4"), np.zeros(3, "?"), np.zeros(3, "f8,i4")
    held = SimpleNamespace(d=d, _private=np.zeros(3))
    held.itself = held
    found = list(arrays((a, [b, 1.0, "x"], {"c": c}, held, np.array([None]), None, object(), np, int)))
    assert [id(one) for one in found] == [id(a), id(b), id(c), id(d)]


class There:
    """An array on a device."""

    dtype = np.dtype("f8")

    def __init__(self, host):
        self.host = host.copy()

    def get(self):
        """A copy on the host."""
        return self.host.copy()

    def set(self, host):
        """Copy into it."""
        self.host = host.copy()


class Placing(ScriptedDevice):
    """A device with memory of its own."""

    def place(self, inputs, where):
        """Copies there."""
        return inputs if where == "host" else tuple(There(one) for one in inputs)


def shared(device=None, **more):
    """Inputs of a bench with two variants, and a trial of each with its number of threads."""
    made = Bench("a.b", question="?", axes={"threads": (1, 2)}, baseline="x", together=("threads",), **more)
    made.inputs(lambda rng: (rng.random(5), np.zeros(5)))
    made.variant("x")(lambda a, out: scripted_work(0.01))
    made.variant("y", inputs="host")(lambda a, threads, out: scripted_work(0.01))
    trials = [
        Trial(Case("a.b", v, "cpu", {"threads": n}), {"threads": n, "variant": v}) for n, v in ((1, "x"), (2, "y"))
    ]
    return SharedInputs(made, {"cpu": device or ScriptedDevice()}, 0), *trials


def test_changed_inputs_are_made_anew_from_the_same_numbers():
    """For all trials that share them, whichever asks first; the change is named once."""
    inputs, x, y = shared()
    a, out = inputs.placed(x)
    assert inputs.placed(y)[0] is a
    assert inputs.among(x, a[1:])
    assert inputs.changed(x) == ""
    kept = a.copy()
    out[2] = a[0] = 7
    assert inputs.holds(x)
    assert inputs.changed(y) == "a"
    assert inputs.changed(y) == ""
    assert not inputs.holds(x)
    assert np.array_equal(inputs.placed(y)[0], kept)
    assert inputs.holds(y)
    assert not inputs.holds(x)
    assert not inputs.among(x, a)


def test_scratch_and_read_only_arrays_are_not_watched():
    """The first by declaration; the second cannot be written."""
    inputs, x, _ = shared(scratch=("out",))
    inputs.placed(x)[1][:] = 1
    assert inputs.changed(x) == ""


def test_a_copy_on_a_device_is_watched_there():
    """Its change is seen by those who share that copy, and the host's are made anew with it."""
    inputs, x, y = shared(Placing())
    host = inputs.placed(y)
    inputs.placed(x)[1].host[0] = 1
    assert inputs.changed(y) == ""
    assert inputs.changed(x) == "out"
    assert inputs.host(y) is not host
