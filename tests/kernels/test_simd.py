"""The machine code of every kernel: the vectors that were asked for, folded addresses, no spills, nothing dropped.

What a bench measures is decided here: a figure is worth nothing where LLVM chose narrower vectors, called memcpy, or
left the work out. The host's code is read for each width it has; the same IR is compiled for AArch64 and read too.
"""

import ctypes
import os
import platform
import re
import subprocess
import sys
from pathlib import Path

import llvmlite.binding as llvm
import numba
import numpy as np
import pytest
from numba import types

from hwbench.benches.branch import prediction
from hwbench.benches.clock import frequency
from hwbench.benches.latency import chase, core_to_core, loaded, parallel
from hwbench.benches.peak import fma
from hwbench.benches.stream import _kernels, stream
from hwbench.kernels import ping_pong, simd
from hwbench.kernels.compiling import compiled
from hwbench.kernels.simd import Registers, clobber, fill, load, sink, store, total, width

X86 = platform.machine().lower() in ("x86_64", "amd64")
NAMES = {128: "xmm", 256: "ymm", 512: "zmm"}
INT, FLOAT = types.intp, types.float64
STREAM = (INT, INT, INT, INT, INT)
STEPS = (INT, INT, INT, FLOAT, FLOAT, INT, INT)
UNTIL = (INT, INT, INT, INT, INT)
BUSY = (INT, INT, FLOAT, FLOAT, INT, INT, INT)

needs_x86 = pytest.mark.skipif(not X86, reason="reads x86 machine code")


def needs_width(bits):
    """Skip where the host has no registers of `bits` bits."""
    if bits not in simd.widths():
        pytest.skip(f"this CPU's vector registers have at most {simd.widths()[-1]} bits")


# --- reading machine code ---------------------------------------------------------------------------------------------


def compile_for(kernel, registers, arguments):
    """The kernel, compiled for these registers here and now (one from the cache has no text), and its signature."""
    fresh = numba.njit(nogil=True)(kernel.py_func)
    signature = (registers._numba_type_, *arguments) if registers else arguments
    fresh.compile(signature)
    return fresh, signature


def assembly(kernel, registers, arguments):
    """The machine code of the kernel itself, without the wrappers that call it from Python and C."""
    fresh, signature = compile_for(kernel, registers, arguments)
    return first_function(fresh.inspect_asm(signature))


def first_function(text):
    """The instructions and labels of the first function of an assembly listing."""
    lines = [line.split("//")[0].split("##")[0].strip() for line in text.splitlines()]
    start = next(i for i, line in enumerate(lines) if line.startswith(("_ZN", "__ZN")) and line.endswith(":"))
    end = next((i for i in range(start, len(lines)) if lines[i].startswith((".Lfunc_end", ".cfi_endproc"))), len(lines))
    return [line for line in lines[start + 1 : end] if line and not (line.startswith(".") and not line.endswith(":"))]


def loops(code):
    """Each innermost loop: the instructions from a label to the jump back to it."""
    labels = {line[:-1]: i for i, line in enumerate(code) if line.endswith(":")}
    found = []
    for i, line in enumerate(code):
        target = line.split()[-1]
        if line.split()[0].startswith(("j", "b.", "cb", "tb")) and target in labels and labels[target] < i:
            body = code[labels[target] + 1 : i + 1]
            if not any(other.endswith(":") and other[:-1] != target for other in body):
                found.append([x for x in body if not x.endswith(":")])
    return found


def hot_loop(code):
    """The innermost loop with the most instructions."""
    return max(loops(code), key=len)


def instructions(body):
    """What is executed of it: without the marks of empty assembly statements."""
    return [line for line in body if not line.startswith("#")]


def count(body, pattern):
    """How many instructions match."""
    return sum(bool(re.search(pattern, line)) for line in body)


