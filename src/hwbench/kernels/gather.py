"""Gather and scatter as single instructions of x86, which LLVM else emits or not by its own cost model."""

from __future__ import annotations

from collections.abc import Sequence

import numba
from llvmlite import ir
from numba import types
from numba.core.base import BaseContext
from numba.core.typing.context import Context
from numba.core.typing.templates import Signature

from .cpu_features import features
from .simd import BlockType, Typed, _pack, _unpack, instruction

BYTE, WORD = ir.IntType(8), ir.IntType(32)


def gather_width() -> int:
    """The bits of the widest registers that one instruction of this host gathers into; 0 where there is none."""
    found = features()
    return 512 if "avx512f" in found else 256 if "avx2" in found else 0


def scatter_width() -> int:
    """The same for scattering."""
    return 512 if "avx512f" in features() else 0


def _every(lanes: int) -> ir.Constant:
    """The mask that leaves no lane out."""
    return ir.Constant(ir.VectorType(ir.IntType(1), lanes), [1] * lanes)


@instruction
def gather(_typing: Context, _base: types.Type, offsets: BlockType) -> Typed:
    """The words of 64 bits at `base` plus each offset in bytes: one instruction for each register."""
    if offsets.dtype != "i8" or offsets.bits not in (256, 512):
        raise numba.TypingError(f"words are gathered by 4 or 8 offsets of 64 bits, not by {offsets.name}")
    kind = offsets.register

    def code(_context: BaseContext, builder: ir.IRBuilder, _signature: Signature, args: Sequence[ir.Value]) -> ir.Value:
        base = builder.inttoptr(args[0], BYTE.as_pointer())
        nothing = ir.Constant(kind, ir.Undefined)
        if offsets.bits == 512:
            name, mask, scale = "llvm.x86.avx512.mask.gather.qpq.512", _every(8), ir.Constant(WORD, 1)
        else:
            name, mask, scale = "llvm.x86.avx2.gather.q.q.256", ir.Constant(kind, [-1] * 4), ir.Constant(BYTE, 1)
        signature = ir.FunctionType(kind, [kind, base.type, kind, mask.type, scale.type])
        function = builder.module.declare_intrinsic(name, (), signature)
        registers = _unpack(builder, offsets, args[1], offsets.count)
        return _pack(builder, offsets, [builder.call(function, [nothing, base, one, mask, scale]) for one in registers])

    return offsets(types.intp, offsets), code


@instruction
def scatter(_typing: Context, _base: types.Type, offsets: BlockType, words: BlockType) -> Typed:
    """Store each word of 64 bits at `base` plus its offset in bytes: one instruction for each register."""
    if offsets.dtype != "i8" or offsets.bits != 512 or words.name != offsets.name:
        raise numba.TypingError(f"words are scattered by 8 offsets of 64 bits, not {words.name} by {offsets.name}")
    kind = offsets.register

    def code(context: BaseContext, builder: ir.IRBuilder, _signature: Signature, args: Sequence[ir.Value]) -> ir.Value:
        base = builder.inttoptr(args[0], BYTE.as_pointer())
        mask, scale = _every(8), ir.Constant(WORD, 1)
        signature = ir.FunctionType(ir.VoidType(), [base.type, mask.type, kind, kind, scale.type])
        function = builder.module.declare_intrinsic("llvm.x86.avx512.mask.scatter.qpq.512", (), signature)
        places = _unpack(builder, offsets, args[1], offsets.count)
        for place, word in zip(places, _unpack(builder, words, args[2], words.count), strict=True):
            builder.call(function, [base, mask, place, word, scale])
        return context.get_dummy_value()

    return types.void(types.intp, offsets, words), code
