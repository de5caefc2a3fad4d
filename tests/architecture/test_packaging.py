"""What a user installs: three typed packages with their data, and two dependencies."""

from __future__ import annotations

import re
import subprocess
import sys
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from zipfile import ZipFile

import pytest

from pymailer.__about__ import __version__
from tests.architecture.sources import PACKAGES, ROOT

BUILD = "import sys; from hatchling.build import build_wheel; print(build_wheel(sys.argv[1]))"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    built = subprocess.run(
        [sys.executable, "-c", BUILD, str(folder)], cwd=ROOT, capture_output=True, text=True, check=True, timeout=50
    )
    return folder / built.stdout.split()[-1]


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    with ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.fixture(scope="module")
def metadata(wheel: Path) -> Message:
    with ZipFile(wheel) as archive:
        return message_from_bytes(archive.read(f"pymailer-{__version__}.dist-info/METADATA"))


def test_the_wheel_holds_three_packages_and_nothing_else(names: set[str]) -> None:
    assert {name.split("/")[0] for name in names} == {*PACKAGES, f"pymailer-{__version__}.dist-info"}


@pytest.mark.parametrize("package", PACKAGES)
def test_each_package_is_typed(package: str, names: set[str]) -> None:
    assert f"{package}/py.typed" in names


@pytest.mark.parametrize("package", PACKAGES)
def test_each_package_comes_with_all_its_files(package: str, names: set[str]) -> None:
    on_disk = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert on_disk <= names


def test_the_core_needs_attrs_and_dnspython_only(metadata: Message) -> None:
    requirements = [text for text in metadata.get_all("Requires-Dist", []) if "extra ==" not in text]
    assert {re.split(r"[<>=!~ ;]", text)[0] for text in requirements} == {"attrs", "dnspython[idna]"}


def test_all_means_every_extra(metadata: Message) -> None:
    extras: dict[str, set[str]] = {}
    for text in metadata.get_all("Requires-Dist", []):
        requirement, _, marker = text.partition("; extra == ")
        extras.setdefault(marker.strip("'\""), set()).add(requirement)
    everything = extras.pop("all")
    del extras[""]
    assert everything == set().union(*extras.values())


def test_the_metadata_says_what_it_runs_on_and_under_which_licence(metadata: Message) -> None:
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata["License-Expression"] == "MIT"


def test_the_script_and_the_pool_are_found_by_name(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        entry_points = archive.read(f"pymailer-{__version__}.dist-info/entry_points.txt").decode()
    assert "pymailer = pymailer.__main__:main" in entry_points
    assert "pool = pymailer_smtp_pool:smtp_pool" in entry_points
