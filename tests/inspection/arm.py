"""A kernel run on AArch64: its IR compiled by the LLVM inside llvmlite, made a program, and run by qemu-user.

No compiler and no linker for Arm is needed. A function `_start` around the kernel, in the same module, calls it on
memory that is part of the program, writes the memory to standard output and ends. What is left for a linker are
references from code to data, of a handful of kinds; they are filled in here.
"""

from __future__ import annotations

import os
import re
import shutil
import struct
import subprocess
from pathlib import Path

import llvmlite.binding as llvm
import numpy as np
import pytest

from inspection import kept_code, listing

TRIPLE = "aarch64-unknown-linux-gnu"
QEMU = shutil.which("qemu-aarch64") or shutil.which("qemu-aarch64-static")
needs_qemu = pytest.mark.skipif(QEMU is None, reason="qemu-aarch64 is not installed (Debian: qemu-user)")

BASE, MEMORY = 0x400000, 0x10000000  # where the program lies, and the kernel's memory
PAGE = 4096

# A call of the system, by number: x8 is the number, x0 … its arguments. llvmlite has no assembler for Arm.
CALL = struct.pack("<6I", 0xAA0003E8, 0xAA0103E0, 0xAA0203E1, 0xAA0303E2, 0xD4000001, 0xD65F03C0)
# write, exit_group and clock_gettime of Linux.
SYSTEM = """
@result = global [8 x i8] zeroinitializer, align 8
@error = global [8 x i8] zeroinitializer, align 8

declare i64 @system(i64 %number, i64 %a, i64 %b, i64 %c)

define void @_start() noreturn {{
  %status = call i32 @{kernel}(ptr @result, ptr @error{arguments})
  %w = call i64 @system(i64 64, i64 1, i64 {memory}, i64 {size})
  %v = call i64 @system(i64 64, i64 1, i64 ptrtoint (ptr @result to i64), i64 8)
  %code = zext i32 %status to i64
  %e = call i64 @system(i64 94, i64 %code, i64 0, i64 0)
  unreachable
}}
"""
CLOCK = """
define i32 @hwbench_clock(i32 %which, ptr %place) noinline {
  %which64 = zext i32 %which to i64
  %to = ptrtoint ptr %place to i64
  %r = call i64 @system(i64 113, i64 %which64, i64 %to, i64 0)
  ret i32 0
}
"""


def run(kernel, registers, values, memory, folder: Path):
    """What the kernel returns, as eight bytes, and the memory after it.

    `values` are its arguments after the registers; `at(offset)` is an address in the memory.
    """
    held = bytes(memory)
    image = linked(compiled(kernel, registers, values, len(held)), held)
    program = folder / "program"
    program.write_bytes(image)
    program.chmod(0o755)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("QEMU_")}
    done = subprocess.run(
        [str(QEMU), "-cpu", "max", str(program)], capture_output=True, check=False, timeout=60, env=environment
    )
    assert done.returncode == 0, (done.returncode, done.stderr.decode(errors="replace")[-500:])
    assert len(done.stdout) == len(held) + 8
    return done.stdout[len(held) :], np.frombuffer(done.stdout[: len(held)], np.uint8)


def at(offset: int) -> int:
    """An address in the kernel's memory."""
    return MEMORY + offset


def compiled(kernel, registers, values, size) -> bytes:
    """An object file for AArch64 with `_start` and the kernel."""
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    types = tuple(listing.FLOAT if isinstance(value, float) else listing.INT for value in values)
    text = listing.as_arm(kept_code.ir(kernel, listing.signature_of(registers, types)))
    name, given = re.search(r"^define .*?@(_ZN\S+?)\((.*)\)", text, re.MULTILINE).groups()
    kinds = [part.split()[0] for part in given.split(", ")[2:]]
    first = [f", {kinds.pop(0)} null"] if registers else []
    arguments = [f", double {value!r}" if isinstance(value, float) else f", i64 {int(value)}" for value in values]
    text += SYSTEM.format(kernel=name, arguments="".join(first + arguments), memory=MEMORY, size=size)
    if "@hwbench_clock" in text:
        text = re.sub(r"^declare .*@hwbench_clock\(.*$", "", text, flags=re.MULTILINE) + CLOCK
    module = llvm.parse_assembly(text)
    machine = llvm.Target.from_triple(TRIPLE).create_target_machine(
        cpu="neoverse-v1", opt=3, reloc="static", codemodel="small"
    )
    module.triple, module.data_layout = TRIPLE, str(machine.target_data)
    for function in module.functions:
        if not function.is_declaration and function.name != "_start":
            function.linkage = "internal"
    for one in module.global_variables:
        if not one.is_declaration:
            one.linkage = "internal"
    builder = llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options(speed_level=0))
    passes = llvm.create_new_module_pass_manager()
    passes.add_global_dead_code_eliminate_pass()
    passes.run(module, builder)
    return machine.emit_object(module)


