"""Machine code for other processors: three loops counted by hand, packets, and what is no loop."""

import pytest

from hwbench.kernels import cross

HEXAGON = """
kernel:
\t{
\t\tr5 = #0
\t\tloop0(.LBB0_2,r6)
\t}
.LBB0_2:                                // %loop
\t{
\t\tv0.w += vrmpy(v1.b,v3.b)
\t\tr3 = add(r0,r4)
\t\tv3 = vmemu(r3+#0)
\t}
\t{
\t\tr4 = add(r4,#128); r3 = add(r1,r4)
\t\tv1 = vmemu(r3+#0)
\t} :endloop0
\t{
\t\tjumpr r31
\t}
"""
X86 = """
kernel:                                 # @kernel
\t.cfi_startproc
\tvpxor\t%xmm0, %xmm0, %xmm0
\txorl\t%eax, %eax
.LBB0_1:                                # %loop
\tvmovdqu64\t(%rdi,%rax), %zmm1
\tvpdpbusd\t(%rsi,%rax), %zmm1, %zmm0
\taddq\t$64, %rax
\tcmpq\t%rcx, %rax
\tjb\t.LBB0_1
\tvmovdqu64\t%zmm0, (%rdx)
\tretq
"""
ARM = """
.LCPI0_0:
\t.word 1
kernel:
\tadrp\tx9, .LCPI0_0
.LBB0_1:                                // %loop
\tldr\tq1, [x0, x8]
\tldr\tq2, [x1, x8]
\tadd\tx8, x8, #16
\tcmp\tx8, x3
\tsdot\tv0.4s, v1.16b, v2.16b
\tb.lo\t.LBB0_1
\tret
"""


@pytest.mark.parametrize(
    ("listing", "family", "instructions", "packets", "loads"),
    [(HEXAGON, "hexagon", 6, 2, 2), (X86, "x86_64", 5, 0, 2), (ARM, "aarch64", 6, 0, 2)],
)
def test_loops_are_counted_as_by_hand(listing, family, instructions, packets, loads):
    """Instructions from the label to the branch back, packets of Hexagon alone, loads by their operands."""
    code = cross.read(listing, family)
    assert (len(code.loop), code.packets, code.loads) == (instructions, packets, loads)
    assert code.multiplies


def test_a_listing_without_a_loop_is_refused():
    """Straight code has no innermost loop."""
    with pytest.raises(ValueError, match="has no loop"):
        cross.read("kernel:\n\tret\n", "x86_64")
