"""Which half of an image is brighter, trained by Hugging Face's Trainer."""

import tempfile

import torch
from torch.nn import functional as F
from transformers import Trainer, TrainerCallback, TrainingArguments

images = torch.randn(64, 1, 8, 8, generator=torch.Generator().manual_seed(0))
labels = (images[:, 0, :4].mean((1, 2)) > images[:, 0, 4:].mean((1, 2))).long()
examples = [
    {"pixel_values": image, "labels": label} for image, label in zip(images, labels, strict=True)
]
learning, validation, test = examples[:32], examples[32:48], examples[48:]


class Brighter(torch.nn.Module):
    """A network as the Trainer wants it: with the loss in its result."""

    def __init__(self, module):
        super().__init__()
        self.module = module

    def forward(self, pixel_values, labels=None):
        logits = self.module(pixel_values)
        loss = None if labels is None else F.cross_entropy(logits, labels)
        return {"loss": loss, "logits": logits}


class Report(TrainerCallback):
    """Says the score after each epoch, so that `prune` can end a poor training."""

    def __init__(self, candidate):
        self.candidate = candidate

    def on_evaluate(self, args, state, control, metrics, **more):
        self.candidate.report(round(state.epoch), metrics["eval_accuracy"])


def right(predicted):
    """1 for each image that is read right, 0 for the others."""
    logits, wanted = predicted
    return (logits.argmax(1) == wanted).astype(float)


def train(candidate):
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            folder,
            num_train_epochs=candidate.settings["epochs"],
            learning_rate=candidate.settings["lr"],
            per_device_train_batch_size=8,
            optim="sgd",
            optim_args="momentum=0.9",
            seed=candidate.seed % 2**32,
            use_cpu=candidate.device.type == "cpu",
            eval_strategy="epoch",
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
        )
        trainer = Trainer(
            Brighter(candidate.module),
            arguments,
            train_dataset=learning,
            eval_dataset=validation,
            compute_metrics=lambda predicted: {"accuracy": right(predicted).mean()},
            callbacks=[Report(candidate)],
        )
        trainer.train()
        accuracy, test_accuracy = (right(trainer.predict(part)[:2]) for part in (validation, test))
        return {"accuracy": accuracy, "test": test_accuracy}
