"""Attachments: their names, types, dispositions and encodings."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pymailer.errors import MessageError
from pymailer.message.attachment import Attachment
from tests.composing import octets, read, reread, text_of


def attached(*attachments: object, **fields: object) -> list:
    return list(reread({"text": "t", **fields}, attachments=attachments).iter_attachments())


def one(**fields: object):
    (part,) = attached(fields)
    return part


class TestTheName:
    @pytest.mark.parametrize(
        ("fields", "name"),
        [
            ({"filename": "report.pdf", "content": b""}, "report.pdf"),
            ({"filename": "Übersicht 2024.pdf", "content": b""}, "Übersicht 2024.pdf"),
            ({"filename": "C:\\fake\\x.pdf", "content": b""}, "x.pdf"),
            ({"filename": "/home/me/x.pdf", "content": b""}, "x.pdf"),
            ({"path": "data:text/plain,hi"}, "attachment-1.txt"),
            ({"content": b"x", "content_type": "image/png"}, "attachment-1.png"),
            ({"content": b"x"}, "attachment-1.bin"),
            ({"content": b"x", "filename": ""}, None),
            ({"content": b"x", "filename": " "}, None),
            ({"content": b"x", "filename": False}, None),
            ({"content": b"S: x\n\n", "content_type": "message/rfc822"}, None),
        ],
    )
    def test_is_what_was_given_or_what_can_be_told(self, fields: dict, name: str | None) -> None:
        assert one(**fields).get_filename() == name

    def test_is_that_of_the_file(self, tmp_path: Path) -> None:
        path = tmp_path / "notes.txt"
        path.write_bytes(b"n")
        assert one(path=str(path)).get_filename() == "notes.txt"

    def test_counts_the_attachments(self) -> None:
        names = [part.get_filename() for part in attached({"content": b"x"}, {"content": b"x"})]
        assert names == ["attachment-1.bin", "attachment-2.bin"]

    def test_stands_in_the_content_type_too_for_those_who_look_there(self) -> None:
        assert one(filename="ü.pdf", content=b"")["Content-Type"].params["name"] == "ü.pdf"


class TestTheType:
    @pytest.mark.parametrize(
        ("fields", "expected"),
        [
            ({"filename": "x.pdf"}, "application/pdf"),
            ({"filename": "X.PDF"}, "application/pdf"),
            ({"filename": "x.docx"}, "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
            ({"filename": "x.unheard-of"}, "application/octet-stream"),
            ({"filename": "x"}, "application/octet-stream"),
            ({"filename": ".png"}, "application/octet-stream"),
            ({"filename": "x.pdf", "content_type": "text/csv"}, "text/csv"),
            ({"filename": "x.csv", "contentType": "Text/Plain; charset=latin-1"}, "text/plain"),
        ],
    )
    def test_is_given_or_follows_from_the_name(self, fields: dict, expected: str) -> None:
        assert one(content=b"x", **fields).get_content_type() == expected

    def test_keeps_its_parameters(self) -> None:
        part = one(content=b"x", content_type='application/x; a="b c"; d=e')
        assert {name: part["Content-Type"].params[name] for name in ("a", "d")} == {"a": "b c", "d": "e"}

    @pytest.mark.parametrize(
        "content_type",
        [
            "text",
            "text/",
            "/plain",
            "te xt/plain",
            "text/plain\r\nX: y",
            "mult\x01ipart/mixed",
            "text/plain; a",
            "t/p; =a",
            "text/plain; a=b; A=c",
            'text/plain; a="b',
            'text/plain; a="b"c',
            "text/plain; a=b c",
            "text/plain; ä=b",
            5,
        ],
    )
    def test_is_refused_if_it_is_none(self, content_type: object) -> None:
        with pytest.raises(MessageError):
            one(content=b"x", content_type=content_type)


class TestTheDisposition:
    @pytest.mark.parametrize(
        ("fields", "expected"),
        [
            ({"filename": "x.bin"}, "attachment"),
            ({"filename": "x.png", "cid": "x"}, "inline"),
            ({"filename": "x.bin", "cid": "x"}, "attachment"),
            ({"content": b"S: x\n\n", "content_type": "message/rfc822"}, "inline"),
            ({"filename": "x.bin", "content_disposition": "inline"}, "inline"),
            ({"filename": "x.png", "cid": "x", "contentDisposition": "Attachment"}, "attachment"),
        ],
    )
    def test_is_given_or_follows_from_the_type(self, fields: dict, expected: str) -> None:
        message = reread(text="t", attachments=[{"content": b"x", **fields}])
        assert list(message.iter_parts())[1].get_content_disposition() == expected

    @pytest.mark.parametrize("disposition", ["attachment; filename=x", "form-data", "", 1])
    def test_is_refused_if_it_is_none(self, disposition: object) -> None:
        with pytest.raises(MessageError, match="content_disposition"):
            one(content=b"x", content_disposition=disposition)


class TestTheContentId:
    @pytest.mark.parametrize("cid", ["logo", "<logo>", "logo@example.com", "<logo@example.com>"])
    def test_may_come_in_angle_brackets(self, cid: str) -> None:
        assert one(content=b"x", cid=cid)["Content-ID"] == f"<{cid.strip('<>')}>"

    @pytest.mark.parametrize("cid", ["", "<>", "a b", "a> <b", "<cid>\r\nX: y", "ü", "<a", 5])
    def test_is_refused_if_it_is_none(self, cid: object) -> None:
        with pytest.raises(MessageError):
            one(content=b"x", cid=cid)


class TestTheEncoding:
    def test_is_base64_even_for_text(self) -> None:
        part = one(filename="x.txt", content="a\nb\r\n")
        assert part["Content-Transfer-Encoding"] == "base64"
        assert part.get_payload(decode=True) == b"a\nb\r\n"

    @pytest.mark.parametrize("size", [0, 1, 56, 57, 58, 114, 16 * 1024, 16 * 1024 + 1, 300_000])
    def test_gives_every_octet_back(self, size: int) -> None:
        data = bytes(range(256)) * (size // 256 + 1)
        assert one(content=data[:size]).get_payload(decode=True) == data[:size]

    def test_is_the_one_that_is_asked_for(self) -> None:
        part = one(filename="x.txt", content="größe\n", content_transfer_encoding="quoted-printable")
        assert part["Content-Transfer-Encoding"] == "quoted-printable"
        assert text_of(part) == "größe"

    @pytest.mark.parametrize("encoding", ["binary", "x-uuencode", "base64\r\nX: y", 7])
    def test_is_refused_if_mail_cannot_carry_it(self, encoding: object) -> None:
        with pytest.raises(MessageError):
            one(content=b"x", content_transfer_encoding=encoding)

    def test_cannot_be_7bit_if_the_content_is_not(self) -> None:
        with pytest.raises(MessageError, match="7bit"):
            one(filename="x.txt", content="ö", content_transfer_encoding="7bit")


class TestAMessageInAMessage:
    INNER = b"Subject: inner\nFrom: x@y.z\n\nbody\n"

    def test_goes_as_it_is_with_line_ends_of_mail(self) -> None:
        content = octets(text="t", attachments=[{"content": self.INNER, "content_type": "message/rfc822"}])
        assert self.INNER.replace(b"\n", b"\r\n") in content
        (part,) = read(content).iter_attachments()
        assert part["Content-Transfer-Encoding"] == "7bit"
        assert part.get_content()["Subject"] == "inner"

    def test_says_that_it_has_8_bits(self) -> None:
        (part,) = attached({"content": "Subject: x\n\nö", "content_type": "message/rfc822"})
        assert part["Content-Transfer-Encoding"] == "8bit"

    @pytest.mark.parametrize("encoding", ["base64", "quoted-printable"])
    def test_is_never_encoded(self, encoding: str) -> None:
        fields = {"content": self.INNER, "content_type": "message/rfc822", "content_transfer_encoding": encoding}
        with pytest.raises(MessageError, match="2046"):
            attached(fields)

    def test_is_recognised_by_the_name_of_its_file(self) -> None:
        assert one(filename="saved.eml", content=self.INNER).get_content_type() == "message/rfc822"


class TestAPartWithItsOwnHeader:
    def test_may_bring_more_fields(self) -> None:
        part = one(content=b"x", headers={"Content-Description": "Größe", "X-A": ["1", "2"], "X-B": None})
        assert part["Content-Description"] == "Größe"
        assert part.get_all("X-A") == ["1", "2"]
        assert part["X-B"] is None

    @pytest.mark.parametrize(
        "name", ["Content-Type", "content-disposition", "Content-Transfer-Encoding", "Content-ID", "Bcc"]
    )
    def test_may_not_bring_those_that_have_a_field_of_their_own(self, name: str) -> None:
        with pytest.raises(MessageError, match=name):
            one(content=b"x", headers={name: "x"})

    @pytest.mark.parametrize(
        "raw", ["Content-Type: text/x-own\n\nown", {"content": b"Content-Type: text/x-own\r\n\r\nown"}]
    )
    def test_may_come_ready_made(self, raw: object) -> None:
        part = list(reread(text="t", attachments=[{"raw": raw}]).iter_parts())[1]
        assert part.get_content_type() == "text/x-own"
        assert part.get_payload() == "own"


class TestWhatIsNoAttachment:
    @pytest.mark.parametrize(
        "value",
        [
            {"filename": "x.txt"},
            {"content": b"x", "path": "/x"},
            {"content": b"x", "raw": b"y"},
            {"contnt": b"x"},
            {"content_type": "text/plain", "contentType": "text/plain", "content": b"x"},
            "/etc/passwd",
            b"x",
            5,
            {"content": 5},
            {"content": {"content": b"x"}},
            {"path": 5},
            {"path": ""},
            {"href": 5},
            {"href": "http://[::1"},
            {"href": "gopher://example.com/"},
            {"content": b"x", "filename": 5},
            {"content": b"x", "encoding": 5},
            {"content": b"x", "http_headers": 5},
            {"content": b"x", "headers": 5},
        ],
        ids=str,
    )
    def test_is_refused(self, value: object) -> None:
        with pytest.raises(MessageError):
            octets(text="t", attachments=[value])

    def test_is_named_with_what_was_meant(self) -> None:
        with pytest.raises(MessageError, match="did you mean 'filename'"):
            Attachment.of({"filname": "x", "content": b""})


@settings(max_examples=60)
@given(
    st.text(st.characters(exclude_categories=["C"], exclude_characters="/\\\u2028\u2029"), max_size=60),
    st.binary(max_size=400),
)
def test_any_name_and_any_octets_come_back(name: str, content: bytes) -> None:
    part = one(filename=name, content=content)
    assert part.get_payload(decode=True) == content
    assert (part.get_filename() or "").strip() == name.strip()  # the standard library strips some, not all


@settings(max_examples=40)
@given(st.binary(max_size=300), st.sampled_from(["quoted-printable", "base64"]))
def test_any_octets_come_back_in_any_encoding(content: bytes, encoding: str) -> None:
    part = one(content=content, content_transfer_encoding=encoding)
    assert part.get_payload(decode=True) == content


def test_content_may_be_given_in_an_encoding() -> None:
    content = b"\0\1\2\xff"
    for encoded, encoding in ((base64.b64encode(content).decode(), "base64"), (content.hex(), "hex")):
        assert one(content=encoded, encoding=encoding).get_payload(decode=True) == content
