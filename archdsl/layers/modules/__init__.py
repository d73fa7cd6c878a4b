"""Modules of layers that PyTorch has not: their source is taken into the emitted file."""
