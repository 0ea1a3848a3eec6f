"""Explicit vector instructions for Numba: kernels in Python that compile to the loop one would write in assembly.

LLVM picks vectors by its own cost model: 256 bits where 512 exist, memcpy for a copy, never a non-temporal store. A
bench of the hardware has to state them. Here a kernel says which registers it works on, `Registers("f8", 512, 8)` for
eight zmm of doubles, and gets one instruction for each register from each function:

    @compiled
    def copy(r, target, source, nbytes, passes):
        step = width(r)
        for _ in range(passes):
            i = 0
            while i < nbytes:
                store(target + i, load(r, source + i))
                i += step
            clobber()

`copy(Registers("f8", 512, 8), …)` is eight vmovaps from, eight to memory, then add, cmp, jl. Nothing here knows x86:
the same code is `ldp q` and `stp q` on AArch64 (a 256-bit register there is a pair). Addresses are plain integers,
aligned to the register's bytes.
"""

from __future__ import annotations

import functools
import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.core.base import BaseContext
from numba.core.typing.context import Context
from numba.core.typing.templates import Signature
from numba.extending import NativeValue, intrinsic, models, register_model, unbox

from .compiling import Kernel
from .cpu_features import features

if TYPE_CHECKING:
    from numba.core.datamodel.manager import DataModelManager
    from numba.core.pythonapi import _UnboxContext as UnboxContext

Emit: TypeAlias = Callable[[BaseContext, ir.IRBuilder, Signature, Sequence[ir.Value]], ir.Value]
Typed: TypeAlias = tuple[Signature, Emit]
"""What an instruction tells Numba: its signature, and what emits its code."""

# --- registers as types of Numba --------------------------------------------------------------------------------------

ScalarType: TypeAlias = Any  # Numba's Integer and Float, which do not declare their width

_SCALARS: dict[str, tuple[ScalarType, ir.Type]] = {
    "f4": (types.float32, ir.FloatType()),
    "f8": (types.float64, ir.DoubleType()),
    "i4": (types.int32, ir.IntType(32)),
    "i8": (types.int64, ir.IntType(64)),
}


class BlockType(types.Type):
    """The type of a value in a kernel: `count` registers of `bits` bits that hold `dtype` (f4, f8, i4, i8)."""

    def __init__(self, dtype: str, bits: int, count: int, nt: bool) -> None:
        self.dtype, self.bits, self.count, self.nt = dtype, bits, count, nt
        self.scalar, self.llvm_scalar = _SCALARS[dtype]
        self.lanes = bits // self.scalar.bitwidth
        super().__init__(name=f"{dtype}_{bits}_{count}{'_nt' * nt}")

    @property
    def register(self) -> ir.Type:
        """One register in LLVM's words: a vector, or the integer that a general register holds."""
        return self.llvm_scalar if self.general else ir.VectorType(self.llvm_scalar, self.lanes)

    @property
    def general(self) -> bool:
        """Whether these are general-purpose registers of one integer each; AArch64 has one-lane vectors as well."""
        return self.lanes == 1 and self.dtype[0] == "i"

    def __reduce__(self) -> tuple[type[BlockType], tuple[str, int, int, bool]]:
        # LLVM's types cannot be pickled into Numba's cache
        return BlockType, (self.dtype, self.bits, self.count, self.nt)


class RegistersType(types.Type):
    """The type of a `Registers` argument of a kernel: the type says everything, the value holds no data."""

    def __init__(self, block: BlockType) -> None:
        self.block = block
        super().__init__(name=f"Registers_{block.name}")


@dataclass(frozen=True)
class Registers:
    """Which registers a kernel works on: `count` of `bits` bits each, holding `dtype` (f4, f8, i4, i8).

    `bits` as wide as one element makes scalar instructions. With `nt` stores are non-temporal: they bypass the caches
    without write-allocate, and need a `fence` before other threads read.
    """

    dtype: str
    bits: int
    count: int = 1
    nt: bool = False

    @property
    def lanes(self) -> int:
        """Elements in one register."""
        return self.bits // 8 // np.dtype(self.dtype).itemsize

    @property
    def nbytes(self) -> int:
        """Bytes in all registers together: what one `load` or `store` moves."""
        return self.bits // 8 * self.count

    @property
    def _numba_type_(self) -> RegistersType:
        return RegistersType(BlockType(self.dtype, self.bits, self.count, self.nt))


register_model(RegistersType)(models.OpaqueModel)


@register_model(BlockType)
class _BlockModel(models.PrimitiveModel):
    def __init__(self, manager: DataModelManager, block: BlockType) -> None:
        super().__init__(manager, block, ir.ArrayType(block.register, block.count))  # type: ignore[no-untyped-call,unused-ignore]


