"""From a name to what DNS, and this machine, say about it."""

from __future__ import annotations

from pymailer.errors import DNSError
from pymailer.net.system_names import known_addresses, literal_address, system_addresses
from pymailer.runtime import Runtime


async def resolve(runtime: Runtime, host: str, deadline: float | None) -> list[str]:
    """The addresses of `host`."""
    literal = literal_address(host)
    if literal:
        return [literal]
    known = known_addresses(host.lower().rstrip("."))
    if known:
        return known
    try:
        return await runtime.offload(system_addresses, host)
    except OSError as error:
        raise DNSError(f"cannot resolve {host}: {error}", stage="dns") from error
