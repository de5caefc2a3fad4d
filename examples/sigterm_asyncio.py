"""A service on asyncio that sends what comes, and ends well when it is told to.

`close` takes no more, lets the rest settle for so many seconds as the supervisor leaves, and says what did not.

SMTP_URL=smtp://localhost:1025 python examples/sigterm_asyncio.py 10
"""

import asyncio
import os
import signal
import sys

from pymailer import AsyncMailer, MailError, create_async_transport
from pymailer_smtp_pool import smtp_pool

PATIENCE = float(
    os.environ.get("PATIENCE", "10")
)  # less than the supervisor's: Docker waits ten seconds, systemd ninety


async def send(mailer: AsyncMailer, number: int) -> None:
    try:
        await mailer.send_mail(to=f"{number}@example.org", subject=f"Message {number}", text="Hello!")
    except MailError as error:
        print(f"message {number}: {error.outcome}")


async def main(total: int) -> None:
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    pool = smtp_pool(os.environ.get("SMTP_URL", "smtp://localhost:1025"), max_connections=1)
    mailer = create_async_transport(pool, defaults={"from": "news@example.com"})
    tasks = [asyncio.create_task(send(mailer, number)) for number in range(total)]
    await stopping.wait()
    report = await mailer.close(timeout=PATIENCE)
    print(f"closed: {report.sent} sent, {len(report.not_sent)} not sent, {len(report.unknown)} unknown")
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
