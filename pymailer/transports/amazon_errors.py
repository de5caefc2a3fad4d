"""What a failed call to Amazon means for the message, told by the names that botocore gives its errors.

Pure: an exception in, an error of ours out. What is not known to be harmless is `unknown`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from pymailer.errors import AuthError, ConfigError, ConnectError, DeliveryUnknownError, MailError
from pymailer.outcome import Outcome, Stage

CODE: Final = "ESES"

_NOT_CONNECTED: Final = frozenset(
    {"EndpointConnectionError", "ConnectTimeoutError", "ProxyConnectionError", "SSLError", "EndpointResolutionError"}
)
_NO_CREDENTIALS: Final = frozenset(
    {
        *("NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError", "TokenRetrievalError"),
        *("UnauthorizedSSOTokenError", "NoAuthTokenError", "SSOTokenLoadError"),
    }
)
_WRONG_CALL: Final = frozenset({"ParamValidationError", "NoRegionError"})

_REFUSED_CREDENTIALS: Final = frozenset(
    {
        *("AccessDenied", "UnrecognizedClient", "InvalidClientTokenId", "SignatureDoesNotMatch", "ExpiredToken"),
        *("InvalidSignature", "MissingAuthenticationToken", "IncompleteSignature", "NotAuthorized", "OptInRequired"),
        *("AuthFailure", "InvalidAccessKeyId", "RequestExpired"),
    }
)
_FOR_NOW: Final = frozenset(
    {
        *("TooManyRequests", "Throttling", "RequestThrottled", "RequestLimitExceeded"),
        *("LimitExceeded", "SlowDown", "BandwidthLimitExceeded", "ServiceUnavailable", "PriorRequestNotComplete"),
    }
)
_ACCOUNT: Final = frozenset({"AccountSuspended", "SendingPaused", "MailFromDomainNotVerified", "NotFound"})
"""About the sender's account and not about the message: another transport may well send it."""


def explain_failure(error: Exception, *, sending: bool = True) -> MailError:
    """The error for a call that raised `error`.

    Args:
        error: What the client raised.
        sending: Whether a message was being sent; else nothing can have been.
    """
    response = getattr(error, "response", None)
    if isinstance(response, Mapping) and "Error" in response:
        return _refusal(cast("Mapping[str, Any]", response), sending)
    names = {kind.__name__ for kind in type(error).__mro__}
    text = f"SES could not be called: {error}"
    if names & _WRONG_CALL:
        return ConfigError(text)
    if names & _NO_CREDENTIALS:
        return AuthError(text, stage=Stage.AUTH)
    if names & _NOT_CONNECTED or not sending:
        return ConnectError(text, stage=Stage.CONNECT)
    return _lost(f"the call to SES ended without an answer ({type(error).__name__}: {error})")


def _refusal(response: Mapping[str, Any], sending: bool) -> MailError:
    code = str(response["Error"].get("Code", ""))
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 400)
    text = f"SES refused: {code}: {response['Error'].get('Message', '')}".rstrip(": ")
    kind = code.removesuffix("Exception").removesuffix("Error")
    if kind in _REFUSED_CREDENTIALS:
        return AuthError(text, stage=Stage.AUTH)
    if kind in _FOR_NOW or status in (429, 503):
        return _refused(text, Outcome.REJECTED, temporary=True)
    if status >= 500 and sending:
        return _lost(f"SES failed inside: {text}")
    return _refused(text, Outcome.NOT_SENT if kind in _ACCOUNT else Outcome.REJECTED, temporary=status >= 500)


def _refused(text: str, outcome: Outcome, *, temporary: bool) -> MailError:
    return MailError(text, code=CODE, outcome=outcome, stage=Stage.FINAL, temporary=temporary)


def _lost(text: str) -> DeliveryUnknownError:
    return DeliveryUnknownError(f"{text}; the message may or may not be delivered", stage=Stage.FINAL)
