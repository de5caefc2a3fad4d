"""Mail services that need no looking up: a name, an alias, a domain or an address gives host, port, TLS and limits.

Knows providers and nothing else: no connection, no option, nothing of `pymailer`, so that any program may use it.
"""

from pymailer_wellknown.lookup import UnknownServiceError, resolve
from pymailer_wellknown.service import Service
from pymailer_wellknown.table import services

__all__ = ["Service", "UnknownServiceError", "resolve", "services"]
