"""Images inside HTML become attachments that the HTML refers to."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from pymailer.errors import MessageError
from pymailer.message.composer import ComposePolicy
from pymailer.message.images import attached_images
from tests.composing import composed, octets, read, reread, text_of, tree

PNG = "data:image/png;base64,iVBORw0KGgo="


def test_an_image_goes_beside_the_html_that_shows_it() -> None:
    message = reread(html=f'<p>a</p><img alt="x" src="{PNG}"> b', attach_data_urls=True)
    assert tree(message) == ("related", "text/html", "image/png")
    html, image = message.iter_parts()
    cid = image["Content-ID"].strip("<>")
    assert text_of(html) == f'<p>a</p><img alt="x" src="cid:{cid}"> b'
    assert image.get_payload(decode=True) == b"\x89PNG\r\n\x1a\n"
    assert image.get_filename() == "image-1.png"
    assert image.get_content_disposition() == "inline"


@pytest.mark.parametrize(
    "html",
    [
        f"<IMG SRC='{PNG}'>",
        f"<img src={PNG}>",
        f'<img\n\tsrc = "{PNG}"/>',
        f'<img alt="a > b" src="{PNG}">',
        f'<img data-src="x" src="{PNG.replace("/", "&#47;")}">',
        f"<img/src='{PNG}'>",
        f'<img alt=\'"\' src="{PNG.upper().replace(PNG[22:].upper(), PNG[22:])}">',
    ],
)
def test_is_found_however_it_is_written(html: str) -> None:
    _, (attachment,) = attached_images(html)
    assert attachment.cid


@pytest.mark.parametrize(
    "html",
    [
        "no image",
        '<img src="cid:x"><img src="http://x.example/y.png"><img src="file:///etc/passwd"><img>',
        f'<image src="{PNG}">',
        f'<img data-src="{PNG}">',
        f'<img alt="src={PNG}">',
        f'<img src="a" src="{PNG}">',
        f'<a href="{PNG}">',
        '<img src="data:text/html,<script>">',
        '<img src="data:,">',
        '<img src=""><img src>',
        '<img src="',
    ],
)
def test_what_is_no_image_in_the_html_stays_as_it_is(html: str) -> None:
    assert attached_images(html) == (html, [])


def test_the_same_image_is_attached_once() -> None:
    html, attachments = attached_images(f'<img src="{PNG}"><img src="{PNG}">')
    assert len(attachments) == 1
    assert html.count(attachments[0].cid) == 2


def test_a_malformed_image_is_refused() -> None:
    with pytest.raises(MessageError):
        octets(html='<img src="data:image/png;base64,!!!">', attach_data_urls=True)


@pytest.mark.parametrize(
    ("mailer", "message", "attached"),
    [(False, None, False), (True, None, True), (True, False, False), (False, True, True)],
)
def test_the_message_decides_and_else_the_mailer(mailer: bool, message: bool | None, attached: bool) -> None:
    policy = ComposePolicy(attach_data_urls=mailer)
    result = composed(html=f'<img src="{PNG}">', attach_data_urls=message, policy=policy)
    assert (tree(read(result.message.as_bytes())) != "text/html") is attached


def test_the_html_may_come_from_anywhere(tmp_path: Path) -> None:
    html = f'<p>größe<img src="{PNG}">'
    path = tmp_path / "x.html"
    path.write_text(html, encoding="utf-8")
    for given in (path, html.encode(), iter([html.encode()]), {"content": html.encode().hex(), "encoding": "hex"}):
        body, _ = reread(html=given, attach_data_urls=True).iter_parts()
        assert text_of(body).startswith('<p>größe<img src="cid:')


def test_neither_the_message_nor_its_html_is_changed() -> None:
    data = {"html": f'<img src="{PNG}">', "attachments": [], "attach_data_urls": True}
    octets(data)
    assert data == {"html": f'<img src="{PNG}">', "attachments": [], "attach_data_urls": True}


@pytest.mark.parametrize(
    "html",
    [
        "<img " * 100000,
        '<img src="' * 50000,
        "<img a='" * 50000,
        "<img" + " a" * 100000,
        "<img src=" + "=" * 100000,
        "<img " + "\"'" * 100000,
        f"<img {' ' * 200000}",
    ],
    ids=lambda html: html[:20],
)
def test_hostile_html_takes_no_longer_than_any_other(html: str) -> None:
    started = time.process_time()
    attached_images(html)
    assert time.process_time() - started < 1
