"""Every kernel that hwbench ships, run on the CPU and held against NumPy: the very source that goes to the GPU.

What is checked is what a kernel computes, at shapes that do not fit evenly where it allows them, blocks and threads
in both orders. That the checks can fail is shown by running them on sources with one thing broken.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from doubles import on_cpu
from hwbench.kernels import cuda

TOPICS = [*cuda.OWN, *cuda.topics()]
Launch = Callable[..., None]
CHECKS: dict[tuple[str, str], Callable[[Launch], None]] = {}
SENTINEL = -77


def checks(topic: str, *kernels: str) -> Callable[[Callable[[str, Launch], None]], Callable[[str, Launch], None]]:
    """Register a check `(kernel, launch)` of these kernels of a topic."""

    def register(check: Callable[[str, Launch], None]) -> Callable[[str, Launch], None]:
        CHECKS.update({(topic, kernel): functools.partial(check, kernel) for kernel in kernels})
        return check

    return register


@functools.cache
def module(topic: str) -> on_cpu.Module:
    return on_cpu.Module(cuda.source(topic), f"{topic}.cu")


def rng() -> np.random.Generator:
    return np.random.default_rng(20)


def fma(a, b, c):
    """a·b + c in float32: the product is exact in float64."""
    return (np.asarray(a, np.float64) * b + c).astype(np.float32)


# --- the link -------------------------------------------------------------------------------------------------------


@checks("transfer.copy", "move16")
def moves_any_number_of_words(kernel, launch):
    for n in (0, 1, 999):
        source = rng().integers(0, 2**32, 4 * 1000, dtype=np.uint32)
        target = np.full_like(source, 7)
        launch(kernel, 3, 64, [source, target, np.int64(n)])
        np.testing.assert_array_equal(target, np.where(np.arange(4000) < 4 * n, source, 7))


@checks("transfer.copy", "chain")
def computes_on_each_element(kernel, launch):
    x = rng().integers(512, 1536, 192).astype(np.float32) / 1024
    y = np.full(192 + 5, SENTINEL, np.float32)
    up, b, down, step = 2.0, 0.75, 0.5, 0.125  # a pair of multiply-adds adds `step`, and nothing rounds
    scalars = [np.int32(3), *np.float32([up, b, down, step - b / 2])]
    launch(kernel, 3, 64, [x, y, *scalars])
    np.testing.assert_array_equal(y, np.append(x + np.float32(3 * 16 * step), np.full(5, SENTINEL, np.float32)))


# --- streams on the device ------------------------------------------------------------------------------------------


@checks("device.stream", "copy4", "copy8", "copy16")
def copies_every_bit(kernel, launch):
    words = int(kernel.removeprefix("copy")) // 4
    assert 4 % words == 0
    source = rng().integers(0, 2**32, 3 * 64 * 4, dtype=np.uint32)
    target = np.full(source.size + 8, 7, np.uint32)
    launch(kernel, 3, 64, [source, target])
    np.testing.assert_array_equal(target, np.append(source, np.full(8, 7, np.uint32)))


@checks("device.stream", "triad4", "triad8", "triad16")
def adds_what_is_scaled_in_one_rounding(kernel, launch):
    b, c = rng().random((2, 3 * 64 * 4), np.float32)
    a = np.full(b.size + 8, SENTINEL, np.float32)
    launch(kernel, 3, 64, [b, c, a, np.float32(0.3)])
    np.testing.assert_array_equal(a, np.append(fma(np.float32(0.3), c, b), np.full(8, SENTINEL, np.float32)))


@checks("device.stream", *(f"{name}{width}_again" for name in ("copy", "triad") for width in (4, 8, 16)))
def goes_through_all_of_it_in_each_pass(kernel, launch):
    words = int(re.search(r"\d+", kernel)[0]) // 4
    b, c = rng().random((2, 5 * 64 * 4 * words), np.float32)
    given, answer = ([b, c], fma(np.float32(0.3), c, b)) if kernel.startswith("triad") else ([b], b)
    scale = [np.float32(0.3)] if kernel.startswith("triad") else []
    for passes in (1, 3):
        a = np.full(b.size + 8, SENTINEL, np.float32)
        for grid in (2, 13):  # fewer blocks than parts, and more
            launch(kernel, grid, 64, [*given, a, *scale, np.int32(5), np.int32(5 * passes)])
            np.testing.assert_array_equal(a, np.append(answer, np.full(8, SENTINEL, np.float32)))


@checks("device.stream", *(f"write{width}{after}" for width in (4, 8, 16) for after in ("", "_again")))
def fills_all_of_it(kernel, launch):
    words, again = int(re.search(r"\d+", kernel)[0]) // 4, kernel.endswith("_again")
    count = 5 * 64 * 4 * (words if again else 1)
    a = np.full(count + 8, SENTINEL, np.float32)
    launch(kernel, 3 if again else 5, 64, [a, np.float32(2.5), *([np.int32(5), np.int32(10)] if again else [])])
    np.testing.assert_array_equal(a, [*[2.5] * count, *[SENTINEL] * 8])


@checks("device.stream", "read4", "read8", "read16")
def adds_up_the_bits_of_each_pass(kernel, launch):
    words = int(kernel.removeprefix("read")) // 4
    source = rng().integers(0, 2**32, 5 * 64 * 4 * words, dtype=np.uint32)
    for grid, passes in ((2, 1), (2, 3), (13, 3)):
        sums = np.full(grid * 64 + 2, 7, np.uint32)
        launch(kernel, grid, 64, [source.view(np.float32), sums, np.int32(5), np.int32(5 * passes)])
        assert int(sums[:-2].sum(dtype=np.uint64)) % 2**32 == passes * int(source.sum(dtype=np.uint64)) % 2**32
        assert sums[-2:].tolist() == [7, 7]


# --- latency --------------------------------------------------------------------------------------------------------


@checks("device.latency", "link", "warm", "chase_ca", "chase_cg")
def follows_the_ring(kernel, launch):
    lines, words = 40, 16
    order = rng().permutation(lines)
    ring = np.zeros(lines * words, np.uint64)
    launch("link", 2, 8, [ring, order, np.int64(lines), np.int32(words)])
    places = ring.ctypes.data + 8 * words * order.astype(np.uint64)
    np.testing.assert_array_equal(ring[order * words], np.roll(places, -1))
    assert not np.delete(ring, order * words).any()
    if kernel == "link":
        return
    # Of addresses alone a thread makes no 1. One word changed so that all lines make it shows that each line is read.
    told = ring.copy()
    told[5 * words] ^= np.bitwise_xor.reduce(ring[::words]) ^ np.uint64(1)
    told[words + 1] = 99
    if kernel == "warm":
        for where, seen in ((ring, 0), (told, 1)):
            state = np.array([places[3], 0, 3, 0], np.uint64)
            launch(kernel, 1, 1, [state, where, order, np.int64(lines), np.int32(words)])
            assert state.tolist() == [places[3], 0, 3, seen]
        return
    for fetch in (0, 1):
        state = np.array([places[3], 0, 3, 0], np.uint64)
        launch(kernel, 1, 32, [state, np.int32(7), ring, np.int64(lines), np.int32(words), np.int32(fetch)])
        assert state[0] == places[(3 + 7 * 16) % lines]
        assert state[1] > 0
        assert state[2:].tolist() == [(3 + 7 * 16) % lines, 0]
        launch(kernel, 1, 1, [state, np.int32(0), told, np.int64(lines), np.int32(words), np.int32(fetch)])
        assert state[3] == fetch


# --- addresses ------------------------------------------------------------------------------------------------------


@checks("device.coalescing", "pick")
def picks_by_step_and_offset(kernel, launch):
    source = rng().random(512 * 5 + 3, np.float32)
    for step, offset in ((1, 0), (1, 3), (5, 2)):
        target = np.full(512 + 1, SENTINEL, np.float32)
        launch(kernel, 2, 64, [source, target, np.int32(step), np.int32(offset)])
        np.testing.assert_array_equal(target, [*source[offset::step][:512], SENTINEL])


@checks("device.coalescing", "pick_index")
def picks_by_index(kernel, launch):
    source = rng().random(500, np.float32)
    index = rng().integers(0, 500, 512, dtype=np.int32)
    target = np.zeros(512, np.float32)
    launch(kernel, 2, 64, [source, index, target])
    np.testing.assert_array_equal(target, source[index])


@checks("device.coalescing", "sum_fields")
def sums_fields_of_either_layout(kernel, launch):
    items = 128
    for fields in (7, 16, 39):
        values = rng().integers(0, 1000, (items, fields)).astype(np.float32)
        for source, item, field in ((values, fields, 1), (np.ascontiguousarray(values.T), 1, items)):
            target = np.zeros(items, np.float32)
            launch(kernel, 2, 64, [source, target, np.int32(fields), np.int64(item), np.int64(field)])
            np.testing.assert_array_equal(target, values.sum(1))


@checks("device.coalescing", "banks")
def reads_the_banks_it_says(kernel, launch):
    words = 8192
    seeds = rng().integers(0, 1000, words).astype(np.float32)
    thread = np.arange(256)
    for step in (1, 33):
        target = np.zeros(512, np.float32)
        launch(kernel, 2, 256, [seeds, target, np.int32(step), np.int32(288)])
        first = thread % 32 * step + thread // 32
        expected = seeds[(first[:, None] + 32 * np.arange(288)) % words].sum(1)
        np.testing.assert_array_equal(target, np.tile(expected, 2))


@checks("device.cache", "read_l1", "read_shared")
def reads_all_items_in_turns(kernel, launch):
    items = rng().integers(0, 16, (1024, 4)).astype(np.float32)
    found = np.full(2 * 256 + 2, SENTINEL, np.float32)
    launch(kernel, 2, 256, [items, found, np.int32(7)])
    at = np.arange(256)[:, None, None] + 33 * np.arange(7)[:, None] + 256 * np.arange(4)
    expected = items.sum(axis=1)[at % 1024].sum(axis=(1, 2))
    np.testing.assert_array_equal(found, [*expected, *expected, SENTINEL, SENTINEL])


# --- branches -------------------------------------------------------------------------------------------------------


@checks("device.divergence", "paths")
def goes_each_way_as_often(kernel, launch):
    bits = {
        int(way): int(text, 16) for way, text in re.findall(r"WAY\((\d+), (0x\w+)\)", cuda.source("device.divergence"))
    }
    assert sorted(bits) == list(range(32)) and len(set(bits.values())) == 32
    x = rng().integers(0, 1024, 1024).astype(np.float32)
    up, b, down, e = 2.0, 3.0, 0.5, -1.0  # a pair adds e + b/2 for a 0 and 2e + b for a 1, and nothing rounds
    for paths in (1, 4, 32):
        ones = np.array([bits[i % paths].bit_count() for i in range(1024)])
        expected = x + 3 * (ones * (2 * e + b) + (16 - ones) * (e + b / 2))
        for across in (0, 1):
            y = np.full_like(x, SENTINEL)
            scalars = [*np.int32([paths, across, 3]), *np.float32([up, b, down, e])]
            launch(kernel, 4, 256, [x, y, *scalars])
            np.testing.assert_array_equal(y, expected)
    # A warp alone shows by what it writes which elements it has: of one way where whole warps go together, else of all.
    for across, ways in ((0, 32), (1, 1)):
        y = np.full_like(x, SENTINEL)
        launch(kernel, 1, 32, [x, y, *np.int32([32, across, 1]), *np.float32([up, b, down, e])])
        [mine] = np.nonzero(y != SENTINEL)
        assert (len(mine), len(set(mine % 32))) == (32, ways)


# --- arithmetic -----------------------------------------------------------------------------------------------------


@checks("device.peak", *(f"fma_{dtype}_{chains}" for dtype in ("f4", "f8", "f2") for chains in (1, 2, 4, 8)))
def adds_up_by_pairs(kernel, launch):
    _, dtype, chains = kernel.split("_")
    chains, dtype, threads, passes, loops = int(chains), np.dtype(dtype), 2 * 32, 3, 2
    lanes = 2 if dtype == "f2" else 1  # two halves in a register
    seeds = rng().integers(0, 4, 1024 * lanes).astype(dtype)
    b, step = 1.0, 0.25  # a pair of multiply-adds adds `step`, and nothing rounds
    scalars = np.array([b, step - b / 2, 1.0, -3.0], dtype)
    if lanes == 2:
        scalars = np.repeat(scalars, 2).view(np.uint32)
    result = np.full((chains * threads + 3) * lanes, SENTINEL, dtype)
    launch(kernel, 2, 32, [seeds, result, np.int32(passes), np.int32(loops), *scalars])
    first = seeds.reshape(1024, lanes)[np.arange(chains * threads) % 1024].reshape(threads, chains, lanes)
    expected = (first + dtype.type(passes * (loops * 32 * step - 3))).transpose(1, 0, 2).ravel()
    np.testing.assert_array_equal(result, np.append(expected, np.full(3 * lanes, SENTINEL, dtype)))


@checks("device.peak", *(f"fma_i4_{chains}" for chains in (1, 2, 4, 8)))
def multiplies_and_adds_modulo_two_to_the_32(kernel, launch):
    chains, threads, passes, loops = int(kernel.rpartition("_")[2]), 2 * 32, 3, 2
    up, down, b, e, one, back = np.array([1664525, 22695477, 5, 2**31 + 7, 3, 2**32 - 9], np.uint32)
    seeds = rng().integers(0, 2**32, 1024, dtype=np.uint32)
    result = np.full(chains * threads + 3, 7, np.uint32)
    signed = (number.view(np.int32) for number in (b, e, one, back))
    launch(kernel, 2, 32, [seeds.view(np.int32), result.view(np.int32), np.int32(passes), np.int32(loops), *signed])
    x = seeds[np.arange(chains * threads) % 1024].reshape(threads, chains).T.ravel()
    for _ in range(passes):
        x = x * one + back
        for _ in range(loops * 32):
            x = (x * up + b) * down + e
    np.testing.assert_array_equal(result, np.append(x, np.full(3, 7, np.uint32)))


@checks("device.roofline", *(f"fused_{dtype}_{pairs}" for dtype in ("f4", "f8") for pairs in (1, 8, 32)))
def computes_on_the_way(kernel, launch):
    _, dtype, pairs = kernel.split("_")
    dtype, pairs = np.dtype(dtype), int(pairs)
    source = rng().integers(0, 2**20, 3 * 64 * 32 // dtype.itemsize).astype(dtype) / dtype.type(2**22)
    b, step = 0.25, 2.0**-11  # a pair of multiply-adds adds `step`, and nothing rounds
    for loops in (1, 3):
        target = np.full(source.size + 4, SENTINEL, dtype)
        launch(kernel, 3, 64, [source, target, np.int32(loops), *np.array([b, step - b / 2], dtype)])
        np.testing.assert_array_equal(target, [*(source + dtype.type(loops * pairs * step)), *[SENTINEL] * 4])


@checks("device.peak", "control")
def leaves_everything_as_it_was(kernel, launch):
    result = np.full(64, SENTINEL, np.float32)
    launch(kernel, 1, 64, [np.zeros(1024, np.float32), result, np.int32(2), *np.float32([1, 0])])
    assert (result == SENTINEL).all()


def e4m3(values):
    """The bits of small whole numbers and halves in fp8: sign, 4 bits of exponent (bias 7), 3 of mantissa."""
    mantissa, exponent = np.frexp(np.abs(values))
    bits = np.where(values == 0, 0, (exponent + 6) << 3 | ((mantissa * 16).astype(int) & 7))
    return (bits | np.where(values < 0, 128, 0)).astype(np.uint8)


# For each format how many elements lie in a register, and the bits of values.
FRAGMENTS = {
    "mma_f16": (2, lambda values: values.astype(np.float16).view(np.uint16)),
    "mma_bf16": (2, lambda values: (values.astype(np.float32).view(np.uint32) >> 16).astype(np.uint16)),
    "mma_tf32": (1, lambda values: values.astype(np.float32).view(np.uint32)),
    "mma_fp8": (4, e4m3),
    "mma_int8": (4, lambda values: values.astype(np.int8).view(np.uint8)),
    "mma_f16_sums": (2, lambda values: values.astype(np.float16).view(np.uint16)),
}


@checks("device.tensor", *FRAGMENTS)
def multiplies_matrices_by_fragments(kernel, launch):
    each, bits = FRAGMENTS[kernel]
    depth, loops, warps, sums = 8 * each, 3, 2, 8
    lane, element = np.arange(32)[:, None], np.arange(each)
    group, place = lane // 4, lane % 4

    def registers(cells):
        """Rows of `each` elements as one 32-bit register each."""
        return np.ascontiguousarray(bits(cells)).view(np.uint32).ravel()

    def of_a(a):
        columns = each * place + element
        return np.stack([registers(a[group + 8 * (r % 2), columns + 4 * each * (r // 2)]) for r in range(4)])

    def of_b(b):
        return np.stack([registers(b[each * place + element + 4 * each * r, group]) for r in range(2)])

    halves = kernel == "mma_f16_sums"
    a, second = rng().integers(-2, 3, (2, 16, depth)).astype(float) / (1 if kernel == "mma_int8" else 2)
    right = rng().integers(-2, 3, (sums, depth, 8)).astype(float)
    kind = np.int32 if kernel == "mma_int8" else np.uint32 if halves else np.float32
    result = np.full((warps, sums, 2 if halves else 4, 32), 77, kind)
    launch(kernel, warps, 32, [of_a(a), of_a(second), np.stack([of_b(b) for b in right]), result, np.int32(loops)])
    if halves:
        result = result.view(np.float16).reshape(warps, sums, 2, 32, 2).swapaxes(3, 4).reshape(warps, sums, 4, 32)
    lane = np.arange(32)
    for j, b in enumerate(right):
        product = 4 * loops * (a + second) @ b
        fragment = np.stack([product[lane // 4 + 8 * (r // 2), 2 * (lane % 4) + r % 2] for r in range(4)])
        np.testing.assert_array_equal(result[:, j], np.stack([fragment] * warps))


# --- how many threads, and how they wait ----------------------------------------------------------------------------


@checks("device.occupancy", *(f"copy_{loads}" for loads in (1, 2, 4, 8)))
def copies_with_as_many_threads_as_there_are(kernel, launch):
    words = 4 * 64 * 8 * 3
    source = rng().integers(0, 2**32, words, dtype=np.uint32)
    target = np.full(words + 4, 7, np.uint32)
    launch(kernel, 2, 32, [source, target, np.int64(words // 4)])
    np.testing.assert_array_equal(target, np.append(source, np.uint32([7] * 4)))


@checks("device.sync", "mark")
def leaves_a_mark(kernel, launch):
    flag = np.zeros(2, np.int32)
    launch(kernel, 1, 1, [flag])
    assert flag.tolist() == [1, 0]


@checks("device.sync", "barriers_block")
def passes_a_token_round_the_block(kernel, launch):
    counted = np.zeros(3, np.int32)
    launch(kernel, 2, 64, [counted, np.int32(70)])
    assert counted.tolist() == [16 * 70, 16 * 70, 0]


@checks("device.sync", "barriers_grid")
def passes_a_token_round_the_grid(kernel, launch):
    arrived, token = np.zeros(1, np.uint32), np.zeros(1, np.int32)
    for launches in (1, 2):  # the second goes on where the first left the counter
        launch(kernel, 5, 32, [arrived, token, np.int32(12)], cooperative=True)
        assert token[0] == 12 * launches
        assert arrived[0] == 12 * 5 * launches


@checks("device.sync", "step")
def takes_one_step_a_launch(kernel, launch):
    token = np.zeros(1, np.int32)
    for _ in range(3):
        launch(kernel, 3, 32, [token])
    assert token[0] == 3


@checks("device.graph", "advance")
def takes_the_neighbours_value_and_adds_one(kernel, launch):
    source = rng().integers(0, 1000, 150).astype(np.float32)
    for n, grid in ((150, 2), (33, 3)):
        target = np.full(152, SENTINEL, np.float32)
        launch(kernel, grid, 32, [source, target, np.int32(n)])
        np.testing.assert_array_equal(target, [*(np.roll(source[:n], -1) + 1), *[SENTINEL] * (152 - n)])


@checks("device.graph", "advance_all")
def takes_all_steps_with_a_barrier_between(kernel, launch):
    source, state = rng().integers(0, 1000, 150).astype(np.float32), np.zeros(2, np.uint32)
    barriers = 0
    for n, steps in ((150, 1), (150, 6), (33, 7)):
        ends = [np.full(152, SENTINEL, np.float32) for _ in range(2)]
        launch(kernel, 3, 32, [source, *ends, np.int32(n), np.int32(steps), state], cooperative=True)
        expected = [*(np.roll(source[:n], -steps) + steps), *[SENTINEL] * (152 - n)]
        np.testing.assert_array_equal(ends[(steps - 1) % 2], expected)
        barriers += steps - 1
        assert state.tolist() == [0, barriers]


@checks("device.sync", "atomic_global", "atomic_shared", "atomic_warp")
def loses_no_increment(kernel, launch):
    for addresses in (1, 8, 128):
        counters = np.zeros(128, np.uint32)
        launch(kernel, 2, 64, [counters, np.int32(addresses - 1), np.int32(5)])
        targets = (np.arange(128)[:, None] + np.arange(5)) % addresses
        np.testing.assert_array_equal(counters, np.bincount(targets.ravel(), minlength=128))


# --- what talks to the host ------------------------------------------------------------------------------------------


@checks("transfer.mailbox", "reply")
def answers_each_number_and_gives_up_without_one(kernel, launch):
    box = np.zeros(96, np.uint64)
    box[0] = 7
    launch(kernel, 1, 1, [box, np.uint64(7), np.int32(1), np.int32(1)])
    assert (box[[0, 32, 64]].tolist(), np.count_nonzero(box)) == ([7, 7, 0], 2)
    launch(kernel, 1, 1, [box, np.uint64(7), np.int32(3), np.int32(50)])
    assert (box[[0, 32, 64]].tolist(), np.count_nonzero(box)) == ([7, 7, 8], 3)
    box[:] = 0
    with ThreadPoolExecutor(1) as beside:  # the host's side is played while the kernel runs
        running = beside.submit(launch, kernel, 1, 1, [box, np.uint64(7), np.int32(2), np.int32(2**29)])
        for number in (7, 8):
            box[0] = number
            while box[32] != number and not running.done():
                pass
        running.result()
    assert (box[[0, 32, 64]].tolist(), np.count_nonzero(box)) == ([8, 8, 0], 2)


# --- the device's own -----------------------------------------------------------------------------------------------


@checks("gpu_gate", "gate")
def opens_by_its_ticket_or_its_time_limit(kernel, launch):
    for flag, after in (([5, 0], [5, 0]), ([4, 0], [4, 5])):
        held = np.array(flag, np.uint32)
        launch(kernel, 1, 1, [held, np.uint32(5), np.uint64(1000)])
        assert held.tolist() == after


@checks("gpu_gate", "stamp")
def tells_time_and_cycles(kernel, launch):
    told = np.full(4, 7, np.uint64)
    launch(kernel, 1, 1, [told])
    first = told.copy()
    launch(kernel, 1, 1, [told])
    assert told[2:].tolist() == [0, 7]
    assert (told[:2] > first[:2]).all()


@checks("gpu_gate", "burn")
def burns_and_leaves_nothing(kernel, launch):
    sink = np.full(1, SENTINEL, np.float32)
    launch(kernel, 2, 32, [sink, np.uint64(20)])
    assert sink[0] == SENTINEL


# --- all of them ----------------------------------------------------------------------------------------------------


def known() -> list[tuple[str, str]]:
    """Every kernel that is shipped, by topic."""
    return [(topic, kernel) for topic in TOPICS for kernel in on_cpu.kernels(cuda.source(topic))]


@pytest.mark.parametrize("reverse", [False, True], ids=["in-order", "reverse"])
@pytest.mark.parametrize(("topic", "kernel"), CHECKS, ids=lambda name: name)
def test_a_kernel_gives_what_numpy_gives(topic, kernel, reverse):
    """The answer is NumPy's, to the bit, in whichever order threads and blocks run."""
    CHECKS[topic, kernel](functools.partial(module(topic).launch, reverse=reverse))


