"""Statements of assembly in kernels: their operands and constraints, and how often they stand in the loop."""

from __future__ import annotations

import pytest

from hwbench.benches._chains import chains
from hwbench.kernels import assembly
from hwbench.kernels.assembly import Code
from hwbench.kernels.simd import Registers
from inspection import listing

ARGUMENTS = (listing.INT,) * 8
VECTOR = Registers("i4", 256, 2)
GENERAL = Registers("i8", 64, 3)


@pytest.mark.parametrize(
    ("code", "text", "constraints", "inputs"),
    [
        (Code("addq {a}, {x}", GENERAL), "addq $2, $0", "=r,0,r", ("a",)),
        (Code("vfmadd231ps {b}, {a}, {x}", VECTOR), "vfmadd231ps $3, $2, $0", "=v,0,v,v", ("a", "b")),
        (Code("movq ({m}), {x}", GENERAL, clobbers=("memory",)), "movq ($2), $0", "=r,0,r,~{memory}", ("m",)),
        (Code("vpopcntq {a}, {y}; vpaddq {x}, {y}, {y}", VECTOR),
         "vpopcntq $2, $0; vpaddq $1, $0, $0", "=&v,v,v", ("a",)),
        (Code("divq {a}", GENERAL, fixed="ax", clobbers=("rdx", "flags")),
         "divq $2", "={ax},0,r,~{rdx},~{flags}", ("a",)),
        (Code("{{vex}} vpdpbusd {b}, {a}, {x}", VECTOR, wide=False),
         "{vex} vpdpbusd $3, $2, $0", "=x,0,x,x", ("a", "b")),
        (Code("sdot {x}.4s, {a}.16b, {b}.16b", VECTOR, arch="aarch64"),
         "sdot $0.4s, $2.16b, $3.16b", "=w,0,w,w", ("a", "b")),
        (Code("add {x:w}, {x:w}, {a:w}", Registers("i4", 32)), "add ${0:w}, ${0:w}, ${2:w}", "=r,0,r", ("a",)),
    ],
)  # fmt: skip
def test_a_statement_names_its_operands(monkeypatch, code, text, constraints, inputs):
    """x is the output and its own input, but where the statement writes y; letters are those of the registers."""
    monkeypatch.setattr(assembly, "features", lambda: {"avx512f"})
    monkeypatch.setattr(assembly.platform, "machine", lambda: "AMD64")
    assert code.statement(code.text) == (text, constraints, inputs)


def test_without_avx_512_registers_are_the_first_sixteen(monkeypatch):
    """LLVM's letter v would need AVX-512."""
    monkeypatch.setattr(assembly, "features", lambda: {"avx2"})
    monkeypatch.setattr(assembly.platform, "machine", lambda: "x86_64")
    assert Code("vpaddd {a}, {x}, {x}", VECTOR).statement("vpaddd {a}, {x}, {x}")[1] == "=x,0,x"


@pytest.mark.parametrize(("machine", "name"), [("AMD64", "x86_64"), ("arm64", "aarch64"), ("RISCV64", "riscv64")])
def test_architectures_have_one_name_each(monkeypatch, machine, name):
    """Whatever the system calls them."""
    monkeypatch.setattr(assembly.platform, "machine", lambda: machine)
    assert assembly.architecture() == name


@listing.needs_x86
def test_each_register_has_each_statement_in_turn():
    """Three registers four times over, then the last statement once each; LLVM drops, merges and moves nothing."""
    body = listing.hot_loop(
        listing.assembly(chains, Code("addq {a}, {x}", GENERAL, 4, last="notq {x}", clobbers=("flags",)), ARGUMENTS)
    )
    done = [line.split() for line in body if line.startswith(("addq", "notq"))]
    assert [line[0] for line in done] == ["addq"] * 12 + ["notq"] * 3
    changed = [line[-1] for line in done]
    assert changed == changed[:3] * 5
    assert len({*changed}) == 3
    assert listing.count(body, r"\(") == 0, "a spill or a load"


def test_different_statements_are_different_types():
    """Numba's cache tells kernels apart by the names of their types."""
    one, other = (Code(text, GENERAL)._numba_type_ for text in ("addq {a}, {x}", "subq {a}, {x}"))
    assert one != other
    assert one == Code("addq {a}, {x}", GENERAL)._numba_type_
