"""A private Postfix with AUTH by Cyrus SASL, STARTTLS and TLS, which delivers everything into one Maildir."""

from __future__ import annotations

import os
import subprocess
from typing import ClassVar

from tests.faults import certificates
from tests.interop.accounts import PASSWORD, USER, VMAIL
from tests.interop.rooted import RootedInstance

QUEUE = (
    *("active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming"),
    *("maildrop", "private", "public", "saved", "trace"),
)

MAIN_CF = """
compatibility_level = 3.7
maillog_file = /var/log/mail.log
queue_directory = /var/spool/postfix
data_directory = /var/lib/postfix
mail_owner = postfix
setgid_group = postdrop
myhostname = postfix.test
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
biff = no
alias_maps =
local_header_rewrite_clients =
message_size_limit = 1000000
smtputf8_enable = yes
smtpd_error_sleep_time = 0

virtual_mailbox_domains = example.com, xn--bcher-kva.example
virtual_mailbox_base = /var/mail
virtual_mailbox_maps = static:all/
virtual_uid_maps = static:{VMAIL}
virtual_gid_maps = static:{VMAIL}

refusals = inline:{{ {{refused@example.com = 550 5.1.1 No such user}}, {{later@example.com = 451 4.2.0 Come again}} }}
smtpd_recipient_restrictions =
  check_recipient_access $refusals, permit_sasl_authenticated, reject_unauth_destination
smtpd_relay_restrictions = permit_sasl_authenticated, reject_unauth_destination
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = cyrus
smtpd_sasl_path = smtpd
cyrus_sasl_config_path = /etc/postfix/sasl
smtpd_sasl_local_domain = postfix.test
smtpd_sasl_security_options = noanonymous
smtpd_tls_security_level = may
smtpd_tls_chain_files = /etc/postfix/server.pem
"""

MASTER_CF = """
127.0.0.1:{port} inet n - n - 50 smtpd
127.0.0.1:{tls_port} inet n - n - - smtpd
  -o smtpd_tls_wrappermode=yes -o smtpd_client_restrictions=permit_sasl_authenticated,reject
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
tlsmgr unix - - n 1000? 1 tlsmgr
postlog unix-dgram n - n - 1 postlogd
"""

SASL_CONF = """
pwcheck_method: auxprop
auxprop_plugin: sasldb
sasldb_path: /etc/sasldb2
mech_list: PLAIN LOGIN CRAM-MD5 SCRAM-SHA-1 SCRAM-SHA-256
"""


class Postfix(RootedInstance):
    """Takes no mail at `tls_port` without a login."""

    name = "Postfix"
    packages = ("postfix", "sasl2-bin", "libsasl2-modules", "libsasl2-modules-db")
    users: ClassVar = {"postfix": 101, "postdrop": 102}
    program = ("/usr/lib/postfix/sbin/master", "-d")

    def configure(self) -> None:
        ports = {"port": self.port, "tls_port": self.tls_port}
        self.write("etc/postfix/main.cf", MAIN_CF.format(VMAIL=VMAIL))
        self.write("etc/postfix/master.cf", MASTER_CF.format(**ports))
        self.write("etc/postfix/sasl/smtpd.conf", SASL_CONF)
        self.write("etc/postfix/server.pem", certificates.good_pem(), 0o600)
        self._make_queue()
        self._make_account()

    def _make_queue(self) -> None:
        """What `postfix check` makes at an installation."""
        owner = self.users["postfix"]
        for name in QUEUE:
            self.make_directory(f"var/spool/postfix/{name}", owner)
        for name in ("maildrop", "public"):
            self.make_directory(f"var/spool/postfix/{name}", owner, self.users["postdrop"])
        self.make_directory("var/spool/postfix/pid")
        self.make_directory("var/lib/postfix", owner)

    def _make_account(self) -> None:
        command = ["chroot", self.directory, "/usr/sbin/saslpasswd2", "-c", "-p", "-u", "postfix.test", USER]
        subprocess.run(command, input=PASSWORD, text=True, check=True, timeout=30)
        os.chown(self.directory / "etc/sasldb2", self.users["postfix"], self.users["postfix"])
