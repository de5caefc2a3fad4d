"""A user name or password in the form that SCRAM hashes (SASLprep, RFC 4013).

Only SCRAM prepares: where the server is given the password itself it does its own preparing, so PLAIN, LOGIN and
CRAM-MD5 send what was given, as UTF-8.
"""

from __future__ import annotations

from pymailer.secret import Secret

__all__ = ["prepare"]


def prepare(text: Secret[str]) -> Secret[str] | None:
    """The form of `text` that both sides agree on, or ``None`` if it has none: a control character, mixed directions.

    Characters that Unicode 3.2 did not know are let through, as RFC 3454 7 says for what is being asked, not stored.
    """
    if text.reveal().isascii():
        return text if text.reveal().isprintable() else None
    prepared = Secret(_normalized(text))
    return prepared if prepared.reveal() and _is_permitted(prepared) else None


def _normalized(text: Secret[str]) -> str:
    from stringprep import in_table_b1, in_table_c12
    from unicodedata import normalize

    return normalize(
        "NFKC", "".join(" " if in_table_c12(char) else char for char in text.reveal() if not in_table_b1(char))
    )


def _is_permitted(text: Secret[str]) -> bool:
    """RFC 4013 2.3 and 2.4: none of the prohibited characters, and text that runs right to left does so throughout."""
    import stringprep as tables

    prohibited = (
        *(tables.in_table_c12, tables.in_table_c21_c22, tables.in_table_c3, tables.in_table_c4, tables.in_table_c5),
        *(tables.in_table_c6, tables.in_table_c7, tables.in_table_c8, tables.in_table_c9),
    )
    if any(table(char) for char in text.reveal() for table in prohibited):
        return False
    if not any(map(tables.in_table_d1, text.reveal())):
        return True
    ends = tables.in_table_d1(text.reveal()[0]) and tables.in_table_d1(text.reveal()[-1])
    return ends and not any(map(tables.in_table_d2, text.reveal()))
