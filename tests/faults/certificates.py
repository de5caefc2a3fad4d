"""Certificates of a throw-away authority: a good one, and each way in which one can be bad.

Knows trustme and `ssl`; nothing of SMTP.
"""

from __future__ import annotations

import functools
import ssl
import warnings
from datetime import UTC, datetime, timedelta

import trustme

NAMES = ("localhost", "127.0.0.1", "::1", "fault.test")


@functools.cache
def authority() -> trustme.CA:
    """The authority that clients are told to trust."""
    return trustme.CA()


def authority_pem() -> str:
    """Its certificate, for the `ca` of a client."""
    return authority().cert_pem.bytes().decode()


def stranger_pem() -> str:
    """The certificate of an authority that has signed nothing here."""
    return trustme.CA().cert_pem.bytes().decode()


def client_context() -> ssl.SSLContext:
    """A client's context that trusts the authority."""
    context = ssl.create_default_context()
    authority().configure_trust(context)
    return context


@functools.cache
def good() -> ssl.SSLContext:
    """Right in every way for `NAMES`."""
    return _server(authority().issue_cert(*NAMES))


@functools.cache
def expired() -> ssl.SSLContext:
    yesterday = datetime.now(UTC) - timedelta(days=1)
    return _server(authority().issue_cert(*NAMES, not_after=yesterday))


@functools.cache
def wrong_name() -> ssl.SSLContext:
    return _server(authority().issue_cert("somebody-else.test"))


@functools.cache
def unknown_issuer() -> ssl.SSLContext:
    return _server(trustme.CA().issue_cert(*NAMES))


@functools.cache
def old_protocol() -> ssl.SSLContext:
    """Nothing newer than TLS 1.1."""
    context = _server(authority().issue_cert(*NAMES))
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python does not like it either
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    return context


def asking_for_a_certificate() -> ssl.SSLContext:
    """Right in every way, and takes only clients that show a certificate of the authority."""
    context = _server(authority().issue_cert(*NAMES))
    authority().configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    return context


def _server(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


def good_pem() -> str:
    """Key and certificate of a server that is right in every way, for one that runs outside this process."""
    return authority().issue_cert(*NAMES).private_key_and_cert_chain_pem.bytes().decode()
