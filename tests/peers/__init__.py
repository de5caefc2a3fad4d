"""Peers of the network layer: whatever listens on loopback and is no SMTP server."""
