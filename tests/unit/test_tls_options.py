"""The `tls` mapping: what it takes, in which spellings, and what is refused before anything is on the wire."""

from __future__ import annotations

import base64
import ssl
import traceback

import pytest
import trustme
from cryptography.hazmat.primitives import serialization

from pymailer.errors import ConfigError
from pymailer.net.tls import DEFAULT, TLSOptions, certificate_name
from pymailer.secret import Secret

CA = trustme.CA()
LEAF = CA.issue_cert("client.test")
CA_PEM = CA.cert_pem.bytes().decode()
CERT_PEM = LEAF.cert_chain_pems[0].bytes().decode()
KEY_PEM = LEAF.private_key_pem.bytes().decode()
PIN = base64.b64encode(b"\x07" * 32).decode()


def encrypted_key(passphrase):
    key = serialization.load_pem_private_key(KEY_PEM.encode(), None)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(passphrase),
    ).decode()


class TestDefaults:
    def test_are_checked_certificates_names_and_at_least_tls_1_2(self):
        context = TLSOptions.parse(None).context()
        assert context.verify_mode is ssl.CERT_REQUIRED
        assert context.check_hostname is True
        assert context.hostname_checks_common_name is False
        assert context.minimum_version is ssl.TLSVersion.TLSv1_2

    def test_are_one_context_for_everybody(self):
        assert TLSOptions.parse(None) is DEFAULT
        assert DEFAULT.context() is TLSOptions.parse(None).context()

    def test_trust_the_systems_authorities(self):
        assert DEFAULT.context().cert_store_stats() == ssl.create_default_context().cert_store_stats()


class TestTheMapping:
    def test_may_be_spelled_in_both_ways(self):
        snake = TLSOptions.parse({"reject_unauthorized": False, "min_version": "TLSv1.3", "servername": "a.test"})
        assert snake == TLSOptions.parse({"rejectUnauthorized": False, "minVersion": "TLSv1.3", "servername": "a.test"})

    def test_without_verification_accepts_anybody(self):
        context = TLSOptions.parse({"reject_unauthorized": False}).context()
        assert (context.verify_mode, context.check_hostname) == (ssl.CERT_NONE, False)

    def test_can_ask_for_a_newer_version(self):
        context = TLSOptions.parse({"min_version": "TLSv1.3"}).context()
        assert context.minimum_version is ssl.TLSVersion.TLSv1_3

    def test_takes_a_version_of_the_ssl_module(self):
        assert TLSOptions.parse({"min_version": ssl.TLSVersion.TLSv1_3}).min_version == "TLSv1.3"

    @pytest.mark.parametrize("old", ["SSLv3", "TLSv1", "TLSv1.0", "TLSv1.1", ssl.TLSVersion.TLSv1_1])
    def test_refuses_an_old_version_and_names_the_way_out(self, old):
        with pytest.raises(ConfigError, match=r"RFC 8996.*SSLContext"):
            TLSOptions.parse({"min_version": old})

    def test_chooses_ciphers(self):
        context = TLSOptions.parse({"ciphers": "ECDHE-RSA-AES256-GCM-SHA384"}).context()
        assert "ECDHE-RSA-AES256-GCM-SHA384" in {cipher["name"] for cipher in context.get_ciphers()}

    def test_makes_its_context_once(self):
        options = TLSOptions.parse({"servername": "a.test"})
        assert options.context() is options.context()

    def test_may_be_options_already(self):
        options = TLSOptions(servername="a.test")
        assert TLSOptions.parse(options) is options

    @pytest.mark.parametrize(
        ("mapping", "message"),
        [
            ({"rejectUnauthorised": False}, "did you mean 'reject_unauthorized'"),
            ({"reject_unauthorized": False, "rejectUnauthorized": False}, "the same"),
            ({"reject_unauthorized": "no"}, "must be bool"),
            ({"servername": 7}, "must be str"),
            ({"servername": ""}, "not empty"),
            ({"min_version": "1.9"}, r"TLSv1\.2"),
            ({"ciphers": "NO-SUCH-CIPHER"}, "OpenSSL knows none"),
            ({"key": KEY_PEM}, "without cert"),
            ({"passphrase": 7}, "passphrase must be"),
            ({"pins": "abc"}, "44 characters"),
            ({"pins": [PIN, 7]}, "44 characters"),
            ({"ca": 7}, "tls ca must be"),
            ({"ca": [CA_PEM, None]}, "tls ca must be"),
            ({"cert": b"\x30\x82"}, "tls cert must be"),
        ],
    )
    def test_refuses_what_it_does_not_understand(self, mapping, message):
        with pytest.raises(ConfigError, match=message):
            TLSOptions.parse(mapping)

    @pytest.mark.parametrize("value", [True, "yes", 1, object()])
    def test_is_a_mapping_or_a_context(self, value):
        with pytest.raises(ConfigError, match=r"mapping or an ssl\.SSLContext"):
            TLSOptions.parse(value)


class TestAContextOfTheUser:
    def test_is_used_as_it_is(self):
        context = ssl.create_default_context()
        assert TLSOptions.parse(context).context() is context

    def test_for_servers_is_refused(self):
        with pytest.raises(ConfigError, match="for servers"):
            TLSOptions.parse(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))


