"""What a network says of each example: whether it is right, and the loss; in a byte each.

The highest bit of a byte is set where the network is right. The others count the binary logarithm
of the loss in sixths from 2**-16 on, so that a loss is known to 6 % between 0.00002 and 36. All
bytes are packed together, and written in letters, for a database and for JSON.
"""

from __future__ import annotations

import zlib
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import log2
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from torch import Tensor

LEAST, STEPS, TOP = -16, 6, 127  # the first logarithm, steps in one of them, and the last step
RIGHT = 128
MOST = 1 << 26  # examples: more are not unpacked, whoever wrote them


@dataclass(frozen=True, slots=True, eq=False)
class Examined:
    """The answers of a network to some examples, in their order: ``right`` is 1 or 0, ``loss``
    that of the task, both ``(N,)`` of float32. ``exact`` says whether they are right or wrong as
    a whole, ``scores`` are the metrics that were asked for."""

    right: Tensor
    loss: Tensor
    exact: bool = True
    scores: Mapping[str, float] = field(default_factory=dict)

    @property
    def means(self) -> tuple[float | None, float]:
        """The accuracy, as a share, if there is one, and the mean loss."""
        accuracy = float(self.right.double().mean()) if self.exact else None
        return accuracy, float(self.loss.double().mean())

    def written(self) -> str:
        level = ((self.loss.clamp(min=2.0**LEAST).log2() - LEAST) * STEPS).round().clamp(0, TOP)
        codes = (level + RIGHT * self.right).cpu().tolist()
        return b64encode(zlib.compress(bytes(map(int, codes)), 9)).decode("ascii")


def written(right: Sequence[bool], losses: Sequence[float] = ()) -> str:
    """Which examples are right, and their losses if they are known, as ``Examined.written`` does
    it."""
    levels = [level(loss) for loss in losses] or [0] * len(right)
    found = bytes(RIGHT * bool(r) + at for r, at in zip(right, levels, strict=True))
    return b64encode(zlib.compress(found, 9)).decode("ascii")


def level(loss: float) -> int:
    """The step that a loss is counted as; that of a number is the same as that of a tensor's."""
    return min(max(round((log2(max(loss, 2.0**LEAST)) - LEAST) * STEPS), 0), TOP)


def packed(text: Any) -> bytes:
    """The bytes of what ``Examined.written`` gave. Raises ``ValueError`` for anything else."""
    if not isinstance(text, str):
        raise ValueError
    unpacker = zlib.decompressobj()
    try:
        found = unpacker.decompress(b64decode(text.encode("ascii"), validate=True), MOST)
    except zlib.error as problem:
        raise ValueError from problem
    if not unpacker.eof or unpacker.unused_data or not found:
        raise ValueError
    return found


def right_of(codes: bytes) -> npt.NDArray[np.float64]:
    """1 where the network was right, else 0."""
    import numpy as np

    return (np.frombuffer(codes, np.uint8) >= RIGHT).astype(float)


def loss_of(codes: bytes) -> npt.NDArray[np.float64]:
    """The losses, each to 6 %."""
    import numpy as np

    level = np.frombuffer(codes, np.uint8) & TOP
    return np.asarray(2.0 ** (LEAST + level / STEPS))


def has_losses(codes: bytes) -> bool:
    """Whether losses were written, and not only which examples are right (see ``written``)."""
    return bool(codes.translate(None, bytes((0, RIGHT))))