def for_arm(kernel, registers, arguments):
    """The first function of the kernel's IR compiled for AArch64."""
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    fresh, signature = compile_for(kernel, registers, arguments)
    text = fresh.inspect_llvm(signature)
    text = re.sub(r"^target (datalayout|triple) = .*$", "", text, flags=re.MULTILINE)
    triple = "aarch64-unknown-linux-gnu"
    machine = llvm.Target.from_triple(triple).create_target_machine(cpu="neoverse-v1", opt=3)
    module = llvm.parse_assembly(text)
    module.triple = triple
    module.data_layout = str(machine.target_data)
    return first_function(machine.emit_assembly(module))


# --- streams, on this host --------------------------------------------------------------------------------------------


@needs_x86
@pytest.mark.parametrize("bits", NAMES)
def test_load_is_eight_loads_and_in_the_last_pass_eight_additions(bits):
    """A block is eight loads of full width, or in the last pass eight additions from memory; add, compare, jump."""
    needs_width(bits)
    code = loops(assembly(_kernels.simd_load, Registers("i8", bits, 8), STREAM))
    bodies = [body for body in code if count(body, r"\(%")]
    moves, sums = (rf"^v?{what}\s.*\(.*%{NAMES[bits]}\d+$" for what in (r"mov[ad]\w+", "paddq"))
    assert sorted((count(body, moves), count(body, sums), len(body)) for body in bodies) == [(0, 8, 11), (8, 0, 11)]


@needs_x86
@pytest.mark.parametrize("nt", [False, True])
@pytest.mark.parametrize("dtype", ["f8", "f4"])
def test_copy_is_eight_loads_and_eight_stores(dtype, nt):
    """A block of the copy kernel is eight loads and eight stores of full width, non-temporal where asked, no memcpy."""
    bits = simd.stream_width()
    code = assembly(_kernels.simd_copy, Registers(dtype, bits, 8, nt), STREAM)
    body = hot_loop(code)
    name = NAMES[bits]
    assert count(body, rf"^v?mova\w+\s.*\(.*, %{name}\d+$") == 8
    assert count(body, rf"^v?mov{'nt' if nt else 'a'}\w+\s+%{name}\d+, .*\)$") == 8
    assert len(body) == 19, body
    assert count(code, r"call|memcpy") == 0


@needs_x86
@pytest.mark.parametrize("bits", NAMES)
def test_streams_are_eight_additions_from_four_places(bits):
    """A block of the loads in four streams is eight additions from memory, two from each quarter, and four pointers."""
    needs_width(bits)
    body = hot_loop(assembly(_kernels.simd_load_streams, Registers("i8", bits, 2), STREAM))
    assert count(body, rf"^v?paddq\s.*\(.*%{NAMES[bits]}\d+$") == 8
    assert count(body, r"\(%") == 8, body
    assert len(body) <= 16, body


@needs_x86
@pytest.mark.parametrize("nt", [False, True])
@pytest.mark.parametrize("dtype", ["f8", "f4"])
@pytest.mark.parametrize("bits", [256, 512])
def test_store_is_eight_stores(bits, dtype, nt):
    """A block of the store kernel is eight stores of full width, non-temporal where asked; no memset."""
    needs_width(bits)
    code = assembly(_kernels.simd_store, Registers(dtype, bits, 8, nt), STREAM)
    body = hot_loop(code)
    assert count(body, rf"^v?mov{'nt' if nt else 'a'}\w+\s+%{NAMES[bits]}\d+, .*\)$") == 8
    assert len(body) == 11, body
    assert count(code, r"call|memset") == 0


@needs_x86
@pytest.mark.parametrize("nt", [False, True])
@pytest.mark.parametrize("dtype", ["f8", "f4"])
@pytest.mark.parametrize("bits", [256, 512])
@pytest.mark.parametrize(("kernel", "operation", "loads"), [("simd_scale", "mul", 0), ("simd_add", "add", 8)])
def test_scale_and_add_are_eight_operations_from_memory(kernel, operation, loads, bits, dtype, nt):
    """A block of scale is eight multiplications from memory, a block of add eight loads and additions; both store."""
    needs_width(bits)
    body = hot_loop(assembly(getattr(stream, kernel), Registers(dtype, bits, 8, nt), STREAM))
    name, suffix = NAMES[bits], "pd" if dtype == "f8" else "ps"
    assert count(body, rf"^v{operation}{suffix}\s+[^%]*\(.*%{name}\d+$") == 8
    assert count(body, rf"^vmova\w+\s.*\(.*, %{name}\d+$") == loads
    assert count(body, rf"^vmov{'nt' if nt else 'a'}\w+\s+%{name}\d+, .*\)$") == 8
    assert len(body) == 19 + loads, body


