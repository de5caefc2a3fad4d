"""aiosmtplib: as many clients as connections are allowed, connected again when they are found closed; a queue for all.

It has no pool, no limit on the rate and nothing to close for all: it takes no part in scenarios about those.
"""

from __future__ import annotations

import asyncio
from email.message import EmailMessage

from aiosmtplib import SMTP, SMTPException

from benchmarks.faults.task import Diary, Task


def client(task: Task) -> SMTP:
    return SMTP(
        hostname="127.0.0.1",
        port=task.port,
        start_tls=False,
        username=task.user or None,
        password=task.password or None,
        timeout=task.socket_timeout,
    )


async def send(smtp: SMTP, task: Task, diary: Diary, number: int) -> None:
    message = EmailMessage()
    message["From"], message["To"] = "news@example.com", task.recipient(number)
    message.set_content(f"number {number}")
    try:
        if not smtp.is_connected:
            await smtp.connect()
        _, text = await smtp.send_message(message)
    except (SMTPException, OSError) as error:
        diary.failed(number, error)
    else:
        diary.sent(number, text)


async def serve(smtp: SMTP, queue: asyncio.Queue[int], task: Task, diary: Diary) -> None:
    while not queue.empty():
        number = queue.get_nowait()
        await asyncio.sleep(task.pause if number else 0)
        await send(smtp, task, diary, number)


async def run(task: Task) -> None:
    queue: asyncio.Queue[int] = asyncio.Queue()
    for number in range(task.sends):
        queue.put_nowait(number)
    clients = [client(task) for _ in range(task.connections if task.together else 1)]
    diary = Diary()
    async with asyncio.TaskGroup() as group:
        for smtp in clients:
            group.create_task(serve(smtp, queue, task, diary))
    for smtp in clients:
        smtp.close()


if __name__ == "__main__":
    asyncio.run(run(Task.from_argument()))
