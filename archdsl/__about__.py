"""The version, where nothing else is imported for it."""

VERSION = "0.1.0"
