"""The whole pool against random faults, on a clock that is a number: thousands of lives in a minute, each repeatable.

`scheduler` runs coroutines in an order that a seed decides. `world` is a server that fails as a seed wants. `life`
makes one pool live through one schedule and checks what must always hold. To see one again:

    python -m tests.simulation 4711
"""
