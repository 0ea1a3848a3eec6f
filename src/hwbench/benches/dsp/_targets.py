"""Processors that the loops are compiled for: their vectors, their instructions for dot products, their units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Dot:
    """An instruction that multiplies and adds up neighbours: LLVM's name, the types of sums and of operands.

    `form`: `sum first`, `sum last`, or `product`, whose result is added by an instruction of its own.
    """

    name: str
    sums: str
    operands: str
    form: str = "sum first"


@dataclass(frozen=True)
class Target:
    """A processor: elements of a vector by type, of which hardware has `scale` times as many (vector length, wave).

    `peak` has multiply-adds a cycle of a core by its published units, with the source.
    Without `fused` a float32 product is added by an instruction of its own.
    """

    name: str
    about: str
    triple: str
    cpu: str
    features: str
    lanes: Mapping[str, int]
    dots: Mapping[str, Dot] = field(default_factory=dict)
    scalable: bool = False
    scale: int = 1
    index: str = "i64"
    fused: bool = True
    peak: Mapping[str, int] = field(default_factory=dict)
    source: str = ""


def _lanes(nbytes: int) -> dict[str, int]:
    return {"i1": nbytes, "i2": nbytes // 2, "f4": nbytes // 4}


ONE = {"i1": 1, "i2": 1, "f4": 1}
X86, ARM = "x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"
HVX = "llvm.hexagon.V6."

TARGETS = {
    target.name: target
    for target in (
        Target("hexagon", "Qualcomm Hexagon V68, scalar registers", "hexagon-unknown-elf", "hexagonv68", "", ONE,
               index="i32"),
        Target("hexagon-hvx", "Qualcomm Hexagon V68, HVX vectors of 128 bytes", "hexagon-unknown-elf", "hexagonv68",
               "+hvxv68,+hvx-length128b", {"i1": 128, "i2": 64, "f4": 1}, {
                   "i1": Dot(f"{HVX}vrmpybv.acc.128B", "<32 x i32>", "<32 x i32>"),
                   "i2": Dot(f"{HVX}vdmpyhvsat.acc.128B", "<32 x i32>", "<32 x i32>"),
               }, index="i32"),
        Target("neon", "AArch64 with NEON, Neoverse N1", ARM, "neoverse-n1", "", _lanes(16),
               {"i1": Dot("llvm.aarch64.neon.sdot.v4i32.v16i8", "<4 x i32>", "<16 x i8>")},
               peak={"i1": 32, "i2": 4, "f4": 8},
               source="LLVM, AArch64SchedNeoverseN1.td, after Arm's Neoverse N1 Software Optimization Guide: SDOT and "
                      "FMLA of 128 bits on V0 and V1, SMLAL on V0 alone"),
        Target("sve", "AArch64 with SVE of 256 bits, Neoverse V1", ARM, "neoverse-v1", "", _lanes(16), {
                   "i1": Dot("llvm.aarch64.sve.sdot.nxv4i32", "<vscale x 4 x i32>", "<vscale x 16 x i8>"),
                   "i2": Dot("llvm.aarch64.sve.sdot.nxv2i64", "<vscale x 2 x i64>", "<vscale x 8 x i16>"),
               }, scalable=True, scale=2),
        Target("sse", "x86-64 with SSE2", X86, "x86-64", "", _lanes(16),
               {"i2": Dot("llvm.x86.sse2.pmadd.wd", "<4 x i32>", "<8 x i16>", "product")}, fused=False),
        Target("avx2", "x86-64 with AVX2 and FMA", X86, "haswell", "", _lanes(32),
               {"i2": Dot("llvm.x86.avx2.pmadd.wd", "<8 x i32>", "<16 x i16>", "product")},
               peak={"i2": 16, "f4": 16}, source="LLVM, X86SchedHaswell.td: VPMADDWD (WriteVecIMulY) on port 0, "
                                                "FMA (WriteFMAY) on ports 0 and 1"),
        # Operands as LLVM typed them before 22; later ones take these, too.
        Target("avx512-vnni", "x86-64 with AVX-512 and VNNI", X86, "sapphirerapids", "", _lanes(64), {
                   "i1": Dot("llvm.x86.avx512.vpdpbusd.512", "<16 x i32>", "<16 x i32>"),
                   "i2": Dot("llvm.x86.avx512.vpdpwssd.512", "<16 x i32>", "<16 x i32>"),
               }, peak={"i1": 128, "i2": 64, "f4": 32},
               source="Intel, Accelerate AI Workloads with Intel AMX, page 4: 256 int8 and 64 float32 operations a "
                      "cycle; VPDPWSSD on the ports of VPDPBUSD (LLVM, IceLakeServer/resources-avx512vnni.s)"),
        Target("rvv", "RISC-V with V, registers of 128 bits", "riscv64-unknown-elf", "generic-rv64", "+m,+a,+f,+d,+v",
               {"i1": 8, "i2": 4, "f4": 2}, scalable=True, scale=2),
        Target("gfx942", "AMD CDNA 3, a wave of 64 lanes", "amdgcn-amd-amdhsa", "gfx942", "",
               {"i1": 4, "i2": 2, "f4": 1}, {
                   "i1": Dot("llvm.amdgcn.sdot4", "i32", "i32", "sum last"),
                   "i2": Dot("llvm.amdgcn.sdot2", "i32", "<2 x i16>", "sum last"),
               }, scale=64),
    )
}  # fmt: skip
