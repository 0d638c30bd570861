"""Settings: where they come from, and what is said when they cannot be used."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mm_tui.settings import file as config_file
from mm_tui.settings import keys as key_sources
from mm_tui.settings import paths
from mm_tui.settings import sections as config
from mm_tui.settings.file import load as load_settings
from mm_tui.settings.secret import Secret
from mm_tui.settings.sections import ConfigError, Profile, Settings


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith(("MULTIMAIL_", "AI21_", "MM_TUI_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("MM_TUI_CONFIG", str(tmp_path / "config.toml"))


def write(folder: Path, text: str) -> Path:
    path = folder / "config.toml"
    path.write_text(text, "utf-8")
    return path


def fault(text: str, folder: Path, profile: str | None = None) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        load_settings(write(folder, text), profile=profile)
    return caught.value


def test_without_a_file_the_defaults_hold() -> None:
    settings = load_settings()
    assert settings.profile.name == "default"
    assert settings.profile.url == config.DEFAULT_URL
    assert settings.review.hold_seconds == 5


def test_a_named_file_must_exist(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        load_settings(tmp_path / "absent.toml")


def test_environment_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, '[profiles.a]\nurl = "https://a.example"\n[review]\nhold_seconds = 9\n')
    monkeypatch.setenv("MULTIMAIL_API_URL", "https://b.example/")
    monkeypatch.setenv("MULTIMAIL_API_KEY", "mm_test_x")
    monkeypatch.setenv("MM_TUI_REVIEW_HOLD_SECONDS", "3")
    monkeypatch.setenv("MM_TUI_SYNC_MEMORY", "true")
    monkeypatch.setenv("MM_TUI_REVIEW_SECOND_APPROVER", "always")
    settings = load_settings()
    assert settings.profile.url == "https://b.example"
    assert settings.profile.oversight_key == Secret("mm_test_x")
    assert settings.review.hold_seconds == 3
    assert settings.review.second_approver == "always"
    assert settings.sync.memory is True


def test_the_profile_is_chosen_by_argument_variable_file_or_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "[profiles.a]\n[profiles.b]\n[profiles.c]\n"
    assert load_settings(write(tmp_path, text)).profile.name == "a"
    write(tmp_path, 'default_profile = "b"\n' + text)
    assert load_settings().profile.name == "b"
    monkeypatch.setenv("MM_TUI_PROFILE", "c")
    assert load_settings().profile.name == "c"
    assert load_settings(profile="a").profile.name == "a"


@pytest.mark.parametrize(
    ("text", "where", "what", "cure"),
    [
        ("a = [", "config.toml", "is not TOML", "Fix that line"),
        ("[review]\nhold_secs = 5", ", line 2", "review.hold_secs is not a setting", "Did you mean hold_seconds?"),
        ("[revue]\n", ", line 1", "revue is not a setting", "Did you mean review?"),
        (
            "\n[review]\nhold_seconds = 99",
            ", line 3",
            "hold_seconds: must be a number of at most 60",
            "docs configuration",
        ),
        (
            "[sync]\nidle_seconds = []",
            ", line 2",
            "idle_seconds: must be a number, not a list",
            "docs configuration",
        ),
        ("[assist]\nautomatic = 3.5", ", line 2", "must be true or false, not a number", "docs configuration"),
        (
            "[assist]\nlabels = ['a', 3]",
            ", line 2",
            "assist.labels.1: must be a text, not a whole",
            "docs configuration",
        ),
        ("[assist.task_models]\nx = 'y'", ", line 2", "assist.task_models.x: cannot be 'x'", "docs configuration"),
        (
            "[review.sla_minutes]\na = 0",
            ", line 2",
            "sla_minutes.a: must be a whole number of at",
            "docs configuration",
        ),
        (
            "[review]\nsla_minutes = {default = 99999999999}",
            ", line 2",
            "sla_minutes.default: must be a whole number of at most",
            "docs configuration",
        ),
        ("[sync]\nwindow_days = 999999", ", line 2", "must be a whole number of at most 36500", "docs configuration"),
        ("[sync]\nretention_days = -1", ", line 2", "must be a whole number of at least 0", "docs configuration"),
        ("[agent]\ninterval_seconds = inf", ", line 2", "must be a number of at most 86400", "docs configuration"),
        ("[assist]\nlabels = []", ", line 2", "assist.labels: must have at least one label", "docs configuration"),
        ("[notice]\ndesktop = 'loud'", ", line 2", "notice.desktop: cannot be 'loud'", "docs configuration"),
        ("[notice]\nquiet_hours = 'x'", ", line 2", "notice.quiet_hours: must look like", "docs configuration"),
        ("review = 3", ", line 1", "review: must be a table, not a whole number", "docs configuration"),
        ('[profiles.x]\nurl = "http://a.example"', ", line 2", "profiles.x.url: plain http", "docs configuration"),
        ('[profiles.x]\nsend_key = "a b"', ", line 2", "profiles.x.send_key: is empty or has", "docs configuration"),
        ('[profiles.x]\noversite_key = "k"', ", line 2", "oversite_key is not a setting", "oversight_key?"),
        ("profiles = 3", "config.toml", "profiles is not a table", "[profiles.NAME]"),
        ("default_profile = 3", "config.toml", "default_profile is not a string", "NAME"),
        ("version = 2", "config.toml", "was written for a newer mm-tui (version 2", "Upgrade"),
        ('version = "x"', "config.toml", "version is not a number", "version = 1"),
    ],
)
def test_a_fault_names_file_line_key_and_cure(text: str, where: str, what: str, cure: str, tmp_path: Path) -> None:
    error = fault(text, tmp_path)
    assert where in error.where and what in error.what and cure in error.cure


def test_no_fault_contains_a_key(tmp_path: Path) -> None:
    error = fault('[profiles.x]\nsend_key = "mm_live_secret with space"\nurl = 3', tmp_path)
    assert "secret" not in str(error)


def test_an_unknown_profile_is_reported_with_those_that_exist(tmp_path: Path) -> None:
    assert "It has: a, b" in fault("[profiles.a]\n[profiles.b]\n", tmp_path, profile="c").cure
    assert "mm-tui init" in fault("", tmp_path, profile="c").cure


def test_a_fault_of_a_variable_names_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MULTIMAIL_API_URL", "http://a.example")
    with pytest.raises(ConfigError, match="MULTIMAIL_API_URL"):
        load_settings()
    monkeypatch.delenv("MULTIMAIL_API_URL")
    monkeypatch.setenv("MM_TUI_REVIEW_HOLD_SECONDS", "long")
    with pytest.raises(ConfigError, match="MM_TUI_REVIEW_HOLD_SECONDS"):
        load_settings()


def test_a_file_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    (tmp_path / "config.toml").mkdir()
    with pytest.raises(ConfigError, match="directory"):
        load_settings()
    (tmp_path / "config.toml").rmdir()
    (tmp_path / "config.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="UTF-8"):
        load_settings()


@pytest.mark.parametrize(
    ("keys", "live", "mismatch"),
    [
        ({}, None, ""),
        ({"oversight_key": "mm_test_a", "send_key": "mm_test_b"}, None, ""),
        ({"oversight_key": "mm_test_a", "send_key": "mm_live_b"}, None, "are mixed"),
        ({"oversight_key": "mm_test_a"}, True, "meant for live mail"),
        ({"oversight_key": "mm_live_a"}, False, "meant for tests"),
        ({"oversight_key": "mm_live_a"}, True, ""),
    ],
)
def test_keys_that_do_not_fit_the_profile_are_noticed(keys: dict[str, str], live: bool | None, mismatch: str) -> None:
    found = Profile.of({**keys, "live": live}).mismatch
    assert mismatch in found and bool(mismatch) == bool(found)


def test_a_profile_is_live_unless_all_keys_are_test_keys() -> None:
    assert Profile().is_live
    assert not Profile(oversight_key=Secret("mm_test_a")).is_live
    assert Profile(oversight_key=Secret("mm_test_a"), send_key=Secret("mm_live_b")).is_live


def test_a_profile_shows_no_key() -> None:
    assert "secret" not in repr(Profile(oversight_key=Secret("mm_live_secret")))


def test_store_paths_stay_in_the_data_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MM_TUI_DATA", str(tmp_path))
    for name in ("default", "../x", "a/b", "..", "ä"):
        assert paths.store_path(name).parent == tmp_path


# Key commands


def command_profile(command: str) -> Settings:
    return Settings(profile=Profile(name="p", send_key_command=command))


def test_a_key_command_gives_the_key(tmp_path: Path) -> None:
    settings = key_sources.with_keys(command_profile("printf 'mm_test_k \\nsecond line\\n'"))
    assert settings.profile.send_key == Secret("mm_test_k")


def test_a_key_that_is_set_wins_and_the_command_does_not_run(tmp_path: Path) -> None:
    profile = Profile(send_key=Secret("mm_test_a"), send_key_command=f"touch {tmp_path}/ran")
    assert key_sources.with_keys(Settings(profile=profile)).profile.send_key == Secret("mm_test_a")
    assert not (tmp_path / "ran").exists()


def test_no_shell_runs_a_key_command() -> None:
    assert key_sources.with_keys(command_profile("echo mm_test_k;id|$(id)")).profile.send_key == Secret(
        "mm_test_k;id|$(id)"
    )


@pytest.mark.parametrize(
    ("command", "what"),
    [
        ("no-such-program-here", "there is no such program"),
        ("false", "failed with exit status 1"),
        ("true", "printed no key"),
        ("echo two words", "did not print a key"),
        ("'", "cannot be split"),
        ("/", "cannot be run"),
    ],
)
def test_a_failing_key_command_is_reported_without_its_output(command: str, what: str) -> None:
    with pytest.raises(ConfigError) as caught:
        key_sources.with_keys(command_profile(command))
    assert "profiles.p.send_key_command" in caught.value.where
    assert what in caught.value.what
    assert command not in caught.value.what and "two words" not in str(caught.value), "it may be the key itself"


def test_a_key_in_the_keyring_that_is_none_is_not_blamed_on_a_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_sources, "from_keyring", lambda *_: "two words")
    with pytest.raises(ConfigError, match="system keyring: has no usable oversight key"):
        key_sources.with_keys(Settings(profile=Profile(name="p", keyring=True)))


def test_a_key_command_may_not_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_sources, "COMMAND_SECONDS", 0.1)
    with pytest.raises(ConfigError, match=r"within 0\.1 s"):
        key_sources.with_keys(command_profile("sleep 30"))


class FakeKeyring:
    """Stands in for the package keyring, which needs a desktop's service."""

    class errors:
        class KeyringError(Exception):
            pass

    def __init__(self, broken: bool = False) -> None:
        self.kept: dict[tuple[str, str], str] = {}
        self.broken = broken

    def get_password(self, service: str, name: str) -> str | None:
        if self.broken:
            raise self.errors.KeyringError("locked, holds mm_live_secret")
        return self.kept.get((service, name))

    def set_password(self, service: str, name: str, value: str) -> None:
        if self.broken:
            raise self.errors.KeyringError("locked")
        self.kept[service, name] = value


