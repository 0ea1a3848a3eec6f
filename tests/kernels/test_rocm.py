"""The kernels as hiprtc would get them: the prelude, wavefronts of 64, and their assembly where clang makes it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from doubles import on_cpu
from hwbench.benches.device import divergence
from hwbench.kernels import cuda, rocm
from inspection import amdgcn

SCRIPT = Path(__file__).parents[2] / "scripts/rocm_assembly.py"
OF_HIP = re.compile(r"\b(__shfl\w+|__ldc\w|__activemask|__nanosleep)\(")
ASSEMBLY = """
chase:                                  ; @chase
; %bb.0:
\tv_dual_fmac_f32 v0, v1, v2 :: v_dual_fmac_f32 v3, v4, v5
\tv_fmaak_f32 v0, v1, v2, 0x3e000000
\tv_pk_fma_f32 v[0:1], v[2:3], v[4:5], v[6:7]
.LBB0_1:
\tglobal_load_dwordx2 v[2:3], v[0:1], off glc
\ts_waitcnt vmcnt(0)
\tglobal_load_b64 v[4:5], v[2:3], off
\ts_endpgm
.Lfunc_end0:
amdhsa.kernels:
  - .agpr_count:     0
    .name:           chase
    .private_segment_fixed_size: 4
    .sgpr_spill_count: 1
    .vgpr_count:     9
    .vgpr_spill_count: 2
"""
needs_gcc = pytest.mark.skipif(bool(on_cpu.lacking()), reason=on_cpu.lacking() or "it is there")


def test_each_topic_has_its_kernels_behind_the_prelude(tmp_path):
    """Errors name the source's own lines; tensor cores are refused in one line, and so is a strange wavefront."""
    assert {*cuda.OWN, *cuda.topics()} - {*rocm.topics()} == {"device.tensor"}
    prelude = rocm.PRELUDE.read_text(encoding="utf-8")
    assert rocm.source("device.stream") == f'{prelude}#line 1 "device.stream.cu"\n{cuda.source("device.stream")}'
    (tmp_path / "mine.cu").write_text("// mine")
    assert rocm.source("my.scan", tmp_path / "mine.cu").endswith('#line 1 "mine.cu"\n// mine')
    with pytest.raises(ValueError, match=r"^no kernels of 'device.tensor' for ROCm: .*NVIDIA's tensor cores[^\n]*$"):
        rocm.source("device.tensor")
    assert rocm.options(64) == ("-std=c++17", "-DWARP=64")
    with pytest.raises(ValueError, match="a wavefront has 32 or 64 threads, not 16"):
        rocm.options(16)


@pytest.mark.parametrize("topic", rocm.topics())
def test_what_hip_has_not_is_in_the_prelude(topic):
    """Each name of CUDA's that HIP lacks or takes otherwise is defined, and no PTX is left where NVIDIA's is not."""
    text, prelude = cuda.source(topic), rocm.PRELUDE.read_text(encoding="utf-8")
    asked = {name for name in OF_HIP.findall(text) if f"#define {name}(" not in prelude}
    assert asked == set()
    guarded = re.sub(r"#ifdef __CUDACC__.*?#e(lif|lse|ndif)", "", text, flags=re.DOTALL)
    assert "asm" not in guarded


@needs_gcc
@pytest.mark.parametrize("warp", [32, 64])
def test_whole_wavefronts_go_one_way(warp):
    """Each element comes back as from its own way, and a wavefront's threads all have elements of one way."""
    module = on_cpu.Module(f"#define WARP {warp}\n{cuda.source('device.divergence')}", only=("paths",))
    n = 2 * 32 * warp
    x, numbers = np.zeros(n, np.float32), np.float32([2.0, 0.25, 0.5, 2.0**-11 - 0.125])

    def run(grid, block, across):
        y = np.full(n, -1, np.float32)
        module.launch("paths", grid, block, [x, y, *np.int32([32, across, 1]), *numbers])
        return y

    steps = np.array([16 + way.bit_count() for way in divergence.ways()]) * 2.0**-11
    np.testing.assert_array_equal(run(n // 256, 256, 1), steps[np.arange(n) % 32].astype(np.float32))
    for across, ways in ((1, 1), (0, 32)):
        assert len({i % 32 for i in np.flatnonzero(run(1, warp, across) >= 0)}) == ways


def test_assembly_is_read():
    """Two operations of one instruction are two, loads tell their width and what they say to caches."""
    kernel = amdgcn.kernels(ASSEMBLY)["chase"]
    assert amdgcn.fused(kernel.code, "f32") == 5
    assert amdgcn.count(kernel.code, r"global_load_\w+", 64) == 2
    assert amdgcn.count(kernel.code, r"global_load_\w+", flags=("glc",)) == 1
    assert amdgcn.chained(kernel.code) == 1
    assert (kernel.spilled, kernel.facts["vgpr_count"]) == (7, 9)


@pytest.mark.skipif(bool(amdgcn.lacking()), reason=amdgcn.lacking() or "it is there")
def test_the_assembly_is_what_is_timed():
    """Of every kernel, for an MI200; the script compiles for the others."""
    done = subprocess.run([sys.executable, SCRIPT, "--arch", "gfx90a"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
