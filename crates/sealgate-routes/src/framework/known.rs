//! The classes that routes are made of, and the names by which they are imported.

/// A class of the framework that routes are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Known {
    FastApi,
    /// A FastAPI application with several versions of its routes.
    Cadwyn,
    ApiRouter,
    Starlette,
    Router,
    ApiRoute,
    ApiWebSocketRoute,
    Route,
    WebSocketRoute,
    Mount,
    Host,
    StaticFiles,
    Middleware,
    HttpEndpoint,
    WebSocketEndpoint,
    BaseHttpMiddleware,
    /// `classy_fastapi.Routable`: its methods are routes of its `router`, which here is the object itself.
    Routable,
    /// What `include_router` leaves behind in a list of routes.
    Included,
    /// What `gate.public_path(...)` said.
    PublicPath,
}

/// The class of the framework with this dotted name, whichever module it is imported from.
///
/// Classes of other libraries that inherit from one of them, and leave its routing as it is, count as that one.
pub(crate) fn known(path: &str) -> Option<Known> {
    let (module, name) = path.rsplit_once('.')?;
    let package = module.split('.').next()?;
    let found = match (package, name) {
        ("fastapi", "FastAPI") => Known::FastApi,
        ("cadwyn", "Cadwyn") => Known::Cadwyn,
        ("fastapi", "APIRouter")
        | ("cadwyn", "VersionedAPIRouter")
        | ("fastapi_utils" | "fastapi_restful", "InferringRouter") => Known::ApiRouter,
        ("starlette", "Starlette") => Known::Starlette,
        ("starlette", "Router") => Known::Router,
        ("fastapi", "APIRoute") => Known::ApiRoute,
        ("fastapi", "APIWebSocketRoute") => Known::ApiWebSocketRoute,
        ("starlette" | "fastapi", "Route") => Known::Route,
        ("starlette" | "fastapi", "WebSocketRoute") => Known::WebSocketRoute,
        ("starlette" | "fastapi", "Mount") => Known::Mount,
        ("starlette" | "fastapi", "Host") => Known::Host,
        ("starlette" | "fastapi", "StaticFiles") => Known::StaticFiles,
        ("starlette" | "fastapi", "Middleware") => Known::Middleware,
        ("starlette" | "fastapi", "HTTPEndpoint") => Known::HttpEndpoint,
        ("starlette" | "fastapi", "WebSocketEndpoint") => Known::WebSocketEndpoint,
        ("starlette" | "fastapi", "BaseHTTPMiddleware") => Known::BaseHttpMiddleware,
        ("classy_fastapi", "Routable") => Known::Routable,
        _ => return None,
    };
    Some(found)
}

impl Known {
    /// Whether it holds routes.
    pub(crate) fn is_router(self) -> bool {
        self.is_application() || matches!(self, Self::ApiRouter | Self::Router | Self::Routable)
    }

    /// Whether a server can serve it with middleware of its own.
    pub(crate) fn is_application(self) -> bool {
        matches!(self, Self::FastApi | Self::Cadwyn | Self::Starlette)
    }

    /// Whether it has the methods, prefix and dependencies that FastAPI adds to Starlette's routers.
    pub(crate) fn is_fastapi(self) -> bool {
        matches!(
            self,
            Self::FastApi | Self::Cadwyn | Self::ApiRouter | Self::Routable
        )
    }

    /// Whether an instance of it is an instance of `class`, too.
    pub(crate) fn is_a(self, class: Self) -> bool {
        self == class
            || matches!(
                (self, class),
                (Self::FastApi | Self::Cadwyn, Self::Starlette)
                    | (Self::Cadwyn, Self::FastApi)
                    | (Self::ApiRouter, Self::Router)
                    | (Self::ApiRoute, Self::Route)
                    | (Self::ApiWebSocketRoute, Self::WebSocketRoute)
            )
    }

    /// What Python calls it, as `module:qualname`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::FastApi => "fastapi.applications:FastAPI",
            Self::Cadwyn => "cadwyn.applications:Cadwyn",
            Self::ApiRouter => "fastapi.routing:APIRouter",
            Self::Starlette => "starlette.applications:Starlette",
            Self::Router => "starlette.routing:Router",
            Self::ApiRoute => "fastapi.routing:APIRoute",
            Self::ApiWebSocketRoute => "fastapi.routing:APIWebSocketRoute",
            Self::Route => "starlette.routing:Route",
            Self::WebSocketRoute => "starlette.routing:WebSocketRoute",
            Self::Mount => "starlette.routing:Mount",
            Self::Host => "starlette.routing:Host",
            Self::StaticFiles => "starlette.staticfiles:StaticFiles",
            Self::Middleware => "starlette.middleware:Middleware",
            Self::HttpEndpoint => "starlette.endpoints:HTTPEndpoint",
            Self::WebSocketEndpoint => "starlette.endpoints:WebSocketEndpoint",
            Self::BaseHttpMiddleware => "starlette.middleware.base:BaseHTTPMiddleware",
            Self::Routable => "classy_fastapi.routable:Routable",
            Self::Included => "fastapi.routing:_IncludedRouter",
            Self::PublicPath => "sealgate.gate:Gate.public_path",
        }
    }
}

/// The methods that FastAPI has a decorator for.
pub(crate) const VERBS: [&str; 8] = [
    "get", "put", "post", "delete", "options", "head", "patch", "trace",
];

/// Whether an object of this class has a method of this name that is understood.
pub(crate) fn has_method(known: Known, name: &str) -> bool {
    if name == "__init__" {
        return true;
    }
    if !known.is_router() {
        return false;
    }
    let everywhere = [
        "add_route",
        "add_websocket_route",
        "route",
        "websocket_route",
        "mount",
        "host",
        "on_event",
        "add_event_handler",
    ];
    let fastapi = [
        "api_route",
        "add_api_route",
        "websocket",
        "add_api_websocket_route",
        "include_router",
        "frontend",
        "setup",
    ];
    let application = [
        "add_middleware",
        "middleware",
        "exception_handler",
        "add_exception_handler",
        "generate_and_include_versioned_routers",
    ];
    everywhere.contains(&name)
        || known.is_fastapi() && (VERBS.contains(&name) || fastapi.contains(&name))
        || known.is_application() && application.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::{Known, known};

    #[test]
    fn a_class_is_known_by_every_name_it_is_imported_by() {
        for path in ["fastapi.FastAPI", "fastapi.applications.FastAPI"] {
            assert_eq!(known(path), Some(Known::FastApi), "{path}");
        }
        for path in [
            "fastapi.APIRouter",
            "fastapi.routing.APIRouter",
            "cadwyn.VersionedAPIRouter",
        ] {
            assert_eq!(known(path), Some(Known::ApiRouter), "{path}");
        }
        assert_eq!(known("starlette.routing.Route"), Some(Known::Route));
        assert_eq!(
            known("fastapi.staticfiles.StaticFiles"),
            Some(Known::StaticFiles)
        );
    }

    #[test]
    fn a_class_of_another_library_with_the_same_name_is_not_known() {
        assert_eq!(known("aiohttp.web.Router"), None);
        assert_eq!(known("werkzeug.routing.Route"), None);
        assert_eq!(known("FastAPI"), None);
    }

    #[test]
    fn an_api_route_is_a_route_and_an_app_is_no_router() {
        assert!(Known::ApiRoute.is_a(Known::Route));
        assert!(!Known::Route.is_a(Known::ApiRoute));
        assert!(!Known::FastApi.is_a(Known::Router));
    }
}
