"""Attention of images and of tokens, as people write it out."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SIDE, HEADS, EACH = 4, 2, 4


def distances(absolute: bool) -> Tensor:
    """Which number of a table stands for each two pixels of a window."""
    y, x = torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="ij")
    place = torch.stack([y, x]).flatten(1)
    far = place[:, :, None] - place[:, None]
    if absolute:
        far = far.abs()
        return far[0] * SIDE + far[1]
    far = far + SIDE - 1
    return far[1] * (2 * SIDE - 1) + far[0]  # across first, unlike ours


def apart(side: int, shift: int, value: float) -> Tensor:
    """What pixels that came into a window from across the border add to scores."""
    part = torch.zeros(side, side)
    part[side - shift :] += 2
    part[:, side - shift :] += 1
    windows = part.view(side // SIDE, SIDE, side // SIDE, SIDE).transpose(1, 2).flatten(2)
    windows = windows.reshape(-1, SIDE * SIDE)
    return torch.zeros(1).masked_fill(windows[:, :, None] != windows[:, None], value)


class Windows(nn.Module):
    """Attention within windows of an image of 8x8 pixels, which move by ``shift``."""

    def __init__(self, way: str = "", shift: int = 0, mask: int = 0) -> None:
        super().__init__()
        channels = HEADS * EACH
        self.way, self.shift = way, shift
        self.stem, self.norm = nn.Conv2d(3, channels, 1), nn.LayerNorm(channels)
        self.qkv, self.out = nn.Linear(channels, 3 * channels), nn.Linear(channels, channels)
        self.register_buffer("index", distances(way == "absolute"))
        rows = SIDE**2 if way == "absolute" else (2 * SIDE - 1) ** 2
        self.table = nn.Parameter(torch.randn(HEADS, rows))
        if mask:
            self.register_buffer("mask", apart(8, mask, -100.0), persistent=False)
        else:
            self.mask = None
        self.head = nn.Linear(channels, 3)

    def attend(self, x: Tensor) -> Tensor:
        windows, pixels, channels = x.shape
        if self.way == "heads":  # each head has its queries, keys and values side by side
            x = self.qkv(x).view(windows, pixels, HEADS, 3 * EACH).transpose(1, 2)
            q, k, v = x.chunk(3, -1)
        else:
            x = self.qkv(x).view(windows, pixels, 3, HEADS, EACH)
            q, k, v = x.permute(2, 0, 3, 1, 4).unbind(0)
        table = self.table.clamp(-99, 99) if self.way == "clamped" else self.table
        bias = table[:, self.index]
        if self.way == "fused":
            mask = bias.unsqueeze(0) if self.mask is None else self.masks(windows) + bias
            x = F.scaled_dot_product_attention(q, k, v, mask)
        else:
            scores = EACH**-0.5 * q @ k.mT + bias
            if self.mask is not None:
                scores = scores.view(-1, len(self.mask), HEADS, pixels, pixels)
                scores = (scores + self.mask[:, None]).view(-1, HEADS, pixels, pixels)
            x = scores.softmax(-1) @ v
        return self.out(x.transpose(1, 2).reshape(windows, pixels, channels))

    def masks(self, windows: int) -> Tensor:
        return self.mask[:, None].repeat(windows // len(self.mask), 1, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x).permute(0, 2, 3, 1)
        images, height, width, channels = x.shape
        y = torch.roll(self.norm(x), (-self.shift, -self.shift), (1, 2))
        y = y.view(images, height // SIDE, SIDE, width // SIDE, SIDE, channels)
        y = self.attend(y.transpose(2, 3).reshape(-1, SIDE**2, channels))
        y = y.view(images, height // SIDE, width // SIDE, SIDE, SIDE, channels)
        y = y.transpose(2, 3).reshape(images, height, width, channels)
        x = x + torch.roll(y, (self.shift, self.shift), (1, 2))
        return self.head(x.mean((1, 2)))


class Ahead(nn.Module):
    """Tokens of which none sees what comes after it, by a mask."""

    def __init__(self, way: str) -> None:
        super().__init__()
        self.way = way
        self.patches, self.head = nn.Conv2d(3, 8, 4, 4), nn.Linear(8, 3)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.register_buffer("seen", torch.ones(9, 9).tril().bool())

    def forward(self, x: Tensor) -> Tensor:
        x = self.patches(x).flatten(2).mT
        length = x.shape[1]
        if self.way == "module":
            mask = torch.triu(torch.full((length, length), -torch.inf), 1)
            return self.head(self.attention(x, x, x, attn_mask=mask)[0][:, 0])
        part = self.attention
        q, k, v = F.linear(x, part.in_proj_weight, part.in_proj_bias).chunk(3, 2)
        q, k, v = (t.unflatten(2, (2, 4)).transpose(1, 2) for t in (q, k, v))
        if self.way == "fused":
            x = F.scaled_dot_product_attention(q, k, v, self.seen[:length, :length])
        else:
            scores = q @ k.mT / 2
            first = 1 if self.way == "before" else 0
            seen = self.seen[first : length + first, :length]
            scores = scores.masked_fill(~seen, -torch.inf)
            x = F.softmax(scores, -1) @ v
        return self.head(part.out_proj(x.transpose(1, 2).flatten(2))[:, 0])


class AmongHeads(nn.Module):
    """Attention that has the heads compete."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv, self.out = nn.Linear(8, 24), nn.Linear(8, 8)

    def forward(self, x: Tensor) -> Tensor:
        n, length, c = x.shape
        q, k, v = self.qkv(x).view(n, length, 3, 2, 4).permute(2, 0, 3, 1, 4)
        y = (q @ k.mT).softmax(1) @ v
        return self.out(y.transpose(1, 2).reshape(n, length, c))


