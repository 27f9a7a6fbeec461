"""What a client says of who it is, and how it keeps that up to date."""

from pathlib import Path

import pytest

from creditgate.client import Client, ClientOptions, Tls, _channel
from creditgate.client._channel import CallMetadata
from tests.unit.client.conftest import Run
from tests.unit.client.scripted import ScriptedServer

HERE = "127.0.0.1:1"


def test_a_token_goes_along_and_is_not_shown() -> None:
    options = ClientOptions(actor="ada", token="cg_secret")
    assert CallMetadata(HERE, options).current() == (
        ("creditgate-actor", "ada"),
        ("authorization", "Bearer cg_secret"),
    )
    assert "cg_secret" not in repr(options)
    assert "actor='ada'" in repr(options)
    assert CallMetadata(HERE, ClientOptions()).current() == ()


def test_a_file_is_read_again_when_it_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s = 0.0
    monkeypatch.setattr(_channel, "monotonic", lambda: now_s)
    file = tmp_path / "token"
    file.write_text("cg_first\n")
    metadata = CallMetadata(HERE, ClientOptions(token_file=file))

    def token() -> str:
        ((_, value),) = metadata.current()
        return value

    assert token() == "Bearer cg_first"
    file.write_text("cg_the_second")
    assert token() == "Bearer cg_first", "it is looked at once a second"
    now_s += 2
    assert token() == "Bearer cg_the_second"
    for unusable in ("", "two words"):
        file.write_text(unusable)
        now_s += 2
        assert token() == "Bearer cg_the_second"
    file.unlink()
    now_s += 2
    assert token() == "Bearer cg_the_second"
    file.write_text("cg_third")
    now_s += 2
    assert token() == "Bearer cg_third"


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"token": "two words"}, "token: must be printable ASCII without spaces"),
        ({"token": "schlüssel"}, "token: must be"),
        ({"token": "a", "token_file": Path("b")}, "must not be given both"),
        ({"token_file": Path("none")}, "token_file = none: No such file"),
        ({"tls": Tls(ca=Path("none"))}, "ca = none: No such file"),
    ],
)
def test_what_cannot_be_used_is_refused(options: dict[str, object], why: str) -> None:
    with pytest.raises(ValueError, match=why) as caught:
        Client(HERE, ClientOptions(**options))  # type: ignore[arg-type]
    assert "two words" not in str(caught.value)


def test_a_certificate_needs_its_key() -> None:
    with pytest.raises(ValueError, match="must be given together"):
        Tls(certificate=Path("c"))


def test_the_command_takes_a_token_from_the_environment_or_a_file(
    run: Run, scripted: ScriptedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "token"
    file.write_text("cg_from_file")
    monkeypatch.setenv("CREDITGATE_TOKEN", "cg_from_environment")
    run("clock", "get")
    run("clock", "get", "--token-file", str(file))
    given = [call.metadata["authorization"] for call in scripted.calls]
    assert given == ["Bearer cg_from_environment", "Bearer cg_from_file"]
