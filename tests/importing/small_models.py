"""Small models of PyTorch as people write them, for the tests of importing."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def unit(before: int, after: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, after, 3, stride=stride, padding=1, bias=False),
        nn.BatchNorm2d(after),
        nn.ReLU(inplace=True),
    )


class DropPath(nn.Module):
    """Of timm, as it is copied into many repositories."""

    def __init__(self, drop_prob: float) -> None:
        super().__init__()
        self.drop_prob = drop_prob

    def forward(self, x: Tensor) -> Tensor:
        if self.drop_prob == 0.0 or not self.training:
            return x
        keep = 1 - self.drop_prob
        return x / keep * x.new_empty(x.shape[0], 1, 1, 1).bernoulli_(keep)


class Gate(nn.Module):
    def __init__(self, c: int) -> None:
        super().__init__()
        self.down, self.up = nn.Conv2d(c, c // 4, 1), nn.Conv2d(c // 4, c, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = F.adaptive_avg_pool2d(x, 1)
        return x * torch.sigmoid(self.up(F.relu(self.down(y))))


class Unit(nn.Module):
    def __init__(self, before: int, after: int, stride: int = 1, drop: float = 0.0) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, after, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(after)
        self.conv2 = nn.Conv2d(after, after, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(after)
        self.gate = Gate(after)
        self.drop = DropPath(drop)
        self.short: nn.Module = nn.Identity()
        if stride > 1 or before != after:
            self.short = nn.Sequential(
                nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after)
            )

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.drop(self.gate(self.bn2(self.conv2(y))))
        return F.relu(y + self.short(x))


class Residual(nn.Module):
    """Three stages of gated units, dropped ever more often."""

    def __init__(
        self, width: int = 8, depth: int = 2, classes: int = 10, drop: float = 0.1
    ) -> None:
        super().__init__()
        self.stem = unit(3, width)
        units, before = [], width
        for stage in range(3):
            for number in range(depth):
                after = width * 2**stage
                stride = 2 if stage and not number else 1
                units.append(Unit(before, after, stride, drop * len(units) / (3 * depth - 1)))
                before = after
        self.body = nn.Sequential(*units)
        self.head = nn.Linear(before, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.body(self.stem(x)).mean((2, 3))
        return self.head(x)


class Dense(nn.Module):
    """Each layer sees all before it, as a list that grows."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = unit(3, 8)
        self.layers = nn.ModuleList(unit(8 + 4 * i, 4) for i in range(3))
        self.head = nn.Linear(20, 5)

    def forward(self, x: Tensor) -> Tensor:
        found = [self.stem(x)]
        for layer in self.layers:
            found.append(layer(torch.cat(found, 1)))
        x = F.dropout(torch.cat(found, 1).mean((2, 3)), 0.2, self.training)
        return self.head(x)


class Plain(nn.Module):
    """The tutorial's."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(3, 6, 5), nn.Conv2d(6, 16, 5)
        self.fc1, self.fc2 = nn.Linear(16 * 5 * 5, 120), nn.Linear(120, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        return self.fc2(F.relu(self.fc1(torch.flatten(x, 1))))


class Helped(nn.Module):
    """With a result beside the main one in training."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.body = unit(3, 4), unit(4, 4)
        self.aux, self.head = nn.Linear(4, 3), nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor | dict[str, Tensor]:
        x = self.stem(x)
        aux = self.aux(x.mean((2, 3)))
        x = self.head(self.body(x).mean((2, 3)))
        return {"out": x, "aux": aux} if self.training else x


class Modulation(nn.Module):
    """Of FocalNet: contexts of growing size, each times a gate of its own."""

    def __init__(self, c: int) -> None:
        super().__init__()
        self.cut = (c, c, 2)
        self.inward = nn.Conv2d(c, 2 * c + 2, 1)
        self.near = nn.Conv2d(c, c, 3, padding=1, groups=c)
        self.far = nn.Conv2d(c, c, 5, padding=2, groups=c)
        self.out = nn.Conv2d(c, c, 1)

    def forward(self, x: Tensor) -> Tensor:
        q, context, gates = torch.split(self.inward(x), self.cut, 1)
        near = F.gelu(self.near(context))
        far = F.gelu(self.far(near))
        return self.out(q * (near * gates[:, :1] + far * gates[:, 1:]))


