"""The middleware that comes with pymailer: style sheets, templates, Markdown, signatures."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from jinja2 import DictLoader, Environment

import pymailer.middleware
from pymailer import ConfigError, MessageError, create_transport
from pymailer.middleware import Template, html_to_text, inline_css, markdown, smime, templates
from pymailer.transports import memory
from tests.arriving import PARTIES, body, sent

CANARY = "yellow-bird-4711"


def test_each_loads_only_what_it_needs() -> None:
    program = "import sys; from pymailer.middleware import html_to_text; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=30)
    assert not {"jinja2", "css_inline", "markdown_it", "cryptography"} & set(done.stdout.split())


def test_no_module_shadows_what_it_gives() -> None:
    modules = {path.stem for path in Path(pymailer.middleware.__file__).parent.glob("*.py")}
    assert not modules & set(pymailer.middleware.__all__)
    assert set(pymailer.middleware.__all__) <= set(dir(pymailer.middleware))
    assert all(callable(getattr(pymailer.middleware, name)) for name in pymailer.middleware.__all__)


@pytest.mark.parametrize(
    ("make", "missing", "extra"),
    [
        (inline_css, "css_inline", "css"),
        (markdown, "markdown_it", "markdown"),
        (lambda: templates("."), "jinja2", "jinja2"),
        (lambda: smime(certificate="", private_key=""), "cryptography.hazmat.primitives.serialization", "smime"),
    ],
)
def test_what_is_not_installed_is_told_with_the_way_to_install_it(monkeypatch, make, missing, extra) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ConfigError, match=rf"pymailer\[{extra}\]"):
        make()


class TestInlineCSS:
    HTML = "<style>p { color: red } @media print { p { color: blue } }</style><p>Grüße</p>"

    @pytest.mark.parametrize("html", [HTML, HTML.encode()], ids=["text", "bytes"])
    def test_moves_rules_into_the_elements_and_keeps_those_that_cannot_move(self, front, html) -> None:
        found = body(sent(front, inline_css(), html=html), "text/html")
        assert '<p style="color: red;">Grüße</p>' in found
        assert "@media print" in found

    def test_takes_rules_for_every_message(self, front) -> None:
        found = body(sent(front, inline_css("p { margin: 0 }"), html="<p>Hi</p>"), "text/html")
        assert 'style="margin: 0;"' in found

    def test_takes_the_options_of_its_engine(self, front) -> None:
        found = body(sent(front, inline_css(keep_style_tags=True), html=self.HTML), "text/html")
        assert "color: red }" in found

    def test_fetches_nothing(self, front) -> None:
        html = '<link rel="stylesheet" href="http://127.0.0.1:1/a.css"><p>Hi</p>'
        assert "Hi" in body(sent(front, inline_css(), html=html), "text/html")

    def test_that_cannot_go_on_is_the_messages_error(self, front) -> None:
        html = '<link rel="stylesheet" href="http://127.0.0.1:1/a.css"><p>Hi</p>'
        with pytest.raises(MessageError, match="style sheets"):
            sent(front, inline_css(load_remote_stylesheets=True), html=html)

    def test_refuses_an_option_that_its_engine_does_not_have(self) -> None:
        with pytest.raises(ConfigError, match="keep_styles"):
            inline_css(keep_styles=True)

    @pytest.mark.parametrize("fields", [{"text": "only"}, {"html": ""}], ids=str)
    def test_leaves_a_message_without_html(self, front, fields) -> None:
        sent(front, inline_css(), **fields)


class TestMarkdown:
    def test_adds_the_html_that_the_text_means(self, front) -> None:
        message = sent(front, markdown(), text="# Hello\n\n*Ada*, see <https://example.com>\n\n| a |\n|---|\n| b |")
        assert "<h1>Hello</h1>\n<p><em>Ada</em>" in body(message, "text/html")
        assert "<td>b</td>" in body(message, "text/html")
        assert body(message, "text/plain").startswith("# Hello")

    def test_lets_no_html_through(self, front) -> None:
        found = body(sent(front, markdown(), text="<script>alert(1)</script> [x](javascript:alert(1))"), "text/html")
        assert "<script>" not in found
        assert "href=" not in found

    def test_leaves_a_message_with_html(self, front) -> None:
        assert body(sent(front, markdown(), text="*a*", html="<b>own</b>"), "text/html") == "<b>own</b>"

    def test_takes_a_parser_of_ones_own(self, front) -> None:
        from markdown_it import MarkdownIt

        message = sent(front, markdown(MarkdownIt("commonmark", {"html": True})), text="<b>bold</b>")
        assert "<b>bold</b>" in body(message, "text/html")


class TestTemplates:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        (tmp_path / "welcome.html").write_text("<p>Hello {{ name }}, welcome to {{ product }}</p>\n")
        (tmp_path / "welcome.txt").write_text("Hello {{ name }}\n")
        (tmp_path / "subject.txt").write_text("Welcome, {{ name }}\n")
        return tmp_path

    def test_are_rendered_with_their_context_and_the_shared_one(self, front, folder) -> None:
        message = sent(
            front,
            templates(folder, product="pymailer"),
            subject=Template("subject.txt", name="Ada"),
            text=Template("welcome.txt", name="Ada"),
            html=Template("welcome.html", name="Ada"),
        )
        assert message["Subject"] == "Welcome, Ada"
        assert body(message, "text/plain") == "Hello Ada"
        assert body(message, "text/html") == "<p>Hello Ada, welcome to pymailer</p>"

    def test_escape_what_goes_into_html_and_nothing_else(self, front, folder) -> None:
        plugin = templates(str(folder), product="x")
        message = sent(
            front, plugin, text=Template("welcome.txt", name="<b>&"), html=Template("welcome.html", name="<b>&")
        )
        assert body(message, "text/plain") == "Hello <b>&"
        assert "Hello &lt;b&gt;&amp;," in body(message, "text/html")

    def test_may_come_from_an_environment_of_ones_own(self, front) -> None:
        environment = Environment(loader=DictLoader({"a": "{{ x | upper }}"}), autoescape=True)
        assert body(sent(front, templates(environment), text=Template("a", x="loud")), "text/plain") == "LOUD"

    @pytest.mark.parametrize(
        ("template", "hint"),
        [(Template("welcome.html"), "'name' is undefined"), (Template("other.html"), "TemplateNotFound")],
        ids=["no name", "no template"],
    )
    def test_that_cannot_be_rendered_are_the_messages_error(self, front, folder, template, hint) -> None:
        with pytest.raises(MessageError, match=hint):
            sent(front, templates(folder), html=template)

    def test_cannot_smuggle_a_header(self, front, folder) -> None:
        with pytest.raises(MessageError):
            sent(front, templates(folder), subject=Template("subject.txt", name="a\r\nBcc: x@example.com"))

    def test_do_not_show_their_context(self) -> None:
        assert CANARY not in repr(Template("welcome.html", token=CANARY))

    def test_without_the_middleware_are_refused(self) -> None:
        with pytest.raises(MessageError):
            create_transport(memory()).send_mail(PARTIES, html=Template("welcome.html"))


def test_one_works_on_what_the_last_one_made(front, tmp_path) -> None:
    (tmp_path / "a.html").write_text("<style>p { color: red }</style><p>{{ x }}</p>")
    message = sent(front, templates(tmp_path), inline_css(), html_to_text(), html=Template("a.html", x="<Hi>"))
    assert body(message, "text/html").endswith('<p style="color: red;">&lt;Hi&gt;</p></body></html>')
    assert body(message, "text/plain") == "<Hi>"
