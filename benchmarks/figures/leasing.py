"""What the pool itself costs: a connection lent and given back, and a line of many who wait.

    python -m benchmarks.figures.leasing lease|wait PORT COUNT

The first looks behind the pool's public face, since nothing but a whole message leases a connection there.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable
from statistics import median
from typing import Final

from benchmarks.clients.with_pymailer import compose, pool
from benchmarks.figures import answer_of
from benchmarks.job import Job
from benchmarks.servers import Sink
from pymailer import create_async_transport, create_transport
from pymailer.outcome import Outcome
from pymailer.runtime import run
from pymailer.runtime.blocking import BlockingRuntime
from pymailer_smtp_pool.ticket import Ticket

SHORT: Final = 100
LONG: Final = 1_000


def measure(*, rounds: int) -> dict[str, float]:
    leases, short, long, order = [], [], [], []
    with Sink() as sink:
        for _ in range(rounds):
            leases.append(answer_of(__name__, "lease", sink.port, 20_000)["seconds"])
            short.append(answer_of(__name__, "wait", sink.port, SHORT)["seconds"])
            waited = answer_of(__name__, "wait", sink.port, LONG)
            long.append(waited["seconds"])
            order.append(waited["in order"])
    return {
        "lease, µs": 1e6 * median(leases),
        "waiting, growth": median(long) / median(short),
        "waiting, in order": min(order),
    }


def lease(job: Job, count: int) -> dict[str, float]:
    """CPU seconds to acquire and release a connection that is open, with nobody else there."""
    smtp_pool, runtime = pool(job), BlockingRuntime()
    with create_transport(smtp_pool) as mailer:
        mailer.send_mail(compose(job, 0))
        leases, ticket = smtp_pool._leases, Ticket(runtime)  # noqa: SLF001 - see above

        async def again_and_again() -> None:
            for _ in range(count):
                await leases.lease(ticket)
                leases.give_back(ticket)

        began = time.process_time()
        run(again_and_again())
        seconds = (time.process_time() - began) / count
        leases.settle(ticket, Outcome.NOT_SENT)  # else the pool would wait for it when it is closed
    return {"seconds": seconds}


async def wait(job: Job, count: int) -> dict[str, float]:
    """Seconds for each of many who come at once and share one connection, and which part was served in its order."""
    served: list[int] = []
    async with create_async_transport(pool(job)) as mailer:
        mail = await mailer.compile(compose(job, 0))
        await mailer.send_compiled(mail)

        async def send(number: int) -> None:
            await mailer.send_compiled(mail)
            served.append(number)

        began = time.perf_counter()
        await asyncio.gather(*(send(number) for number in range(count)))
        seconds = (time.perf_counter() - began) / count
    return {"seconds": seconds, "in order": sum(at == number for at, number in enumerate(served)) / count}


def main() -> None:
    what, port, count = sys.argv[1:]
    programs: dict[str, Callable[[Job, int], dict[str, float]]] = {
        "lease": lease,
        "wait": lambda job, count: asyncio.run(wait(job, count)),
    }
    print(json.dumps(programs[what](Job(port=int(port), connections=1), int(count))))


if __name__ == "__main__":
    main()