def install(monkeypatch: pytest.MonkeyPatch, fake: object) -> None:
    monkeypatch.setitem(__import__("sys").modules, "keyring", fake)
    monkeypatch.setitem(__import__("sys").modules, "keyring.errors", getattr(fake, "errors", None))


def test_keys_come_from_the_keyring_when_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, FakeKeyring())
    key_sources.into_keyring("p", "admin", Secret("mm_test_a"))
    settings = key_sources.with_keys(Settings(profile=Profile(name="p", keyring=True)))
    assert settings.profile.admin_key == Secret("mm_test_a")
    assert settings.profile.send_key is None
    assert key_sources.with_keys(Settings(profile=Profile(name="p"))).profile.admin_key is None


def test_a_keyring_that_cannot_be_used_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    asking = Settings(profile=Profile(name="p", keyring=True))
    install(monkeypatch, FakeKeyring(broken=True))
    with pytest.raises(ConfigError, match="cannot be read") as caught:
        key_sources.with_keys(asking)
    assert "secret" not in str(caught.value)
    with pytest.raises(ConfigError, match="cannot be written"):
        key_sources.into_keyring("p", "send", Secret("k"))
    install(monkeypatch, None)
    with pytest.raises(ConfigError, match="not installed"):
        key_sources.with_keys(asking)


