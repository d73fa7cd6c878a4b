"""Modules of layers that PyTorch has not: an emitted file takes their source."""
