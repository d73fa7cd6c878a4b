"""The fractal expansion."""

from torch import Tensor, nn

from archdsl.backend.helpers.column_mean import ColumnMean


class Fractal(nn.Module):
    """Columns of 1, 2, 4, ... units, which meet in means (arXiv:1605.07648).

    ``unit(i)`` makes the units of a column: ``i`` is 0 for the first.
    """

    def __init__(self, columns: int, unit, drop_path: float = 0.0) -> None:
        super().__init__()
        self.columns, self.mean = columns, ColumnMean(drop_path)
        for c in range(columns):
            for i in range(2**c):
                self.add_module(f"column{c + 1}_{i + 1}", unit(i))

    def forward(self, x: Tensor, path=None) -> Tensor:
        heads, steps = [x] * self.columns, 2 ** (self.columns - 1)
        for step in range(1, steps + 1):
            ends = {}  # the columns of which a unit ends here
            for c in range(self.columns):
                i, rest = divmod(step * 2**c, steps)
                if rest == 0:
                    ends[c] = getattr(self, f"column{c + 1}_{i}")(heads[c])
            joined = self.mean(ends, path)
            heads = [joined if c in ends else head for c, head in enumerate(heads)]
        return heads[0]
