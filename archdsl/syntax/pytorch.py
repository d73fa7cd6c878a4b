"""A layer as PyTorch or Keras writes it, ``nn.Conv2d(3, 16, 3)``, and how it is written here."""

from __future__ import annotations

import re
from collections.abc import Mapping

from archdsl.layers.arguments import Unreadable
from archdsl.layers.base import required, signature
from archdsl.registry import REGISTRY
from archdsl.syntax.pytorch_layers import (
    BY_PLACE,
    FUNCTIONS,
    IDLE,
    JOINS,
    KERAS,
    KNOWN,
    LAYERS,
    MANY,
    MEANS,
    MORE,
    NAMES,
    ONLY,
    OWN,
    PIXELS,
    VALUES,
    WEIGHTS,
)

_AXES = re.compile("[123]d$")
_NAMED = re.compile(r"(\w+)\s*=(?!=)\s*(.+)", re.DOTALL)
_TENSOR = re.compile(r"[A-Za-z_]\w*")
_VALUE = re.compile(r"-?\w+(?:\.\d*)?(?:(?<=e)-\d+)?(?:\s*[-+*/]\s*\w+)*")
_NUMBER = re.compile(r"-?\d+(?:\.\d*)?(?:e-?\d+)?")
_WORD = re.compile(r"""["'](\w+)["']""")
_PAIR = re.compile(r"[(\[]\s*\d+\s*,\s*\d+\s*[)\]]")
_CALL = re.compile(r"(\w+)\s*(\(.*\))", re.DOTALL)


def is_pair(layer: str, text: str) -> bool:
    """Whether padding is given as what stands before and what stands after."""
    return layer == "pad" and _PAIR.fullmatch(text) is not None


def by_place(layer: str, name: str, value: object, text: str) -> str | None:
    """What an argument has to be if it is given by its place alone, as ``text`` may be: nothing if
    it is so, or has its name."""
    layers, test, expected = BY_PLACE[name]
    numbers = value if isinstance(value, tuple) else (value,)
    if "=" in text or (layers and layer not in layers):
        return None
    if all(not isinstance(n, (int, float)) or test(n) for n in numbers):
        return None
    return f"{expected}, or be written with its name" if expected else "written with its name"


def is_named(layer: str, name: str, text: str) -> bool:
    """Whether an argument that is written so has to have its name: one by its place may not have
    the value, or not for certain."""
    if name not in BY_PLACE or layer not in BY_PLACE[name][0]:
        return False
    return not text.isdecimal() or by_place(layer, name, int(text), text) is not None


def called(word: str, here: str, after: str, functional: bool = False) -> str:
    """What helps where a layer has the name that another library gives it. ``after``: the text
    behind the name; ``functional``: the first argument is a tensor, as in ``F.relu(x)``."""
    items, plain = arguments(after), _plain(word)
    is_join = plain in JOINS and items and (items[0][0] in "([" or len(items) == 2)
    if (functional and items) or is_join:
        return _function(word, here, items)
    text = written(word, items)
    if text is None or text == _call(here, items):
        return f"here it is called `{here}`" if text or not _is_known(plain, items) else _bare(here)
    return _said(text, items, word)


def meant(text: str) -> list[str]:
    """What helps where the call of a layer, ``conv(3, 16, 3)``, cannot be: the same as it would be
    read by PyTorch, if it can be that."""
    found = _CALL.fullmatch(text)
    if found is None or found[1] not in OWN:
        return []
    here, items = found[1], arguments(found[2])
    names = {named[1] for item in items if (named := _NAMED.fullmatch(item))}
    if len(items) - len(names) < MANY.get(here, 0) and not names & NAMES.keys():
        return []
    is_list = here in ("adaptive_avgpool", "adaptive_maxpool", "crop") and len(items) in (2, 3)
    if is_list or (here == "pad" and len(items) in (4, 6) and "=" not in found[2]):
        items = [f"({', '.join(items)})"]
    said = _translated(*OWN[here], items)
    if said is None or (said == _call(here, items) and not is_list):
        return []
    if said.startswith("resize") and all(int(n) <= 32 for n in re.findall(r"\b\d+", items[0])):
        return []  # it is a factor
    return [_said(said, items, here)]


