"""FractalNet's drop-path: what each join keeps, and one column for the whole network."""

from collections import Counter
from itertools import product

import pytest
import torch
from agreement import batch, hollow
from frequencies import assert_share, network
from torch import Tensor, nn

import archdsl


def joints(module: nn.Module) -> list[nn.Module]:
    """The modules in which columns meet."""
    return [m for m in module.modules() if type(m).__name__ == "ColumnMean"]


def kept_by(joint: nn.Module, columns: list[int], path: object = None) -> tuple[int, ...]:
    """Which columns a joint keeps in one draw; their shares are equal."""
    inputs = {c: torch.eye(len(columns))[[i]] for i, c in enumerate(columns)}
    shares = joint(inputs, path)[0]
    kept = tuple(c for c, share in zip(columns, shares.tolist(), strict=True) if share)
    assert torch.equal(shares[shares > 0], torch.full((len(kept),), 1 / len(kept)))
    return kept


def chances(columns: list[int], drop: float) -> dict[tuple[int, ...], float]:
    """How likely each choice is: every input for itself; if none is left, one of all."""
    found: dict[tuple[int, ...], float] = {}
    for drawn in product([True, False], repeat=len(columns)):
        kept = tuple(c for c, k in zip(columns, drawn, strict=True) if k)
        chance = (1 - drop) ** len(kept) * drop ** (len(columns) - len(kept))
        for choice in [kept] if kept else [(c,) for c in columns]:
            found[choice] = found.get(choice, 0) + (chance if kept else chance / len(columns))
    return found


@pytest.mark.parametrize("drop", [0.15, 0.5, 0.9])
@pytest.mark.parametrize("columns", [[1, 2], [0, 1, 2], [0, 1, 2, 3]], ids=len)
def test_local_drop_path(columns: list[int], drop: float) -> None:
    """Every joint drops each input with a probability, and never all (arXiv:1605.07648, 3.1)."""
    body = f"fractal(columns = {columns[-1] + 1}, drop_path = {drop}, global_path = 0)"
    (joint,) = joints(network(f"{body} {{ conv(1, 1) }}").train())
    runs = 4000
    found = Counter(kept_by(joint, columns) for _ in range(runs))
    wanted = chances(columns, drop)
    assert sum(wanted.values()) == pytest.approx(1)
    assert () not in found
    for choice, chance in wanted.items():
        assert_share(found[choice], runs, chance, str(choice))


def test_two_inputs_at_fifteen_percent() -> None:
    """Both are kept in 0.7225 of the cases, one in 0.2775."""
    found = chances([0, 1], 0.15)
    assert found == pytest.approx({(0, 1): 0.7225, (0,): 0.13875, (1,): 0.13875})


def test_each_joint_draws_for_itself() -> None:
    """Of two joints in a row, each keeps its deep column alone as often as if it stood alone."""
    module = network(
        "repeat 2 { fractal(columns = 2, drop_path = 0.5, global_path = 0) "
        "{ conv(1, 1, init = constant(2)) } }"
    ).train()
    # x2 in the shallow column, x4 in the deep one, x3 if both are kept
    runs = 3000
    with torch.no_grad():
        found = Counter(module(torch.ones(1, 1, 1, 1)).item() for _ in range(runs))
    chance = {2.0: 0.375, 4.0: 0.375, 3.0: 0.25}
    wanted: dict[float, float] = {}
    for (a, p), (b, q) in product(chance.items(), repeat=2):
        wanted[a * b] = wanted.get(a * b, 0) + p * q
    assert set(found) == set(wanted)
    for value, share in wanted.items():
        assert_share(found[value], runs, share, str(value))


def test_without_drop_path_training_is_the_mean() -> None:
    module = network("fractal(columns = 3) { conv(1, 1, init = constant(2)) }").train()
    # t = 2: (2 + 4) / 2 = 3; the end: (2 + 2 * 3 + 4 * 3) / 3
    assert module(torch.ones(1, 1, 1, 1)).item() == pytest.approx(20 / 3)
    assert not hasattr(module, "draw_path")