@needs_x86
@pytest.mark.parametrize("nt", [False, True])
@pytest.mark.parametrize("dtype", ["f8", "f4"])
@pytest.mark.parametrize("bits", NAMES)
def test_triad_is_eight_fused_multiply_adds(bits, dtype, nt):
    """A block of the triad kernel is eight loads, eight fused multiply-adds from memory and eight stores."""
    needs_width(bits)
    if not simd.has_fma():
        pytest.skip("this CPU has no fused multiply-add")
    body = hot_loop(assembly(_kernels.simd_triad, Registers(dtype, bits, 8, nt), STREAM))
    name, suffix = NAMES[bits], "pd" if dtype == "f8" else "ps"
    assert count(body, rf"^vfmadd\d+{suffix}\s+[^%]*\(.*%{name}\d+$") == 8
    assert count(body, rf"^vmov{'nt' if nt else 'a'}\w+\s+%{name}\d+, .*\)$") == 8
    assert count(body, rf"^vmova\w+\s.*\(.*, %{name}\d+$") == 8
    assert len(body) == 27, body


# --- multiply-adds and pointers, on this host -------------------------------------------------------------------------


@needs_x86
@pytest.mark.parametrize("dtype", ["f8", "f4"])
@pytest.mark.parametrize("bits", [0, *NAMES])
@pytest.mark.parametrize("chains", [1, 12, 16])
def test_steps_keep_all_chains_in_registers(chains, bits, dtype):
    """Four steps of each chain are four fused multiply-adds between registers; nothing touches memory in the loop."""
    if bits:
        needs_width(bits)
    if reason := fma.lacking(bits)(chains):
        pytest.skip(reason)
    scalar = np.dtype(dtype).itemsize * 8
    body = hot_loop(assembly(fma.steps, Registers(dtype, bits or scalar, chains), STEPS))
    suffix = ("p" if bits else "s") + ("d" if dtype == "f8" else "s")
    assert count(body, rf"^vfmadd\d+{suffix}\s+%{NAMES[bits or 128]}") == 4 * chains
    assert count(body, r"\(") == 0, "a spill or a load"
    assert len(body) <= 4 * chains + 3, body


@needs_x86
def test_chase_is_sixteen_dependent_loads():
    """Sixteen loads, each from the address that the one before brought, and subtract or add, compare, jump."""
    body = hot_loop(assembly(chase.chase, None, (INT, INT)))
    assert count(body, r"^movq\s+\((%r\w+)\), \1$") >= 15
    assert count(body, r"\(") == 16
    assert len(body) <= 16 + 4, body


# --- parallel and loaded latency, core to core, clock, branches, on this host -----------------------------------------


@needs_x86
@pytest.mark.parametrize("chains", [1, 2, 8, 14])
def test_each_chase_has_a_register_of_its_own(chains):
    """Four hops of each chase are four loads from the address that the one before brought, none of them the stack."""
    body = hot_loop(assembly(parallel.chase_all, Registers("i8", 64, chains), (INT, INT, INT)))
    assert count(body, r"^movq\s+\((%r\w+)\), \1$") >= 4 * chains - chains
    assert count(body, r"^movq\s+\(%r(?!sp)\w+\), %r") == 4 * chains
    assert count(body, r"\(%rsp\)") <= 1, "of fourteen chases one may wait on the stack"


@needs_x86
def test_of_sixteen_chases_few_wait_on_the_stack():
    """x86 has too few registers for sixteen: all their loads are there, and at most one move in three is a spill's."""
    body = hot_loop(assembly(parallel.chase_all, Registers("i8", 64, 16), (INT, INT, INT)))
    assert count(body, r"\(%r(?!sp)\w+\), %r") == 64
    assert count(body, r"\(%rsp\)") <= 32


