"""How fast it is, measured beside every peer in the same run: `python -m benchmarks` (or `make bench`).

Knows clients only as programs that are started, and servers only as programs that count. It must not be imported by
anything that is shipped.
"""
