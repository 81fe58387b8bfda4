"""The extension itself: settings, bad input, and callbacks that always come."""

import socket
import threading
from types import MappingProxyType
from typing import Any, cast

import pytest
from sealgate import Gate, SettingsError, User
from sealgate._core import Core, Decision
from unreachable import SEAL_KEY, SETTINGS


@pytest.fixture
def core() -> Core:
    return Core(**SETTINGS)


def decide(core: Core, headers: Any = (), requirement: int = Core.UNMARKED, **change: Any) -> Any:
    """The decision about a request that is not simply let through."""
    scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": headers, **change}
    decision = core.admit(scope, requirement)
    assert isinstance(decision, Decision)
    return decision


@pytest.mark.parametrize(
    ("setting", "value", "says"),
    [
        ("issuer", "http://id.example", "SEALGATE_ISSUER must be https"),
        ("base_url", "app.example", "SEALGATE_BASE_URL"),
        ("client_id", "no blanks", "SEALGATE_CLIENT_ID"),
        ("seal_keys", "short", "SEALGATE_SEAL_KEYS"),
        ("staleness_bound", "-1", "SEALGATE_STALENESS_BOUND"),
        ("unmarked", "open", "SEALGATE_UNMARKED"),
        ("authority_file", "/nowhere.pem", "SEALGATE_AUTHORITY_FILE"),
    ],
)
def test_a_wrong_setting_is_named(setting: str, value: str, says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        Core(**{**SETTINGS, setting: value})


def test_a_missing_setting_is_named_with_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SETTINGS:
        monkeypatch.delenv(f"SEALGATE_{name.upper()}", raising=False)
    with pytest.raises(SettingsError, match="SEALGATE_ISSUER is not set"):
        Gate.from_env()


def test_the_environment_gives_the_same_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SETTINGS.items():
        monkeypatch.setenv(f"SEALGATE_{name.upper()}", value)
    Gate.from_env()


@pytest.mark.parametrize(
    ("scopes", "says"),
    [
        ([], "scopes is empty: leave it out"),
        ("openid profile", r"write scopes=\['openid', 'profile'\]"),
        (["openid profile"], "'openid profile', which is not the name of one scope"),
        (["openid", ""], "'', which is not the name of one scope"),
        (["profile"], "must hold `openid`"),
    ],
)
def test_scopes_that_cannot_be_meant_are_refused(scopes: Any, says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        Gate(**SETTINGS, scopes=scopes)


def test_applications_can_make_no_user_and_no_decision() -> None:
    # The type checkers must refuse these too: mypy reports an `ignore` that is not needed.
    with pytest.raises(TypeError):
        User()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    with pytest.raises(TypeError):
        User("usr_1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    with pytest.raises(TypeError):
        Decision()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def test_a_setting_that_does_not_exist_is_refused() -> None:
    with pytest.raises(TypeError, match="no setting"):
        Core(**SETTINGS, isuer="x")


def test_settings_errors_hold_no_secret() -> None:
    with pytest.raises(SettingsError) as caught:
        Core(**{**SETTINGS, "seal_keys": f"{SEAL_KEY}!{SEAL_KEY}"})
    assert SEAL_KEY not in str(caught.value)


def test_seal_keys_may_be_a_list() -> None:
    listed: dict[str, Any] = {**SETTINGS, "seal_keys": [SEAL_KEY], "staleness_bound": 5}
    Gate(**listed, scopes=["openid", "expenses:read"])


def test_equal_requirements_share_a_number(core: Core) -> None:
    assert core.require(["user"], scopes=["a"]) == core.require(["user"], scopes=["a"])
    assert core.require(["user"], scopes=["a"]) != core.require(["user"], roles=["a"])
    assert core.require_public("x") == core.require_public("x")
    assert core.UNMARKED not in (core.require(["user"]), core.require_public("x"))


@pytest.mark.parametrize(
    "headers",
    [None, 7, [("cookie", "text")], [(b"cookie",)], [b"cookie"], [None], [(b"cookie", None)], {b"a": b"b"}],
)
def test_header_fields_that_cannot_be_read_are_an_error_and_not_passed_over(core: Core, headers: Any) -> None:
    with pytest.raises((TypeError, IndexError)):
        decide(core, headers)


@pytest.mark.parametrize("headers", [[[b"cookie", b"sealgate=x"]], ((b"cookie", b"sealgate=x"),)])
def test_header_fields_come_in_any_sequence(core: Core, headers: Any) -> None:
    assert decide(core, headers).reason == "credential_invalid"


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ([], "credential_missing"),
        ([(b"cookie", b"sealgate=v1.a.b")], "credential_invalid"),
        ([(b"cookie", b"sealgate=a; sealgate=b")], "credential_duplicate"),
        ([(b"cookie", b"sealgate=a"), (b"cookie", b"sealgate=b")], "credential_duplicate"),
        ([(b"cookie", b"sealgate=" + b"a" * 5000)], "credential_oversize"),
        ([(b"cookie", b"sealgate=\xff\xfe")], "credential_invalid"),
        ([(b"cookie", b"__Host-Http-sealgate=a")], "credential_missing"),
        ([(b"authorization", b"Bearer x")], "token_invalid"),
        ([(b"cookie", b"=;;;=; ")], "credential_missing"),
    ],
)
def test_bad_credentials_have_their_reason(
    core: Core, headers: list[tuple[bytes, bytes]], reason: str
) -> None:
    decision = decide(core, headers)
    assert (decision.outcome, decision.status, decision.reason) == (1, 401, reason)
    assert decision.actor is None
    assert decision.set_cookies == ()


def test_unknown_requirements_and_types_of_scope_are_errors(core: Core) -> None:
    with pytest.raises(ValueError, match="requirement"):
        decide(core, requirement=99)
    with pytest.raises(ValueError, match="type is neither"):
        decide(core, type="carrier pigeon")


def test_a_decision_is_carried_through_once(core: Core) -> None:
    pending = decide(core, path="/auth/login")
    assert pending.outcome == 2
    answered = threading.Event()
    core.finish(pending, lambda _: answered.set())
    with pytest.raises(ValueError, match="already"):
        core.finish(pending, lambda _: None)
    assert answered.wait(10)
    with pytest.raises(ValueError, match="not pending"):
        core.finish(decide(core), lambda _: None)


def test_stopping_answers_those_who_wait() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(16)  # Connections are taken, and nothing is ever said.
        core = Core(**{**SETTINGS, "issuer": f"http://127.0.0.1:{silent.getsockname()[1]}"})
        decisions: list[Any] = []
        readiness: list[bool] = []
        core.finish(decide(core, path="/auth/login"), decisions.append)
        core.wait_ready(60, readiness.append)
        core.stop()
        assert decisions == [None]
        assert readiness == [False]
        core.stop()
        assert not core.ready


def test_waiting_ends_when_the_time_is_up(core: Core) -> None:
    answers: list[bool] = []
    answered = threading.Event()

    def done(ready: bool) -> None:
        answers.append(ready)
        answered.set()

    core.wait_ready(0.01, done)
    assert answered.wait(10)
    assert answers == [False]
    for wrong in (-1.0, float("nan"), float("inf"), 1e300):
        with pytest.raises(ValueError, match="span"):
            core.wait_ready(wrong, done)


def test_a_path_with_half_characters_is_refused_like_any_other(core: Core) -> None:
    scope: dict[str, Any] = {"type": "http", "method": "GET", "headers": [], "root_path": "/r"}
    for path in ("/\udcff", "/r/\ud800x", "\udcff"):
        decision = core.admit({**scope, "path": path}, core.UNMARKED)
        assert isinstance(decision, Decision)
        assert decision.reason == "credential_missing"


def test_a_scope_is_read_whatever_kind_of_mapping_it_is(core: Core) -> None:
    given = {"type": "websocket", "path": "/", "headers": ((b"cookie", b"sealgate=a"),)}
    for scope in (given, MappingProxyType(given)):
        decision = core.admit(cast(Any, scope), core.UNMARKED)
        assert isinstance(decision, Decision)
        assert decision.reason == "credential_invalid"
    for broken, error in (
        ({"path": 1}, TypeError),
        ({"type": "ftp"}, ValueError),
        ({"headers": [1]}, TypeError),
    ):
        with pytest.raises(error):
            core.admit({**given, **broken}, core.UNMARKED)
    with pytest.raises(KeyError):
        core.admit({"type": "http", "method": "GET"}, core.UNMARKED)