class Inverse(nn.Module):
    """A function that the language lacks."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.erfinv(x)


class Reduced(nn.Module):
    """Attention to an image of half the side, as in pyramid vision transformers."""

    def __init__(self) -> None:
        super().__init__()
        self.q, self.kv, self.out = nn.Linear(8, 8), nn.Linear(8, 16), nn.Linear(8, 8)
        self.stem, self.smaller = nn.Conv2d(3, 8, 1), nn.Conv2d(8, 8, 2, 2)
        self.norm, self.head = nn.LayerNorm(8), nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        tokens = x.flatten(2).mT
        n, length, c = tokens.shape
        few = self.norm(self.smaller(x).flatten(2).mT)
        q = self.q(tokens).view(n, length, 2, 4).transpose(1, 2)
        k, v = self.kv(few).view(n, -1, 2, 2, 4).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(n, length, c)
        return self.head((tokens + self.out(y)).mean(1))


class Narrow(nn.Module):
    """Attention whose values have more channels than keys, as in YOLO11 and SHViT: of one
    convolution, whose values go another way, too."""

    def __init__(self, fused: bool) -> None:
        super().__init__()
        self.stem, self.qkv = nn.Conv2d(3, 12, 3, 2, 1), nn.Conv2d(12, 24, 1, bias=False)
        self.beside, self.out = nn.Conv2d(12, 12, 3, padding=1, groups=12), nn.Conv2d(12, 12, 1)
        self.head, self.fused = nn.Linear(12, 3), fused

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        q, k, v = self.qkv(x).split((6, 6, 12), 1)
        heads = (t.reshape(x.shape[0], 2, -1, x.shape[2] * x.shape[3]).mT for t in (q, k, v))
        queries, keys, values = heads
        if self.fused:
            y = F.scaled_dot_product_attention(queries, keys, values)
        else:
            y = ((queries @ keys.mT) * 3**-0.5).softmax(-1) @ values
        y = y.mT.reshape(x.shape) + self.beside(v)
        return self.head((x + self.out(y)).mean((2, 3)))


AFTER = {  # what becomes of scores to which products of queries were added
    "multiplied": lambda scores: scores * EACH**-0.5,
    "divided": lambda scores: scores / EACH**0.5,
    "rounded": lambda scores: torch.div(scores, 2, rounding_mode="floor"),
}
STRANGE = {  # and of such products, so that they are others, or have other gradients
    "relu": lambda bias: bias.relu(),
    "clamped": lambda bias: bias.clamp(-99, 99),
    "detached": lambda bias: bias.detach(),
    "dropped": lambda bias: F.dropout(bias, 1e-9),
}


class Distances(nn.Module):
    """Attention whose queries meet a vector for each distance down and each to the right."""

    def __init__(self, way: str, height: int = 4, width: int = 4) -> None:
        super().__init__()
        self.way, self.stem = way, nn.Conv2d(3, 24, 3, padding=1)
        self.down = nn.Parameter(torch.randn(2 * height - 1, EACH))
        self.right = nn.Parameter(torch.randn(2 * width - 1, EACH))
        if way == "turned":
            self.right = nn.Parameter(torch.randn(EACH, 2 * width - 1))

    def along(self, q: Tensor, vectors: Tensor) -> Tensor:
        """``(images and heads, rows, columns, columns)`` of vectors for distances."""
        n, rows, columns, _ = q.shape
        if self.way == "looked up":
            place = torch.arange(columns)
            far = place - place[:, None] + columns - 1
            return torch.einsum("nrcd,kd->nrck", q, vectors).gather(3, far.expand(n, rows, -1, -1))
        if self.way == "gathered first":
            place = torch.arange(columns)
            vectors = vectors[place - place[:, None] + columns - 1]
            return torch.einsum("nrcd,ckd->nrck", q, vectors)
        x = F.pad(q @ vectors.mT, (0, 1)).reshape(n * rows, -1)
        x = F.pad(x, (0, columns - 1)).reshape(-1, columns + 1, 2 * columns - 1)
        return x[:, :columns, columns - 1 :].reshape(n, rows, columns, columns)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        images, _, height, width = x.shape
        x = x.flatten(2) if self.way == "flat" else x
        q, k, v = x.reshape(images, 3, HEADS, EACH, -1).mT.unbind(1)
        if self.way == "scaled":
            q = q * EACH**-0.5
        q, k, v = (t.flatten(0, 1) for t in (q, k, v))
        last = self.way in AFTER
        scores = q @ k.mT * (1.0 if self.way == "scaled" or last else EACH**-0.5)
        image = q.view(-1, height, width, EACH)
        right = self.right.mT if self.way == "turned" else self.right
        across = self.along(image, right)[:, :, None].expand(-1, -1, height, -1, -1)
        if self.way == "across":
            bias = across.permute(0, 1, 3, 2, 4)
        elif self.way == "squared":
            bias = across.permute(0, 1, 3, 2, 4) ** 2
        else:
            down = self.along(image.transpose(1, 2), self.down)[:, :, None]
            down = down.expand(-1, -1, width, -1, -1).permute(0, 3, 1, 4, 2)
            bias = down + across.permute(0, 1, 3, 2, 4)
        if self.way in STRANGE:
            bias = STRANGE[self.way](bias)
        scores = scores + bias.reshape(scores.shape)
        if last:
            scores = AFTER[self.way](scores)
        y = scores.softmax(-1) @ v
        return y.mT.reshape(images, -1, height, width).mean((2, 3))


class Loose(nn.Module):
    """Products of each head's channels with learned vectors, which are added to no scores."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.vectors = nn.Conv2d(3, 8, 1), nn.Parameter(torch.randn(4, 4))

    def forward(self, x: Tensor) -> Tensor:
        heads = self.stem(x).unflatten(1, (2, 4)).flatten(3).mT
        return (heads @ self.vectors).relu().mT.flatten(1, 2).mean(2)


