"""Metrics of a mailer for Prometheus: the pool's figures when they are asked for, and what became of each message.

SMTP_URL=smtp://localhost:1025 METRICS_PORT=9100 python examples/prometheus_metrics.py 100
"""

import os
import sys
from collections.abc import Iterator
from typing import Any

import attrs
from prometheus_client import CollectorRegistry, Counter, Histogram, start_http_server
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric

from pymailer import Mailer, create_transport
from pymailer_smtp_pool import smtp_pool

NOW = ("connections", "idle", "busy", "waiting", "limit")
SO_FAR = ("sent", "failed", "retried", "opened", "closed", "throttled")


class PoolCollector:
    """The figures of `mailer.stats()`, and whether the pool has stopped trying."""

    def __init__(self, mailer: Mailer) -> None:
        self._mailer = mailer

    def collect(self) -> Iterator[Metric]:
        stats = attrs.asdict(self._mailer.stats())
        for name in NOW:
            yield GaugeMetricFamily(f"mail_pool_{name}", f"PoolStats.{name}", value=stats[name])
        for name in SO_FAR:
            yield CounterMetricFamily(f"mail_pool_{name}", f"PoolStats.{name}", value=stats[name])
        yield GaugeMetricFamily("mail_pool_broken", "1 while it fails fast", value=stats["breaker"] == "open")


def observe(mailer: Mailer, registry: CollectorRegistry) -> None:
    """Count what becomes of each message, and how long it took."""
    outcomes = Counter("mail_messages", "Messages by what became of them", ["outcome"], registry=registry)
    seconds = Histogram("mail_seconds", "Where the time of a message goes", ["part"], registry=registry)

    def sent(info: Any) -> None:
        outcomes.labels(info.outcome).inc()
        for part in ("queue", "connect", "envelope", "message"):
            seconds.labels(part).observe(getattr(info, f"{part}_time"))

    mailer.on("sent", sent)
    mailer.on("failed", lambda error: outcomes.labels(error.outcome).inc())
    registry.register(PoolCollector(mailer))


def main(total: int) -> None:
    registry = CollectorRegistry()
    pool = smtp_pool(os.environ.get("SMTP_URL", "smtp://localhost:1025"), max_connections=2)
    with create_transport(pool, defaults={"from": "news@example.com"}) as mailer:
        observe(mailer, registry)
        server, thread = start_http_server(int(os.environ.get("METRICS_PORT", "9100")), "127.0.0.1", registry)
        messages = ({"to": f"{number}@example.org", "subject": "News", "text": "Hello!"} for number in range(total))
        for delivery in mailer.send_many(messages):
            print(delivery.outcome)
        print("done: look at the metrics, then press Enter", flush=True)
        sys.stdin.readline()
        server.shutdown()
        thread.join()


if __name__ == "__main__":
    main(int(sys.argv[1]))