def test_every_kernel_is_run():
    """No kernel is shipped that is not run here, and none is named here that is not shipped."""
    assert set(CHECKS) == set(known())


def test_every_kernel_can_be_found_by_its_name():
    """A kernel that is not extern "C" would have a mangled name, which no caller knows."""
    for topic in TOPICS:
        source = re.sub(r"//[^\n]*|/\*.*?\*/", "", cuda.source(topic), flags=re.S)
        assert source.count("__global__") == len(re.findall(r'extern\s+"C"\s+__global__', source)), topic


MUTANTS = [
    ("transfer.copy", "move16", "i += threads", "i += threads + 1"),
    ("transfer.copy", "move16", "i < n", "i <= n"),
    ("transfer.copy", "chain", "pair < 16", "pair < 15"),
    ("transfer.copy", "chain", "fmaf(x, down, e)", "fmaf(x, down, b)"),
    ("device.stream", "copy4", "k < EACH(type); ++k) to", "k < EACH(type) - 1; ++k) to"),
    ("device.stream", "triad8", "fmaf(s, c.y, b.y)", "fmaf(s, c.x, b.y)"),
    ("device.stream", "triad4", "return fmaf(s, c, b);", "return s * c + b;"),
    ("device.stream", "copy8_again", "turn < turns", "turn + 2 < turns"),
    ("device.stream", "write16_again", "part = blockIdx.x % parts", "part = 0"),
    ("device.stream", "read8", "bits(x.x) + bits(x.y)", "bits(x.x) + bits(x.x)"),
    ("device.stream", "write8", "make_float2(value, value)", "make_float2(value, 0)"),
    ("device.latency", "chase_cg", "hop < 16", "hop < 15"),
    ("device.latency", "chase_ca", "i * words); ", "i * words + 1); "),
    ("device.latency", "warm", "first + i - lines", "0"),
    ("device.latency", "link", "i + 1 == lines ? 0 : i + 1", "i"),
    ("device.coalescing", "pick", "* step + offset]", "* step]"),
    ("device.coalescing", "sum_fields", "float total = 0", "float total = at[0]"),
    ("device.coalescing", "banks", "seeds[i & (WORDS - 1)]", "seeds[i < WORDS ? i : 0]"),
    ("device.coalescing", "banks", "    __syncthreads();\n", ""),
    ("device.peak", "fma_f4_4", "factor<type>::down, e", "factor<type>::up, e"),
    ("device.peak", "fma_f8_1", "pass < passes", "pass < 1"),
    ("device.peak", "fma_f2_2", "(16 * i)", "(15 * i)"),
    ("device.tensor", "mma_int8", "(signed char)(word", "(unsigned char)(word"),
    ("device.tensor", "mma_f16_sums", "half_of(d[1], 0), half_of(d[1], 1)", "half_of(d[1], 0), half_of(d[1], 0)"),
    ("device.tensor", "mma_f16", "d[j], second", "d[j], first"),
    ("device.tensor", "mma_fp8", "4 * g + s", "4 * g + t"),
    ("device.occupancy", "copy_4", "one = x[k];", "one = x[0];"),
    (
        "device.sync",
        "barriers_grid",
        "if (threadIdx.x == 0) {\n            __threadfence",
        "if (0) {\n            __threadfence",
    ),
    ("device.sync", "atomic_shared", "own[i] = 0;\n    __syncthreads();", "own[i] = 0;"),
    ("device.sync", "atomic_warp", "apart > mask", "apart > 0"),
    ("transfer.mailbox", "reply", "box[ANSWER] = wanted", "box[ANSWER] = first"),
    ("transfer.mailbox", "reply", "box[GAVE_UP] = wanted", "box[GAVE_UP] = first"),
    ("transfer.mailbox", "reply", "first + trip", "first"),
    ("gpu_gate", "gate", "flag[1] = ticket", "flag[1] = 0"),
    ("device.roofline", "fused_f4_8", "fmaf(x.w, factor", "fmaf(x.z, factor"),
    ("device.roofline", "fused_f8_1", "++loop < loops", "++loop < 1"),
    ("device.graph", "advance", "i + 1 == n ? 0 : i + 1", "i + 1"),
    ("device.graph", "advance_all", "        barrier(state);\n", ""),
    ("device.graph", "advance_all", "step & 1", "step & 2"),
    ("device.divergence", "paths", "WAY(30, 0x6283)", "WAY(30, 0x6282)"),
    ("device.cache", "read_shared", "at += STEP", "at += STEP - 1"),
    ("device.divergence", "paths", "(place & (WARP - 1)) * 32 + place / WARP", "place"),
]


@pytest.mark.parametrize(("topic", "kernel", "right", "wrong"), MUTANTS)
def test_a_broken_kernel_is_noticed(topic, kernel, right, wrong):
    """Each check fails, in one order of threads at least, on a source in which one thing is broken."""
    source = cuda.source(topic)
    assert right in source
    # Beside the broken kernel the one that links its ring; the others would take longer to build than to check these.
    broken = on_cpu.Module(source.replace(right, wrong, 1), f"{topic}.cu", only=(kernel, "link"))
    with pytest.raises((AssertionError, on_cpu.LaunchError)):
        for reverse in (False, True):
            CHECKS[topic, kernel](functools.partial(broken.launch, reverse=reverse))