@needs_x86
@pytest.mark.parametrize("bits", NAMES)
def test_streams_look_at_the_flag_once_a_block(bits):
    """A block of the streams beside a loaded chase is eight full-width loads or stores, and one look at the flag."""
    needs_width(bits)
    registers = Registers("i8", bits, 8)
    reading = assembly(loaded.read_until, registers, UNTIL)
    assert count(reading, rf"^v?paddq\s.*\(.*%{NAMES[bits]}\d+$") == 8
    wide = simd.stream_width()  # narrower stores of one value LLVM would join
    writing = assembly(loaded.write_until, Registers("i8", wide, 8), UNTIL)
    assert count(writing, rf"^v?mov\w+\s+%{NAMES[wide]}\d+, .*\)$") == 8
    for code in (reading, writing):
        assert count(code, r"^cmpq\s+\$0, \(%r\w+\)$") == 2, "before the first block, and after each"


@needs_x86
@pytest.mark.parametrize("kernel", [loaded.read_until, loaded.write_until])
def test_a_gap_is_a_chain_of_decrements(kernel):
    """The wait between two blocks is a loop of one decrement, a test and a jump: a cycle each, not made a formula."""
    code = assembly(kernel, Registers("i8", simd.stream_width(), 8), UNTIL)
    waits = [instructions(body) for body in loops(code)]
    assert [wait for wait in waits if count(wait, r"^decq|^addq\s+\$-1") == 1 and len(wait) == 3], code


@needs_x86
def test_a_handover_is_one_load_and_one_store():
    """On x86 acquire and release are plain moves: the wait is load, compare, jump, and nothing locks the bus."""
    code = assembly(ping_pong.bounce, None, (INT, INT, INT))
    assert count(code, r"^lock|^xchg|fence") == 0
    wait = min(loops(code), key=len)
    assert [line.split()[0] for line in wait] == ["movq", "cmpq", "jne"]


@needs_x86
def test_an_exchange_is_a_locked_compare_and_swap():
    """A try of the other variant is one `lock cmpxchg`."""
    assert count(assembly(core_to_core.bounce_exchange, None, (INT, INT, INT)), r"^lock\s+cmpxchgq") == 1


@needs_x86
@pytest.mark.parametrize("chains", frequency.CHAINS.values())
@pytest.mark.parametrize("bits", [64, *NAMES])
def test_the_clock_chain_is_seven_additions_of_registers(bits, chains):
    """A step is seven additions to one register, 5 or 12 multiply-adds between registers, and nothing from memory."""
    if bits > 64:
        needs_width(bits)
    if not simd.has_fma():
        pytest.skip("this CPU has no fused multiply-add")
    body = hot_loop(assembly(frequency.busy, Registers("f8", bits, chains), BUSY))
    chain = [line for line in body if re.match(r"addq\s+%r", line)]
    assert len(chain) == frequency.CHAIN
    assert len(set(chain)) == 1, "one and the same register is added to"
    suffix = "sd" if bits == 64 else "pd"
    assert count(body, rf"^vfmadd\d+{suffix}\s+%{NAMES[max(bits, 128)]}") == chains
    assert count(body, r"\(") == 0, "a spill or a load"


@needs_x86
def test_the_branch_stays_and_the_other_kernel_has_none():
    """One byte is loaded an element; the first kernel jumps around its addition, the second only back to its start."""
    jumping, free = (assembly(k, None, (INT, INT, INT)) for k in (prediction.add_if, prediction.add_either))
    for code in (jumping, free):
        assert count(code, r"^movz?x?bl\s+\(") == 1, "no vectors, not unrolled"
    [body] = [body for body in loops(free) if count(body, r"^movz?x?bl\s+\(")]
    assert count(body, r"^j") == 1
    start = next(i for i, line in enumerate(jumping) if re.match(r"movz?x?bl\s+\(", line))
    around = jumping[start : start + 5]
    assert [line.split()[0][0] for line in around].count("j") == 1, around
    assert count(jumping, r"^(cmov|sar|sbb|set)") == 0


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
    return count(code, r"^v?mov[au]\w+\s.*\(.*mm\d|^v?mov[au]\w+\s+%.mm\d+.*\(")


