"""Instructions: values pass through registers unchanged, and LLVM drops or merges only what it may."""

import numba
import numpy as np
import pytest

from hwbench.kernels import cpu_features, simd
from hwbench.kernels.compiling import compiled
from hwbench.kernels.simd import Registers, clobber, fill, load, sink, store, total, width
from inspection import arm, listing

# --- what LLVM may drop -----------------------------------------------------------------------------------------------


@compiled
def dropped(r, address, nbytes, passes):
    step = width(r)
    for _ in range(passes):
        i = 0
        while i < nbytes:
            load(r, address + i)
            i += step


@compiled
def sunk(r, address, nbytes, passes):
    step = width(r)
    for _ in range(passes):
        i = 0
        while i < nbytes:
            sink(load(r, address + i))
            i += step


@compiled
def last_pass(r, address, passes):
    found = fill(r, 0)
    for _ in range(passes):
        found = load(r, address)
    return total(found)


@compiled
def every_pass(r, address, passes):
    found = fill(r, 0)
    for _ in range(passes):
        found = load(r, address)
        clobber()
    return total(found)


def vectors(code):
    """Instructions that move a vector from or to memory."""
    return listing.count(code, r"^v?mov[au]\w+\s.*\(.*mm\d|^v?mov[au]\w+\s+%.mm\d+.*\(")


@listing.needs_x86
def test_a_load_without_use_is_dropped_and_a_sink_keeps_it():
    """The control: without a sink the loop's loads vanish; with one all eight of a block are there."""
    registers = Registers("f8", cpu_features.widths()[-1], 8)
    assert vectors(listing.assembly(dropped, registers, (listing.INT, listing.INT, listing.INT))) == 0
    assert vectors(listing.hot_loop(listing.assembly(sunk, registers, (listing.INT, listing.INT, listing.INT)))) == 8


@listing.needs_x86
def test_passes_are_merged_without_a_clobber():
    """The control: without a clobber one load serves all passes; with one each pass loads again."""
    registers = Registers("f8", cpu_features.widths()[-1], 1)
    arguments = (listing.INT, listing.INT)
    assert not any(vectors(body) for body in listing.loops(listing.assembly(last_pass, registers, arguments)))
    assert any(
        listing.count(body, r"\(%") for body in listing.loops(listing.assembly(every_pass, registers, arguments))
    )


# --- values -----------------------------------------------------------------------------------------------------------


@compiled
def add_up(r, address):
    return total(load(r, address))


@compiled
def roundtrip(r, target, value):
    store(target, fill(r, value))
    return width(r)


@compiled
def multiply_add(r, one, target, source):
    x = load(r, source)
    store(target, simd.fma(x, fill(one, 2), x))
    simd.fence()


@pytest.mark.parametrize("dtype", ["f4", "f8", "i4", "i8"])
def test_values_pass_through_registers(dtype):
    """What is loaded, filled, multiplied, stored and summed has NumPy's value, lane by lane."""
    registers = Registers(dtype, 128, 3)
    memory = np.zeros(256, np.uint8)
    start = -memory.ctypes.data % 64
    values = memory[start : start + registers.nbytes].view(dtype)
    values[:] = np.arange(1, len(values) + 1)
    assert len(values) == registers.lanes * 3
    assert add_up(registers, values.ctypes.data) == values.sum()
    if dtype[0] == "f" and cpu_features.has_fma():
        expected = values * 3
        multiply_add(registers, Registers(dtype, 128, 1), values.ctypes.data, values.ctypes.data)
        assert values.tolist() == expected.tolist()
    assert roundtrip(registers, values.ctypes.data, 7) == registers.nbytes
    assert (values == 7).all()


@arm.needs_qemu
@pytest.mark.parametrize("dtype", ["f4", "i4"])
def test_values_pass_through_registers_on_arm(dtype, tmp_path):
    """Run on AArch64 registers of 32-bit lanes give NumPy's sum and multiply-adds."""
    registers = Registers(dtype, 128, 3)
    values = np.arange(1, registers.nbytes // 4 + 1, dtype=dtype)
    found, _ = arm.run(add_up, registers, [arm.at(0)], values.view(np.uint8), tmp_path)
    assert np.frombuffer(found, dtype)[0] == values.sum()


@compiled
def exchanged(address, old, new):
    simd.write_shared(address, old)
    simd.put(address + 8, simd.byte_at(address))
    done = simd.swap_shared(address, old, new)
    failed = simd.swap_shared(address, old, old)
    simd.put(address + 16, simd.read_shared(address))
    return 2 * done + failed


@arm.needs_qemu
def test_shared_words_are_exchanged_on_arm(tmp_path):
    """Run on AArch64 a compare-and-swap succeeds once, and what is read, whole or a byte, is what was written."""
    found, after = arm.run(exchanged, None, [arm.at(0), 0x105, 77], bytes(24), tmp_path)
    assert np.frombuffer(found, "i8")[0] == 2
    assert after.view("i8").tolist() == [77, 5, 77]


@compiled
def unlike(a, b, address):
    return total(simd.add(load(a, address), load(b, address)))


@pytest.mark.parametrize("other", [Registers("f8", 128, 3), Registers("f4", 128, 2), Registers("f8", 64, 2)])
def test_unlike_registers_are_refused(other):
    """Registers of another kind or number cannot be combined: a typing error that names both, not wrong code."""
    with pytest.raises(numba.TypingError, match="f8_128_2"):
        unlike(Registers("f8", 128, 2), other, 0)
