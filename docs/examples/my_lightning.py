"""Which half of an image is brighter, trained by Lightning."""

import lightning
import torch
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

images = torch.randn(64, 1, 8, 8, generator=torch.Generator().manual_seed(0))
labels = (images[:, 0, :4].mean((1, 2)) > images[:, 0, 4:].mean((1, 2))).long()
learning, validation, test = (
    TensorDataset(images[rows], labels[rows])
    for rows in (slice(0, 32), slice(32, 48), slice(48, 64))
)


class Brighter(lightning.LightningModule):
    def __init__(self, candidate):
        super().__init__()
        self.model, self.candidate = candidate.module, candidate

    def training_step(self, batch, index):
        pixels, wanted = batch
        return F.cross_entropy(self.model(pixels), wanted)

    def validation_step(self, batch, index):
        self.log("accuracy", self.predict_step(batch, index).mean())

    def on_validation_end(self):
        """Says the score, so that `prune` can end a poor training."""
        score = self.trainer.callback_metrics["accuracy"]
        self.candidate.report(self.current_epoch + 1, score)

    def predict_step(self, batch, index):
        """1 for each image that is read right, 0 for the others."""
        pixels, wanted = batch
        return (self.model(pixels).argmax(1) == wanted).float()

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), self.candidate.settings["lr"], momentum=0.9)


def train(candidate):
    trainer = lightning.Trainer(
        max_epochs=candidate.settings["epochs"],
        accelerator="gpu" if candidate.device.type == "cuda" else "cpu",
        devices=1,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
    )
    model = Brighter(candidate)
    batches = DataLoader(learning, 8, shuffle=True), DataLoader(validation, 16)
    trainer.fit(model, *batches)
    right = [torch.cat(trainer.predict(model, DataLoader(p, 16))) for p in (validation, test)]
    return {"accuracy": right[0], "test": right[1]}