def layer(word: str) -> str | None:
    """The layer here that another library calls so."""
    row = _row(KERAS, word) if _is_keras(word) else _row(LAYERS, word)
    return row[0] if row else REGISTRY.layers.meant(word)


def _is_keras(word: str) -> bool:
    return word == "Dense" or re.search("[123]D", word) is not None


def written(word: str, items: list[str]) -> str | None:
    """A layer of another library with these arguments, as it is written here; nothing where that
    is not known."""
    plain, is_keras = _plain(word), _is_keras(word)
    row = _row(KERAS, word) if is_keras else _row(LAYERS, word) or _row(FUNCTIONS, word)
    if row is None:
        return None
    here, places = row
    one = plain == "prelu" and all(item.partition("=")[0].strip() == "init" for item in items)
    more = {"shared": "true"} if one else MORE.get(plain, {})
    if not is_keras:
        return _translated(here, places, items, **more)
    activations = [
        _WORD.sub(r"\1", i.partition("=")[2]).strip() for i in items if "activation" in i
    ]
    text = _translated(here, places, [i for i in items if "activation" not in i])
    then = [name for word in activations if (name := layer(word)) not in (None, "softmax")]
    return text and " -> ".join([text, *map(str, then)])


def arguments(text: str) -> list[str]:
    """The arguments of a call, from its bracket on; none where there is no call."""
    depth, items = 0, [""]
    for sign in text[1 : max(closing(text) - 1, 1)]:
        depth += (sign in "([{") - (sign in ")]}")
        if depth == 0 and sign == ",":
            items.append("")
        else:
            items[-1] += sign
    return [item.strip() for item in items if item.strip()]


def closing(text: str) -> int:
    """Where a call ends that begins with its bracket; 0 where there is none."""
    depth = 0
    for at, sign in enumerate(text if text.startswith("(") else ""):
        depth += (sign in "([{") - (sign in ")]}")
        if depth == 0:
            return at + 1
    return 0


def _said(text: str, items: list[str], word: str) -> str:
    here = text.partition("(")[0]
    places = OWN[here][1] if here in OWN else []
    if "dim" in places and here.endswith(("softmax", "glu")) and items:
        return f"it is over the channels: write `{text}`"
    says_so = not _is_keras(word) and not word.startswith("Lazy")
    names = {item.partition("=")[0].strip() for item in items if "=" in item}
    given = names & {*KNOWN} or any("=" not in item for item in items)
    if given and says_so and {*places} & {*KNOWN, "num_parameters"}:
        return f"the input's size is known: write `{text}`"
    return f"write `{text}`"


def _bare(here: str) -> str:
    names = ", ".join(p.name for p in signature(REGISTRY.layers[here]))
    return f"the input's size is known: `{here}` takes {names}"


def _is_known(plain: str, items: list[str]) -> bool:
    """Whether the first argument says what comes in, and has to be left out."""
    places = LAYERS.get(plain, ("", [""]))[1]
    if not places or places[0] not in KNOWN:
        return False
    names = {found[1] for item in items if (found := _NAMED.fullmatch(item))}
    return bool(names & KNOWN) or len(items) - len(names) >= 3


