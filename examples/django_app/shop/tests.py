"""Django's own habits hold: its test runner takes the place of the backend, and `mail.outbox` has what was sent."""

from django.core import mail
from django.test import SimpleTestCase


class OrderTest(SimpleTestCase):
    """What customers get."""

    def test_a_newsletter_goes_to_each_alone(self) -> None:
        """Nobody sees who else is a customer."""
        self.client.post("/newsletters", {"to": ["anna@example.org", "ben@example.org"]})
        assert [message.to for message in mail.outbox] == [["anna@example.org"], ["ben@example.org"]]
        assert mail.outbox[0].from_email == "Shop <orders@example.com>"
