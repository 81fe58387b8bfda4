//! What is known of other people's libraries: which of their callables are gates, and which surely are not.
//!
//! Only what their source was seen to do stands here. Everything else of a library is not known.

use std::rc::Rc;

use sealgate_inventory::{Level, Strength};

use super::Gates;
use super::judge::scheme;
use super::judgement::{Flaw, FlawKind, Judgement, Verdict};
use super::tree::texts;
use crate::evaluate::Interpreter;
use crate::evaluate::value::{Arguments, Made, Value};

/// FastAPI's security schemes.
const SCHEMES: [&str; 11] = [
    "HTTPBearer",
    "HTTPBasic",
    "HTTPDigest",
    "HTTPBase",
    "APIKeyHeader",
    "APIKeyCookie",
    "APIKeyQuery",
    "OAuth2",
    "OAuth2PasswordBearer",
    "OAuth2AuthorizationCodeBearer",
    "OpenIdConnect",
];

/// Packages whose callables hand things to handlers and deny nobody.
const HARMLESS: [&str; 34] = [
    "aiocache",
    "aiohttp",
    "asyncio",
    "asyncpg",
    "beanie",
    "boto3",
    "builtins",
    "cachetools",
    "celery",
    "collections",
    "contextlib",
    "dataclasses",
    "datetime",
    "enum",
    "fastapi",
    "fastapi_cache",
    "fastapi_filter",
    "fastapi_limiter",
    "fastapi_pagination",
    "functools",
    "httpx",
    "logging",
    "motor",
    "os",
    "pydantic",
    "pydantic_settings",
    "pymongo",
    "redis",
    "slowapi",
    "sqlalchemy",
    "sqlmodel",
    "starlette",
    "typing",
    "uuid",
];

/// Middleware of libraries that lets everybody pass, whoever calls: by package, or by class.
const HARMLESS_MIDDLEWARE: [&str; 25] = [
    "CORSMiddleware",
    "GZipMiddleware",
    "BrotliMiddleware",
    "TrustedHostMiddleware",
    "HTTPSRedirectMiddleware",
    "SessionMiddleware",
    "ProxyHeadersMiddleware",
    "ServerErrorMiddleware",
    "ExceptionMiddleware",
    "WSGIMiddleware",
    "CorrelationIdMiddleware",
    "RawContextMiddleware",
    "ContextMiddleware",
    "PrometheusMiddleware",
    "PrometheusInstrumentatorMiddleware",
    "SentryAsgiMiddleware",
    "OpenTelemetryMiddleware",
    "SlowAPIMiddleware",
    "SlowAPIASGIMiddleware",
    "RequestIDMiddleware",
    "RequestIdMiddleware",
    "DebugToolbarMiddleware",
    "CompressMiddleware",
    "MetricsMiddleware",
    "EventHandlerASGIMiddleware",
];

impl<'a> Gates<'a> {
    /// What is known of something of a library, as a dependency. `None`: nothing.
    pub(super) fn library(value: &Value<'a>) -> Option<Judgement> {
        match value {
            Value::Made(made) => Self::made(made),
            Value::External(path) => harmless(path),
            _ => None,
        }
    }

