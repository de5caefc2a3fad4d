"""Who may log in at each server, and who is refused: the same everywhere."""

USER = "interop"
PASSWORD = "a password, 'quoted' =+"
TOKEN = "ya29.interop-token"
VMAIL = 5000
"""The number of the user who owns the mailboxes."""