def _function(word: str, here: str, items: list[str]) -> str:
    """A function of tensors: ``F.max_pool2d(x, 2)``, ``torch.cat([x, y], 1)``."""
    plain = _plain(word)
    if plain in JOINS:
        inside = arguments(f"({items[0][1:-1]})") if items[0][0] in "([" else items[:2]
        if all(_TENSOR.fullmatch(item) for item in inside):
            return f"write `branch {JOINS[plain]} {{ {'; '.join(inside)} }}`"
    is_one = _TENSOR.fullmatch(items[0]) is not None
    if plain in WEIGHTS:
        needed = ", ".join(p.name for p in signature(REGISTRY.layers[here]) if p.required)
        text = f"{here}({needed})" if needed else here
        return f"a layer has its weights itself: `{text}`"
    row = _row(FUNCTIONS, word) or _row(LAYERS, word)
    applied = _translated(*row, items[1:]) if row else here if not items[1:] else None
    if plain in MEANS:
        over = ", ".join(item.removeprefix("dim=") for item in items[1:2])
        side = "global" if over in PIXELS else "channel" if over == "1" else None
        applied = f"{side}_{MEANS[plain]}" if side else None
    sides = arguments(f"({items[1][1:-1]})") if plain == "pad" and len(items) == 2 else []
    if len(sides) == 2 and is_one and all(side.isdecimal() for side in sides):
        said = [f"{k} = {{}}{n}" for k, n in zip(("before", "after"), sides, strict=True) if int(n)]
        text = f"{items[0]} -> pad({', '.join(said)})"
        return (
            f"write `{text.replace('{}', '0x')}` of an image, `{text.replace('{}', '')}` of tokens"
        )
    tensor = items[0] if is_one else "x"
    return f"a tensor goes into a layer by `->`: `{tensor} -> {applied or f'{here}(...)'}`"


def _translated(here: str, places: list[str], items: list[str], **more: str) -> str | None:
    """The layer with its arguments, as they are written here; nothing where that is not known."""
    given: dict[str, str] = {}
    for place, item in enumerate(items):
        if (found := _NAMED.fullmatch(item)) is not None:
            given[found[1]] = found[2]
        elif place < len(places):
            given[places[place]] = item
        else:
            return None
    if here == "attend":
        return _attention(given)
    taken = dict(more)
    for key, value in given.items():
        if value == "None" or key in IDLE:
            continue
        read = _argument(here, key, value)
        if read is None:
            return None
        taken |= read
    if here == "upsample" and "size" in taken:
        here = "resize"
    if taken.pop("start", "1") == "2":
        here = "flatten_space"
    if here in ("conv", "std_conv"):
        _pad(taken, places)
    if "pool" in here and taken.get("stride") == taken.get("kernel"):
        taken.pop("stride", None)
    return _call(here, [f"{k} = {v}" for k, v in taken.items()]) if _fits(here, taken) else None


def _fits(here: str, taken: Mapping[str, str]) -> bool:
    """Whether a layer takes these arguments, as far as numbers tell."""
    layer = REGISTRY.layers[here]
    readers = {p.name: p.reader for p in signature(layer)}
    if not required(layer) <= taken.keys() <= readers.keys():
        return False
    try:
        for key, text in taken.items():
            if _NUMBER.fullmatch(text):
                readers[key].read(int(text) if text.lstrip("-").isdecimal() else float(text))
    except Unreadable:
        return False
    return True


def _argument(here: str, key: str, value: str) -> dict[str, str] | None:
    """What an argument is here: nothing of it, if it is known; ``None`` where it cannot be said."""
    if key == "normalized_shape" and re.search(r"\.|e-", value) and _NUMBER.fullmatch(value):
        return {"eps": value}
    if key == "normalized_shape" and here == "layer_norm" and "," not in value and "x" not in value:
        return {"over": "channels"}
    if key in KNOWN:
        return {}
    if key == "start_dim":
        return {"start": value} if value in ("1", "2") else None
    if key == "p" and here == "l2_norm":
        return {} if value in ("2", "2.0") else None
    if key in ONLY and not (key == "value" and here != "pad"):
        return {} if value in ONLY[key] else None
    if key == "ceil_mode":
        return {"mode": "ceil"} if value in ("True", "true") else {}
    if key == "num_parameters":
        return {"shared": "true"} if value == "1" else {}
    if here == "pad" and key == "padding":
        return _sides(value)
    if here == "pad" and key == "mode":
        word = value.strip("\"'")
        return {} if word == "constant" else {"border": word}
    text = _value(value)
    return None if text is None else {_named(here, key): text}


