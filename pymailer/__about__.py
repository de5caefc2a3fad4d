"""Who this is: the version, in one place. Knows nothing else."""

from typing import Final

__version__: Final = "0.1.0"
