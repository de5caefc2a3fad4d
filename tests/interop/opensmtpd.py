"""A private OpenSMTPD: a strict parser, no pipelining, and one Maildir for everybody.

Without TLS and so without AUTH: the key of Debian's build is in another process, and under OpenSSL 3 that does not find
it ("missing private key").
"""

from __future__ import annotations

from typing import ClassVar

from tests.interop.rooted import RootedInstance

SMTPD_CONF = """
smtp max-message-size 1000000
listen on 127.0.0.1 port {port} hostname opensmtpd.test
action "everybody" maildir "/var/mail/all" virtual {{ "@" = vmail }}
match from any for rcpt-to "refused@example.com" reject
match from any for any action "everybody"
"""


class OpenSMTPD(RootedInstance):
    """Speaks plainly only."""

    name = "OpenSMTPD"
    packages = ("opensmtpd", "dash")
    users: ClassVar = {"opensmtpd": 101, "opensmtpq": 102}
    program = ("/usr/sbin/smtpd", "-d")

    def configure(self) -> None:
        self.write("etc/smtpd.conf", SMTPD_CONF.format(port=self.port))
        self.write("etc/mailname", "opensmtpd.test\n")
        self.make_directory("var/spool/smtpd", mode=0o711)
        self.make_directory("var/lib/opensmtpd/empty")
