"""How much memory a batch, a list of messages and a large attachment take.

python -m benchmarks.figures.memory batch|list|attachment PORT SIZE
"""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

from benchmarks.clients.with_pymailer import compose, messages, pool, settle
from benchmarks.figures import answer_of
from benchmarks.job import Job, current_rss, peak_rss
from benchmarks.place import BUILD
from benchmarks.servers import Sink
from benchmarks.workloads import SENDER
from pymailer import create_transport

_BLOCK: Final = bytes(range(256)) * 4096


def measure(*, messages: int, octets: int) -> dict[str, float]:
    with Sink() as sink:
        batch = answer_of(__name__, "batch", sink.port, messages)
        listed = answer_of(__name__, "list", sink.port, messages)
        attachment = answer_of(__name__, "attachment", sink.port, octets)
    return {
        "generator, MB": batch["peak"],
        "generator, MB above idle": batch["peak"] - batch["idle"],
        "list, MB": listed["idle"],
        "list, ratio": listed["peak"] / listed["idle"],
        "attachment, MB": attachment["peak"] - attachment["idle"],
    }


# --- the programs; each answers with what was resident before, and at most after ---


def send_batch(job: Job, count: int) -> float:
    with create_transport(pool(job)) as mailer:
        settle(mailer.send_many(messages(job, range(10))))
        idle = _idle()
        settle(mailer.send_many(messages(job, range(count))))
    return idle


def send_list(job: Job, count: int) -> float:
    given = [compose(job, number) for number in range(count)]
    with create_transport(pool(job)) as mailer:
        settle(mailer.send_many(messages(job, range(10))))
        idle = _idle()
        settle(mailer.send_many(given))
    return idle


def send_attachment(job: Job, octets: int) -> float:
    path = _file_of(octets)
    with create_transport(pool(job)) as mailer:
        settle(mailer.send_many(messages(job, range(10))))
        idle = _idle()
        mailer.send_mail(from_=SENDER, to="zoe@example.org", text="see attachment", attachments=[{"path": path}])
    return idle


def _file_of(octets: int) -> Path:
    path = BUILD / f"attachment-{octets}.bin"
    if not path.exists() or path.stat().st_size != octets:
        BUILD.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            for offset in range(0, octets, len(_BLOCK)):
                file.write(_BLOCK[: octets - offset])
    return path


def _idle() -> float:
    """What is resident now; the peak is measured from here on, where the system lets us."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return current_rss()


def main() -> None:
    what, port, size = sys.argv[1:]
    send = {"batch": send_batch, "list": send_list, "attachment": send_attachment}[what]
    idle = send(Job(port=int(port)), int(size))
    print(json.dumps({"idle": idle, "peak": peak_rss()}))


if __name__ == "__main__":
    main()
