"""A message, from what a user says to the octets that go out."""
