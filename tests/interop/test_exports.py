"""Records in the hands of other people's software: each form is read by a library that knows us not."""

from __future__ import annotations

import copy
import importlib
import json
import socket
import ssl
import subprocess
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast

import jsonschema
import pytest
from google.protobuf import json_format
from lab import ControlPlane
from lab.control_plane import program
from ocsf.v1_7_0 import events as ocsf
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from pydantic import ValidationError
from standardwebhooks import Webhook, WebhookVerificationError

with warnings.catch_warnings():
    # Its parser is old, and imports what Python is about to drop.
    warnings.simplefilter("ignore", DeprecationWarning)
    Syslog: Any = importlib.import_module("syslog_rfc5424_parser").SyslogMessage

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = json.loads((ROOT / "docs/reference/record.schema.json").read_text())
CLASSES: dict[int, Any] = {
    3001: ocsf.AccountChange,
    3002: ocsf.Authentication,
    3003: ocsf.AuthorizeSession,
    3004: ocsf.EntityManagement,
    3005: ocsf.UserAccess,
    6003: ocsf.ApiActivity,
    2004: ocsf.DetectionFinding,
}
NAMES = {
    3001: "account_change",
    3002: "authentication",
    3003: "authorize_session",
    3004: "entity_management",
    3005: "user_access",
    6003: "api_activity",
    2004: "detection_finding",
}


