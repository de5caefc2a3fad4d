"""One program for each client, peers and ourselves: `python -m benchmarks.clients.with_django JOB`.

Each composes with what its library brings along and sends as its documentation says; see `benchmarks.job`.
"""
