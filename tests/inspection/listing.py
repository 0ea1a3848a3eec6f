"""The machine code of a kernel as a list of instructions: compiled here for given registers, or for AArch64.

Unlike `inspection.assembly` nothing is run: the kernel is compiled for a signature, so that also widths that the host
lacks can be read where LLVM knows them.
"""

from __future__ import annotations

import platform
import re

import llvmlite.binding as llvm
import pytest
from numba import types

from hwbench.kernels import cpu_features
from inspection import kept_code

X86 = platform.machine().lower() in ("x86_64", "amd64")
NAMES = {128: "xmm", 256: "ymm", 512: "zmm"}
INT, FLOAT = types.intp, types.float64

needs_x86 = pytest.mark.skipif(not X86, reason="reads x86 machine code")


def needs_width(bits):
    """Skip where the host has no registers of `bits` bits."""
    if bits not in cpu_features.widths():
        pytest.skip(f"this CPU's vector registers have at most {cpu_features.widths()[-1]} bits")


def signature_of(registers, arguments):
    """The types of a kernel's arguments, its registers first if it has any."""
    return (registers._numba_type_, *arguments) if registers else arguments


def assembly(kernel, registers, arguments):
    """The machine code of the kernel itself, without the wrappers that call it from Python and C."""
    return first_function(kept_code.assembly(kernel, signature_of(registers, arguments)))


def first_function(text):
    """The instructions and labels of the first function of an assembly listing."""
    lines = [line.split("//")[0].split("##")[0].strip() for line in text.splitlines()]
    start = next(i for i, line in enumerate(lines) if line.startswith(("_ZN", "__ZN")) and line.endswith(":"))
    end = next((i for i in range(start, len(lines)) if lines[i].startswith((".Lfunc_end", ".cfi_endproc"))), len(lines))
    return [line for line in lines[start + 1 : end] if line and not (line.startswith(".") and not line.endswith(":"))]


def loops(code):
    """Each innermost loop but those that wait at the gate: the instructions from a label to the jump back to it."""
    labels = {line[:-1]: i for i, line in enumerate(code) if line.endswith(":")}
    found = []
    for i, line in enumerate(code):
        target = line.split()[-1]
        if line.split()[0].startswith(("j", "b.", "cb", "tb")) and target in labels and labels[target] < i:
            body = code[labels[target] + 1 : i + 1]
            if not any(other.endswith(":") and other[:-1] != target for other in body):
                found.append([x for x in body if not x.endswith(":")])
    return [body for body in found if not count(body, "^(lfence|isb)")]


def hot_loop(code):
    """The innermost loop with the most instructions."""
    return max(loops(code), key=len)


def instructions(body):
    """What is executed of it: without the marks of empty assembly statements."""
    return [line for line in body if not line.startswith("#")]


def count(body, pattern):
    """How many instructions match."""
    return sum(bool(re.search(pattern, line)) for line in body)


def as_arm(text):
    """IR made for this host with what differs on AArch64 put in its place; without the host's name and layout."""
    text = re.sub(r"^target (datalayout|triple) = .*$", "", text, flags=re.MULTILINE)
    # What `order_loads` and `sink` are on this host and there.
    text = text.replace("call void @llvm.x86.sse2.lfence()", "call void @llvm.aarch64.isb(i32 15)")
    text = text.replace("declare void @llvm.x86.sse2.lfence()", "declare void @llvm.aarch64.isb(i32)")
    return re.sub(r'asm sideeffect "", "[vx]"', 'asm sideeffect "", "w"', text)


def for_arm(kernel, registers, arguments):
    """The first function of the kernel's IR compiled for AArch64."""
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    triple = "aarch64-unknown-linux-gnu"
    machine = llvm.Target.from_triple(triple).create_target_machine(cpu="neoverse-v1", opt=3)
    module = llvm.parse_assembly(as_arm(kept_code.ir(kernel, signature_of(registers, arguments))))
    module.triple = triple
    module.data_layout = str(machine.target_data)
    return first_function(machine.emit_assembly(module))
