"""Which version this is, in one place: the build reads it too. Knows nothing else."""

__version__ = "0.1.0"
