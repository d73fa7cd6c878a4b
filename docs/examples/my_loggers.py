"""A logger of one's own: docs/extending.md goes through it."""

from collections.abc import Mapping

from archdsl.training.loggers import Logger


class Csv(Logger):
    """A line for each training, in `scores.csv`: the accuracy after each epoch."""

    name = "csv_file"

    def start(self, run: str, settings: Mapping[str, str]) -> None:
        self.run, self.curve = run, []

    def epoch(self, number: int, scores: Mapping[str, float]) -> None:
        self.curve.append(f"{scores['accuracy']:.4f}")

    def end(self, scores: Mapping[str, float]) -> None:
        with (self.folder / "scores.csv").open("a") as file:
            file.write(",".join([self.run, *self.curve]) + "\n")
