"""Command lines: one line each, whatever the argument."""

from __future__ import annotations

from base64 import b64decode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pymailer.dsn import DSN
from pymailer.errors import AddressError, ConfigError, EnvelopeError, MailError
from pymailer.secret import Secret
from pymailer.smtp import commands


class TestMail:
    def test_is_the_sender_in_brackets(self):
        assert commands.mail("a@b.example") == b"MAIL FROM:<a@b.example>\r\n"

    def test_has_nothing_in_the_brackets_for_the_null_sender(self):
        assert commands.mail("") == b"MAIL FROM:<>\r\n"

    def test_says_what_is_asked_of_each_extension(self):
        line = commands.mail(
            "a@b.example",
            size=1000,
            eightbit=True,
            smtputf8=True,
            dsn=DSN(ret="HDRS", envid="q=1"),
            require_tls=True,
        )
        assert line == (b"MAIL FROM:<a@b.example> SIZE=1000 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=q+3D1 REQUIRETLS\r\n")

    @pytest.mark.parametrize("size", [-1, True, "100", "100\r\nRCPT TO:<v@evil.example>", 1.5, 10**20])
    def test_takes_only_a_number_for_a_size(self, size):
        with pytest.raises(EnvelopeError):
            commands.mail("a@b.example", size=size)


class TestRcpt:
    def test_is_the_recipient_in_brackets(self):
        assert commands.rcpt("a@b.example") == b"RCPT TO:<a@b.example>\r\n"

    def test_says_when_to_report_and_to_whom(self):
        dsn = DSN(notify=("SUCCESS", "DELAY"), orcpt="rfc822;a+b@c.example")
        assert commands.rcpt("a@b.example", dsn=dsn) == (
            b"RCPT TO:<a@b.example> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;a+2Bb@c.example\r\n"
        )

    def test_says_an_international_original_recipient_in_ascii(self):
        line = commands.rcpt("a@b.example", dsn=DSN(orcpt="grün+a@b.example"))
        assert line.endswith(rb" ORCPT=utf-8;gr\x{FC}n\x{2B}a@b.example" + b"\r\n")

    def test_needs_a_recipient(self):
        with pytest.raises(AddressError):
            commands.rcpt("")

    @pytest.mark.parametrize("name", ["postmaster", "Postmaster"])
    def test_takes_one_name_without_a_domain(self, name):
        assert commands.rcpt(name) == f"RCPT TO:<{name}>\r\n".encode()


class TestAnAddress:
    @pytest.mark.parametrize(
        "address",
        [
            "a@b",
            "a.b+c@d-e.example",
            "evil.example!user@good.example",
            "user@[IPv6:2001:db8::1]",
            "user@[192.0.2.1]",
            '"a b"@c.example',
            r'"a\"b@c"@d.example',
            "!#$%&'*+/=?^_`{|}~-@b.example",
            "a..b.@docomo.example",
            "a" * 64 + "@" + ("b" * 61 + ".") * 3 + "c",
        ],
    )
    def test_is_written_as_it_is(self, address):
        assert commands.rcpt(address) == f"RCPT TO:<{address}>\r\n".encode()

    @pytest.mark.parametrize(
        "address",
        [
            "a b@c.example",
            "a@b.example SIZE=1",
            "a@b.example> NOTIFY=NEVER",
            "<a@b.example>",
            "a@b.example\r\nRSET",
            "a@b.example\n",
            "a\x00@b.example",
            "a\x7f@b.example",
            "a@b\u2028c.example",
            '"a\\\r\nDATA"@b.example',
            '"a"b"@c.example',
            '"a@c.example',
            '""@c.example',
            "@b.example",
            "a@",
            "a",
            "a@b.example.",
            "a@b..example",
            "a@b@c.example",
            "@relay1,@relay2:user@example.com",
            "a@" + "b" * 64 + ".example",
            "a" * 245 + "@b.example",
            '"' + "a" * 4096 + '"@example.com',
            "a@[1.2.3.4",
            "a@[1 2]",
            "a@b_c.example>",
            None,
            5,
            b"a@b.example",
        ],
    )
    def test_is_refused_if_it_is_not_exactly_one(self, address):
        for command in (commands.mail, commands.rcpt):
            with pytest.raises(AddressError):
                command(address)

    def test_that_is_not_ascii_needs_smtputf8(self):
        with pytest.raises(EnvelopeError, match=r"grün@b\.example.*SMTPUTF8"):
            commands.rcpt("grün@b.example")

    def test_that_is_not_ascii_goes_as_utf_8(self):
        assert commands.rcpt("grün@bücher.example", smtputf8=True) == "RCPT TO:<grün@bücher.example>\r\n".encode()

    @pytest.mark.parametrize("char", ["\x85", "\x9b", "\u2028", "\u2029", "\u202e", "\u200b", "\u00a0", "\ud800"])
    def test_that_is_not_ascii_may_hold_nothing_invisible(self, char):
        with pytest.raises(AddressError):
            commands.rcpt(f"a{char}@b.example", smtputf8=True)

    def test_is_judged_in_linear_time(self):
        for address in ("a." * 10**6 + "@b", '"' + r"\"" * 10**6 + '"@b', "<" * 10**6, "a@" + "b." * 10**6):
            with pytest.raises(AddressError) as caught:
                commands.rcpt(address)
            assert len(str(caught.value)) < 300


