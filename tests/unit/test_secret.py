"""A value that does not show itself."""

from __future__ import annotations

import copy
import pickle
import traceback

import pytest

from pymailer.secret import Secret, sealed

CANARY = "S3cr3t!"


def test_it_gives_its_value_only_when_asked():
    assert Secret(CANARY).reveal() == CANARY


@pytest.mark.parametrize("show", [repr, str, "{}".format, "{!r:>20}".format])
def test_it_does_not_show_itself(show):
    assert CANARY not in show(Secret(CANARY))


def test_it_does_not_show_itself_among_the_locals_of_a_traceback():
    def fail(secret):
        raise ValueError

    with pytest.raises(ValueError) as caught:
        fail(Secret(CANARY))
    trace = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    assert trace.stack[-1].locals == {"secret": "Secret('***')"}


def test_it_does_not_pickle():
    with pytest.raises(TypeError):
        pickle.dumps(Secret(CANARY))


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy])
def test_a_copy_is_the_same(duplicate):
    secret = Secret(CANARY)
    assert duplicate(secret) is secret


def test_it_equals_another_with_the_same_value():
    assert Secret(CANARY) == Secret(CANARY)
    assert hash(Secret(CANARY)) == hash(Secret(CANARY))
    assert Secret("grün") == Secret("grün")
    assert Secret(CANARY) != Secret("other")
    assert Secret(CANARY) != CANARY


def test_what_is_sealed_stays_sealed():
    secret = Secret(CANARY)
    assert sealed(secret) is secret
    assert sealed(CANARY) == secret
    assert sealed(None) is None