@needs_x86
def test_a_load_without_use_is_dropped_and_a_sink_keeps_it():
    """The control: without a sink the loop's loads vanish; with one all eight of a block are there."""
    registers = Registers("f8", simd.widths()[-1], 8)
    assert vectors(assembly(dropped, registers, (INT, INT, INT))) == 0
    assert vectors(hot_loop(assembly(sunk, registers, (INT, INT, INT)))) == 8


@needs_x86
def test_passes_are_merged_without_a_clobber():
    """The control: without a clobber one load serves all passes; with one each pass loads again."""
    registers = Registers("f8", simd.widths()[-1], 1)
    arguments = (INT, INT)
    assert not any(vectors(body) for body in loops(assembly(last_pass, registers, arguments)))
    assert any(count(body, r"\(%") for body in loops(assembly(every_pass, registers, arguments)))


# --- the same IR on AArch64 -------------------------------------------------------------------------------------------


def test_arm_loads_and_adds_in_the_last_pass():
    """On AArch64 a block is sixteen loads of q registers, in the last pass eight of pairs and additions; no spill."""
    code = loops(for_arm(_kernels.simd_load, Registers("i8", 256, 8), STREAM))
    bodies = [body for body in code if count(body, r"\[x")]
    assert len(bodies) == 2
    loading, adding = sorted(bodies, key=lambda body: count(body, r"^add\s+v"))
    assert count(loading, r"^ldr\s+q\d+, \[") == 16
    assert len(loading) <= 20, loading
    assert count(adding, r"^ldp\s+q\d+, q\d+") == 8
    assert count(adding, r"^add\s+v\d+\.2d") == 16
    assert count(loading + adding, r"\[sp") == 0


@pytest.mark.parametrize("dtype", ["f8", "f4"])
@pytest.mark.parametrize("nt", [False, True])
def test_arm_copies_pairs(nt, dtype):
    """On AArch64 a copy is `ldp q` and `stp q`, or the non-temporal `stnp q`; no call of memcpy."""
    code = for_arm(_kernels.simd_copy, Registers(dtype, 256, 8, nt), STREAM)
    body = hot_loop(code)
    assert count(body, r"^ldp\s+q\d+, q\d+") == 8
    assert count(body, rf"^{'stnp' if nt else 'stp'}\s+q\d+, q\d+") == 8
    assert count(code, r"^bl\b") == 0


def test_arm_streams_load_from_four_places():
    """On AArch64 the loads in four streams are eight q registers from memory and their additions; no spill."""
    body = hot_loop(for_arm(_kernels.simd_load_streams, Registers("i8", 128, 2), STREAM))
    assert 2 * count(body, r"^ldp\s+q\d+, q\d+") + count(body, r"^ldr\s+q\d+") == 8
    assert count(body, r"^add\s+v\d+\.2d") == 8
    assert count(body, r"\[sp") == 0


@pytest.mark.parametrize("nt", [False, True])
def test_arm_stores_pairs(nt):
    """On AArch64 the store kernel is `stp q`, or the non-temporal `stnp q`; no call of memset."""
    code = for_arm(_kernels.simd_store, Registers("f8", 256, 8, nt), STREAM)
    assert count(hot_loop(code), rf"^{'stnp' if nt else 'stp'}\s+q\d+, q\d+") == 8
    assert count(code, r"^bl\b") == 0


@pytest.mark.parametrize(("kernel", "operation"), [("simd_scale", "fmul"), ("simd_add", "fadd")])
def test_arm_scale_and_add_are_one_operation_a_register(kernel, operation):
    """On AArch64 scale is sixteen fmul and add sixteen fadd, and eight stores of pairs."""
    body = hot_loop(for_arm(getattr(stream, kernel), Registers("f8", 256, 8), STREAM))
    assert count(body, rf"^{operation}\s+v\d+\.2d") == 16
    assert count(body, r"^stp\s+q") == 8


