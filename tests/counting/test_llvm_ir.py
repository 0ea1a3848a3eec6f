"""Counters in LLVM's code: text in, text out."""

from __future__ import annotations

import re

import pytest

from hwbench.counting.llvm_ir import instrument

MODULE = """\
@.const.array.data = internal constant [16 x i8] zeroinitializer
@PyExc_Error = external global i8

define i32 @work(ptr noalias captures(none) %a, ptr %b, i64 %n) local_unnamed_addr #0 {
entry:
  br label %body

body:                                             ; preds = %body, %entry
  %i = phi i64 [ 0, %entry ], [ %next, %body ]
  %p = getelementptr double, ptr %a, i64 %i
  %x = load <4 x double>, ptr %p, align 8
  %y = fmul fast <4 x double> %x, %x
  %m = fcmp ogt <4 x double> %x, zeroinitializer
  %z = fadd <4 x double> %y, splat (double 1.0)
  call void @llvm.masked.store.v4f64.p0(<4 x double> %z, ptr align 8 %b, <4 x i1> %m)
  %e = call <4 x double> @llvm.exp.v4f64(<4 x double> %x)
  %s = call double @llvm.vector.reduce.fadd.v4f64(double 0.0, <4 x double> %e)
  store double %s, ptr %b, align 8
  %t = tail call double @tan(double %s)
  %u = call double @mystery(double %t, ptr nonnull %a)
  %next = add i64 %i, 4
  %done = icmp eq i64 %next, %n
  br i1 %done, label %end, label %body

end:
  call void @llvm.memset.p0.i64(ptr align 8 %b, i8 0, i64 %n, i1 false)
  %q = tail call ptr @NRT_MemInfo_alloc_aligned(i64 %n, i32 32)
  %w = call i32 @numba_xxgemm(i8 signext 100, i8 110, i8 110, i64 %n, i64 %n, i64 4, ptr %a, ptr %b)
  ret i32 0
}

declare double @mystery(double, ptr)
attributes #0 = { nounwind memory(argmem: read) }
"""


@pytest.fixture(scope="module")
def made():
    return instrument(MODULE, "7")


def test_each_block_counts_behind_its_phis(made):
    """Three blocks; the wrapper's text is otherwise as it was."""
    assert len(made.flops) == 3
    body = made.text.partition("body:")[2]
    assert body.splitlines()[1].lstrip().startswith("%i = phi")
    assert "add i64" in body.splitlines()[3]
    assert made.text.count("fmul fast") == 1


def test_arithmetic_is_sorted_by_need(made):
    """The square and the sum end in a masked store; exp and tan are needed; a sum of partial sums may be none."""
    body = made.flops[sorted(made.flops)[1]]
    assert (body.needed, body.chosen, body.partial) == (4 + 1, 8, 4)


def test_accesses_have_their_sizes_and_masks(made):
    """A vector load, a masked store and a scalar store."""
    shapes = [(one.store, one.item, one.lanes, one.float_type, one.passed >= 0) for one in made.accesses]
    assert shapes == [(False, 8, 4, "f8", False), (True, 8, 4, "f8", True), (True, 8, 1, "f8", False)]
    assert "bitcast <4 x i1> %m to i4" in made.text


def test_sums_at_run_time(made):
    """memset, an allocation, what a function of C and a product of doubles are given, and the product's sizes."""
    kinds = ["given", "written", "allocated", "given", "filled", "gemm"]
    assert [one.kind for one in made.meters] == kinds
    assert made.meters[-1].item == 100


def test_what_is_not_known_is_named(made):
    """A function of C that is no mathematics."""
    assert list(made.unknown) == ["mystery"]


def test_what_the_module_defines_gets_a_name_of_its_own(made):
    """So that both modules can be loaded; attributes that the counters make untrue are gone."""
    assert made.names["@work"] == '@"hwbench.7.work"'
    assert "@PyExc_Error = external" in made.text
    assert made.constants == [("@.const.array.data", 16)]
    assert "memory(" not in made.text
    assert "captures" not in made.text
    assert re.search(rf'@"{made.symbol}" = global \[{made.slots} x i64\]', made.text)
