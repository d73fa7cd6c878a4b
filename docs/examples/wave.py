import torch
from torch import nn


class Wave(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.head = nn.Conv2d(3, 8, 3, padding=1), nn.Linear(8, 10)

    def forward(self, x):
        x = torch.cumsum(torch.sin(self.conv(x)), 2)
        return self.head(torch.diff(x, dim=3).mean((2, 3)))
