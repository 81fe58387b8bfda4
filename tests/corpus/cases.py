"""Gates of public applications that were known to fail, and what a scan has to say of each."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from corpus.compare import FLAGGED
from corpus.inventory import Route, Scan, scan
from corpus.wheels import Wheel

_FIXTURES = Path(__file__).parent / "cases"


@dataclass(frozen=True)
class Named:
    """A finding that has to be there: the rule, and how the file's path ends."""

    rule: str
    file: str


@dataclass(frozen=True)
class Case:
    """A known failure."""

    id: str
    source: Wheel | None
    """The package that has it, or None: a folder of tests/corpus/cases has the same shape."""
    shown: tuple[str, ...] = ()
    """Routes, as `METHOD /path`, that have to be shown as open, unresolved or public."""
    findings: tuple[Named, ...] = ()
    public: bool = False
    """Being public is right for the routes, so that saying so has to be believed."""


_LITELLM = Wheel("litellm", "1.83.0")
_LANGFLOW = Wheel("langflow-base", "0.3.0")

CASES = (
    Case(
        "prefect-health-suffix",
        Wheel("prefect", "3.6.13"),
        findings=(Named("path-decision", "prefect/server/api/server.py"),),
    ),
    Case(
        "litellm-host",
        _LITELLM,
        findings=(Named("path-decision", "litellm/proxy/auth/auth_utils.py"),),
    ),
    Case(
        "litellm-unset-master-key",
        _LITELLM,
        findings=(Named("gate-cannot-deny", "litellm/proxy/auth/user_api_key_auth.py"),),
    ),
    Case(
        "chroma-unawaited",
        Wheel("chromadb", "1.4.0"),
        shown=("DELETE /api/v2/tenants/{tenant}/databases/{database_name}",),
        findings=(Named("unawaited-gate", "chromadb/server/fastapi/__init__.py"),),
    ),
    Case(
        "mlflow-fastapi-routes",
        Wheel("mlflow", "3.9.0"),
        shown=(
            "GET /ajax-api/3.0/jobs/{job_id}",
            "POST /ajax-api/3.0/jobs/",
            "PATCH /ajax-api/3.0/jobs/cancel/{job_id}",
            "POST /ajax-api/3.0/jobs/search",
            "POST /v1/traces",
        ),
    ),
    Case(
        "langflow-validate-code",
        Wheel("langflow-base", "0.2.0"),
        shown=("POST /api/v1/validate/code",),
    ),
    Case(
        "langflow-files-images",
        _LANGFLOW,
        shown=(
            "GET /api/v1/files/images/{flow_id}/{file_name}",
            "GET /api/v1/files/profile_pictures/{folder_name}/{file_name}",
            "GET /api/v1/files/profile_pictures/list",
        ),
    ),
    Case(
        "langflow-public-build",
        _LANGFLOW,
        shown=("POST /api/v1/build_public_tmp/{flow_id}/flow",),
        public=True,
    ),
    Case(
        "openwebui-version-updates",
        Wheel("open-webui", "0.5.7"),
        shown=("GET /api/version/updates",),
    ),
    Case(
        "openwebui-63391-disputed",
        Wheel("open-webui", "0.6.43"),
        shown=("GET /api/config",),
        public=True,
    ),
    Case(
        "crawl4ai-gate-noop",
        None,
        shown=("POST /crawl", "POST /screenshot", "GET /llm/{url}"),
        findings=(Named("no-op-branch", "auth.py"),),
    ),
    Case(
        "crawl4ai-ws-request-dep",
        None,
        shown=("WEBSOCKET /monitor/ws",),
        findings=(Named("request-typed-gate", "server.py"),),
    ),
    Case(
        "zenml-25723",
        Wheel("zenml", "0.46.0"),
        shown=("PUT /api/v1/users/{user_name_or_id}/activate",),
    ),
    Case(
        "lightrag-guest",
        Wheel("lightrag-hku", "1.4.9"),
        findings=(Named("gate-cannot-deny", "lightrag/api/utils_api.py"),),
    ),
    Case(
        "keboola-ui",
        None,
        shown=("GET /doctor", "GET /version", "GET /changelog", "GET /agents"),
        findings=(Named("walked-routes", "app.py"),),
    ),
)


def missed(case: Case, program: Path, cache: Path) -> list[str]:
    """What the scan has to say of a case and does not."""
    folder = case.source.unpacked(cache) if case.source else _FIXTURES / case.id.replace("-", "_")
    told = scan(program, folder)
    missed = [*_not_shown(case, told), *_not_found(case, told)]
    if case.public and not missed:
        missed += _not_believed(case, program, folder)
    return missed


def _not_shown(case: Case, told: Scan) -> Iterator[str]:
    for wanted in case.shown:
        evidence = sorted({route.evidence for route in told.routes if _is(route, wanted)})
        if not evidence:
            yield f"{wanted} is not there"
        elif not set(evidence) <= set(FLAGGED):
            yield f"{wanted} is called {', '.join(evidence)}"


def _not_found(case: Case, told: Scan) -> Iterator[str]:
    for wanted in case.findings:
        if not any(one.rule == wanted.rule and one.file.endswith(wanted.file) for one in told.findings):
            yield f"no {wanted.rule} in {wanted.file}"


def _not_believed(case: Case, program: Path, folder: Path) -> Iterator[str]:
    """What is declared public, with a reason, is public."""
    with tempfile.TemporaryDirectory() as place:
        config = Path(place) / "routes.toml"
        config.write_text(
            "".join(
                f'[[public]]\nroute = "{route}"\nreason = "what starts the page"\nexpires = 2999-12-31\n'
                for route in case.shown
            )
        )
        told = scan(program, folder, "--config", str(config))
    for wanted in case.shown:
        if not any(_is(route, wanted) and route.evidence == "PUBLIC" for route in told.routes):
            yield f"{wanted} is not public, although it was declared so"


def _is(route: Route, wanted: str) -> bool:
    method, _, path = wanted.partition(" ")
    methods = ("WEBSOCKET",) if route.kind == "websocket" else route.methods
    return route.path == path and method in methods
