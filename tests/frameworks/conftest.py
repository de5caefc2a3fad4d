"""What the tests of frameworks share: a server for one test, and programs that run beside it.

Knows processes and loopback; must not know any framework.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator

import pytest

from pymailer.integrations.shared_mailers import close_shared_mailers
from tests.faults.fixtures import fault_server  # noqa: F401 -- a fixture
from tests.faults.server import FaultServer
from tests.frameworks.programs import Program


@pytest.fixture
def smtp(fault_server: Callable[..., FaultServer]) -> FaultServer:  # noqa: F811
    """A correct server, until a test scripts it."""
    return fault_server()


@pytest.fixture(autouse=True)
def _shared_mailers_end_with_the_test() -> Iterator[None]:
    yield
    close_shared_mailers(timeout=1.0)


def _loggers() -> list[logging.Logger]:
    named = logging.root.manager.loggerDict.values()
    return [logging.root, *(logger for logger in named if isinstance(logger, logging.Logger))]


@pytest.fixture(autouse=True)
def _logging_is_as_it_was() -> Iterator[None]:
    """A framework that sets up logging does so for the whole process, and may switch off what is there."""
    before = [(logger, logger.disabled, logger.propagate, logger.level, logger.handlers[:]) for logger in _loggers()]
    yield
    for logger, disabled, propagate, level, handlers in before:
        logger.disabled, logger.propagate, logger.handlers = disabled, propagate, handlers
        logger.setLevel(level)
    for logger in _loggers():
        if logger.name.startswith("pymailer"):
            logger.disabled = False


@pytest.fixture
def program() -> Iterator[Callable[..., Program]]:
    """Starts programs: `program("examples/sigterm.py", SMTP_URL=…)`; none of them outlives the test."""
    started: list[Program] = []

    def start(*command: str, directory: str = ".", **environment: str) -> Program:
        started.append(Program(*command, directory=directory, **environment))
        return started[-1]

    yield start
    for each in started:
        each.kill()
