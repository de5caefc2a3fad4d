"""What `create_transport` takes for a transport, and which one that is (API, sections 1 and 8)."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from pymailer import ConfigError, SMTPOptions, create_transport
from pymailer.transports import memory, smtp
from pymailer_smtp_pool import smtp_pool
from tests.recording import Bare, Recorder

SMTP, POOL = "SMTP", "SMTP (pool)"


class TestAnObject:
    @pytest.mark.parametrize("make", [memory, smtp, smtp_pool, Bare, Recorder])
    def test_that_can_send_is_the_transport(self, make) -> None:
        transport = make()
        assert create_transport(transport).transport is transport

    def test_needs_nothing_but_a_callable_send(self) -> None:
        transport = SimpleNamespace(send=lambda mail: None)
        assert create_transport(transport).transport is transport

    def test_of_options_means_plain_smtp(self) -> None:
        transport = create_transport(SMTPOptions(host="mail.example.com", port=2525)).transport
        assert (transport.name, transport.options.peer) == (SMTP, "mail.example.com:2525")


class TestAURL:
    @pytest.mark.parametrize(
        ("url", "name"),
        [
            ("smtp://mail.example.com", SMTP),
            ("smtps://mail.example.com", SMTP),
            ("SMTP://mail.example.com", SMTP),
            ("smtp://mail.example.com/?pool=true", POOL),
            ("smtps://mail.example.com?pool=true&maxConnections=3", POOL),
            ("smtp://mail.example.com/?pool=false", SMTP),
            ("pool://mail.example.com", POOL),
            ("json:", "JSON"),
            ("json:?skipEncoding=true", "JSON"),
            ("stream:", "Stream"),
            ("memory:", "Memory"),
            ("sendmail:", "sendmail"),
            ("direct:", "direct"),
        ],
    )
    def test_names_its_transport(self, url, name) -> None:
        assert create_transport(url).transport.name.lower() == name.lower()

    def test_carries_the_options_of_a_connection(self) -> None:
        options = create_transport("smtps://me:p%40ss@mail.example.com:4465/?name=me.example").transport.options
        assert (options.host, options.port, options.secure, options.name) == (
            "mail.example.com",
            4465,
            True,
            "me.example",
        )
        assert (options.auth.user, options.auth.password.reveal()) == ("me", "p@ss")

    def test_carries_the_options_of_the_pool(self) -> None:
        pool = create_transport("smtp://mail.example.com/?pool=true&maxConnections=3&idleTimeout=2500").transport
        assert (pool.options.max_connections, pool.options.idle_timeout) == (3, 2.5)

    def test_may_carry_the_mailers_own_options(self) -> None:
        with pytest.raises(ConfigError, match="max_recipients"):
            create_transport("json:?maxRecipients=0")

    @pytest.mark.parametrize(
        "url",
        ["http://mail.example.com", "file:///etc/passwd", "failover:", "ses:", "localhost:25", "mail.example.com", ""],
    )
    def test_with_another_scheme_is_refused_and_says_which_there_are(self, url) -> None:
        with pytest.raises(ConfigError, match=r"smtp:"):
            create_transport(url)

    def test_with_a_misspelt_scheme_is_told_the_closest(self) -> None:
        with pytest.raises(ConfigError, match="did you mean 'smtps'"):
            create_transport("smpts://mail.example.com")

    def test_without_a_scheme_does_not_have_its_beginning_taken_for_one(self) -> None:
        with pytest.raises(ConfigError) as caught:
            create_transport("secret@mail.example.com:25")
        assert "secret" not in str(caught.value)


class TestAMapping:
    @pytest.mark.parametrize(
        ("mapping", "name"),
        [
            ({}, SMTP),
            ({"host": "mail.example.com"}, SMTP),
            ({"service": "gmail"}, SMTP),
            ({"host": "mail.example.com", "pool": True}, POOL),
            ({"host": "mail.example.com", "pool": False}, SMTP),
            ({"host": "mail.example.com", "pool": None}, SMTP),
            ({"pool": True, "maxConnections": 3, "max_messages": 7}, POOL),
            ({"sendmail": True}, "sendmail"),
            ({"sendmail": True, "path": "/usr/sbin/sendmail", "newline": "unix"}, "sendmail"),
            ({"streamTransport": True, "buffer": True, "newline": "unix"}, "Stream"),
            ({"stream_transport": True}, "Stream"),
            ({"jsonTransport": True}, "JSON"),
            ({"json_transport": True, "skip_encoding": True}, "JSON"),
            ({"jsonTransport": False, "host": "mail.example.com"}, SMTP),
            ({"url": "smtp://mail.example.com"}, SMTP),
            ({"url": "smtp://mail.example.com", "pool": True}, POOL),
            ({"url": "smtp://mail.example.com/?pool=true"}, POOL),
            ({"url": "smtp://mail.example.com/?pool=true", "pool": False}, SMTP),
            ({"url": "json:", "skipEncoding": True}, "JSON"),
        ],
        ids=str,
    )
    def test_picks_its_transport_as_nodemailer_does(self, mapping, name) -> None:
        assert create_transport(mapping).transport.name.lower() == name.lower()

    @pytest.mark.parametrize("spelled", [{"socket_timeout": 5}, {"socketTimeout": 5000}], ids=str)
    def test_counts_beside_its_url_and_wins(self, spelled) -> None:
        url = "smtp://me:url@url.example.com:1111/?socketTimeout=1000&name=url.example"
        options = create_transport({"url": url, "port": 2222, "auth": ("me", "mapping"), **spelled}).transport.options
        assert (options.host, options.port, options.name) == ("url.example.com", 2222, "url.example")
        assert (options.socket_timeout, options.auth.password.reveal()) == (5.0, "mapping")

    def test_counts_for_the_pool_as_well(self) -> None:
        url = "smtp://url.example.com:1111/?pool=true&maxConnections=2&maxMessages=3"
        pool = create_transport({"url": url, "port": 2222, "max_connections": 4}).transport
        assert "url.example.com:2222" in repr(pool)
        assert (pool.options.max_connections, pool.options.max_messages) == (4, 3)

    def test_what_is_none_beside_a_url_is_not_given(self) -> None:
        assert create_transport({"url": "smtp://mail.example.com", "host": None}).transport.options.host == (
            "mail.example.com"
        )

    def test_may_hold_the_mailers_own_options_which_those_given_apart_override(self) -> None:
        with pytest.raises(ConfigError, match="max_recipients"):
            create_transport({"jsonTransport": True, "maxRecipients": 0})
        create_transport({"jsonTransport": True, "maxRecipients": 0}, max_recipients=5)

    def test_is_left_as_it_was(self) -> None:
        given = {"url": "smtp://mail.example.com", "pool": True, "maxRecipients": 5}
        create_transport(given)
        assert given == {"url": "smtp://mail.example.com", "pool": True, "maxRecipients": 5}

    @pytest.mark.parametrize(
        ("mapping", "hint"),
        [
            ({"hots": "mail.example.com"}, "did you mean 'host'"),
            ({"pool": True, "maxConections": 3}, "did you mean 'max_connections'"),
            ({"jsonTransport": True, "skipEncodin": True}, "did you mean 'skip_encoding'"),
            ({"maxRecipient": 5}, "did you mean 'max_recipients'"),
            ({"pool": True, "disableFileAcess": True}, "did you mean 'disable_file_access'"),
            ({"host": "a", "maxConnections": 3}, "unknown option 'maxConnections'"),
            ({"socketTimeout": 1000, "socket_timeout": 1}, "same option"),
            ({"socket_timeout": 30000}, "milliseconds"),
            ({1: 2}, "unknown option 1"),
            ({"url": 5}, "URL"),
            ({"url": "ftp://a"}, "scheme"),
        ],
        ids=str,
    )
    def test_that_is_wrong_is_refused(self, mapping, hint) -> None:
        with pytest.raises(ConfigError, match=hint):
            create_transport(mapping)


@pytest.mark.parametrize(
    "wrong",
    [None, 25, b"smtp://mail.example.com", ["smtp://a"], object(), Bare, True],
    ids=lambda each: type(each).__name__,
)
def test_anything_else_is_refused_and_says_what_is_accepted(front, wrong) -> None:
    with pytest.raises(ConfigError, match="callable send, a URL such as smtp://host:587, a mapping of options"):
        front.create(wrong)


@pytest.mark.parametrize(
    ("make", "hint"),
    [
        (lambda: smtp(prot=25), "did you mean 'port'"),
        (lambda: smtp({"requireTSL": True}), "did you mean 'require_tls'"),
        (lambda: smtp("smtp://a/?conectionTimeout=1"), "did you mean 'connection_timeout'"),
        (lambda: smtp_pool(max_mesages=5), "did you mean 'max_messages'"),
        (lambda: smtp_pool({"rateLimt": 5}), "did you mean 'rate_limit'"),
        (lambda: smtp_pool("smtp://a/?maxConections=1"), "did you mean 'max_connections'"),
        (lambda: create_transport(memory(), x_mailr="me"), "did you mean 'x_mailer'"),
        (lambda: SMTPOptions(hsot="a"), "did you mean 'host'"),
    ],
)
def test_every_door_names_the_closest_option(make, hint) -> None:
    with pytest.raises(ConfigError, match=hint):
        make()


class TestAPlugin:
    """A factory that another distribution registers under an entry point."""

    @pytest.fixture(autouse=True)
    def installed(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "pigeons.py").write_text(
            "class Pigeon:\n"
            "    name, version = 'Pigeon', '1'\n"
            "    def __init__(self, options): self.options = options\n"
            "    def send(self, mail): raise OSError\n"
            "def pigeon(options=None, /, **keywords): return Pigeon(keywords)\n"
            "def strict(*, host='loft'): return Pigeon({'host': host})\n"
            "def nothing(**keywords): return None\n"
        )
        info = tmp_path / "pigeons-1.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: pigeons\nVersion: 1\n")
        (info / "entry_points.txt").write_text(
            "[pymailer.transports]\n"
            "pigeon = pigeons:pigeon\n"
            "strict = pigeons:strict\n"
            "nothing = pigeons:nothing\n"
            "gone = pigeons:gone\n"
            "missing = no_such_module_of_pigeons:gone\n"
        )
        monkeypatch.syspath_prepend(tmp_path)

    def test_is_chosen_by_the_scheme_of_a_url(self) -> None:
        transport = create_transport("pigeon://loft.example:7/?speed=3&x.y=z").transport
        assert transport.name == "Pigeon"
        assert transport.options == {"host": "loft.example", "port": 7, "speed": 3, "x": {"y": "z"}}

    def test_is_chosen_by_its_name_among_the_keys(self) -> None:
        transport = create_transport({"pigeon": True, "host": "loft.example", "speed": 3}).transport
        assert transport.options == {"host": "loft.example", "speed": 3}

    def test_is_not_chosen_by_a_key_that_says_no(self) -> None:
        with pytest.raises(ConfigError, match="pigeon"):
            create_transport({"pigeon": False})

    def test_gets_the_options_beside_its_url(self) -> None:
        transport = create_transport({"url": "pigeon://loft.example/?speed=3", "speed": 5}).transport
        assert transport.options == {"host": "loft.example", "speed": 5}

    def test_does_not_get_the_mailers_own_options(self) -> None:
        assert create_transport({"pigeon": True, "maxRecipients": 5, "xMailer": "me"}).transport.options == {}

    def test_that_does_not_take_an_option_says_so(self) -> None:
        assert create_transport("strict:").transport.options == {"host": "loft"}
        with pytest.raises(ConfigError, match=r"'strict' does not take these options: .*'speed'"):
            create_transport("strict:?speed=3")

    def test_that_makes_no_transport_is_refused(self) -> None:
        with pytest.raises(ConfigError, match="'nothing' gave NoneType"):
            create_transport("nothing:")

    @pytest.mark.parametrize("name", ["gone", "missing"])
    def test_that_cannot_be_loaded_is_told_with_the_reason(self, name) -> None:
        with pytest.raises(ConfigError, match=f"the transport '{name}' cannot be loaded from .*gone"):
            create_transport({name: True})

    def test_is_among_the_schemes_that_are_known(self) -> None:
        with pytest.raises(ConfigError, match="did you mean 'pigeon'"):
            create_transport("pigoen:")


def test_a_transport_whose_package_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pymailer.registry._registered", dict)
    with pytest.raises(ConfigError, match="registered as 'pool': install"):
        create_transport({"pool": True})
