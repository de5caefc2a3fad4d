"""A script that sends a long list, and ends well when it is told to: `kill PID`, a container that stops, Ctrl-C.

No new message begins; what is on its way settles; the rest is counted, so that the next run can go on from there.

SMTP_URL=smtp://localhost:1025 python examples/sigterm.py 1000
"""

import os
import signal
import sys
import threading
from collections.abc import Iterator

from pymailer import create_transport
from pymailer_smtp_pool import smtp_pool


def main(total: int) -> int:
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())  # no more than this: a send may be in the middle of anything

    def messages() -> Iterator[dict[str, str]]:
        for number in range(total):
            if stopping.is_set():
                return
            yield {"to": f"{number}@example.org", "subject": f"Message {number}", "text": "Hello!"}

    settled = {"sent": 0, "not sent": 0, "unknown": 0}
    pool = smtp_pool(os.environ.get("SMTP_URL", "smtp://localhost:1025"), max_connections=3)
    with create_transport(pool, defaults={"from": "news@example.com"}) as mailer:
        for delivery in mailer.send_many(messages()):
            answer = "sent" if delivery.ok else "unknown" if delivery.outcome == "unknown" else "not sent"
            settled[answer] += 1
    left = total - sum(settled.values())
    print(f"{settled['sent']} sent, {settled['not sent']} not sent, {settled['unknown']} unknown, {left} not begun")
    return 0 if settled["sent"] == total else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