def test_half_of_the_mini_batches_train_one_column() -> None:
    """And each column as often as the others, whatever the batch is."""
    module = network("fractal(columns = 3, drop_path = 15%) { conv(1, 1) }").train()
    runs = 4000
    drawn = [module.draw_path(torch.empty(1)) for _ in range(runs)]
    assert_share(sum(bool(whole) for whole, _ in drawn), runs, 0.5, "one column")
    for column in range(3):
        assert_share(sum(int(c) == column for _, c in drawn), runs, 1 / 3, f"column {column}")
    both = sum(bool(whole) and int(c) == 0 for whole, c in drawn)
    assert_share(both, runs, 1 / 6, "one column, the first")


@pytest.mark.parametrize(("share", "wanted"), [("0", 0.0), ("25%", 0.25), ("1", 1.0)])
def test_the_share_of_global_drop_path(share: str, wanted: float) -> None:
    """With powers of two for the columns: 2, 4 and 16 are columns alone, unless by local chance."""
    module = network(
        f"fractal(columns = 3, drop_path = 0.1, global_path = {share}) "
        "{ conv(1, 1, init = constant(2)) }"
    ).train()
    runs = 3000
    with torch.no_grad():
        found = Counter(module(torch.ones(1, 1, 1, 1)).item() for _ in range(runs))
    final = chances([0, 1, 2], 0.1)
    middle = chances([1, 2], 0.1)
    # 16: all of column 3 alone, at the end and where it meets column 2
    local = final[(2,)] * middle[(2,)]
    expected = wanted / 3 + (1 - wanted) * local
    assert_share(found[16.0], runs, expected, "the deepest column alone")
    if wanted == 1:
        assert set(found) == {2.0, 4.0, 16.0}
    # 2: column 1 alone, at the end
    assert_share(found[2.0], runs, wanted / 3 + (1 - wanted) * final[(0,)], "the first column")


def test_one_column_for_the_whole_network_and_all_of_a_batch() -> None:
    """Three blocks with a pooling between: never the second column of one and the third of
    another; never another column for another sample."""
    body = (
        "fractal(columns = 3, drop_path = 15%, global_path = 1) { conv(1, 1, init = constant(2)) }"
    )
    module = network(f"repeat 2 {{ {body} }}\nmaxpool(1)\n{body}").train()
    runs, found = 1500, Counter()
    with torch.no_grad():
        for _ in range(runs):
            values = module(torch.ones(5, 1, 1, 1)).flatten()
            assert (values == values[0]).all()
            found[values[0].item()] += 1
    assert set(found) == {2.0**3, 4.0**3, 16.0**3}
    for value in found:
        assert_share(found[value], runs, 1 / 3, str(value))


def test_all_joints_are_told_the_same_path() -> None:
    """One draw a forward pass, of the FractalNet of the library."""
    module = hollow(archdsl.load("fractalnet", widths=[4] * 5, dropouts=[0] * 5).build).train()
    told: list[object] = []
    for joint in joints(module):
        joint.register_forward_pre_hook(lambda m, given: told.append(given[1]))
    draws = 0
    draw = module.draw_path

    def counted(x: Tensor) -> object:
        nonlocal draws
        draws += 1
        return draw(x)

    module.draw_path = counted
    module(batch(2, 3, 32, 32))
    assert draws == 1
    assert len(told) == 5 * 4  # four steps a block
    assert all(path is told[0] for path in told)


@pytest.mark.parametrize("column", [0, 1, 2])
def test_columns_that_are_not_chosen_have_no_gradient(column: int) -> None:
    module = network("fractal(columns = 3, drop_path = 15%) { conv(1, 1) }").train()
    module.draw_path = lambda x: (torch.tensor(True), torch.tensor(column))
    module(torch.ones(2, 1, 1, 1)).sum().backward()
    for name, weight in module.named_parameters():
        alone = f".column{column + 1}_" in name
        assert (weight.grad.item() == 0) != alone, name


def test_columns_dropped_locally_have_no_gradient() -> None:
    module = network(
        "fractal(columns = 2, drop_path = 0.5, global_path = 0) { conv(1, 1) }"
    ).train()
    shallow, deep = module.fractal1.column1_1.weight, module.fractal1.column2_2.weight
    seen = set()
    for _ in range(40):
        module.zero_grad()
        module(torch.ones(1, 1, 1, 1)).sum().backward()
        seen.add((shallow.grad.item(), deep.grad.item()))
    assert seen == {(1.0, 0.0), (0.0, 1.0), (0.5, 0.5)}
