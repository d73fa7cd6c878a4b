"""Names of the emitted file: what Python accepts, and what means nothing else there.

Labels, parameters and blocks are called as the spec calls them wherever that is possible.
"""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Container, Iterable, Iterator, Sequence
from itertools import product
from string import ascii_uppercase

# Public attributes of torch.nn.Module and Sequential, and of the emitted networks: a part of
# such a name gets an underscore.
MODULE_NAMES = frozenset(
    """T_destination add_module append apply bfloat16 buffers call_super_init children compile
    cpu cuda double dump_patches eval extend extra_repr float forward get_buffer
    get_extra_state get_parameter get_submodule half insert ipu load_state_dict modules mtia
    named_buffers named_children named_modules named_parameters parameters pop
    register_backward_hook register_buffer register_forward_hook register_forward_pre_hook
    register_full_backward_hook register_full_backward_pre_hook
    register_load_state_dict_post_hook register_load_state_dict_pre_hook register_module
    register_parameter register_state_dict_post_hook register_state_dict_pre_hook
    requires_grad_ set_extra_state set_submodule share_memory state_dict to to_empty train
    training type xpu zero_grad
    draw_path init_weights loss output_weights""".split()
)

# What the code of a class speaks of or binds by itself; parameters and variables that come
# from the spec are called something else.
SPOKEN = frozenset("F OrderedDict Tensor _ i m nn path self seq torch x".split())
UNCLEAR = frozenset("lOI")  # hard to tell from digits
BUILTINS = frozenset(name for name in dir(builtins) if not name.startswith("_"))
UNSEEN = re.compile(r"(private)*_")


def attribute(label: str) -> str:
    """A part's label as the name of an attribute, and so as the key of its weights.

    No two labels have one attribute, and no attribute depends on what other labels there are.
    """
    if UNSEEN.match(label):  # what begins with an underscore belongs to PyTorch
        label = f"private{label}"
    stem = label
    while stem.endswith("_") and not _has_meaning(stem):
        stem = stem[:-1]
    return f"{label}_" if _has_meaning(stem) else label


def _has_meaning(name: str) -> bool:
    return keyword.iskeyword(name) or name in MODULE_NAMES


def unnumbered(label: str, number: int) -> str:
    """A label without its number."""
    return label.removesuffix(str(number))


def run_stem(base: str, first: int, count: int) -> str | None:
    """What the attributes of a run of labels have before their numbers, if all have the same."""
    stem = attribute(f"{base}{first}").removesuffix(str(first))
    numbers = range(first, first + count)
    return stem if all(attribute(f"{base}{n}") == f"{stem}{n}" for n in numbers) else None


def identifier(name: str, taken: Container[str] = frozenset()) -> str:
    """A name for a variable: one that is taken gets an underscore after it."""
    if name.startswith("__"):  # within a class, Python reads such a name as another
        name = f"private{name}"
    while keyword.iskeyword(name) or name in taken:
        name += "_"
    return name


def class_name(name: str, doc: str = "") -> str:
    """``bottleneck_v2`` as ``BottleneckV2``; what is written with capitals keeps them.

    Where the doc comment spells the name, or a word of it, with capitals, so does the class:
    ``resnet`` is ``ResNet`` if the comment speaks of ResNets, and ``unet`` of a U-Net ``UNet``.
    """
    words = [w for w in name.split("_") if w]
    found = spelling("".join(words), doc) or "".join(
        spelling(w, doc) or w[0].upper() + w[1:] for w in words
    )
    return f"Block{found}" if not found or found[0].isdigit() else found


def spelling(word: str, doc: str) -> str:
    """A word as a text writes it with capitals in it, or nothing."""
    letters = r"[ _-]?".join(map(re.escape, word))
    whole = rf"(?<![A-Za-z0-9]){letters}(?=s?(?![A-Za-z0-9]))"
    for found in re.findall(whole, doc, re.IGNORECASE | re.ASCII):
        parts = re.split(r"[ _-]", found)
        spelled = "".join(p[:1].upper() + p[1:] for p in parts)
        if any(c.isupper() for c in spelled[1:]):
            return spelled
    return ""


LETTERS = tuple("".join(p) for n in (1, 2) for p in product(ascii_uppercase, repeat=n))


class ClassNames:
    """Gives the classes of a file their names. Case makes no difference between two."""

    def __init__(self, taken: Iterable[str]) -> None:
        self.taken = {
            name.lower() for name in (*taken, *SPOKEN, *UNCLEAR, *BUILTINS, *keyword.kwlist)
        }

    def one(self, base: str, suffix: str) -> str:
        """The name of a class that is alone of its kind."""
        return next(self._free(base, suffix, ("",)))

    def several(self, base: str, count: int, suffix: str) -> list[str]:
        """The names of so many forms of one thing: lettered, as Inception's modules are."""
        found = self._free(base, suffix, ("",) if count == 1 else LETTERS)
        return [next(found) for _ in range(count)]

    def _free(self, base: str, suffix: str, letters: Sequence[str]) -> Iterator[str]:
        """Names that nothing has; the suffix makes more where all letters are taken."""
        while True:
            for letter in letters:
                found = base + letter
                if found.lower() not in self.taken:
                    self.taken.add(found.lower())
                    yield found
            base += suffix
