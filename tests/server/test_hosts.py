"""Names of hosts, as they are given and as browsers send them."""

import pytest
from typer.testing import CliRunner

from muybridge.errors import OptionError
from muybridge.server.hosts import as_host_name, is_loopback


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("videos.example", "videos.example"),
        ("Videos.Example:8443", "videos.example"),
        ("https://videos.example/", "videos.example"),
        ("http://videos.example:80/archive?x", "videos.example"),
        (" videos.example. ", "videos.example"),
        ("m\u00fcnchen.example", "xn--mnchen-3ya.example"),  # RFC 3492's own algorithm, by idna.encode
        (
            "STRA\u00dfE.example",
            "xn--strae-oqa.example",
        ),  # not strasse.example: as browsers have it since 2023
        ("10.0.0.5:8080", "10.0.0.5"),
        ("[fe80::1]:80", "fe80::1"),
        ("FE80:0::1", "fe80::1"),
        ("my_host", "my_host"),
    ],
)
def test_a_name_is_what_a_browser_sends(given: str, name: str) -> None:
    assert as_host_name(given) == name


@pytest.mark.parametrize(
    "given",
    ["", " ", "*", "*.example", "a b", "a..b", "-a.example", "https://", "[::1", "x" * 64, "a." * 130 + "a"],
)
def test_what_is_no_name_of_a_host_is_refused(given: str) -> None:
    with pytest.raises(OptionError, match="is no name of a host; give one such as"):
        as_host_name(given)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.0.0.2", True),
        ("::1", True),
        ("0.0.0.0", False),
        ("::", False),
        ("256.1.1.1", False),
    ],
)
def test_who_reaches_an_address(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


@pytest.mark.parametrize(("host", "warns"), [("127.0.0.2", False), ("0.0.0.0", True)])
def test_who_serves_to_others_is_warned(host: str, warns: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    from muybridge.cli.main import app
    from muybridge.server import serving

    monkeypatch.setattr(serving, "serve", lambda folder, *, started, **_: started("http://x/"))
    done = CliRunner().invoke(app, ["serve", ".", "--host", host])
    assert done.exit_code == 0
    assert (f"everybody who can reach {host} can see these videos" in done.stderr) is warns
