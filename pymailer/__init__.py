"""Send mail, and always know whether it was sent."""
