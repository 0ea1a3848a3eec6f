"""The garbage collector is paused inside, and afterwards as it was before."""

import gc

import pytest

from hwbench.record import collector


@pytest.mark.parametrize("before", [True, False])
def test_collection_is_as_it_was_before(before):
    """Also where what is inside raises, and where it was off already."""
    was = gc.isenabled()
    try:
        (gc.enable if before else gc.disable)()
        with pytest.raises(KeyError), collector.paused():
            assert not gc.isenabled()
            raise KeyError
        assert gc.isenabled() == before
    finally:
        (gc.enable if was else gc.disable)()


def test_what_is_kept_is_not_searched():
    """Not by a later collection; without `keep` it is."""
    before = gc.get_freeze_count()
    try:
        with collector.paused():
            pass
        assert gc.get_freeze_count() == before
        with collector.paused(keep=True):
            made = [[]]
        assert gc.get_freeze_count() > before
        assert all(one is not made for one in gc.get_objects())
    finally:
        gc.unfreeze()
        if before:
            gc.freeze()