class Separable(nn.Module):
    """Attention whose cost goes with the number of pixels, among those that have one place in their
    squares, as in MobileViT v2."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.norm = nn.Conv2d(3, 4, 1), nn.GroupNorm(1, 4)
        self.all, self.out = nn.Conv2d(4, 9, 1), nn.Conv2d(4, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        n, c, height, width = x.shape
        h, w = height // 2, width // 2
        y = x.reshape(n, c, h, 2, w, 2).permute(0, 1, 3, 5, 2, 4).reshape(n, c, 4, h * w)
        q, k, v = self.all(self.norm(y)).split([1, c, c], 1)
        context = (k * q.softmax(-1)).sum(-1, keepdim=True)
        y = y + self.out(F.relu(v) * context.expand_as(v))
        y = y.reshape(n, c, 2, 2, h, w).permute(0, 1, 4, 2, 5, 3).reshape(n, c, height, width)
        return (x + y).mean((2, 3))


class Strips(nn.Module):
    """Means and maxima of rows and of columns, as in coordinate attention."""

    def __init__(self, way: str) -> None:
        super().__init__()
        self.way, self.stem, self.head = way, nn.Conv2d(3, 4, 1), nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        if self.way == "rows":
            x = x * x.mean(3, keepdim=True).sigmoid() * x.amax(2, keepdim=True).sigmoid()
            return self.head(x.mean((2, 3)))
        if self.way == "lengths":
            return self.head((x * F.normalize(x, dim=3)).mean((2, 3)))
        if self.way == "few":
            return self.head(x.mean(3).amax(2))
        return self.head(x.permute(0, 2, 3, 1).sum(1).mT.mean(-1))


class AmongChannels(nn.Module):
    """Attention among channels and within windows of tokens, as in DaViT."""

    def __init__(self, way: str) -> None:
        super().__init__()
        channels = HEADS * EACH
        self.way, self.stem = way, nn.Conv2d(3, channels, 1)
        self.qkv, self.out = nn.Linear(channels, 3 * channels), nn.Linear(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        n, c, height, width = x.shape
        tokens = x.flatten(2).mT
        if self.way == "windows":
            y = tokens.view(n, height, width, c).view(n, height // 2, 2, width // 2, 2, c)
            y = y.transpose(2, 3).reshape(-1, 4, c)
            q, k, v = self.qkv(y).reshape(-1, 4, 3, HEADS, EACH).permute(2, 0, 3, 1, 4)
            y = self.out(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(-1, 4, c))
            y = y.view(n, height // 2, width // 2, 2, 2, c).transpose(2, 3)
            return (tokens + y.reshape(n, -1, c)).mean(1)
        q, k, v = self.qkv(tokens).reshape(n, -1, 3, HEADS, EACH).permute(2, 0, 3, 1, 4)
        if self.way == "crossed":
            scores = (k * EACH**-0.5).mT @ v
            y = (scores.softmax(-1) @ q.mT).mT
        elif self.way == "masked":
            scores = q.mT @ k + torch.ones(EACH, EACH, device=x.device).tril().log()
            y = (scores.softmax(-1) @ v.mT).mT
        else:
            y = F.scaled_dot_product_attention(q.mT, k.mT, v.mT).mT
        return self.out(y.transpose(1, 2).reshape(n, -1, c)).mean(1)
