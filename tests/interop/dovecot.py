"""A private Dovecot: submission, which relays to a server in this process, and LMTP, which delivers into Maildirs."""

from __future__ import annotations

import base64
import hmac
import json
import time
from collections.abc import Iterator
from typing import ClassVar

from tests.faults import FaultServer, certificates, on, reply
from tests.interop.accounts import PASSWORD, USER, VMAIL
from tests.interop.instance import free_port
from tests.interop.rooted import RootedInstance

TOKEN_KEY = b"a key that signs tokens"

DOVECOT_CONF = """
protocols = submission lmtp
listen = 127.0.0.1
base_dir = /run/dovecot
state_dir = /var/lib/dovecot
log_path = /var/log/dovecot.log
hostname = dovecot.test
ssl = yes
ssl_cert = </etc/dovecot/server.pem
ssl_key = </etc/dovecot/server.pem
disable_plaintext_auth = yes

auth_failure_delay = 0
auth_mechanisms = plain login cram-md5 scram-sha-1 scram-sha-256 xoauth2 oauthbearer
passdb {{
  driver = passwd-file
  args = /etc/dovecot/users
  mechanisms = plain login cram-md5 scram-sha-1 scram-sha-256
}}
passdb {{
  driver = oauth2
  args = /etc/dovecot/oauth2.conf
  mechanisms = xoauth2 oauthbearer
}}
userdb {{
  driver = passwd-file
  args = /etc/dovecot/users
}}

mail_location = maildir:/var/mail/%u
mail_uid = {vmail}
mail_gid = {vmail}
first_valid_uid = {vmail}
plugin {{
  quota = maildir:everybody
}}
protocol lmtp {{
  mail_plugins = quota
}}
lmtp_add_received_header = no

submission_relay_host = 127.0.0.1
submission_relay_port = {relay_port}
submission_max_mail_size = 1000000

service submission-login {{
  inet_listener submission {{
    port = {port}
  }}
  inet_listener submissions {{
    port = {tls_port}
    ssl = yes
  }}
}}
service anvil {{
  unix_listener anvil-auth-penalty {{ # the next client after a wrong password would wait
    mode = 0
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {lmtp_port}
  }}
}}
"""

OAUTH2_CONF = """
introspection_mode = local
local_validation_key_dict = fs:posix:prefix=/etc/dovecot/keys/
username_attribute = sub
"""


class Dovecot(RootedInstance):
    """Submission at `port` and `tls_port`, LMTP at `lmtp_port`."""

    name = "Dovecot"
    packages = ("dovecot-core", "dovecot-submissiond", "dovecot-lmtpd")
    users: ClassVar = {"dovecot": 101, "dovenull": 102}
    program = ("/usr/sbin/dovecot", "-F")

    def __init__(self) -> None:
        super().__init__()
        self.lmtp_port = free_port()
        self.relay = FaultServer(
            on("RCPT TO:<refused@", reply("550 5.1.1 No such user")),
            on("RCPT TO:<later@", reply("451 4.2.0 Come again")),
            extensions=["PIPELINING", "8BITMIME", "CHUNKING", "ENHANCEDSTATUSCODES", "SIZE 2000000", "DSN"],
        )

    def configure(self) -> None:
        ports = {"port": self.port, "tls_port": self.tls_port, "lmtp_port": self.lmtp_port}
        configuration = DOVECOT_CONF.format(vmail=VMAIL, relay_port=self.relay.port, **ports)
        self.write("etc/dovecot/dovecot.conf", configuration)
        self.write("etc/dovecot/oauth2.conf", OAUTH2_CONF)
        self.write("etc/dovecot/keys/default/HS256/default", base64.b64encode(TOKEN_KEY).decode())
        self.write("etc/dovecot/server.pem", certificates.good_pem(), 0o600)
        self.write("etc/dovecot/users", "".join(_accounts()))
        self.make_directory("var/lib/dovecot")
        self.make_directory("run/dovecot")

    def stop(self) -> None:
        super().stop()
        self.relay.close()

    def mailbox(self) -> list[bytes]:
        return [*super().mailbox(), *(commit.content for commit in self.relay.commits)]


def _accounts() -> Iterator[str]:
    """One who may log in, two who only receive, and one whose mailbox is full."""
    yield f"{USER}:{{PLAIN}}{PASSWORD}::::::\n"
    yield "b@example.com:{PLAIN}x::::::\n"
    yield "c@example.com:{PLAIN}x::::::\n"
    yield "full@example.com:{PLAIN}x::::::userdb_quota_rule=*:bytes=1\n"


def token_for(user: str, *, seconds: int = 3600) -> str:
    """An access token (a JWT, RFC 7519) that Dovecot takes for so many seconds."""
    now = int(time.time())
    parts = [{"typ": "JWT", "alg": "HS256"}, {"sub": user, "iat": now - 10, "exp": now + seconds}]
    signed = b".".join(_base64url(json.dumps(part).encode()) for part in parts)
    return (signed + b"." + _base64url(hmac.digest(TOKEN_KEY, signed, "sha256"))).decode()


def _base64url(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")