    fn made(made: &Rc<Made<'a>>) -> Option<Judgement> {
        let path = &*made.callee;
        let arguments = &made.arguments;
        let package = path.split('.').next()?;
        let last = path.rsplit('.').next()?;
        match (package, last) {
            ("fastapi", last) if made.called && SCHEMES.contains(&last) => {
                let silent = matches!(flag(arguments, "auto_error", 4), Flag::Off | Flag::Unknown);
                Some(scheme(path, made.spot, silent))
            }
            (
                "fastapi_users" | "fastapi_users_db_sqlalchemy",
                "current_user" | "current_user_token",
            ) => {
                if !made.called {
                    return None;
                }
                let privileged = flag(arguments, "superuser", 3) == Flag::On;
                let roles: &[&str] = if privileged { &["superuser"] } else { &[] };
                Some(unless(path, arguments, "optional", roles))
            }
            ("fastapi_login", "LoginManager") if made.called => {
                Some(gate(path, Strength::default()))
            }
            (
                "fastapi_azure_auth",
                "SingleTenantAzureAuthorizationCodeBearer"
                | "MultiTenantAzureAuthorizationCodeBearer"
                | "B2CMultiTenantAuthorizationCodeBearer",
            )
            | ("fastapi_clerk_auth", "ClerkHTTPBearer")
                if made.called =>
            {
                Some(match flag(arguments, "auto_error", NOWHERE) {
                    Flag::Off => {
                        let mut found =
                            Judgement::not_gate(path, "with `auto_error=False` it denies nobody");
                        found.credential = true;
                        found.flaws.push(Flaw {
                            kind: FlawKind::AutoErrorFalse,
                            spot: made.spot,
                            text: path.into(),
                        });
                        found
                    }
                    Flag::Unknown => Judgement::unknown(path, "its `auto_error` is not known"),
                    _ => gate(path, Strength::default()),
                })
            }
            (
                "fastapi_cloudauth",
                "Cognito"
                | "Auth0"
                | "CognitoCurrentUser"
                | "Auth0CurrentUser"
                | "FirebaseCurrentUser",
            ) if made.called => Some(unless_false(path, arguments, "auto_error", NOWHERE)),
            ("fastapi_cloudauth", "scope") | ("fastapi_plugin", "require_auth") if made.called => {
                Some(gate(path, scopes(arguments.get(0, "scopes"))))
            }
            ("supertokens_python", "verify_session") if made.called => {
                Some(unless_false(path, arguments, "session_required", 1))
            }
            ("propelauth_fastapi", "require_user") => Some(gate(path, Strength::default())),
            ("propelauth_fastapi", "optional_user") | ("fastapi_login", "optional") => Some(
                Judgement::not_gate(path, "it lets in whoever brings nothing"),
            ),
            ("fief_client", "authenticated" | "current_user") if made.called => {
                let mut found = unless(path, arguments, "optional", &[]);
                if found.is_gate() {
                    found.strength = found.strength.and(&scopes(arguments.keyword("scope")));
                    found.strength = found
                        .strength
                        .and(&scopes(arguments.keyword("permissions")));
                }
                Some(found)
            }
            ("fastapi_keycloak", "get_current_user") if made.called => {
                Some(gate(path, roles(arguments.get(0, "required_roles"))))
            }
            // `Permission("view", acl)`: the list may allow everybody.
            ("fastapi_permissions", "configure_permissions()") if made.called => Some(
                Judgement::unknown(path, "whom its access list allows is not known"),
            ),
            _ => harmless(path),
        }
    }
}

/// A flag among the arguments of a call.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flag {
    On,
    Off,
    Missing,
    Unknown,
}

/// The position of what is only looked for by its name.
const NOWHERE: usize = usize::MAX;

/// A flag by its name, or at its position. Any `bool` where positions are not known may be it.
fn flag(arguments: &Arguments<'_>, name: &str, position: usize) -> Flag {
    let loose = position == NOWHERE
        && arguments
            .positional
            .iter()
            .any(|value| matches!(value, Value::Bool(_)));
    if loose && arguments.keyword(name).is_none() {
        return Flag::Unknown;
    }
    match (arguments.get(position, name), &arguments.open) {
        (Some(Value::Bool(true)), _) => Flag::On,
        (Some(Value::Bool(false)), _) => Flag::Off,
        (Some(_), _) | (None, Some(_)) => Flag::Unknown,
        (None, None) => Flag::Missing,
    }
}

/// A gate, unless a flag makes it one that lets in who brings nothing.
fn unless(path: &str, arguments: &Arguments<'_>, optional: &str, roles: &[&str]) -> Judgement {
    match flag(arguments, optional, 0) {
        Flag::On => {
            let mut found = Judgement::not_gate(path, "it lets in whoever brings nothing");
            found.credential = true;
            found
        }
        Flag::Unknown => Judgement::unknown(path, format!("its `{optional}` is not known")),
        _ => {
            let mut strength = Strength::default();
            if !roles.is_empty() {
                strength.level = Level::Privileged;
                strength
                    .roles
                    .extend(roles.iter().map(|role| (*role).to_owned()));
            }
            gate(path, strength)
        }
    }
}

/// A gate, unless a flag that is true by default was set to false.
fn unless_false(
    path: &str,
    arguments: &Arguments<'_>,
    required: &str,
    position: usize,
) -> Judgement {
    match flag(arguments, required, position) {
        Flag::Off => {
            let mut found = Judgement::not_gate(path, "it lets in whoever brings nothing");
            found.credential = true;
            found
        }
        Flag::Unknown => Judgement::unknown(path, format!("its `{required}` is not known")),
        _ => gate(path, Strength::default()),
    }
}

