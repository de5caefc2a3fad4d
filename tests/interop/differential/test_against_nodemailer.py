"""Every message of the corpus is the same to a reader, whoever composed it, but for the differences that are meant."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest

from tests.composing import well_formed
from tests.interop.cache import NotToBeHad
from tests.interop.differential import composers
from tests.interop.differential.composers import Made
from tests.interop.differential.corpus import Data, corpus
from tests.interop.differential.differences import DIFFERENCES
from tests.interop.differential.reading import Discrepancy, between, facts, facts_of_postal_mime

PAGE = Path(__file__).parents[3] / "docs" / "differences.md"
CORPUS = dict(corpus())


@attrs.frozen
class Pair:
    """One message as two composers made it, and as a second parser reads both."""

    name: str
    data: Data
    ours: Made
    theirs: Made
    our_reading: dict = attrs.field(repr=False)
    their_reading: dict = attrs.field(repr=False)

    def discrepancies(self) -> list[Discrepancy]:
        if self.ours.error or self.theirs.error:
            errors = {"by us": self.ours.error, "by Nodemailer": self.theirs.error}
            return [Discrepancy(self.name, f"refused {who}", error, None) for who, error in errors.items() if error]
        made_up = {name for name, field in (("message-id", "messageId"), ("date", "date")) if field not in self.data}
        if "raw" in self.data:
            made_up = set()
        ours = {"envelope": self.ours.envelope, **facts(self.ours.content, made_up)}
        theirs = {"envelope": self.theirs.envelope, **facts(self.theirs.content, made_up)}
        found = list(between(self.name, ours, theirs))
        readings = (facts_of_postal_mime(reading) for reading in (self.our_reading, self.their_reading))
        return [*found, *between(self.name, *readings)]


@pytest.fixture(scope="module")
def pairs() -> dict[str, Pair]:
    """The whole corpus, composed and read by both."""
    ours = [composers.ours(data) for data in CORPUS.values()]
    try:
        theirs = composers.theirs(list(CORPUS.values()))
        readings = composers.read_by_postal_mime([made.content for made in [*ours, *theirs]])
    except NotToBeHad as error:
        pytest.fail(str(error), pytrace=False)
    half = len(ours)
    rows = zip(CORPUS.items(), ours, theirs, readings[:half], readings[half:], strict=True)
    return {name: Pair(name, data, *rest) for (name, data), *rest in rows}


def test_the_corpus_is_large() -> None:
    assert len(CORPUS) >= 150


@pytest.mark.parametrize("name", CORPUS)
def test_a_message_is_the_same_to_its_reader(pairs: dict[str, Pair], name: str) -> None:
    found = pairs[name].discrepancies()
    assert [each for each in found if not any(known.explains(each) for known in DIFFERENCES)] == []


@pytest.mark.parametrize("name", [name for name in CORPUS if not name.startswith("refused-")])
def test_a_message_of_ours_keeps_the_rules_of_the_wire(pairs: dict[str, Pair], name: str) -> None:
    well_formed(pairs[name].ours.content)


def test_every_difference_that_is_meant_is_there(pairs: dict[str, Pair]) -> None:
    found = [each for pair in pairs.values() for each in pair.discrepancies()]
    assert [known.name for known in DIFFERENCES if not any(known.explains(each) for each in found)] == []


def test_every_difference_has_its_line_with_the_reason() -> None:
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    named = [row.split("`")[1] for row in rows if row.split("|")[-2].strip()]
    assert sorted(named) == sorted(known.name for known in DIFFERENCES)
