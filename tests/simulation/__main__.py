"""`python -m tests.simulation SEED`: one life, again."""

from __future__ import annotations

import logging
import sys

from tests.simulation.life import Life

logging.basicConfig(level=logging.INFO, format="%(message)s")
life = Life(int(sys.argv[1]))
print(life.options)
print(life.server.nature)
life.play()
for sent in life.sent:
    print(sent.number, sent.outcome, repr(sent.task.error), "held", life.server.held[sent.number])
print(life.pool.stats())
print(life.reports)
life.check()
print("all that must hold does hold")