class Modulated(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = unit(3, 8)
        self.one, self.two = Modulation(8), Modulation(8)
        self.down = unit(8, 16, 2)
        self.three, self.four = Modulation(16), Modulation(16)
        self.head = nn.Linear(16, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.down(self.two(self.one(self.stem(x))))
        return self.head(self.four(self.three(x)).mean((2, 3)))


class Odd(nn.Module):
    """With operations that no layer computes."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.head = nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.sin(self.conv(x))
        x = torch.erf(x)
        return self.head(x.mean((2, 3)))


class AsksNumbers(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Conv2d(3, 4, 3), nn.Conv2d(3, 4, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.a(x) if x.sum() > 0 else self.b(x)


class AsksBatch(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Conv2d(3, 4, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.a(x)
        return F.relu(x) if len(x) > 2 else x


class Tied(nn.Module):
    """Two layers that differ have one parameter."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Conv2d(3, 3, 3, padding=1), nn.Conv2d(3, 3, 3, stride=2)
        self.b.weight = self.a.weight

    def forward(self, x: Tensor) -> Tensor:
        return self.b(F.relu(self.a(x)))


class Unused(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Conv2d(3, 3, 3), nn.Conv2d(3, 3, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.a(x)


class Changes(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Conv2d(3, 3, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.a(x)
        return torch.tanh(x) if self.training else x


class Frozen(nn.Module):
    """Without parameters."""

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x)


class Drops(nn.Module):
    """With dropout where no training is: in evaluation too, or in evaluation alone."""

    def __init__(self, always: bool) -> None:
        super().__init__()
        self.always = always
        self.conv, self.head = nn.Conv2d(3, 4, 3), nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = F.dropout(self.conv(x), 0.5, self.always or not self.training)
        return self.head(x.mean((2, 3)))


class AsksOne(nn.Module):
    """Other layers for one image, or for many."""

    def __init__(self, one: bool) -> None:
        super().__init__()
        self.one = one
        self.conv, self.head = nn.Conv2d(3, 4, 3), nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv(x)
        if len(x) == 1 if self.one else len(x) > 4:
            y = F.relu(y)
        return self.head(y.mean((2, 3)))


class SqueezesAll(nn.Module):
    """Takes away the axis of the batch where there is one image alone."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x).squeeze()


class Careless(nn.Module):
    """A network that changes its input in its place, with a part that is frozen."""

    def __init__(self) -> None:
        super().__init__()
        self.relu = nn.ReLU(inplace=True)
        self.conv, self.head = nn.Conv2d(3, 4, 3), nn.Linear(4, 2)
        self.conv.requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.conv(self.relu(x)).mean((2, 3)))


class Untrainable(nn.Module):
    """PyTorch cannot train it: what a layer needs backwards is changed in its place."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.c = (nn.Conv2d(n, 4, 1) for n in (3, 4, 4))

    def forward(self, x: Tensor) -> Tensor:
        y = self.a(x)
        y.add_(self.b(y))
        return y + self.c(y)


class Elsewhere(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x) + torch.zeros(1)


class Scaled(nn.Module):
    """With numbers, learned ones among them: at the input, in branches, at the result."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 8, 3, padding=1)
        self.head = nn.Linear(8, 4)
        self.gain, self.shift = nn.Parameter(torch.zeros(())), nn.Parameter(torch.ones(1) / 2)
        self.gamma = nn.Parameter(1e-6 * torch.ones(8, 1, 1))
        self.beta = nn.Parameter(torch.zeros(1, 8, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        x = self.a(x * 0.1 - 1)
        x = x + 0.2 * (self.gain * self.b(x))
        x = x - (1 - torch.sigmoid(x)) / 4
        x = self.gamma * x + self.beta
        x = -(F.relu(x) ** 2) + self.shift
        return self.head(x.mean((2, 3)))


class Attention(nn.Module):
    """Of heads, in one of the ways in which people write it."""

    def __init__(self, c: int, way: str) -> None:
        super().__init__()
        self.way = way
        self.qkv, self.out = nn.Linear(c, 3 * c, bias=False), nn.Linear(c, c)

    def forward(self, x: Tensor) -> Tensor:
        n, length, c = x.shape
        scale = (c // 2) ** -0.5
        if self.way == "chunks":  # as nanoGPT cuts them, with the fused kernel
            q, k, v = (
                t.view(n, length, 2, c // 2).transpose(1, 2) for t in self.qkv(x).chunk(3, 2)
            )
            y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        elif self.way == "unbound":  # as timm cuts them, with its own products
            q, k, v = self.qkv(x).reshape(n, length, 3, 2, c // 2).permute(2, 0, 3, 1, 4).unbind(0)
            y = ((q * scale) @ k.transpose(-2, -1)).softmax(dim=-1) @ v
        else:
            q, k, v = self.qkv(x).unflatten(2, (3, 2, c // 2)).permute(2, 0, 3, 1, 4)
            scores = torch.einsum("b h i d, b h j d -> b h i j", q, k)
            y = torch.einsum("bhij,bhjd->bhid", torch.softmax(scores / 2, 3), v)
        return self.out(y.transpose(1, 2).reshape(n, length, c))


class Tokens(nn.Module):
    """A transformer of patches, with a class token and positions."""

    def __init__(self, way: str) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 8, 4, 4)
        self.cls, self.places = (
            nn.Parameter(torch.zeros(1, 1, 8)),
            nn.Parameter(torch.zeros(1, 5, 8)),
        )
        self.norm, self.attention = nn.LayerNorm(8), Attention(8, way)
        self.head = nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patches(x).flatten(2).mT
        x = torch.cat([self.cls.expand(len(x), -1, -1), x], 1) + self.places
        x = x + self.attention(self.norm(x))
        return self.head(x[:, 0])


class Itself(nn.Module):
    """A module of PyTorch that is asked, by name, what a tensor thinks of itself."""

    def __init__(self, part: nn.Module) -> None:
        super().__init__()
        self.part = part

    def forward(self, x: Tensor) -> Tensor:
        return self.part(query=x, key=x, value=x, need_weights=False)[0]


class Words(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embedding, self.head = nn.Embedding(9, 4), nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.embedding(x))


class Fixed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(torch.ones(2, 4, device=x.device))


class Overwritten(nn.Module):
    """A part of a tensor is changed in its place, and then the whole is used."""

    def __init__(self, way: str) -> None:
        super().__init__()
        self.way = way
        self.conv, self.head = nn.Conv2d(3, 4, 3, padding=1), nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu_(self.conv(x))
        if self.way == "set":
            x[:, 0] = 0
        elif self.way == "view":
            torch.relu_(x.flatten(2))
        elif self.way == "part":
            part = x[:, :2]
            part += 1
        elif self.way == "whole":  # nothing of what was before is used
            x = torch.relu_(x.flatten(2)).view(x.shape)
        return self.head(x.mean((2, 3)))
