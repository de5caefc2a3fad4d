"""A private Exim: strict about synchronisation, with CHUNKING, TLS by GnuTLS, and one Maildir for everybody."""

from __future__ import annotations

from typing import ClassVar

from tests.faults import certificates
from tests.interop.accounts import PASSWORD, USER
from tests.interop.rooted import RootedInstance

EXIM_CONF = """
primary_hostname = exim.test
local_interfaces = 127.0.0.1
daemon_smtp_ports = {port} : {tls_port}
tls_on_connect_ports = {tls_port}
tls_advertise_hosts = *
tls_certificate = /etc/exim4/server.pem
spool_directory = /var/spool/exim4
log_file_path = /var/log/exim4/%slog
pid_file_path = /run/exim.pid
message_size_limit = 1000000
smtp_enforce_sync = true
smtp_accept_max = 50
chunking_advertise_hosts = *
dsn_advertise_hosts = *
smtputf8_advertise_hosts = *
accept_8bitmime = true
never_users =
keep_environment =
rfc1413_query_timeout = 0s
acl_smtp_mail = mail
acl_smtp_rcpt = rcpt
acl_smtp_data = accept

begin acl
mail:
  deny    condition = ${{if eq{{$received_port}}{{{tls_port}}}}}
          !authenticated = *
          message = 5.7.0 Authentication required
  accept
rcpt:
  deny    recipients = refused@example.com
          message = 5.1.1 No such user
  defer   recipients = later@example.com
          message = 4.2.0 Come again
  accept

begin routers
everybody:
  driver = accept
  transport = maildir

begin transports
maildir:
  driver = appendfile
  maildir_format
  directory = /var/mail/all
  user = vmail
  group = vmail
  create_directory

begin authenticators
PLAIN:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${{if and{{{{eq{{$auth2}}{{{user}}}}}{{eq{{$auth3}}{{{password}}}}}}}}}
  server_set_id = $auth2
LOGIN:
  driver = plaintext
  public_name = LOGIN
  server_prompts = <| Username: | Password:
  server_condition = ${{if and{{{{eq{{$auth1}}{{{user}}}}}{{eq{{$auth2}}{{{password}}}}}}}}}
  server_set_id = $auth1
CRAM:
  driver = cram_md5
  public_name = CRAM-MD5
  server_secret = ${{if eq{{$auth1}}{{{user}}}{{{password}}}fail}}
  server_set_id = $auth1
"""


class Exim(RootedInstance):
    """Takes no mail at `tls_port` without a login."""

    name = "Exim"
    packages = ("exim4-daemon-light",)
    users: ClassVar = {"Debian-exim": 101}
    program = ("/usr/sbin/exim4", "-bdf")

    def configure(self) -> None:
        ports = {"port": self.port, "tls_port": self.tls_port}
        self.write("etc/exim4/exim4.conf", EXIM_CONF.format(user=USER, password=PASSWORD, **ports))
        self.write("etc/exim4/server.pem", certificates.good_pem())
        self.make_directory("var/spool/exim4", self.users["Debian-exim"])
        self.make_directory("var/log/exim4", self.users["Debian-exim"])