# --- from an object file to a program ---------------------------------------------------------------------------------


def linked(image: bytes, memory: bytes) -> bytes:
    """A static program: the object's sections one after the other, references filled in, and the kernel's memory."""
    offset, count, names_at = (*struct.unpack_from("<Q", image, 40), *struct.unpack_from("<HH", image, 60))
    sections = [struct.unpack_from("<IIQQQQIIQQ", image, offset + 64 * i) for i in range(count)]

    def name_of(table: int, at: int) -> str:
        start = sections[table][4] + at
        return image[start : image.index(b"\0", start)].decode()

    body, places = bytearray(PAGE), {}
    for i, (name, kind, flags, _, at, size, _, _, align, _) in enumerate(sections):
        if flags & 2 and not name_of(names_at, name).startswith(".eh_frame"):  # it takes memory
            body += bytes(-len(body) % max(align, 1))
            places[i] = len(body)
            body += bytes(size) if kind == 8 else image[at : at + size]
    body += bytes(-len(body) % 4)
    system = len(body)
    body += CALL
    [table] = [i for i, section in enumerate(sections) if section[1] == 2]
    start, size, strings = sections[table][4], sections[table][5], sections[table][6]
    symbols = [struct.unpack_from("<IBBHQQ", image, at) for at in range(start, start + size, 24)]
    for section in sections:
        if section[1] == 4 and section[7] in places:
            for at in range(section[4], section[4] + section[5], 24):
                where, what, addend = struct.unpack_from("<QQq", image, at)
                symbol = symbols[what >> 32]
                called = name_of(strings, symbol[0])
                assert called == "system" or symbol[3] in places, f"{called} is not defined"
                value = BASE + addend + (system if called == "system" else places[symbol[3]] + symbol[4])
                refer(body, places[section[7]] + where, what & 0xFFFFFFFF, value)
    entry = next(BASE + places[one[3]] + one[4] for one in symbols if name_of(strings, one[0]) == "_start")
    body += bytes(-len(body) % PAGE)
    header = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\x02\x01\x01", 2, 183, 1, entry, 64, 0, 0, 64, 56, 2, 0, 0, 0)
    for start, where, size in ((0, BASE, len(body)), (len(body), MEMORY, len(memory))):
        header += struct.pack("<IIQQQQQQ", 1, 7, start, where, where, size, size, PAGE)
    body[: len(header)] = header
    return bytes(body) + memory


def refer(body: bytearray, at: int, kind: int, value: int) -> None:
    """Fill in one reference, as "ELF for the Arm 64-bit Architecture" (IHI 0056) defines its kinds."""
    place = BASE + at
    if kind in (257, 258, 260, 261):  # ABS64, ABS32, PREL64, PREL32
        word = value - (place if kind >= 260 else 0)
        body[at : at + 8 - 4 * (kind in (258, 261))] = word.to_bytes(
            8 - 4 * (kind in (258, 261)), "little", signed=True
        )
        return
    [word] = struct.unpack_from("<I", body, at)
    scale = {277: 0, 278: 0, 284: 1, 285: 2, 286: 3, 299: 4}
    if kind in (282, 283):  # JUMP26, CALL26
        word |= (value - place) // 4 & 0x3FFFFFF
    elif kind == 275:  # ADR_PREL_PG_HI21
        pages = (value >> 12) - (place >> 12)
        word |= (pages & 3) << 29 | (pages >> 2 & 0x7FFFF) << 5
    elif kind in scale:  # the low twelve bits, in units of what is loaded
        word |= (value & 0xFFF) >> scale[kind] << 10
    else:
        raise ValueError(f"a reference of kind {kind} is not known")
    struct.pack_into("<I", body, at, word)
