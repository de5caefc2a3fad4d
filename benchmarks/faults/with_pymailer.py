"""Ourselves: the pool behind an async mailer."""

from __future__ import annotations

import asyncio
from typing import Any

from benchmarks.faults.task import Diary, Task
from pymailer import AsyncMailer, MailError, create_async_transport
from pymailer_smtp_pool import SMTPPool, smtp_pool


def pool(task: Task) -> SMTPPool:
    options: dict[str, Any] = {}
    if task.user:
        options["auth"] = (task.user, task.password)
    if task.rate_limit:
        options["rate_limit"] = task.rate_limit
    return smtp_pool(
        host="127.0.0.1",
        port=task.port,
        max_connections=task.connections,
        socket_timeout=task.socket_timeout,
        final_timeout=task.socket_timeout,
        **options,
    )


async def send(mailer: AsyncMailer, task: Task, diary: Diary, number: int) -> None:
    try:
        info = await mailer.send_mail(from_="news@example.com", to=task.recipient(number), text=f"number {number}")
    except MailError as error:
        diary.failed(number, error, str(error.code), str(error.outcome))
    else:
        diary.sent(number, info.response, str(info.outcome))


async def run(task: Task) -> None:
    mailer = create_async_transport(pool(task))
    if task.send_after_close:
        await mailer.close()
    diary = Diary()
    if task.together:
        async with asyncio.TaskGroup() as group:
            for number in range(task.sends):
                group.create_task(send(mailer, task, diary, number))
            if task.close_after:
                await asyncio.sleep(task.close_after)
                await mailer.close()
    else:
        for number in range(task.sends):
            await asyncio.sleep(task.pause if number else 0)
            await send(mailer, task, diary, number)
    await mailer.close()


if __name__ == "__main__":
    asyncio.run(run(Task.from_argument()))