@pytest.mark.parametrize("dtype", ["f8", "f4"])
def test_arm_triad_is_fmla(dtype):
    """On AArch64 a triad is one fmla for each of sixteen q registers."""
    body = hot_loop(for_arm(_kernels.simd_triad, Registers(dtype, 256, 8), STREAM))
    assert count(body, rf"^fmla\s+v\d+\.{'2d' if dtype == 'f8' else '4s'}") == 16
    assert count(body, r"^stp\s+q") == 8


@pytest.mark.parametrize("bits", [0, 128])
@pytest.mark.parametrize("chains", [1, 12, 16])
def test_arm_steps_keep_all_chains_in_registers(chains, bits):
    """On AArch64 each step of a chain is one fused multiply-add; nothing touches memory in the loop."""
    body = hot_loop(for_arm(fma.steps, Registers("f8", bits or 64, chains), STEPS))
    assert count(body, r"^fmla\s+v\d+\.2d|^fmadd\s+d\d+") == 4 * chains
    assert len(body) == 4 * chains + 3, body
    assert count(body, r"\[(sp|x)") == 0


def test_arm_chase_is_sixteen_loads():
    """On AArch64 the chase is sixteen loads an iteration."""
    body = hot_loop(for_arm(chase.chase, None, (INT, INT)))
    assert count(body, r"^ldr\s+x\d+, \[x\d+\]$") == 16


@pytest.mark.parametrize("chains", [1, 8, 16])
def test_arm_keeps_sixteen_chases_in_registers(chains):
    """AArch64 has registers for sixteen chases: four loads each an iteration, none from the stack."""
    body = hot_loop(for_arm(parallel.chase_all, Registers("i8", 64, chains), (INT, INT, INT)))
    assert count(body, r"^ldr\s+x\d+, \[x\d+\]$") == 4 * chains
    assert count(body, r"\[sp") == 0


def test_arm_streams_beside_a_loaded_chase():
    """On AArch64 a block is eight pairs of q registers, and the wait is a subtraction and a branch."""
    registers = Registers("i8", 256, 8)
    reading = for_arm(loaded.read_until, registers, UNTIL)
    assert count(reading, r"^ldp\s+q\d+, q\d+") == 8
    assert count(for_arm(loaded.write_until, registers, UNTIL), r"^stp\s+q\d+, q\d+") == 8
    assert any(count(body, r"^subs?\s+x\d+, x\d+, #1") == 1 and len(body) <= 3 for body in loops(reading))


def test_arm_hands_over_with_acquire_and_release():
    """On AArch64 the orders are instructions of their own: a load-acquire, a store-release, a compare-and-swap."""
    storing = for_arm(ping_pong.bounce, None, (INT, INT, INT))
    assert count(storing, r"^ldap?r\s+x") == 1
    assert count(storing, r"^stlr\s+x") == 1
    assert count(for_arm(core_to_core.bounce_exchange, None, (INT, INT, INT)), r"^casal\s+x") == 1


@pytest.mark.parametrize("chains", frequency.CHAINS.values())
def test_arm_clock_chain_is_seven_additions(chains):
    """On AArch64 a step is seven additions of registers and 5 or 12 fmla."""
    body = hot_loop(for_arm(frequency.busy, Registers("f8", 128, chains), BUSY))
    chain = [line for line in body if re.match(r"add\s+x\d+, x\d+, x\d+$", line)]
    assert len(chain) == frequency.CHAIN
    assert count(body, r"^fmla\s+v\d+\.2d") == chains
    assert count(body, r"\[(sp|x)") == 0


def test_arm_keeps_the_branch_too():
    """On AArch64 the first kernel tests and branches, the second masks or selects."""
    jumping, free = (for_arm(k, None, (INT, INT, INT)) for k in (prediction.add_if, prediction.add_either))
    assert count(jumping, r"^tbn?z\s+w\d+, #(7|31)|^b\.(lt|ge|lo|hs|mi|pl|le|gt)") >= 1
    [body] = [body for body in loops(free) if count(body, r"^ldr\w*b\s")]
    assert count(body, r"^(b\.|cb|tb)") == 1


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
    if dtype[0] == "f" and simd.has_fma():
        expected = values * 3
        multiply_add(registers, Registers(dtype, 128, 1), values.ctypes.data, values.ctypes.data)
        assert values.tolist() == expected.tolist()
    assert roundtrip(registers, values.ctypes.data, 7) == registers.nbytes
    assert (values == 7).all()