@dataclass
class Post:
    """What was posted."""

    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """Takes posts on a loopback port, and answers as it is told."""

    posts: list[Post] = field(default_factory=list[Post])
    status: int = 200
    refused: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                status = receiver.status
                if status == 200:
                    headers = {name.lower(): value for name, value in self.headers.items()}
                    receiver.posts.append(Post(headers, body))
                else:
                    receiver.refused.set()
                self.send_response(status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                """Says nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/records"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@dataclass
class Lines:
    """A syslog receiver: connections are read to their end, datagrams as they come."""

    kind: str
    tls: ssl.SSLContext | None = None
    received: list[bytes] = field(default_factory=list[bytes])

    def __post_init__(self) -> None:
        kind = socket.SOCK_DGRAM if self.kind == "udp" else socket.SOCK_STREAM
        self._socket = socket.socket(socket.AF_INET, kind)
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        if self.kind != "udp":
            self._socket.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                if self.kind == "udp":
                    self.received.append(self._socket.recv(65536))
                    continue
                connection, _ = self._socket.accept()
            except OSError:
                return
            try:
                if self.tls is not None:
                    connection = self.tls.wrap_socket(connection, server_side=True)
                whole = b""
                while piece := connection.recv(65536):
                    whole += piece
                self.received.append(whole)
            except OSError:
                pass
            finally:
                connection.close()

    def stop(self) -> None:
        self._socket.close()

    def messages(self) -> list[str]:
        """Each message, by the framing that the RFCs describe."""
        if self.kind == "udp":
            return [datagram.decode() for datagram in self.received]
        found: list[str] = []
        for whole in self.received:
            rest = whole
            while rest:
                length, _, rest = rest.partition(b" ")
                found.append(rest[: int(length)].decode())
                rest = rest[int(length) :]
        return found


def eventually(look: Callable[[], bool]) -> None:
    """Waits until it is so, for thirty seconds."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        if look():
            return
        time.sleep(0.1)
    raise AssertionError("it did not come")


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with ControlPlane(tmp_path_factory.mktemp("exports")) as plane:
        yield plane


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.stop()


def add(plane: ControlPlane, name: str, target: dict[str, Any], **more: Any) -> dict[str, Any]:
    return plane.administer("POST", "/sinks", {"name": name, "target": target, **more})


def act(plane: ControlPlane, email: str) -> None:
    plane.administer("POST", "/users", {"email": email, "name": 'A ] " \\ name'})


def exported(plane: ControlPlane, form: str) -> list[str]:
    """What `sealgate audit export` prints."""
    command = [program(), "audit", "export", "--format", form, "--data-dir", str(plane.data_dir)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    # Ends of lines alone: what splits lines elsewhere must not be in them.
    assert done.stdout.splitlines() == done.stdout.split("\n")[:-1]
    return done.stdout.splitlines()


def check_ocsf(event: dict[str, Any], schema: dict[str, Any]) -> None:
    """Holds an event to its class: the models of pydantic-ocsf, and the schema that they are made of."""
    uid = event["class_uid"]
    # Of a copy: the models fill in what is missing. They take the method, which is text, for a number.
    modelled = copy.deepcopy(event)
    modelled.pop("http_request", None)
    CLASSES[uid].model_validate(modelled)
    assert event["type_uid"] == uid * 100 + event["activity_id"]
    attributes, constraints = attributes_of(schema["events"], NAMES[uid])
    security = {"action_id", "action", "disposition_id", "disposition"}
    for name, value in event.items():
        judged = "security_control" in event["metadata"].get("profiles", [])
        assert name in attributes or (judged and name in security), f"{name} is not of class {uid}"
        if isinstance(value, dict) and name != "unmapped":
            check_object(schema, name, cast("dict[str, Any]", value))
    for name, requirement in attributes.items():
        assert requirement != "required" or name in event, f"class {uid} requires {name}"
    at_least(constraints, event)


def attributes_of(parts: dict[str, Any], name: str) -> tuple[dict[str, Any], list[list[str]]]:
    """The attributes of a class or an object with those that it extends, and what it has to have one of."""
    attributes: dict[str, Any] = {}
    constraints: list[list[str]] = []
    at: str | None = name
    while at is not None:
        part = parts[at]
        for key, value in part["attributes"].items():
            whole = cast("dict[str, Any]", value) if isinstance(value, dict) else {"requirement": value}
            requirement = whole.get("requirement")
            if not key.startswith("$") and attributes.get(key) is None:
                attributes[key] = requirement
        if "constraints" in part and not constraints:
            constraints = [part["constraints"].get("at_least_one", [])]
        at = part.get("extends")
    return attributes, constraints


OBJECTS = {
    "actor": "actor",
    "user": "user",
    "entity": "managed_entity",
    "src_endpoint": "network_endpoint",
    "session": "session",
    "metadata": "metadata",
    "product": "product",
    "api": "api",
    "service": "service",
    "response": "response",
    "http_request": "http_request",
    "finding_info": "finding_info",
    "analytic": "analytic",
}


def check_object(schema: dict[str, Any], name: str, value: dict[str, Any]) -> None:
    attributes, constraints = attributes_of(schema["objects"], OBJECTS[name])
    for key, inner in value.items():
        assert key in attributes, f"{key} is not of the object {name}"
        if isinstance(inner, dict):
            check_object(schema, key, cast("dict[str, Any]", inner))
    for key, requirement in attributes.items():
        assert requirement != "required" or key in value, f"{name} requires {key}"
    at_least(constraints, value)


def at_least(constraints: list[list[str]], value: dict[str, Any]) -> None:
    for some in constraints:
        assert not some or any(key in value for key in some), f"one of {some} is missing in {value}"


@pytest.fixture(scope="module")
def ocsf_schema() -> dict[str, Any]:
    """The schema of OCSF as pydantic-ocsf carries it."""
    import ocsf as package

    path = Path(str(package.__file__)).parent / "schemas/v1_7_0.json"
    schema: dict[str, Any] = json.loads(path.read_text())
    assert schema["version"] == "1.7.0"
    return schema


def test_deliveries_of_webhooks_are_verified_by_standardwebhooks(
    plane: ControlPlane, receiver: Receiver
) -> None:
    made = add(plane, "hook", {"kind": "webhook", "url": receiver.url})
    act(plane, "hook@example.com")
    eventually(lambda: b"user.create" in b"".join(post.body for post in receiver.posts))
    webhook = Webhook(made["secret"])
    for post in receiver.posts:
        payload = webhook.verify(post.body, post.headers)
        assert payload["type"] == "sealgate.records"
        for record in payload["data"]["records"]:
            jsonschema.validate(record, SCHEMA)
    changed = receiver.posts[0].body.replace(b"sink.create", b"sink.forget")
    with pytest.raises(WebhookVerificationError):
        webhook.verify(changed, receiver.posts[0].headers)

    # Both secrets are good while the old one is kept.
    rotated = plane.administer("POST", "/sinks/hook/secret", {"keep": 3600})
    receiver.posts.clear()
    tested = plane.administer("POST", "/sinks/hook/test")
    assert tested == {"delivered": True, "error": None}
    test = next(post for post in receiver.posts if b"sink.test" in post.body)
    Webhook(made["secret"]).verify(test.body, test.headers)
    Webhook(rotated["secret"]).verify(test.body, test.headers)
    plane.administer("DELETE", "/sinks/hook")


def test_logs_are_decoded_by_opentelemetry_proto(plane: ControlPlane, receiver: Receiver) -> None:
    headers = [{"name": "X-Api-Key", "value": "of-the-collector"}]
    add(plane, "collector", {"kind": "otel", "url": receiver.url}, headers=headers)
    act(plane, "otel@example.com")
    eventually(lambda: b"user.create" in b"".join(post.body for post in receiver.posts))
    names: list[str] = []
    for post in receiver.posts:
        assert post.headers["content-type"] == "application/x-protobuf"
        assert post.headers["x-api-key"] == "of-the-collector"
        request = ExportLogsServiceRequest.FromString(post.body)
        [logs] = request.resource_logs
        resource = {pair.key: pair.value.string_value for pair in logs.resource.attributes}
        assert resource["service.name"] == "sealgate"
        for record in logs.scope_logs[0].log_records:
            assert record.time_unix_nano > 0
            assert record.severity_number == 9
            assert "\n" not in record.body.string_value
            names.append(record.event_name)
        # Nothing but what the messages know.
        assert not json_format.MessageToDict(request).get("unknownFields")
        assert ExportLogsServiceRequest.FromString(request.SerializeToString()) == request
    assert "sealgate.user.create" in names

    # The same in JSON, from the command line.
    for line in exported(plane, "otel"):
        document = json.loads(line)
        for record in document["resourceLogs"][0]["scopeLogs"][0]["logRecords"]:
            # protobuf's JSON has bytes in base64 where OTLP has hexadecimal digits.
            assert len(bytes.fromhex(record.pop("traceId", "0" * 32))) == 16
        json_format.ParseDict(document, ExportLogsServiceRequest())
    plane.administer("DELETE", "/sinks/collector")


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_syslog_is_parsed_by_a_foreign_parser(plane: ControlPlane, transport: str) -> None:
    lines = Lines(transport)
    target = {"kind": "syslog", "host": "127.0.0.1", "port": lines.port, "transport": transport}
    add(plane, f"log-{transport}", target)
    act(plane, f"{transport}@example.com")
    eventually(lambda: any("user.create" in message for message in lines.messages()))
    for text in lines.messages():
        assert "\n" not in text
        message = Syslog.parse(text)
        assert message.facility.name == "audit"
        assert message.appname == "sealgate"
        data = message.sd["sealgate@32473"]
        assert data["action"] == message.msgid
        assert data["outcome"] in {"allowed", "denied"}
    plane.administer("DELETE", f"/sinks/log-{transport}")
    lines.stop()


def test_syslog_over_tls_trusts_the_authority_that_it_was_given_and_no_other(
    plane: ControlPlane, tmp_path: Path
) -> None:
    trustme = pytest.importorskip("trustme")
    ours, other = trustme.CA(), trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ours.issue_cert("127.0.0.1").configure_cert(context)
    lines = Lines("tls", context)

    def target(authority: Any) -> dict[str, Any]:
        pem = authority.cert_pem.bytes().decode()
        place = {"kind": "syslog", "host": "127.0.0.1", "port": lines.port}
        return {**place, "transport": "tls", "authority": pem}

    add(plane, "trusted", target(ours))
    add(plane, "not-trusted", target(other))
    eventually(lambda: any("sink.create" in message for message in lines.messages()))
    refused = plane.administer("POST", "/sinks/not-trusted/test")
    assert refused == {"delivered": False, "error": "outbound_tls_failed"}
    plane.administer("DELETE", "/sinks/trusted")
    plane.administer("DELETE", "/sinks/not-trusted")
    lines.stop()


def test_syslog_from_the_command_line_is_parsed_too(plane: ControlPlane) -> None:
    lines = exported(plane, "syslog")
    assert lines
    for line in lines:
        assert Syslog.parse(line).sd["sealgate@32473"]["number"]


def test_one_stream_of_an_export_is_verified_alone(plane: ControlPlane, tmp_path: Path) -> None:
    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([program(), *words], capture_output=True, text=True, timeout=60)

    at = ("--data-dir", str(plane.data_dir))
    keys, records = tmp_path / "keys.json", tmp_path / "records.jsonl"
    act(plane, "chained@example.com")
    keys.write_text(run("audit", "checkpoint", "--json", *at).stdout)
    printed = run("audit", "export", "--chain", "--stream", "acts-denied", *at).stdout
    lines = [json.loads(line) for line in printed.splitlines()]
    left = [line for line in lines if set(line) == {"number", "hash", "content"}]
    checkpoints = [line for line in lines if set(line) == {"checkpoint"}]
    assert left
    assert checkpoints
    assert "user.create" not in printed
    numbers = [line["number"] for line in lines if "number" in line]
    assert numbers == list(range(1, len(numbers) + 1))

    def verified(text: str) -> int:
        records.write_text(text)
        return run("audit", "verify", str(records), "--keys", str(keys)).returncode

    assert verified(printed) == 0
    assert verified(printed.replace(left[1]["content"], left[0]["content"])) == 1
    lost = [line for line in printed.splitlines() if json.loads(line) != left[1]]
    assert verified("\n".join(lost) + "\n") == 1
    assert run("audit", "export", "--chain", "--format", "ocsf", *at).returncode == 2


def test_lines_are_of_the_published_schema(plane: ControlPlane) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    lines = exported(plane, "jsonl")
    records = [json.loads(line) for line in lines]
    for record in records:
        jsonschema.validate(record, SCHEMA)
    numbers = [record["number"] for record in records]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert len({record["id"] for record in records}) == len(records)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**records[0], "outcome": "perhaps"}, SCHEMA)


