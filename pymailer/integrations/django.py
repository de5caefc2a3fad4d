"""An e-mail backend for Django that sends through a pool of connections which outlives it.

Django composes, this library delivers: what a project's tests find in `mail.outbox` is what is sent, and a message
class with a `message` method of its own keeps it. Works as ``EMAIL_BACKEND`` and in the ``MAILERS`` of Django 6.1.

It has what Django asks of a backend and no ancestor: Django's own changes with every version, and calls by name only.
"""

# Django comes without types; what it gives is its user's own data.
# pyright: reportMissingTypeStubs=false, reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import TracebackType
from typing import Any, Final, Self, cast

import attrs
from django.conf import settings
from django.utils.module_loading import import_string

from pymailer.errors import ConfigError, MailError
from pymailer.integrations.django_options import DjangoServer
from pymailer.integrations.shared_mailers import close_shared_mailers, shared_mailer
from pymailer.results import Delivery
from pymailer.secret import sealed
from pymailer.smtp.auth import Auth

__all__ = ["EmailBackend", "close_shared_mailers"]

_SETTINGS: Final = {
    "host": "EMAIL_HOST",
    "port": "EMAIL_PORT",
    "username": "EMAIL_HOST_USER",
    "use_tls": "EMAIL_USE_TLS",
    "use_ssl": "EMAIL_USE_SSL",
    "timeout": "EMAIL_TIMEOUT",
    "ssl_certfile": "EMAIL_SSL_CERTFILE",
    "ssl_keyfile": "EMAIL_SSL_KEYFILE",
}
"""The arguments of Django's SMTP backend but the password, and the settings that they default to."""


class EmailBackend:
    """Sends Django's messages through the process's pool for its options.

    After a send, each message has an attribute `delivery`: the `pymailer.Delivery` that says whether it was sent.

    Args:
        fail_silently: Do not raise what became of messages. What is wrong with a message itself is raised all the
            same, as Django does.
        alias: The key in ``MAILERS`` that this backend was made for; then only its ``OPTIONS`` count, and
            ``PYMAILER``, which holds for all.
        options: The arguments of Django's SMTP backend, and all options of a pool and of a mailer; `send_timeout`
            (seconds for one message, whatever it waits for) and `transport` (a transport, a URL, or the dotted name of
            a transport, instead of the pool). The setting ``PYMAILER`` takes the same.

    Raises:
        ImproperlyConfigured: An option of ``MAILERS`` is unknown or wrong.
        ConfigError: Any other is.
    """

    def __init__(self, fail_silently: bool = False, *, alias: str | None = None, **options: Any) -> None:
        options["password"] = sealed(options.get("password"))  # no frame holds it from here on
        options.pop("_ignore_unknown_kwargs", None)  # Django 6.1 says which of these came from get_connection()
        self.alias = alias
        self.fail_silently = fail_silently
        try:
            choice = _Choice.of(options)
            self._send_timeout = choice.send_timeout
            self._mailer = shared_mailer(choice.transport)
        except ConfigError as error:
            if alias is None:
                raise
            raise _invalid_mailer(error, alias) from error

    def open(self) -> bool | None:
        """Find out whether the server would take mail, unless a connection is open.

        Nothing needs to be opened: the pool does it. This is for code that opens a connection to see whether it can.

        Returns:
            Whether a connection had to be made; ``None`` if that failed silently.

        Raises:
            MailError: What a send would raise.
        """
        if getattr(self._mailer.stats(), "connections", 0):
            return False
        try:
            self._mailer.verify()
        except MailError as error:
            if self._raises(error):
                raise
            return None
        return True

    def close(self) -> None:
        """Nothing: connections are kept for the next message, and end with the process."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def send_messages(self, email_messages: Iterable[Any] | None) -> int:
        """Send messages over several connections at once.

        After a failure that is to be raised, no further message is taken; those that had been are finished.

        Returns:
            How many were sent.

        Raises:
            MailError: The first that was not sent, or of which nobody can say; its `outcome` tells which.
        """
        failure: Exception | None = None

        def source() -> Iterator[_Given]:
            for message in email_messages or ():
                if failure is not None:
                    return
                if message.recipients():
                    yield _Given(message)

        sent = 0
        for delivery in self._mailer.send_many(source(), timeout=self._send_timeout):
            message = cast("_Given", delivery.message).source
            message.delivery = Delivery(message, delivery.info, delivery.error)
            sent += delivery.ok
            if delivery.error is not None and self._raises(delivery.error):
                failure = failure or delivery.error
        if failure is not None:
            raise failure
        return sent

    def _raises(self, error: Exception) -> bool:
        return not self.fail_silently or not isinstance(error, MailError) or isinstance(error, ValueError)


class _Given(dict[str, Any]):
    """The fields of a message that Django composed, and the message they are of."""

    def __init__(self, message: Any) -> None:
        recipients = [str(address) for address in message.recipients()]
        super().__init__(raw=message.message(), envelope={"from": str(message.from_email), "to": recipients})
        self.source = message


@attrs.frozen
class _Choice:
    """Which transport a backend was asked for."""

    transport: Any = attrs.field(repr=False)
    send_timeout: float | None = None

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Self:
        """From the arguments of a backend, over the setting ``PYMAILER``, over Django's own."""
        own = {
            **getattr(settings, "PYMAILER", {}),
            **{name: value for name, value in given.items() if value is not None},
        }
        send_timeout, transport = own.pop("send_timeout", None), own.pop("transport", None)
        if transport is not None:
            if own:
                raise ConfigError(f"a transport has its own options, and cannot be given {', '.join(sorted(own))}")
            return cls(_loaded(transport), send_timeout)
        password = sealed(own.pop("password", _setting("EMAIL_HOST_PASSWORD")))
        django = {argument: own.pop(argument, _setting(name)) for argument, name in _SETTINGS.items()}
        user = django.pop("username")
        auth = Auth(user, password) if user and password else None
        return cls(DjangoServer(**django, auth=auth).options(own), send_timeout)


def _setting(name: str) -> Any:
    """``None`` if it is empty, and with ``MAILERS``, which takes the place of all these."""
    return getattr(settings, name, None) or None


def _loaded(transport: Any) -> Any:
    """A dotted name is how Django's settings say an object."""
    return import_string(transport) if isinstance(transport, str) and ":" not in transport else transport


def _invalid_mailer(error: ConfigError, alias: str) -> Exception:
    # What has ``MAILERS`` has this too: Django 6.1.
    return cast("Exception", import_string("django.core.mail.InvalidMailer")(str(error), alias=alias))
