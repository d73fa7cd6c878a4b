"""Padding as TensorFlow's "SAME" has it: a stride of ``s`` leaves ``ceil(n / s)`` of ``n`` pixels,
and where the padding is odd, the pixel more stands after the image."""

from collections.abc import Iterable

SAME = "same"


def same_sides(size: int, reach: int, stride: int) -> tuple[int, int]:
    """How much is padded before and after an axis of this size."""
    room = max((-(-size // stride) - 1) * stride + reach - size, 0)
    return room // 2, room - room // 2


def is_even(windows: Iterable[tuple[int, int, int]]) -> bool:
    """Whether windows, of a reach and a stride each, have as much before as after an axis of any
    size."""
    return all(reach == 1 or (stride == 1 and reach % 2 == 1) for reach, stride, _ in windows)