def test_events_are_of_the_classes_of_ocsf(plane: ControlPlane, ocsf_schema: dict[str, Any]) -> None:
    lines = exported(plane, "ocsf")
    assert len(lines) > 5
    for line in lines:
        check_ocsf(json.loads(line), ocsf_schema)


def test_every_action_has_an_event_that_its_class_of_ocsf_takes(ocsf_schema: dict[str, Any]) -> None:
    folder = ROOT / "crates/sealgate-audit/src/forms/snapshots"
    text = (folder / "sealgate_audit__forms__tests__every_action_in_ocsf.snap").read_text()
    events = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    assert len(events) > 200
    seen: set[int] = set()
    for event in events:
        check_ocsf(event, ocsf_schema)
        if event["class_uid"] not in seen:
            # The check can fail: each class misses what it requires.
            seen.add(event["class_uid"])
            for gone in ("metadata", "severity_id", "time", "category_uid"):
                with pytest.raises((ValidationError, AssertionError)):
                    check_ocsf({key: value for key, value in event.items() if key != gone}, ocsf_schema)
            with pytest.raises((ValidationError, AssertionError)):
                check_ocsf({**event, "activity_id": 77}, ocsf_schema)
            with pytest.raises(AssertionError):
                check_ocsf({**event, "something_else": 1}, ocsf_schema)
    assert seen == set(CLASSES)


