"""`python -m tests.simulation SEED`: one life, again."""

from __future__ import annotations

import logging
import sys

from tests.simulation.life import Life


def show(seed: int) -> None:
    """Play it, tell what happened, and check it."""
    life = Life(seed)
    life.play()
    story = [
        life.options,
        life.server.nature,
        *(
            f"{sent.number}: {sent.outcome}, held {life.server.held[sent.number]}, {sent.task.error!r}"
            for sent in life.sent
        ),
        life.pool.stats(),
        *life.reports,
    ]
    sys.stdout.write("\n".join(map(str, story)) + "\n")
    life.check()
    sys.stdout.write("all that must hold does hold\n")


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    show(int(sys.argv[1]))
