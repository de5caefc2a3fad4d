"""A pool at work for minutes, with a server that fails at random: `make soak`, not part of `make test`."""