class TestAuthorities:
    def subjects(self, ca):
        return len(TLSOptions.parse({"ca": ca}).context().get_ca_certs())

    def test_are_pem_in_any_form_or_a_list_or_a_path(self, tmp_path):
        path = tmp_path / "ca.pem"
        path.write_text(CA_PEM)
        other = trustme.CA().cert_pem.bytes()
        assert self.subjects(CA_PEM) == self.subjects(CA_PEM.encode()) == self.subjects(path) == 1
        assert self.subjects(str(path)) == 1
        assert self.subjects([CA_PEM, other]) == self.subjects(CA_PEM + other.decode()) == 2

    def test_may_be_in_a_directory(self, tmp_path):
        assert TLSOptions.parse({"ca": tmp_path}).context() is not None

    def test_replace_those_of_the_system(self):
        assert TLSOptions.parse({"ca": CA_PEM}).context().cert_store_stats()["x509_ca"] == 1

    def test_that_are_not_there_are_told_at_once(self, tmp_path):
        with pytest.raises(ConfigError, match=r"no-such\.pem.*No such file"):
            TLSOptions.parse({"ca": str(tmp_path / "no-such.pem")})

    def test_that_are_none_are_told_at_once(self, tmp_path):
        path = tmp_path / "empty.pem"
        path.write_text("nothing\n")
        with pytest.raises(ConfigError, match="cannot be used"):
            TLSOptions.parse({"ca": path})


class TestIdentity:
    def test_may_be_pem_or_paths(self, tmp_path):
        cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
        cert.write_text(CERT_PEM)
        key.write_text(KEY_PEM)
        for mapping in (
            {"cert": CERT_PEM, "key": KEY_PEM},
            {"cert": CERT_PEM.encode(), "key": Secret(KEY_PEM)},
            {"cert": cert, "key": str(key)},
            {"cert": CERT_PEM + KEY_PEM},
            {"cert": CERT_PEM, "key": encrypted_key(b"geheim"), "passphrase": "geheim"},
        ):
            assert TLSOptions.parse(mapping).context() is not None

    def test_works_where_the_system_has_no_files_in_memory(self, monkeypatch):
        monkeypatch.delattr("os.memfd_create", raising=False)
        assert TLSOptions.parse({"cert": CERT_PEM, "key": KEY_PEM}).context() is not None

    @pytest.mark.parametrize(
        ("mapping", "message"),
        [
            ({"cert": CERT_PEM}, "not a certificate with its key"),
            ({"cert": CERT_PEM, "key": trustme.CA().issue_cert("x.test").private_key_pem.bytes()}, "not the one of"),
            ({"cert": CERT_PEM, "key": encrypted_key(b"geheim")}, "give its passphrase"),
            ({"cert": CERT_PEM, "key": encrypted_key(b"geheim"), "passphrase": "falsch"}, "passphrase is wrong"),
            ({"cert": "/no/such/cert.pem", "key": KEY_PEM}, r"/no/such/cert\.pem.*No such file"),
        ],
        ids=["no key", "another key", "locked", "wrong passphrase", "no file"],
    )
    def test_that_does_not_work_is_told_at_once_without_showing_the_key(self, mapping, message):
        with pytest.raises(ConfigError, match=message) as caught:
            TLSOptions.parse(mapping)
        assert "PRIVATE KEY" not in str(caught.value)

    def test_shows_no_secret(self):
        options = TLSOptions.parse({"cert": CERT_PEM, "key": encrypted_key(b"geheim"), "passphrase": "geheim"})
        assert "geheim" not in repr(options)
        assert "PRIVATE KEY" not in repr(options)

    def test_shows_no_secret_in_the_traceback_of_our_frames(self):
        mapping = {"cert": CERT_PEM, "key": encrypted_key(b"geheim"), "passphrase": "falsch7"}
        options = {key: Secret(value) for key, value in mapping.items()}
        with pytest.raises(ConfigError) as caught:
            TLSOptions(cert=options["cert"], key=options["key"], passphrase=options["passphrase"])
        shown = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
        assert shown.count("falsch7") == shown.split("options =")[0].count("falsch7")


class TestPins:
    @pytest.mark.parametrize("prefix", ["", "sha256/", "sha256//"])
    def test_may_begin_with_a_slash_of_their_own(self, prefix):
        pin = "/" + "A" * 42 + "="
        assert TLSOptions.parse({"pins": prefix + pin}).pins == (pin,)

    @pytest.mark.parametrize("pin", [PIN, f"sha256/{PIN}", f"sha256//{PIN}"])
    def test_are_base64_with_or_without_a_prefix(self, pin):
        assert TLSOptions.parse({"pins": pin}).pins == (PIN,)
        assert TLSOptions.parse({"pins": [pin]}).pins == (PIN,)


class TestTheNameInTheCertificate:
    @pytest.mark.parametrize(
        ("host", "name"),
        [
            ("mx.test", "mx.test"),
            ("MX.Test.", "mx.test"),
            ("bücher.test", "xn--bcher-kva.test"),
            ("[::1]", "::1"),
            ("fe80::1%eth0", "fe80::1"),
            ("192.0.2.1", "192.0.2.1"),
        ],
    )
    def test_is_the_host_as_certificates_write_it(self, host, name):
        assert certificate_name(host) == name
        assert TLSOptions().name_for(host) == name

    def test_is_the_servername_if_there_is_one(self):
        assert TLSOptions(servername="other.test").name_for("mx.test") == "other.test"
