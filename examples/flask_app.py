"""Flask: one mailer for the process, made with the application and closed at the exit of the process.

Gunicorn ends a worker well on SIGTERM: requests that are being answered are finished, then the interpreter exits. A
pool that was made before Gunicorn forked (`--preload`) starts anew in each worker.

SMTP_URL=smtp://localhost:1025 gunicorn --chdir examples flask_app:app
"""

import atexit
import os

from flask import Flask, request

from pymailer import MailError, create_transport
from pymailer_smtp_pool import smtp_pool

app = Flask(__name__)
mailer = create_transport(
    smtp_pool(os.environ.get("SMTP_URL", "smtp://localhost:1025"), max_connections=3),
    defaults={"from": "Shop <orders@example.com>"},
)


@atexit.register
def close() -> None:
    report = mailer.close(timeout=10)
    print(f"closed: {report.sent} sent, {len(report.not_sent)} not sent, {len(report.unknown)} unknown", flush=True)


@app.post("/orders")
def order():  # noqa: ANN201 -- Flask takes many things
    """Confirm an order."""
    try:
        info = mailer.send_mail(to=request.form["to"], subject="Your order", text="Thank you!", timeout=20)
    except MailError as error:
        # "unknown" may have been delivered: show the order as placed, and do not send again.
        return {"outcome": error.outcome, "error": str(error)}, 502
    return {"outcome": info.outcome, "id": info.message_id}
