"""The arrays of a network: shallower networks out of deeper ones."""

import numpy as np

from made_up.chains import run_chain


def test_the_first_layers_have_arrays_of_their_own_and_share_the_weights():
    """What a shallower network computes leaves the deeper one as it is."""
    whole = run_chain("he", "f4", layers=6)
    short, kept = whole.first(2), whole.g.copy()
    assert (len(short.h), len(short.z), len(short.g)) == (3, 2, 3)
    assert np.shares_memory(short.weights, whole.weights)
    short.g[:] = 0
    np.testing.assert_array_equal(whole.g, kept)
