"""Another GPU of the same machine, as the one that copies to it or reads it sees it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..bench import Skip
from ..host.gpu_probe import Cupy
from ..protocols import Array, DeviceArray, Stream

if TYPE_CHECKING:
    from .. import protocols

ALREADY = 704  # cudaErrorPeerAccessAlreadyEnabled


class Peer:
    """The memory of another GPU.

    `direct` says whether the two reach each other's memory, by NVLink or PCIe; else copies go through the host.
    Access is asked for once and stays: nothing of the card is changed by it.
    """

    def __init__(self, cupy: Cupy, own: int, index: int, allocate: Callable[..., DeviceArray]) -> None:
        self._cupy, self._own, self._allocate = cupy, own, allocate
        self._runtime = cupy.cuda.runtime
        self.index = index
        self.name = f"gpu:{index}"
        self.direct = bool(self._runtime.deviceCanAccessPeer(own, index))
        if self.direct:
            self._enable()

    def _enable(self) -> None:
        with self._cupy.cuda.Device(self._own):
            try:
                self._runtime.deviceEnablePeerAccess(self.index)
            except Exception as error:
                if getattr(error, "status", None) != ALREADY:
                    raise

    def reached(self) -> None:
        """Skip where kernels of the own GPU cannot reach this one's memory."""
        if not self.direct:
            raise Skip(
                "gpu_lacks", f"kernels of gpu:{self._own} cannot reach the memory of {self.name}: no peer access"
            )

    def put(self, host: npt.ArrayLike) -> DeviceArray:
        """A copy of a host array in this GPU's memory."""
        array = np.ascontiguousarray(host)
        with self._cupy.cuda.Device(self.index):
            there = self._allocate(array.shape, array.dtype)
            self._runtime.memcpy(there.data.ptr, array.ctypes.data, array.nbytes, self._runtime.memcpyHostToDevice)
        return there

    def get(self, array: DeviceArray) -> Array:
        """A copy of an array in this GPU's memory on the host, once everything queued on both GPUs is done."""
        with self._cupy.cuda.Device(self._own) as own:
            own.synchronize()
        with self._cupy.cuda.Device(self.index) as there:
            there.synchronize()
            return np.asarray(self._cupy.asnumpy(array))

    def copier(
        self, dst: DeviceArray, src: DeviceArray, nbytes: int, *, here: bool, stream: Stream
    ) -> Callable[[], None]:
        """What enqueues a copy from the own GPU to this one, or to `here`, each time it is called."""
        copy, to, of, handle = self._runtime.memcpyPeerAsync, dst.data.ptr, src.data.ptr, stream.ptr
        target, source = (self._own, self.index) if here else (self.index, self._own)

        def enqueue(_kept: tuple[Any, ...] = (dst, src, stream)) -> None:  # an address keeps nothing alive
            copy(to, target, of, source, nbytes, handle)

        return enqueue


if TYPE_CHECKING:  # held against what builders are promised

    def _as_builders_see_it(peer: Peer) -> protocols.Peer:
        return peer
