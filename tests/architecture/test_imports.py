"""Who may know whom. An import is a dependency wherever it stands: at the top, in a function, for types only."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable

import pytest

from tests.architecture.sources import PACKAGES, ROOT, Source, sources

ARROWS: dict[str, set[str]] = {
    "__about__": set(),
    "front_door": set(),
    "on_demand": set(),
    "secret": set(),
    "outcome": set(),
    "events": {"errors", "names"},
    "log": set(),
    "names": set(),
    "errors": {"outcome"},
    "results": {"outcome", "errors"},
    "urls": {"errors"},
    "options": {"errors", "names", "urls"},
    "services": {"errors"},
    "dsn": {"errors", "names"},
    "runtime": {"errors"},
    "net": {"runtime", "errors", "options", "outcome"},
    "message": {"errors", "outcome", "results", "runtime", "names", "dsn"},
    "dkim": {"message", "errors", "runtime", "names"},
    "oauth2": {"runtime", "errors", "outcome", "events", "log"},
    "smtp": {
        *("net", "runtime", "errors", "outcome", "results", "options", "services"),
        *("log", "events", "names", "dsn", "oauth2", "transport", "message"),
    },
    "transport": {"results", "message", "runtime", "outcome"},
    "transports": {
        *("smtp", "message", "transport", "net", "dkim", "options", "results", "runtime"),
        *("errors", "outcome", "events", "log", "names", "dsn"),
    },
    "mailer_options": {"message", "dkim", "options", "errors"},
    "pipeline": {
        *("message", "dkim", "transport", "mailer_options", "results", "runtime"),
        *("errors", "outcome", "events", "names", "options"),
    },
    "middleware": {"message", "transport", "errors"},
    "bulk": {"results", "transport", "runtime", "options"},
    "sources": {"bulk"},
    "registry": {"transports", "transport", "smtp", "options", "urls", "names", "errors"},
}
"""What each part of `pymailer` may import of its siblings. A part that is not listed stands on top and may import all
of them: the fronts, the command line, the integrations."""

TOP = {"", "mailer", "__main__", "demo", "cli", "testing", "integrations"}
"""Parts of `pymailer` that stand on top of all others; the empty one is the package itself."""

LOOKS_BACK = {("pymailer/transports/members.py", "registry")}
"""The one arrow against the others, drawn when a list is given: a transport may be made of transports in any form."""

FOR_EVERYONE = {"__about__", "front_door", "on_demand", "secret"}
"""Parts that any other may import: the version, the mask over a password, the door that keeps one inside, and
names that are imported when they are used."""

MAY_LOOK_UP_SERVICES = {"services", "registry"}
"""Parts of the core that may import `pymailer_wellknown`."""

MAY_IMPORT_ASYNCIO = {
    *("pymailer/runtime/aio.py", "pymailer/mailer.py"),
    *("pymailer/demo/__init__.py", "pymailer/testing/colours.py"),
}
"""The asyncio runtime, the async front, and programs that use it."""

HEAVY = ("asyncio", "ssl", "dns", "email", "http", "urllib.request", "tempfile", "subprocess")
"""What `import pymailer` leaves to the moment of first use."""


def part_of(module: str) -> str:
    """`pymailer.net.channel` belongs to `net`, `pymailer` itself to the empty part."""
    return module.split(".")[1] if "." in module else ""


def core_imports(source: Source) -> Iterable[tuple[int, str]]:
    """Line and part of each import of `pymailer`; a public name of the package itself is the empty part."""
    parts = ARROWS.keys() | TOP
    for line, name in source.imports():
        if name.split(".")[0] == "pymailer":
            part = part_of(name)
            yield line, part if part in parts else ""


def forbidden_arrows(source: Source) -> list[str]:
    own = part_of(source.module)
    if own in TOP:
        return []
    allowed = ARROWS.get(own, set()) | {own} | FOR_EVERYONE
    return [
        f"{source.path}:{line}: {own} → {part or 'pymailer'}"
        for line, part in core_imports(source)
        if part not in allowed and (source.path, part) not in LOOKS_BACK
    ]


def outside_imports(source: Source, names: Iterable[str]) -> list[str]:
    wanted = set(names)
    return [f"{source.path}:{line}: {name}" for line, name in source.imports() if name.split(".")[0] in wanted]


CORE = sources("pymailer")


def test_every_part_of_the_core_has_its_place_in_the_picture() -> None:
    assert {part_of(source.module) for source in CORE} <= ARROWS.keys() | TOP


def test_the_core_follows_its_arrows() -> None:
    assert [arrow for source in CORE for arrow in forbidden_arrows(source)] == []


def test_the_arrows_make_no_circle() -> None:
    ordered: list[str] = []
    while rest := ARROWS.keys() - set(ordered):
        ready = sorted(part for part in rest if ARROWS[part] <= set(ordered))
        assert ready, f"a circle among {sorted(rest)}"
        ordered += ready


def test_nothing_in_the_core_imports_the_pool_but_the_program_that_shows_it() -> None:
    core = [source for source in CORE if part_of(source.module) != "demo"]
    assert [found for source in core for found in outside_imports(source, ["pymailer_smtp_pool"])] == []


def test_only_the_lookup_of_a_service_imports_the_well_known_services() -> None:
    found = {
        part_of(source.module)
        for source in CORE
        if part_of(source.module) not in TOP and outside_imports(source, ["pymailer_wellknown"])
    }
    assert found <= MAY_LOOK_UP_SERVICES


def test_the_well_known_services_import_nothing_of_the_others() -> None:
    found = [
        found
        for source in sources("pymailer_wellknown")
        for found in outside_imports(source, ["pymailer", "pymailer_smtp_pool"])
    ]
    assert found == []


def test_asyncio_is_imported_only_where_it_is_the_point() -> None:
    found = {source.path for source in sources(*PACKAGES) if outside_imports(source, ["asyncio"])}
    assert found <= MAY_IMPORT_ASYNCIO


@pytest.mark.parametrize("package", PACKAGES)
def test_importing_a_package_stays_light(package: str) -> None:
    program = f"import sys, {package}; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True, timeout=30
    ).stdout.split()
    heavy = [name for name in loaded if any(name == root or name.startswith(f"{root}.") for root in HEAVY)]
    assert heavy == []


class TestTheReaderOfArrows:
    def test_sees_an_import_for_types_only(self) -> None:
        text = "if TYPE_CHECKING:\n    from pymailer.smtp.connection import Connection\n"
        assert forbidden_arrows(Source("pymailer/net/channel.py", text)) == ["pymailer/net/channel.py:2: net → smtp"]

    def test_sees_an_import_in_a_function(self) -> None:
        text = "def f():\n    import pymailer.mailer\n"
        assert forbidden_arrows(Source("pymailer/net/channel.py", text)) == ["pymailer/net/channel.py:2: net → mailer"]

    def test_counts_a_public_name_of_the_package_as_the_package(self) -> None:
        text = "from pymailer import create_transport\n"
        assert forbidden_arrows(Source("pymailer/errors.py", text)) == ["pymailer/errors.py:1: errors → pymailer"]

    def test_lets_a_part_import_its_own_modules(self) -> None:
        text = "from pymailer.net.channel import Channel\nfrom pymailer import net\n"
        assert forbidden_arrows(Source("pymailer/net/proxy.py", text)) == []
