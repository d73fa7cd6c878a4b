"""Instances of a block with branches within branches, laid over each other."""

import pytest

from archdsl.importing import unify
from archdsl.importing.terms import Term, flat, lift

DEEP = 20


def nested(depth: int, arms: int, end: str) -> list[Term]:
    """A branch whose last arm ends in another, and so on."""
    sequence = [Term("layer", end)]
    for _ in range(depth):
        first = [[Term("layer", "conv"), Term("layer", "relu")] for _ in range(arms)]
        sequence = [Term("branch", "mul", {}, [*first, [Term("layer", "tanh"), *sequence]])]
    return sequence


@pytest.mark.parametrize(("arms", "end"), [(1, "sigmoid"), (1, "bn"), (2, "sigmoid"), (2, "bn")])
def test_each_pair_of_terms_is_worked_out_once(
    arms: int, end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = 0
    original = unify._matched

    def counted(a: unify.Merged, b: unify.Merged, known: unify._Pairs) -> object:
        nonlocal calls
        calls += 1
        return original(a, b, known)

    monkeypatch.setattr(unify, "_matched", counted)
    one, other = lift(nested(DEEP, 1, "sigmoid")), lift(nested(DEEP, arms, end))
    found = unify.merge(one, other, 1)
    assert calls <= 30 * DEEP
    if arms == 1:
        assert found is not None
        assert sum(m.kind == "branch" for m in flat(found)) == DEEP