def test_every_variable_of_the_environment_names_a_field() -> None:
    assert set(config_file.ENVIRONMENT.values()) <= set(Profile.__struct_fields__)


@pytest.mark.parametrize(
    ("text", "where", "what", "cure"),
    [
        ('[filters.queue]\nbad = "rsk:high"', ", line 2", "queue.bad: there is no operator rsk:", "mean risk:?"),
        ('[filters.queue]\n"my own" = "is:foo"', ", line 2", "filters.queue.my own: there is no is:foo", "operators"),
        ('[filters.inbox]\na = "is:x"\nb = "has:wings"', ", line 3", "inbox.b: has:wings: the values are", "operators"),
        ('[filters.queue]\nall = "is:mine"', ", line 2", "is the name that means no filter", "another name"),
        ('[filters.queue]\n"a\\u202e" = "is:mine"', "", "is not a valid name for a filter", "visible characters"),
        ('[filters]\nqeue = {}', ", line 2", "filters.qeue is not a setting", "Did you mean queue?"),
        ('[filters.queue]\na = 3', ", line 2", "filters.queue.a: must be a text, not a", "docs configuration"),
    ],
)  # fmt: skip
def test_an_unusable_saved_filter_is_reported_with_its_line(
    text: str, where: str, what: str, cure: str, tmp_path: Path
) -> None:
    error = fault(text, tmp_path)
    assert error.where.endswith(f"config.toml{where}")
    assert what in error.what
    assert cure in error.cure


def test_saved_filters_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MM_TUI_FILTERS_QUEUE", "no table can be set so")
    settings = load_settings(write(tmp_path, '[filters.queue]\n"mine, old" = "is:mine before:1d"\ndrafts = ""\n'))
    assert settings.filters.queue == {"mine, old": "is:mine before:1d", "drafts": ""}
