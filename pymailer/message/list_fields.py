"""What a mailing list says of itself: List-Unsubscribe, List-Id and their kin (RFC 2369, 2919, 8058).

Knows which fields there are and what may stand in them; fetches and sends nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, cast

from pymailer.errors import MessageError
from pymailer.message.address_fields import phrase
from pymailer.message.characters import CONTROL, described, shown
from pymailer.message.encoded_words import Encoded, encode_words
from pymailer.message.keys import Keys

_KEYS = Keys.of(
    "key of list",
    ("help", "unsubscribe", "subscribe", "post", "owner", "archive", "id", "unsubscribe_post"),
    {"unsubscribe-post": "unsubscribe_post"},
)
_LINK_KEYS = Keys.of("key of a link", ("url", "comment"))
_ONE_CLICK = "List-Unsubscribe=One-Click"
_URL = re.compile(r"[!#-;=?-~]++")  # visible ASCII without what would end the angle brackets or a quoted string
_SCHEMES = ("https:", "http:", "mailto:")
_LIST_ID = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]++(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]++)*+")


def list_fields(value: object) -> list[tuple[str, Encoded]]:
    """The header fields for the `list` of a message.

    Args:
        value: A mapping of ``help``, ``unsubscribe``, ``subscribe``, ``post``, ``owner`` or ``archive`` to a link or a
            list of links; of ``id`` to the list's id; of ``unsubscribe_post`` to ``True``, for one-click unsubscribing.
            A link is a URL (``https:``, ``http:`` or ``mailto:``; a bare address means ``mailto:``), or a mapping
            ``{"url", "comment"}``.

    Raises:
        MessageError: An unknown key, a link that is none, or one-click unsubscribing without an ``https:`` link.
    """
    if not isinstance(value, Mapping):
        raise MessageError(f"list is a mapping, not {type(value).__name__}")
    keys = _KEYS.read(cast("Mapping[object, object]", value))
    found = [field for key, given in keys.items() for field in _fields(key, given)]
    _check_one_click(dict(found))
    return found


def _fields(key: str, given: object) -> list[tuple[str, Encoded]]:
    if given is None or given is False:
        return []
    if key == "id":
        return [("List-Id", _list_id(given))]
    if key == "unsubscribe_post":
        if given is not True and given != _ONE_CLICK:
            raise MessageError(f"unsubscribe_post is True or False, not {shown(given)}")
        return [("List-Unsubscribe-Post", Encoded(_ONE_CLICK))]
    if key == "post" and isinstance(given, str) and given.upper() == "NO":  # RFC 2369 3.4: nobody may post
        return [("List-Post", Encoded("NO"))]
    # RFC 2369 3: never more than one field of a name, so several links share one.
    return [(f"List-{key.capitalize()}", Encoded(", ".join(map(_link, _flat(given)))))]


def _flat(given: object) -> list[object]:
    """One link or several, as Nodemailer's lists of lists have them."""
    if isinstance(given, (str, Mapping)):
        return [given]
    if not isinstance(given, Iterable):
        raise MessageError(f"a link of list is a URL or a mapping, not {type(given).__name__}")
    links = [link for item in cast("Iterable[object]", given) for link in _inner(item)]
    if not links:
        raise MessageError("a list of links is empty; leave it out instead")
    return links


def _inner(item: object) -> list[object]:
    return list(cast("Iterable[object]", item)) if isinstance(item, (list, tuple)) else [item]


def _link(given: object) -> str:
    url, comment = _url_and_comment(given)
    if _URL.fullmatch(url) is None:
        raise MessageError(f"the list's link {shown(url)} is not a URL; encode what is not plain ASCII as %XX")
    if "@" in url and ":" not in url.partition("@")[0]:
        url = f"mailto:{url}"
    if not url.lower().startswith(_SCHEMES):
        raise MessageError(f"the list's link {shown(url)} must begin with one of {', '.join(_SCHEMES)}")
    return f"<{url}> ({_comment(comment)})" if comment else f"<{url}>"


def _list_id(given: object) -> Encoded:
    list_id, comment = _url_and_comment(given)
    inner = list_id[1:-1] if list_id[:1] == "<" and list_id[-1:] == ">" else list_id
    if _LIST_ID.fullmatch(inner) is None:
        raise MessageError(f"{shown(list_id)} is not the id of a list, such as 'news.example.org' (RFC 2919 2)")
    return Encoded(f"{phrase(comment)} <{inner}>" if comment else f"<{inner}>")


def _url_and_comment(given: object) -> tuple[str, str]:
    if isinstance(given, str):
        return given, ""
    if not isinstance(given, Mapping):
        raise MessageError(f"a link of list is a URL or a mapping, not {type(given).__name__}")
    link = _LINK_KEYS.read(cast("Mapping[object, object]", given))
    return _checked_text(link.get("url")), _checked_text(link.get("comment") or "")


def _checked_text(text: Any) -> str:
    if not isinstance(text, str):
        raise MessageError(f"a link of list needs text as its 'url' and 'comment', not {shown(text)}")
    if control := CONTROL.search(text):
        raise MessageError(f"{shown(text)} contains {described(control[0])}")
    return text


def _comment(text: str) -> str:
    """RFC 5322 3.2.2; a comment is folded at its blanks, so a plain one needs nothing but its specials escaped."""
    if text.isascii() and "=?" not in text:
        return text.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")
    return encode_words(text)


def _check_one_click(fields: Mapping[str, str]) -> None:
    if "List-Unsubscribe-Post" in fields and "<https:" not in fields.get("List-Unsubscribe", "").lower():
        raise MessageError("unsubscribe_post needs an https: link in 'unsubscribe' (RFC 8058 3.1)")
