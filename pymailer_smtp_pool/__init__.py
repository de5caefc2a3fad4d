"""An SMTP connection pool: a transport for `pymailer`."""
