"""The settings of well-known mail services. Imports nothing of `pymailer`."""
