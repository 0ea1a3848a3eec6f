"""Instructions by their text: kernels that repeat one statement of assembly in chains of registers.

LLVM has no intrinsic for some instructions, renames others between versions, and folds repeated additions. A statement
of assembly stays as it is written:

    @compiled
    def repeat(code, target, source, operands, memory, count):
        x = load(code, source)
        a, b = operand(code, operands), operand(code, operands + 64)
        left, one = opaque(count), opaque(1)
        while left > 0:
            x = execute(code, x, a, b, memory)
            left -= one
        store(target, x)

`repeat(Code("vpaddd {a}, {x}, {x}", Registers("i4", 512, 12), times=16), …)` is a loop of 192 vpaddd of zmm registers,
each on the register that it was done on twelve before.
"""

from __future__ import annotations

import platform
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import llvmlite.binding as llvm
from llvmlite import ir
from numba import types
from numba.core.base import BaseContext
from numba.core.typing.context import Context
from numba.core.typing.templates import Signature
from numba.extending import NativeValue, models, register_model, unbox

from .cpu_features import features
from .simd import BlockType, Registers, RegistersType, Typed, instruction

if TYPE_CHECKING:
    from numba.core.pythonapi import _UnboxContext as UnboxContext

llvm.initialize_native_asmparser()  # without it LLVM ends the process at the first statement

X86 = ("x86_64", "amd64")
ARM = ("aarch64", "arm64")
NAMED = re.compile(r"\{([abmxy])(:\w)?\}")


def architecture() -> str:
    """`x86_64`, `aarch64`; the machine's own name where it is neither."""
    machine = platform.machine().lower()
    return "x86_64" if machine in X86 else "aarch64" if machine in ARM else machine


class CodeType(RegistersType):
    """The type of a `Code` argument of a kernel: the type says everything, the value holds no data."""

    def __init__(self, code: Code) -> None:
        self.code = code
        registers = code.registers
        super().__init__(BlockType(registers.dtype, registers.bits, registers.count, nt=False))
        self.name = f"Code_{code!r}"


@dataclass(frozen=True)
class Code:
    """One statement of assembly, and the registers on which it is done.

    `{x}` is the register that it changes, `{a}` and `{b}` operands of the same kind, `{m}` an address in a general
    register (`{x:w}`: with LLVM's modifier w). A statement that may not write what it reads writes `{y}`. `times` is
    how often each register has it in an `execute`, and `last` another statement after these. `fixed` names the register
    that x has to be in (`ax`), `clobbers` what else is changed (`rdx`, `flags`). Without `wide` x is one of the 16
    registers that AVX2 has.
    """

    text: str
    registers: Registers
    times: int = 1
    last: str = ""
    fixed: str = ""
    clobbers: tuple[str, ...] = ()
    wide: bool = True
    arch: str = ""

    def statement(self, text: str) -> tuple[str, str, tuple[str, ...]]:
        """A text and its constraints as LLVM has them, and the names of the inputs after x."""
        named = {name for name, _ in NAMED.findall(text)}
        apart = "y" in named
        others = tuple(name for name in ("a", "b", "m") if name in named)
        places = {"y": 0, "x": 1 if apart else 0} | {name: 2 + i for i, name in enumerate(others)}
        kind = f"{{{self.fixed}}}" if self.fixed else self._kind
        inputs = [kind if apart else "0", *("r" if name == "m" else self._kind for name in others)]
        constraints = [f"={'&' * apart}{kind}", *inputs, *(f"~{{{one}}}" for one in self.clobbers)]

        def placed(found: re.Match[str]) -> str:
            return f"${{{places[found[1]]}{found[2]}}}" if found[2] else f"${places[found[1]]}"

        return NAMED.sub(placed, text).replace("{{", "{").replace("}}", "}"), ",".join(constraints), others

    @property
    def _kind(self) -> str:
        """LLVM's letter for the kind of register."""
        registers = self.registers
        if registers.lanes == 1 and registers.dtype[0] == "i":
            return "r"
        if (self.arch or architecture()) == "aarch64":
            return "w"
        return "v" if self.wide and "avx512f" in features() else "x"

    @property
    def nbytes(self) -> int:
        """Bytes in all registers together."""
        return self.registers.nbytes

    @property
    def _numba_type_(self) -> CodeType:
        return CodeType(self)


register_model(CodeType)(models.OpaqueModel)


@unbox(CodeType)
def _unbox_code(_type: CodeType, _object: ir.Value, c: UnboxContext) -> NativeValue:
    return NativeValue(c.context.get_dummy_value())


def _single(code: CodeType) -> BlockType:
    block = code.block
    return BlockType(block.dtype, block.bits, 1, nt=False)


@instruction
def operand(_typing: Context, code: CodeType, _address: types.Type) -> Typed:
    """One register of the code's kind, loaded from memory."""
    block = _single(code)

    def emit(_context: BaseContext, builder: ir.IRBuilder, _signature: Signature, args: Sequence[ir.Value]) -> ir.Value:
        loaded = builder.load(builder.inttoptr(args[1], block.register.as_pointer()), align=block.bits // 8)
        return builder.insert_value(ir.Constant(ir.ArrayType(block.register, 1), ir.Undefined), loaded, 0)

    return block(code, types.intp), emit


@instruction
def execute(_typing: Context, code: CodeType, x: BlockType, a: BlockType, b: BlockType, _address: types.Type) -> Typed:
    """The statement on each register of x in turn, `times` over; nothing is dropped, merged or moved."""
    block, about = code.block, code.code

    def emit(_context: BaseContext, builder: ir.IRBuilder, _signature: Signature, args: Sequence[ir.Value]) -> ir.Value:
        given = {"a": builder.extract_value(args[2], 0), "b": builder.extract_value(args[3], 0), "m": args[4]}
        registers = [builder.extract_value(args[1], k) for k in range(block.count)]
        for statement in [about.text] * about.times + [about.last] * bool(about.last):
            text, constraints, others = about.statement(statement)
            extra = [given[name] for name in others]
            kind = ir.FunctionType(block.register, [block.register, *(value.type for value in extra)])
            call = ir.InlineAsm(kind, text, constraints, side_effect=True)
            registers = [builder.call(call, [register, *extra]) for register in registers]
        whole = ir.Constant(ir.ArrayType(block.register, block.count), ir.Undefined)
        for k, register in enumerate(registers):
            whole = builder.insert_value(whole, register, k)
        return whole

    return x(code, x, a, b, types.intp), emit
