"""NumPy behind CuPy's rules: what a GPU variant computes and asks of the device is tested where there is none.

Arrays are no NumPy arrays, and nothing makes them such but `device.get`: as with CuPy, to mix the two is a TypeError.
Reductions give arrays without dimensions. To ask one of them for its truth or its value is to wait for the GPU, which
is counted; so is everything that is launched. Single numbers below the smallest normal one are taken for 0, as CuPy's
kernels take them (`-ftz=true`).
"""

from __future__ import annotations

import operator
import types
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from hwbench.bench import Work

VIEWS = ("T", "reshape", "transpose", "view", "ravel")


class Array(NDArrayOperatorsMixin):
    """An array on a device that is the host after all."""

    __array_priority__ = 100

    def __init__(self, host: np.ndarray, device: StrictGpu) -> None:
        self._host, self._device = host, device

    dtype, shape, size, ndim, nbytes = (
        property(operator.attrgetter(f"_host.{name}")) for name in ("dtype", "shape", "size", "ndim", "nbytes")
    )

    def __len__(self) -> int:
        return len(self._host)

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise TypeError("Implicit conversion to a NumPy array is not allowed. Please use `.get()`")

    def __array_ufunc__(self, ufunc: Any, method: str, *given: Any, **more: Any) -> Any:
        assert method == "__call__"
        return self._device.launch(ufunc, *given, **more)

    def __array_function__(self, function: Any, _types: Any, given: Any, more: Mapping[str, Any]) -> Any:
        return self._device.launch(function, *given, **more)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._host, name)
        if name in VIEWS:
            return (
                (lambda *given: Array(found(*given), self._device)) if callable(found) else Array(found, self._device)
            )
        if name in ("astype", "mean", "sum", "copy", "fill"):
            return lambda *given, **more: self._device.launch(found, *given, **more)
        raise AttributeError(name)

    def __getitem__(self, key: Any) -> Array:
        found = self._host[self._device.host_of(key) if isinstance(key, Array) else key]
        return Array(found if isinstance(found, np.ndarray) else np.asarray(found), self._device)

    def __setitem__(self, key: Any, value: Any) -> None:
        self._device.launch(self._host.__setitem__, key, value)

    def _value(self, kind: Callable[[Any], Any]) -> Any:
        self._device.waits += 1
        return kind(self._host)

    def __bool__(self) -> bool:
        return self._value(bool)

    def __float__(self) -> float:
        return self._value(float)


class StrictGpu:
    """A device as builders of CuPy variants use one: `launches`, `waits` and bytes `sent` are counted."""

    name, kind = "gpu:0", "gpu"

    def __init__(self) -> None:
        self.launches = self.waits = self.sent = 0
        self.synced: list[str] = []
        self.gate_timeouts = 0.0
        self.launch_s = 1e-6  # what the GPU works for each launch
        self.xp = Module(self)
        self.properties = types.SimpleNamespace(l2=50 * 2**20)

    def host_empty(self, shape: Any, dtype: Any) -> np.ndarray:
        """An array of NumPy's own."""
        return np.empty(shape, dtype)

    def launch(self, function: Callable[..., Any], *given: Any, **more: Any) -> Any:
        """What NumPy makes of device arrays and plain numbers; TypeError for a host array among them."""
        self.launches += 1
        out = more.get("out")
        out = out[0] if isinstance(out, tuple) else out
        with np.errstate(all="ignore"):
            found = function(*(self.host_of(one) for one in given), **{k: self.host_of(v) for k, v in more.items()})
        if out is not None:
            self._flush(out._host)
            return out
        if isinstance(found, np.ndarray | np.generic):
            return Array(self._flush(np.asarray(found)), self)
        assert found is None
        return None

    def host_of(self, one: Any) -> Any:
        if isinstance(one, Array):
            return one._host
        if isinstance(one, tuple):
            return tuple(map(self.host_of, one))
        if isinstance(one, np.ndarray):
            raise TypeError("Unsupported type <class 'numpy.ndarray'>")
        return one

    def _flush(self, host: np.ndarray) -> np.ndarray:
        if host.dtype == np.float32:
            host[np.abs(host) < np.finfo(np.float32).tiny] = 0
        return host

    # --- what builders ask of a device ----------------------------------------------------------------------------

    def put(self, host: np.ndarray) -> Array:
        assert type(host) is np.ndarray
        self.sent += host.nbytes
        kind = np.uint16 if host.dtype.name == "bfloat16" else host.dtype
        return Array(np.array(host).view(kind), self)

    def get(self, array: Array) -> np.ndarray:
        self.waits += 1
        return array._host.copy()

    def synchronize(self) -> None:
        self.waits += 1

    def counters(self) -> dict[str, float]:
        return {"gpu_gate_timeouts": self.gate_timeouts}

    def host_timed(self, call: Any, *, output: Any, sync: str, facts: Mapping[str, Any]) -> Work:
        self.synced.append(sync)
        return Work(call, output=output, facts={"timed_by": "host", **facts})

    def timed(self, launch: Callable[[], None], *, launches: int) -> Work:
        """Behind the gate each launch takes `launch_s`; more than were announced fill the queue, and a wait hangs."""

        def timer(loops: int) -> float:
            total = 0
            for _ in range(loops):
                before, waits = self.launches, self.waits
                launch()
                assert self.launches - before <= launches, "more entries than announced"
                assert self.waits == waits, "waits behind a closed gate"
                total += self.launches - before
            return total * self.launch_s

        return Work(launch, timer=timer)


class Module:
    """`cupy`: NumPy's functions for device arrays."""

    __version__ = "14.2.0"

    def __init__(self, device: StrictGpu) -> None:
        self._device = device
        self.cuda = types.SimpleNamespace(
            device=types.SimpleNamespace(get_cublas_handle=lambda: 1),
            runtime=types.SimpleNamespace(runtimeGetVersion=lambda: 13020),
        )
        self.fft = types.SimpleNamespace(fft=lambda x: device.launch(np.fft.fft, x))

    def asarray(self, source: Any) -> Array:
        return source if isinstance(source, Array) else self._device.put(source)

    def __getattr__(self, name: str) -> Any:
        function = getattr(np, name)
        return lambda *given, **more: self._device.launch(function, *given, **more)