def _named(here: str, key: str) -> str:
    own = {p.name for p in signature(REGISTRY.layers[here])}
    return key if key in own and (here, key) != ("prelu", "init") else NAMES.get(key, key)


def _value(text: str) -> str | None:
    """A value as it is written here; nothing where it is more than numbers and names."""
    if (word := _WORD.fullmatch(text)) is not None:
        return word[1]
    if text[:1] in "([":
        items = arguments(f"({text[1:-1]})")
        if not items or not all(item.isdecimal() for item in items):
            return None
        return items[0] if len(set(items)) == 1 else "x".join(items)
    return VALUES.get(text, text) if _VALUE.fullmatch(text) else None


def _sides(text: str) -> dict[str, str] | None:
    """The padding of the sides: one number, or PyTorch's left, right, top, bottom."""
    if text[:1] not in "([":
        value = _value(text)
        return None if value is None else {"size": value}
    items = arguments(f"({text[1:-1]})")
    if len(items) not in (4, 6) or not all(item.isdecimal() for item in items):
        return None
    before, after = (tuple(items[side::2][::-1]) for side in (0, 1))
    if before == after:
        return {"size": str(_value(f"({', '.join(before)})"))}
    sides = {"before": before, "after": after}
    return {k: str(_value(f"({', '.join(v)})")) for k, v in sides.items() if set(v) != {"0"}}


def _attention(given: Mapping[str, str]) -> str | None:
    """Attention with its projections, which `attend` leaves to convolutions of 1."""
    width, heads = given.get("embed_dim", ""), given.get("num_heads", "")
    if not (_VALUE.fullmatch(width) and heads.isidentifier() | heads.isdecimal()):
        return None
    if given.keys() - {"embed_dim", "num_heads", "batch_first", "dropout"}:
        return None
    three = str(3 * int(width)) if width.isdecimal() else f"3 * {width}"
    return f"conv({three}, 1) -> attend({heads}) -> conv({width}, 1)"


def _pad(given: dict[str, str], places: list[str]) -> None:
    """What a convolution elsewhere pads by: nothing if it is not said; here, half its kernel."""
    pad, kernel = given.pop("pad", "0"), given.get("kernel", "")
    is_half = kernel.isdecimal() and int(kernel) % 2 and pad == str(int(kernel) // 2)
    is_same = pad == "same" and given.get("stride", "1") == "1"
    if is_same and kernel.isdecimal() and int(kernel) % 2 and "filters" in places:
        return
    if not is_half or given.get("dilation", "1") != "1":
        given["pad"] = "0" if pad == "valid" else pad


def _call(here: str, items: list[str]) -> str:
    """A call with the names of those arguments that have one as a rule."""
    given: dict[str, str] = {}
    parameters = signature(REGISTRY.layers[here])
    for place, item in enumerate(items):
        found = _NAMED.fullmatch(item)
        key = found[1] if found else parameters[place].name if place < len(parameters) else item
        given[item if key in given else key] = found[2] if found else item
    all_by_place = REGISTRY.layers[here].kind == "activation"
    texts = []
    for place, p in enumerate(parameters):
        by_place = p.required or all_by_place or (not place and p.name not in ("eps", "over"))
        if p.name not in given or not by_place:
            break
        texts.append(given.pop(p.name))
    usual = {p.name: str(p.default).lower() for p in parameters if not p.required}
    places = [p.name for p in parameters]
    for name in sorted(given, key=lambda key: places.index(key) if key in places else len(places)):
        if given[name] != usual.get(name):
            texts.append(f"{name} = {given[name]}")
    return f"{here}({', '.join(texts)})" if texts else here


def _row(table: Mapping[str, tuple[str, list[str]]], word: str) -> tuple[str, list[str]] | None:
    return table.get(word.lower().replace("_", "")) or table.get(_plain(word))


def _plain(word: str) -> str:
    return _AXES.sub("", word.lower().replace("_", ""))