@unbox(RegistersType)
def _unbox_registers(_type: RegistersType, _object: ir.Value, c: UnboxContext) -> NativeValue:
    return NativeValue(c.context.get_dummy_value())


# --- instructions -----------------------------------------------------------------------------------------------------
# Each is a function for kernels. `code` emits LLVM IR when a kernel is compiled; inlining and promotion to registers
# remove the arrays that hold the registers in between.


def instruction(signature: Callable[..., Typed]) -> Kernel:
    """A function for kernels, from what gives its type and the code that emits it (`numba.extending.intrinsic`)."""
    return intrinsic(signature)


def _pack(builder: ir.IRBuilder, block: BlockType, values: Sequence[ir.Value]) -> ir.Value:
    """The block made of one value for each register."""
    whole = ir.Constant(ir.ArrayType(block.register, block.count), ir.Undefined)
    for k, value in enumerate(values):
        whole = builder.insert_value(whole, value, k)
    return whole


def _unpack(builder: ir.IRBuilder, block: BlockType, value: ir.Value, count: int) -> list[ir.Value]:
    """The registers of a block; one register stands for `count` equal ones."""
    registers = [builder.extract_value(value, k) for k in range(block.count)]
    return registers * count if block.count == 1 else registers


def _pointers(builder: ir.IRBuilder, block: BlockType, address: ir.Value) -> list[ir.Value]:
    """A pointer to each register's place in memory, one after the other from `address` on."""
    step = block.bits // 8
    places = [builder.add(address, ir.Constant(address.type, k * step)) for k in range(block.count)]
    return [builder.inttoptr(place, block.register.as_pointer()) for place in places]


def _each(emit: Callable[..., ir.Value], *blocks: BlockType) -> Typed:
    """Signature and code of an instruction between registers of the same kind, for each of them alike."""
    widest = max(blocks, key=lambda block: block.count)
    if any((block.dtype, block.bits) != (widest.dtype, widest.bits) for block in blocks):
        raise numba.TypingError(f"registers of unlike kind: {', '.join(block.name for block in blocks)}")
    if any(block.count not in (1, widest.count) for block in blocks):
        raise numba.TypingError(f"unlike numbers of registers: {', '.join(block.name for block in blocks)}")

    def code(_context: BaseContext, builder: ir.IRBuilder, _signature: Signature, args: Sequence[ir.Value]) -> ir.Value:
        operands = [_unpack(builder, block, arg, widest.count) for block, arg in zip(blocks, args, strict=True)]
        return _pack(builder, widest, [emit(builder, *registers) for registers in zip(*operands, strict=True)])

    return widest(*blocks), code


def _opaque(builder: ir.IRBuilder, value: ir.Value) -> ir.Value:
    """The same integer through an empty assembly statement, so that LLVM knows nothing of its value."""
    kind = ir.FunctionType(value.type, [value.type])
    return builder.call(ir.InlineAsm(kind, "", "=r,0", side_effect=True), [value])


@instruction
def opaque(_typing: Context, value: types.Type) -> Typed:
    """The integer `value`, opaque to LLVM: a `while` loop that advances by it stays as it is written.

    Call it before the loop. Where LLVM knows the step it computes the trip count and unrolls by its own cost model.
    """

    def code(context: BaseContext, builder: ir.IRBuilder, _signature: Signature, args: Sequence[ir.Value]) -> ir.Value:
        return _opaque(builder, context.cast(builder, args[0], value, types.intp))

    return types.intp(value), code


@instruction
def width(_typing: Context, registers: RegistersType) -> Typed:
    """Bytes in all registers together, `opaque`: the step of a loop that loads or stores them."""
    nbytes = registers.block.bits // 8 * registers.block.count

    def code(context: BaseContext, builder: ir.IRBuilder, signature: Signature, _args: Sequence[ir.Value]) -> ir.Value:
        return _opaque(builder, context.get_constant(signature.return_type, nbytes))

    return types.intp(registers), code


@instruction
def fill(_typing: Context, registers: RegistersType, value: types.Type) -> Typed:
    """Registers with `value` in every lane."""
    block = registers.block

    def code(context: BaseContext, builder: ir.IRBuilder, _signature: Signature, args: Sequence[ir.Value]) -> ir.Value:
        lane = context.cast(builder, args[1], value, block.scalar)
        filled = lane if block.general else ir.Constant(block.register, ir.Undefined)
        for k in range(0 if block.general else block.lanes):
            filled = builder.insert_element(filled, lane, ir.Constant(ir.IntType(32), k))
        return _pack(builder, block, [filled] * block.count)

    return block(registers, value), code