fn gate(path: &str, strength: Strength) -> Judgement {
    let mut found = Judgement::new(path, Verdict::Gate);
    found.credential = true;
    found.statuses.insert(401);
    found.strength = super::judge::at_least_user(strength);
    found
}

fn scopes(value: Option<&Value<'_>>) -> Strength {
    let scopes: Vec<String> = value.map(texts).unwrap_or_default();
    let level = if scopes.is_empty() {
        Level::User
    } else {
        Level::Privileged
    };
    Strength {
        level,
        scopes: scopes.into_iter().collect(),
        ..Strength::default()
    }
}

fn roles(value: Option<&Value<'_>>) -> Strength {
    let roles: Vec<String> = value.map(texts).unwrap_or_default();
    let level = if roles.is_empty() {
        Level::User
    } else {
        Level::Privileged
    };
    Strength {
        level,
        roles: roles.into_iter().collect(),
        ..Strength::default()
    }
}

fn harmless(path: &str) -> Option<Judgement> {
    let package = path.split('.').next()?;
    HARMLESS
        .contains(&package)
        .then(|| Judgement::not_gate(path, "it is known to let everybody pass"))
}

/// Methods of dependencies of libraries that deny when handlers call them.
pub(super) fn method_denies(class: &str, method: &str, awaited: bool) -> bool {
    let package = class.split('.').next().unwrap_or_default();
    (package == "fastapi_jwt_auth" || package == "async_fastapi_jwt_auth" && awaited)
        && class.ends_with("AuthJWT")
        && matches!(
            method,
            "jwt_required" | "fresh_jwt_required" | "jwt_refresh_token_required"
        )
}

/// What `@requires(...)` of Starlette asks for, if a decorator is that. It denies with 403, or redirects.
pub(super) fn requires(decorator: &Value<'_>) -> Option<Judgement> {
    let Value::Made(made) = decorator else {
        return None;
    };
    if !made.called || &*made.callee != "starlette.authentication.requires" {
        return None;
    }
    let asked: Vec<String> = made
        .arguments
        .get(0, "scopes")
        .map(texts)
        .unwrap_or_default();
    let mut strength = Strength {
        level: Level::User,
        ..Strength::default()
    };
    for scope in asked.into_iter().filter(|scope| scope != "authenticated") {
        strength.level = Level::Privileged;
        strength.scopes.insert(scope);
    }
    let mut found = gate(&made.callee, strength);
    found.statuses = [403].into();
    Some(found)
}

/// Whether a middleware of a library lets everybody pass.
pub(super) fn is_harmless_middleware(path: &str) -> bool {
    let package = path.split('.').next().unwrap_or_default();
    let last = path.rsplit('.').next().unwrap_or_default();
    HARMLESS_MIDDLEWARE.contains(&last)
        // It says who calls, and denies nobody who brings nothing.
        || last == "AuthenticationMiddleware" && matches!(package, "starlette" | "fastapi")
        || last == "AuthContextMiddleware" && package == "mcp"
        || matches!(
            package,
            "prometheus_client"
                | "prometheus_fastapi_instrumentator"
                | "starlette_exporter"
                | "starlette_prometheus"
                | "opentelemetry"
                | "sentry_sdk"
                | "ddtrace"
                | "elasticapm"
                | "asgi_correlation_id"
                | "starlette_context"
                | "starsessions"
                | "brotli_asgi"
                | "slowapi"
                | "uvicorn"
                | "secure"
                | "logfire"
                | "newrelic"
                | "scout_apm"
        )
}

/// Whether a class of the tree is a security scheme by inheritance.
pub(super) fn is_scheme_class<'a>(interpreter: &mut Interpreter<'a>, class: &Value<'a>) -> bool {
    SCHEMES
        .iter()
        .any(|scheme| interpreter.inherits(class, &format!("fastapi.security.{scheme}")))
}

/// Whether this takes name and password out of a form, as a sign-in does.
pub(super) fn is_body_form(value: &Value<'_>) -> bool {
    matches!(value, Value::External(path)
        if path.starts_with("fastapi.") && path.contains("OAuth2PasswordRequestForm"))
}