def test_a_kill_between_batches_leaves_nothing_out(
    tmp_path_factory: pytest.TempPathFactory, receiver: Receiver
) -> None:
    with ControlPlane(tmp_path_factory.mktemp("killed")) as plane:
        made = add(plane, "siem", {"kind": "webhook", "url": receiver.url}, **{"from": "beginning"})
        for round_ in range(3):
            receiver.refused.clear()
            receiver.status = 503 if round_ == 1 else 200
            for count in range(30):
                act(plane, f"user-{round_}-{count}@example.com")
            if round_ == 1:
                assert receiver.refused.wait(timeout=20)
            plane.kill()
            plane.restart()
        receiver.status = 200

        def records() -> list[dict[str, Any]]:
            webhook = Webhook(made["secret"])
            bodies: list[Any] = [webhook.verify(post.body, post.headers) for post in receiver.posts]
            return [record for body in bodies for record in body["data"]["records"]]

        def complete() -> bool:
            created = [record for record in unique(records()) if record["action"] == "user.create"]
            return len(created) >= 90

        eventually(complete)
        all_of_them = unique(records())
        numbers = sorted(record["number"] for record in all_of_them)
        assert numbers == list(range(1, len(numbers) + 1)), "none is missing, and one id is one record"


def unique(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each record once, as a receiver has them that drops what it had before."""
    return list({record["id"]: record for record in records}.values())
