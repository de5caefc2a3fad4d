"""The SMTP conversation: what is said, what is heard, and what it adds up to (RFC 5321)."""
