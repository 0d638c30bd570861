"""The list of profiles: what is known of each without asking for its keys."""

from __future__ import annotations

from pathlib import Path

import pytest

from mm_tui.settings.profiles import ProfileKind, Profiles, fetches_keys, overriding
from mm_tui.settings.sections import ConfigError, Profile


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in overriding():
        monkeypatch.delenv(name)
    monkeypatch.delenv("MM_TUI_PROFILE", raising=False)


def profiles(folder: Path, text: str) -> Profiles:
    path = folder / "config.toml"
    path.write_text(text, "utf-8")
    return Profiles(path)


def test_each_profile_is_listed_with_its_kind_and_place(tmp_path: Path) -> None:
    listed = profiles(
        tmp_path,
        """
        default_profile = "prod"
        [profiles.try]
        url = "http://127.0.0.1:9"
        oversight_key = "mm_test_a"
        mailbox = "support@acme.example"
        [profiles.prod]
        oversight_key = "mm_live_a"
        [profiles.vault]
        oversight_key_command = "touch ran"
        live = true
        [profiles.unsaid]
        oversight_key_command = "touch ran"
        """,
    ).listed()
    assert [(one.name, one.kind) for one in listed] == [
        ("try", ProfileKind.TEST),
        ("prod", ProfileKind.LIVE),
        ("vault", ProfileKind.LIVE),
        ("unsaid", ProfileKind.UNKNOWN),
    ]
    assert listed[0].mailbox == "support@acme.example" and listed[0].url == "http://127.0.0.1:9"
    assert [one.name for one in listed if one.is_default] == ["prod"]
    assert not (tmp_path / "ran").exists()


def test_a_profile_that_cannot_be_used_is_listed_with_the_reason(tmp_path: Path) -> None:
    text = '[profiles.far]\nurl = "http://far.example"\n[profiles.odd]\nlive = true\nsend_key = "mm_test_a"\n'
    far, odd = profiles(tmp_path, text).listed()
    assert "plain http is allowed only" in far.trouble and "line 2" in far.trouble
    assert "meant for live mail" in odd.trouble


def test_an_unreadable_file_is_reported(tmp_path: Path) -> None:
    for text in ("[profiles", "profiles = 3\n", "version = 99\n"):
        with pytest.raises(ConfigError):
            profiles(tmp_path, text).listed()
    with pytest.raises(ConfigError, match="no such file"):
        Profiles(tmp_path / "none.toml").listed()


def test_without_a_file_there_is_the_default_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MM_TUI_CONFIG", str(tmp_path / "none.toml"))
    monkeypatch.setenv("MULTIMAIL_API_KEY", "mm_test_a")
    (only,) = Profiles().listed()
    assert (only.name, only.kind, only.is_default) == ("default", ProfileKind.TEST, True)
    assert overriding() == ("MULTIMAIL_API_KEY",)


def test_a_hostile_name_is_shown_clean_and_still_loads(tmp_path: Path) -> None:
    found = profiles(tmp_path, '[profiles."a\\u001b[31mb"]\nsend_key = "mm_test_a"\n')
    (only,) = found.listed()
    assert only.name == "ab"
    assert found.settings(only.key).profile.name == only.key


@pytest.mark.parametrize(
    ("profile", "asks"),
    [
        (Profile(), False),
        (Profile.of({"send_key": "k"}), False),
        (Profile(send_key_command="pass"), True),
        (Profile.of({"send_key": "k", "send_key_command": "pass"}), False),
        (Profile(keyring=True), True),
    ],
)
def test_whether_keys_must_be_asked_for(profile: Profile, asks: bool) -> None:
    assert fetches_keys(profile) is asks