class TestOtherCommands:
    def test_are_one_line_each(self):
        assert commands.ehlo("mail.example.com") == b"EHLO mail.example.com\r\n"
        assert commands.helo("mail.example.com") == b"HELO mail.example.com\r\n"
        assert commands.lhlo("[192.0.2.1]") == b"LHLO [192.0.2.1]\r\n"
        assert commands.bdat(1000, last=False) == b"BDAT 1000\r\n"
        assert commands.bdat(0, last=True) == b"BDAT 0 LAST\r\n"

    @pytest.mark.parametrize("name", ["", "a b", "a\r\nRSET", "bücher", "a" * 600])
    def test_take_no_name_that_is_not_a_word(self, name):
        with pytest.raises(ConfigError):
            commands.ehlo(name)


class TestAuth:
    def test_names_a_mechanism(self):
        assert commands.auth("CRAM-MD5") == b"AUTH CRAM-MD5\r\n"

    def test_takes_an_initial_response_along(self):
        assert commands.auth("PLAIN", Secret(b"\0u\0p")) == b"AUTH PLAIN AHUAcA==\r\n"

    def test_says_an_empty_initial_response_with_a_sign(self):
        assert commands.auth("EXTERNAL", Secret(b"")) == b"AUTH EXTERNAL =\r\n"

    def test_is_no_longer_than_any_command(self):
        longest = Secret(b"x" * 372)
        assert commands.auth_takes("PLAIN", longest)
        assert len(commands.auth("PLAIN", longest)) <= commands.MAX_LINE
        assert not commands.auth_takes("PLAIN", Secret(b"x" * 373))
        with pytest.raises(ConfigError):
            commands.auth("PLAIN", Secret(b"x" * 373))

    def test_is_answered_in_one_line_of_base64(self):
        line = commands.auth_response(Secret(b"p\r\nMAIL FROM:<x>" * 50))
        assert line.count(b"\r\n") == 1
        assert b64decode(line) == b"p\r\nMAIL FROM:<x>" * 50

    def test_is_answered_with_nothing_where_there_is_nothing_to_say(self):
        assert commands.auth_response(Secret(b"")) == b"\r\n"

    def test_is_answered_with_no_line_that_a_server_need_not_take(self):
        assert len(commands.auth_response(Secret(b"x" * 9213))) <= commands.MAX_AUTH_LINE
        with pytest.raises(ConfigError):
            commands.auth_response(Secret(b"x" * 9214))


class TestXtext:
    @pytest.mark.parametrize(
        ("text", "encoded"), [("a=b+c d", "a+3Db+2Bc+20d"), ("plain!~", "plain!~"), ("ü", "+C3+BC"), ("\r\n", "+0D+0A")]
    )
    def test_leaves_nothing_that_could_end_a_parameter(self, text, encoded):
        assert commands.xtext(text) == encoded


TEXT = st.one_of(st.text(max_size=40), st.text(alphabet='ab@.<>"\\ \r\n\0=+,:;[]ü\u2028', max_size=30))


def fields(line: bytes) -> list[bytes]:
    """The words of what must be one command line."""
    assert line.endswith(b"\r\n")
    assert not any(octet < 32 or octet == 127 for octet in line[:-2])
    return line[:-2].split(b" ")


@settings(max_examples=300)
@given(TEXT, st.booleans())
def test_no_address_reaches_the_wire_as_more_than_its_field(address, smtputf8):
    try:
        line = commands.rcpt(address, smtputf8=smtputf8)
    except MailError:
        return
    assert line == b"RCPT TO:<" + address.encode() + b">\r\n"
    if not address.startswith('"'):  # a quoted local part may hold what an unquoted one may not
        assert len(fields(line)) == 2
        assert line.count(b"<") == line.count(b">") == 1


@settings(max_examples=200)
@given(TEXT, TEXT)
def test_no_wish_reaches_the_wire_as_more_than_its_field(envid, orcpt):
    try:
        dsn = DSN(envid=envid, orcpt=orcpt)
    except MailError:
        return
    _, mail_from, envelope_id = fields(commands.mail("a@b.example", dsn=dsn))
    _, rcpt_to, recipient = fields(commands.rcpt("a@b.example", dsn=dsn))
    assert (mail_from, rcpt_to) == (b"FROM:<a@b.example>", b"TO:<a@b.example>")
    assert envelope_id.startswith(b"ENVID=")
    assert recipient.startswith(b"ORCPT=")
    assert envelope_id.count(b"=") == recipient.count(b"=") == 1


@given(st.text(max_size=60), st.booleans())
def test_no_text_makes_two_lines(text, utf8):
    try:
        line = commands.line(text, utf8=utf8)
    except MailError:
        return
    assert line.count(b"\n") == line.count(b"\r") == 1
