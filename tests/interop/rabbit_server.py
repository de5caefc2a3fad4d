"""RabbitMQ, the other broker of task queues, from Debian's packages.

Knows how to start it and to hear whether it is there; must not know any queue.
"""

from __future__ import annotations

import contextlib
import socket
import time

from tests.interop.instance import START_SECONDS, free_port
from tests.interop.rooted import RootedInstance

_SLOWER = 3
"""It starts a whole virtual machine."""


class RabbitServer(RootedInstance):
    """One node, on loopback only, with the user `guest`."""

    name = "RabbitMQ"
    # dash and those after it are what its start script calls, and what every Debian has
    packages = ("rabbitmq-server", "dash", "coreutils", "sed", "grep", "gawk", "hostname")
    users = {"rabbitmq": 101}  # noqa: RUF012 -- declared as a class variable by its parent
    program = ("/bin/sh", "-e", "/start")

    def configure(self) -> None:
        settings = {
            "listeners.tcp.1": f"127.0.0.1:{self.port}",
            # It would ask /proc, which its root does not have.
            "vm_memory_calculation_strategy": "erlang",
            "total_memory_available_override_value": "1GB",
        }
        self.write("etc/rabbitmq/rabbitmq.conf", "".join(f"{name} = {value}\n" for name, value in settings.items()))
        for path in ("var/lib/rabbitmq", "var/log/rabbitmq", "var/lib/rabbitmq/mnesia"):
            self.make_directory(path)
        variables = {
            "HOME": "/var/lib/rabbitmq",
            "LANG": "C.UTF-8",
            "RABBITMQ_NODENAME": "rabbit@localhost",
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_DIST_PORT": free_port(),
            "ERL_EPMD_PORT": free_port(),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "'-kernel inet_dist_use_interface {127,0,0,1}'",
        }
        exports = "".join(f"export {name}={value}\n" for name, value in variables.items())
        self.write("start", f"{exports}exec /usr/lib/rabbitmq/bin/rabbitmq-server\n")

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@{self.host}:{self.port}//"

    def _wait_until_it_greets(self) -> None:
        deadline = time.monotonic() + START_SECONDS * _SLOWER
        while time.monotonic() < deadline and self._process.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection((self.host, self.port), timeout=5) as sock:
                sock.sendall(b"AMQP\x00\x00\x09\x01")
                if sock.recv(100):
                    return
            time.sleep(0.05)  # nobody tells us when it listens
        raise AssertionError(f"RabbitMQ does not answer on its port. It said: {self.log()[-3000:]}")