def test_follow_reads_the_pointer():
    """Following a pair of pointers to each other comes back after sixteen hops."""
    pair = (ctypes.c_int64 * 2)()
    first = ctypes.addressof(pair)
    pair[0], pair[1] = first + 8, first
    assert chase.chase(first, 16) == first


@compiled
def unlike(a, b, address):
    return total(simd.add(load(a, address), load(b, address)))


@pytest.mark.parametrize("other", [Registers("f8", 128, 3), Registers("f4", 128, 2), Registers("f8", 64, 2)])
def test_unlike_registers_are_refused(other):
    """Registers of another kind or number cannot be combined: a typing error that names both, not wrong code."""
    with pytest.raises(numba.TypingError, match="f8_128_2"):
        unlike(Registers("f8", 128, 2), other, 0)


# --- the host and the cache -------------------------------------------------------------------------------------------


def test_widths_follow_the_features(monkeypatch):
    """512 bits need AVX-512, 256 need AVX2 and FMA, 128 is always there."""
    for have, widths in (
        ({"avx2", "fma", "avx512f"}, (128, 256, 512)),
        ({"avx2", "fma"}, (128, 256)),
        ({"avx2"}, (128,)),
        (set(), (128,)),
    ):
        monkeypatch.setattr(simd, "features", lambda have=have: frozenset(have))
        assert simd.widths() == widths


def test_arm_streams_use_pairs(monkeypatch):
    """On AArch64 streams take pairs of 128-bit registers, and a fused multiply-add is always there."""
    monkeypatch.setattr(simd.platform, "machine", lambda: "aarch64")
    monkeypatch.setattr(simd, "features", lambda: frozenset({"neon"}))
    assert (simd.widths(), simd.stream_width(), simd.has_fma()) == ((128,), 256, True)


SCRIPT = """
import sys, numba
from hwbench import simd
from hwbench.benches import latency, stream
before = numba.config.CACHE_DIR
latency.chase.compile((numba.intp, numba.intp))
shape = simd.Registers("i8", 128, 8)._numba_type_
stream.simd_load.compile((shape, *[numba.intp] * 5))
hits = sum(sum(kernel.stats.cache_hits.values()) for kernel in (latency.chase, stream.simd_load))
print(hits, simd.kernel_cache(), numba.config.CACHE_DIR == before)
"""


def in_new_process(cache, **variables):
    """Of a process that compiles two kernels: cache hits, the directory, and whether Numba's own setting stayed."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(cache), **variables}
    done = subprocess.run([sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_kernels_are_kept_for_the_next_process(tmp_path):
    """A second process compiles nothing, and Numba's setting for the user's own functions is as before."""
    first, second = in_new_process(tmp_path), in_new_process(tmp_path)
    assert (first[0], second[0]) == ("0", "2")
    assert Path(second[1]).parent == tmp_path
    assert first[2] == second[2] == "True"


@pytest.mark.parametrize(
    "edited", EDITED := ["kernels/simd.py", "kernels/float16.py", "benches/_helper.py", "benches/topic/_helper.py"]
)
def test_the_cache_is_named_after_what_is_compiled_into_kernels(tmp_path, monkeypatch, edited):
    """Another simd.py or helper of the benches means another directory, so that no kernel with old code is found."""
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(simd, "__file__", str(tmp_path / "kernels/simd.py"))
    for folder in ("kernels", "benches/topic"):
        (tmp_path / folder).mkdir(parents=True)
    for name in EDITED:
        (tmp_path / name).write_text("")
    there = simd.kernel_cache.__wrapped__()
    assert simd.kernel_cache.__wrapped__() == there
    (tmp_path / edited).write_text("# edited")
    assert simd.kernel_cache.__wrapped__() != there


def test_an_unwritable_cache_is_no_error(tmp_path):
    """Where the cache's place is taken by a file, kernels are compiled each time and nothing is said."""
    blocked = tmp_path / "file"
    blocked.write_text("")
    assert in_new_process(blocked)[:2] == ["0", "None"]