@instruction
def load(_typing: Context, registers: RegistersType, _address: types.Type) -> Typed:
    """Registers loaded from consecutive memory."""
    block = registers.block

    def code(_context: BaseContext, builder: ir.IRBuilder, _signature: Signature, args: Sequence[ir.Value]) -> ir.Value:
        pointers = _pointers(builder, block, args[1])
        return _pack(builder, block, [builder.load(pointer, align=block.bits // 8) for pointer in pointers])

    return block(registers, types.intp), code


class _VolatileLoad(ir.LoadInstr):  # type: ignore[misc]
    """A volatile load, which llvmlite cannot write."""

    def descr(self, buf: list[str]) -> None:
        """Write it as a load with that word added."""
        plain: list[str] = []
        super().descr(plain)
        buf.append("".join(plain).replace("load", "load volatile", 1))


@instruction
def load_volatile(_typing: Context, registers: RegistersType, _address: types.Type) -> Typed:
    """Registers loaded from consecutive memory, used or not: LLVM may not drop, move or merge the loads."""
    block = registers.block

    def code(_context: BaseContext, builder: ir.IRBuilder, _signature: Signature, args: Sequence[ir.Value]) -> ir.Value:
        loaded = []
        for pointer in _pointers(builder, block, args[1]):
            loaded.append(_VolatileLoad(builder.block, pointer))
            loaded[-1].align = block.bits // 8
            builder._insert(loaded[-1])
        return _pack(builder, block, loaded)

    return block(registers, types.intp), code


@instruction
def store(_typing: Context, _address: types.Type, value: BlockType) -> Typed:
    """Store registers to consecutive memory; past the caches where they were declared `nt`.

    LLVM merges neighbouring copies into wider registers where the host has them; the widest stay as they are.
    """

    def code(context: BaseContext, builder: ir.IRBuilder, _signature: Signature, args: Sequence[ir.Value]) -> ir.Value:
        past_caches = builder.module.add_metadata([ir.Constant(ir.IntType(32), 1)])
        registers = _unpack(builder, value, args[1], value.count)
        for register, pointer in zip(registers, _pointers(builder, value, args[0]), strict=True):
            stored = builder.store(register, pointer, align=value.bits // 8)
            if value.nt:
                stored.set_metadata("nontemporal", past_caches)
        return context.get_dummy_value()

    return types.void(types.intp, value), code


@instruction
def add(_typing: Context, a: BlockType, b: BlockType) -> Typed:
    """Add a and b lane by lane; one register stands for as many equal ones as the other operand has.

    On x86 `add(sum, load(…))` of integers is one instruction: a load whose value is used, at the price of a load.
    """
    return _each(lambda builder, x, y: (builder.fadd if a.dtype[0] == "f" else builder.add)(x, y), a, b)


@instruction
def mul(_typing: Context, a: BlockType, b: BlockType) -> Typed:
    """Multiply floats a and b lane by lane; one register stands for as many equal ones as the other operand has."""
    return _each(lambda builder, x, y: builder.fmul(x, y), a, b)


@instruction
def fma(_typing: Context, a: BlockType, b: BlockType, c: BlockType) -> Typed:
    """Compute a × b + c of floats with one rounding; one register stands for as many equal ones as others have."""
    name = f"llvm.fma.v{a.lanes}{a.dtype[0]}{a.scalar.bitwidth}"

    def emit(builder: ir.IRBuilder, *operands: ir.Value) -> ir.Value:
        kind = ir.FunctionType(a.register, [a.register] * 3)
        return builder.call(builder.module.declare_intrinsic(name, (), kind), operands)

    return _each(emit, a, b, c)


@instruction
def total(_typing: Context, value: BlockType) -> Typed:
    """The sum of all lanes of all registers, a number of their kind; integers wrap around."""

    def code(_context: BaseContext, builder: ir.IRBuilder, _signature: Signature, args: Sequence[ir.Value]) -> ir.Value:
        plus = builder.fadd if value.dtype[0] == "f" else builder.add
        folded = functools.reduce(plus, _unpack(builder, value, args[0], value.count))
        if value.general:
            return folded
        lanes = [builder.extract_element(folded, ir.Constant(ir.IntType(32), k)) for k in range(value.lanes)]
        return functools.reduce(plus, lanes)

    return value.scalar(value), code


@instruction
def follow(_typing: Context, _address: types.Type) -> Typed:
    """The pointer that lies at an address: one load, on which the next one can depend."""

    def code(_context: BaseContext, builder: ir.IRBuilder, _signature: Signature, args: Sequence[ir.Value]) -> ir.Value:
        return builder.load(builder.inttoptr(args[0], args[0].type.as_pointer()))

    return types.intp(types.intp), code


@instruction
def put(_typing: Context, _address: types.Type, word: types.Type) -> Typed:
    """Write an integer to an address, as a word of 64 bits."""

    def code(context: BaseContext, builder: ir.IRBuilder, _signature: Signature, args: Sequence[ir.Value]) -> ir.Value:
        value = context.cast(builder, args[1], word, types.int64)
        builder.store(value, builder.inttoptr(args[0], value.type.as_pointer()))
        return context.get_dummy_value()

    return types.void(types.intp, word), code


@instruction
def follow_each(_typing: Context, addresses: BlockType) -> Typed:
    """The pointers that lie at the addresses in general registers (`Registers("i8", 64, count)`): one load for each.

    The loads are independent of one another; x86 has 15 registers for them.
    """
    if not addresses.general or addresses.dtype != "i8":
        raise numba.TypingError(f"addresses are in registers of one 64-bit word each, not in {addresses.name}")
    return _each(lambda builder, at: builder.load(builder.inttoptr(at, at.type.as_pointer())), addresses)


@instruction
def byte_at(_typing: Context, _address: types.Type) -> Typed:
    """The byte at an address, as a number from 0 to 255."""

    def code(_context: BaseContext, builder: ir.IRBuilder, _signature: Signature, args: Sequence[ir.Value]) -> ir.Value:
        byte = builder.load(builder.inttoptr(args[0], ir.IntType(8).as_pointer()))
        return builder.zext(byte, args[0].type)

    return types.intp(types.intp), code


@instruction
def read_shared(_typing: Context, _address: types.Type) -> Typed:
    """An acquire load of the word at an address: writes before its store elsewhere are visible after it here."""

    def code(_context: BaseContext, builder: ir.IRBuilder, _signature: Signature, args: Sequence[ir.Value]) -> ir.Value:
        return builder.load_atomic(builder.inttoptr(args[0], ir.IntType(64).as_pointer()), "acquire", 8)

    return types.int64(types.intp), code


@instruction
def write_shared(_typing: Context, _address: types.Type, _value: types.Type) -> Typed:
    """A release store of the word at an address: earlier reads and writes stay before it."""

    def code(context: BaseContext, builder: ir.IRBuilder, signature: Signature, args: Sequence[ir.Value]) -> ir.Value:
        pointer = builder.inttoptr(args[0], ir.IntType(64).as_pointer())
        builder.store_atomic(context.cast(builder, args[1], signature.args[1], types.int64), pointer, "release", 8)
        return context.get_dummy_value()

    return types.void(types.intp, types.int64), code


@instruction
def swap_shared(_typing: Context, _address: types.Type, _old: types.Type, _new: types.Type) -> Typed:
    """Atomic compare-and-swap: write `new` to an address if `old` is there; whether it was."""

    def code(_context: BaseContext, builder: ir.IRBuilder, _signature: Signature, args: Sequence[ir.Value]) -> ir.Value:
        pointer = builder.inttoptr(args[0], ir.IntType(64).as_pointer())
        both = builder.cmpxchg(pointer, args[1], args[2], "acq_rel", "acquire")
        return builder.extract_value(both, 1)

    return types.boolean(types.intp, types.int64, types.int64), code


def _assembly(builder: ir.IRBuilder, constraint: str, *operands: ir.Value) -> None:
    """An empty assembly statement: LLVM may neither drop nor move it, and it costs no instruction."""
    kind = ir.FunctionType(ir.VoidType(), [operand.type for operand in operands])
    builder.call(ir.InlineAsm(kind, "", constraint, side_effect=True), operands)


@instruction
def sink(_typing: Context, value: BlockType) -> Typed:
    """Use the registers without an instruction, so that LLVM keeps what computed them. It checks nothing."""
    constraint = "w" if platform.machine().lower() in ("aarch64", "arm64") else "v" if "avx512f" in features() else "x"

    def code(context: BaseContext, builder: ir.IRBuilder, _signature: Signature, args: Sequence[ir.Value]) -> ir.Value:
        for register in _unpack(builder, value, args[0], value.count):
            _assembly(builder, "r" if value.general else constraint, register)
        return context.get_dummy_value()

    return types.void(value), code


@instruction
def clobber(_typing: Context) -> Typed:
    """A compiler barrier without an instruction: LLVM must reload what it loaded, and have stored what it stored."""

    def code(context: BaseContext, builder: ir.IRBuilder, _signature: Signature, _args: Sequence[ir.Value]) -> ir.Value:
        _assembly(builder, "~{memory}")
        return context.get_dummy_value()

    return types.void(), code


@instruction
def fence(_typing: Context) -> Typed:
    """Wait until every store before is visible to all, non-temporal ones included."""

    def code(context: BaseContext, builder: ir.IRBuilder, _signature: Signature, _args: Sequence[ir.Value]) -> ir.Value:
        builder.fence("seq_cst")
        return context.get_dummy_value()

    return types.void(), code
