"""What corpus tests have beside the two colours: a server that does what a script says."""

from tests.faults.fixtures import fault_server

__all__ = ["fault_server"]
