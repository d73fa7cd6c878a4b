"""Which half of an image is brighter: a task of one's own, in a loop of one's own."""

import torch
from torch.nn import functional as F

images = torch.randn(256, 1, 8, 8, generator=torch.Generator().manual_seed(0))
labels = (images[:, 0, :4].mean((1, 2)) > images[:, 0, 4:].mean((1, 2))).long()
parts = {"train": slice(0, 128), "validation": slice(128, 192), "test": slice(192, 256)}


def right(model, part):
    """1 for each image that is read right, 0 for the others."""
    with torch.no_grad():
        return (model.eval()(images[part]).argmax(1) == labels[part]).float()


def train(candidate):
    model, settings = candidate.module, candidate.settings
    optimizer = torch.optim.SGD(model.parameters(), settings["lr"], momentum=0.9)
    for epoch in range(1, settings["epochs"] + 1):
        model.train()
        for rows in torch.randperm(128).split(32):
            optimizer.zero_grad()
            F.cross_entropy(model(images[rows]), labels[rows]).backward()
            optimizer.step()
        candidate.report(epoch, right(model, parts["validation"]).mean())
    return {
        "accuracy": right(model, parts["validation"]),
        "test": right(model, parts["test"]),
    }
