"""The names of `pymailer.transports` are factories, whatever was imported before, and each loads only what it needs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import pymailer.transports
from pymailer import ConfigError, create_transport
from pymailer.transports.as_json import JSONTransport
from pymailer.transports.command import SendmailTransport
from pymailer.transports.in_memory import MemoryTransport
from pymailer.transports.mx import DirectTransport
from pymailer.transports.streaming import StreamTransport

FOLDER = Path(pymailer.transports.__file__).parent
MODULES = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "__init__")
FACTORIES = ("smtp", "direct", "sendmail", "stream", "json", "memory", "file", "failover", "round_robin", "ses")

CHECK = f"""
import importlib
import pymailer.transports as transports
for name in {MODULES!r}[%d:] + {MODULES!r}[:%d]:
    importlib.import_module(f"pymailer.transports.{{name}}")
from pymailer.transports import {", ".join(FACTORIES)}
for factory in ({", ".join(FACTORIES)}):
    assert callable(factory) and factory is getattr(transports, factory.__name__), factory
"""


def python(program: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=30
    ).stdout


def test_no_module_has_the_name_of_a_factory() -> None:
    assert not set(MODULES) & set(FACTORIES)


@pytest.mark.parametrize("first", [0, len(MODULES) // 2])
def test_no_module_shadows_a_factory_whatever_is_imported_first(first) -> None:
    python(CHECK % (first, first))


def test_every_factory_is_public() -> None:
    assert set(pymailer.transports.__all__) == set(FACTORIES)
    assert set(FACTORIES) <= set(dir(pymailer.transports))


def test_a_factory_loads_no_other_transport() -> None:
    program = "import sys; from pymailer.transports import memory; print(*sys.modules)"
    loaded = python(program).split()
    own = {name.rpartition(".")[2] for name in loaded if name.startswith("pymailer.transports.")}
    assert own == {"in_memory", "rehearsal"}
    assert "ssl" not in loaded
    assert "asyncio" not in loaded


def test_what_is_no_transport_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="carrier_pigeon"):
        pymailer.transports.carrier_pigeon  # noqa: B018


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ("memory:", MemoryTransport),
        ("json:", JSONTransport),
        ("stream:?buffer=true&newline=unix", StreamTransport),
        ("sendmail:?path=/usr/sbin/sendmail", SendmailTransport),
        ("direct:?name=mail.example.com", DirectTransport),
        ({"sendmail": True, "path": "/usr/sbin/sendmail"}, SendmailTransport),
        ({"streamTransport": True, "buffer": True}, StreamTransport),
        ({"stream_transport": True, "newline": "windows"}, StreamTransport),
        ({"json_transport": True}, JSONTransport),
    ],
)
def test_transports_are_selected_by_url_and_by_key(given, kind) -> None:
    assert type(create_transport(given).transport) is kind


@pytest.mark.parametrize("url", ["file:///etc/passwd", "file:", "failover:", "ses:", "http://example.com"])
def test_what_must_not_be_chosen_by_a_url_is_an_unknown_scheme(url) -> None:
    with pytest.raises(ConfigError, match="unknown URL scheme"):
        create_transport(url)
