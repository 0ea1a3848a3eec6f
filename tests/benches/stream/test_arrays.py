"""The arrays of the stream kernels: how long, how far apart, who touches them first, and what lies in them."""

import itertools

import numpy as np
import pytest

from hwbench.bench import Skip
from hwbench.benches._partitions import PART
from hwbench.benches.stream import _arrays, stream
from hwbench.devices.cpu import CpuDevice


@pytest.fixture(scope="module")
def device():
    made = CpuDevice()
    yield made
    made.close()


def test_arrays_are_whole_blocks_in_equal_parts():
    """The footprint is shared by a row's arrays; each part of each is a multiple of the largest block."""
    assert _arrays.array_bytes(stream.TRIAD, 3 * 1024 + 100) == 1024
    large = _arrays.array_bytes(stream.LOAD, 4 * PART + 4096)
    assert large % (5 * _arrays.GRANULE) == 0
    with pytest.raises(Skip, match="1000 bytes are too few: 2 arrays of at least 1024 bytes"):
        _arrays.array_bytes(stream.COPY, 1000)


@pytest.mark.parametrize("row", [stream.LOAD, stream.COPY, stream.TRIAD], ids=lambda row: row.name)
@pytest.mark.parametrize("nbytes", [512, 4096, 5000 * 512])
def test_no_two_arrays_start_at_the_same_offset_of_a_page(row, nbytes):
    """They do not overlap, start on lines, and differ in the last 12 bits of their address (4K aliasing)."""
    starts = _arrays.places(row, nbytes)
    assert all(later - earlier >= nbytes for earlier, later in itertools.pairwise(starts))
    assert all(start % 64 == 0 for start in starts)
    assert len({start % _arrays.PAGE for start in starts}) == row.arrays


@pytest.mark.parametrize("length", [1, 64, 500, 1234])
def test_rows_are_filled_over_and_over(length):
    """Every row holds the words from its first element on."""
    words, rows = np.arange(500) + 1, np.zeros((2, length), np.int64)
    _arrays.fill_rows(rows, words)
    assert (rows == np.resize(words, length)).all()


def test_each_thread_of_a_crew_has_arrays_of_its_own(device):
    """What is written holds -1, what is read the data over and over, and no two threads share memory."""
    data = [np.arange(1, 101)]
    made = _arrays.of_a_crew(stream.COPY, device, data, 4096, min(2, device.host.usable), "4K")
    for arrays in made:
        written, read = arrays.words
        assert (written == -1).all()
        assert (read == np.resize(data[0], len(read))).all()
    addresses = [words.ctypes.data for arrays in made for words in arrays.words]
    assert len(set(addresses)) == len(addresses)
    for arrays in made:
        arrays.buffer.close()


def test_a_variant_finds_nothing_of_another_ones_answer(device):
    """What it is to write is -1 again where it is checked, and the first part is next."""
    arrays = _arrays.of_a_loop(stream.COPY, device, [np.arange(1, 101)], 4096, 1, "4K")
    arrays.words[0][:] = 5
    arrays.partitions.take()
    again = arrays.anew(stream.COPY)
    assert (again.words[0] == -1).all()
    assert (again.words[1] == np.resize(np.arange(1, 101), len(again.words[1]))).all()
    assert again.partitions.take() == 0
    arrays.buffer.close()
