"""A recipe of one's own: docs/extending.md goes through it."""

from archdsl.training.named import NamedRecipe


class Quick(NamedRecipe):
    """What our own networks are trained with."""

    name = "quick"
    settings = "epochs = 5, lr = 0.05, augment = [crop(pad = 2), flip], schedule = one_cycle"
