"""FastAPI, and Starlette in the same way: the lifespan opens the mailer and drains it.

Uvicorn ends well on SIGTERM: it takes no more requests, waits for those it has and for their background tasks, then
ends the lifespan. Give it a limit (`--timeout-graceful-shutdown`) below the supervisor's; what it then cuts off is
told by the event "failed".

SMTP_URL=smtp://localhost:1025 uvicorn --app-dir examples fastapi_app:app
"""

import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import BackgroundTasks, Body, FastAPI, Request
from fastapi.responses import JSONResponse

from pymailer import MailError, create_async_transport
from pymailer_smtp_pool import smtp_pool

logger = logging.getLogger("uvicorn.error")


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    pool = smtp_pool(os.environ.get("SMTP_URL", "smtp://localhost:1025"), max_connections=3)
    app.state.mailer = mailer = create_async_transport(pool, defaults={"from": "Shop <orders@example.com>"})
    # A background task has nobody to raise to, and one that is cut off cannot say what became of its message.
    mailer.on("failed", lambda error: logger.error("mail %s: %s", error.outcome, error))
    yield
    report = await mailer.close(timeout=10)
    logger.info("closed: %d sent, %d not sent, %d unknown", report.sent, len(report.not_sent), len(report.unknown))


app = FastAPI(lifespan=lifespan)


@app.post("/orders")
async def order(request: Request, to: Annotated[str, Body(embed=True)]) -> JSONResponse:
    """Confirm an order, and say whether the confirmation was sent."""
    try:
        info = await request.app.state.mailer.send_mail(to=to, subject="Your order", text="Thank you!", timeout=20)
    except MailError as error:
        # "unknown" may have been delivered: show the order as placed, and do not send again.
        return JSONResponse({"outcome": error.outcome, "error": str(error)}, 502)
    return JSONResponse({"outcome": info.outcome, "id": info.message_id})


@app.post("/newsletters", status_code=202)
async def newsletter(
    request: Request, background: BackgroundTasks, to: Annotated[list[str], Body(embed=True)]
) -> dict[str, int]:
    """Write to many after the answer, over the pool's connections."""
    messages = [{"to": address, "subject": "News", "text": "We have teapots."} for address in to]
    background.add_task(send_all, request.app.state.mailer, messages)
    return {"accepted": len(messages)}


async def send_all(mailer: Any, messages: list[dict[str, str]]) -> None:
    sent = [delivery async for delivery in mailer.send_many(messages) if delivery.ok]
    logger.info("newsletter: %d of %d sent", len(sent), len(messages))
