"""The comparison of a scan with the truth, on tables that fit on a page."""

from corpus.compare import Comparison, compare, key
from corpus.figures import Compared, details, misses, table
from corpus.inventory import Route, Scan
from corpus.truth import TrueRoute, Truth
from corpus.wheels import Wheel


def true(path: str, *, gated: bool | None = True, kind: str = "http", endpoint: str = "app:f") -> TrueRoute:
    return TrueRoute(path, ("GET",), kind, endpoint, gated)


def told(
    path: str,
    evidence: str,
    *,
    kind: str = "http",
    methods: tuple[str, ...] = ("GET",),
    app: str = "app:app",
    endpoint: str = "app:f",
) -> Route:
    return Route(app, path, methods, kind, endpoint, evidence, "a loop" if evidence == "UNRESOLVED" else None)


def compared(routes: list[TrueRoute], scanned: list[Route]) -> Comparison:
    truth = Truth("example", "app:app", Wheel("example", "1"), knows_gates=True, routes=tuple(routes))
    return compare(truth, scanned)


def test_what_is_told_rightly_has_no_miss() -> None:
    figures = compared(
        [true("/a"), true("/b", gated=False), true("/c", gated=False), true("/d", gated=False)],
        [
            told("/a", "GATED-STATIC"),
            told("/b", "OPEN"),
            told("/c", "UNRESOLVED"),
            told("/d", "PUBLIC"),
            told("/other", "OPEN", app="other:app"),
        ],
    )
    assert (figures.found, figures.endpoints, figures.ungated_flagged) == (1, 1, 1)
    assert (figures.gated_open, figures.gated_unresolved, figures.extra) == (0, 0, ())
    scan = Scan((), (), (), lines=100_000, seconds=0.1, mebibytes=30)
    assert list(misses([Compared("example", figures, scan)])) == []


def test_a_route_that_is_missing_counts_as_one_that_is_not_shown() -> None:
    figures = compared([true("/a", gated=False), true("/b", gated=False)], [told("/a", "OPEN")])
    assert (figures.found, figures.ungated_flagged) == (0.5, 0.5)
    assert [route.path for route in figures.unflagged] == ["/b"]


def test_each_figure_that_is_not_held_is_named() -> None:
    figures = compared(
        [true("/a"), true("/b"), true("/c", gated=False)],
        [
            told("/a", "OPEN", endpoint="app:g"),
            told("/b", "UNRESOLVED"),
            told("/c", "GATED-STATIC"),
            told("/d", "OPEN"),
        ],
    )
    one = Compared("example", figures, Scan((), (), (), lines=100_000, seconds=1, mebibytes=390))
    assert list(misses([one])) == [
        "example: ungated shown is 0.0 %, to hold is 100 %",
        "example: gated OPEN is 50.0 %, to hold is <= 1 %",
        "example: gated UNRESOLVED is 50.0 %, to hold is <= 5 %",
        "example: 390 MiB, to hold is 300",
        "all: lines/s is 100,000, to hold is >= 500,000",
    ]
    assert list(details(one)) == [
        "example: app:app",
        "  ungated and not shown as such: GET /c (app:f)",
        "  gated and called OPEN: GET /a (app:f)",
        "  gated and UNRESOLVED: GET /b (app:f): a loop",
        "  only the scan has: GET /d",
    ]
    shown = table([one]).splitlines()
    assert shown[0].split()[:3] == ["application", "routes", "found"]
    assert "66.7 %" in shown[2]
    assert "50.0 % !" in shown[2]


def test_a_mount_is_found_by_the_routes_below_it() -> None:
    mount = TrueRoute("/api", (), "mount", None, None)
    assert compared([mount], [told("/api/a", "OPEN")]).found == 1
    assert compared([mount], [told("/apis", "OPEN")]).found == 0


def test_a_module_that_is_not_in_the_source_can_be_shown_as_a_whole() -> None:
    route = true("/a", gated=False, endpoint="elsewhere:f")
    whole = told("/*", "UNRESOLVED", methods=(), endpoint="elsewhere:router")
    assert compared([route], [whole]).ungated_flagged == 1
    assert compared([route], [whole]).found == 0
    assert (
        compared([route], [told("/*", "UNRESOLVED", methods=(), endpoint="app:router")]).ungated_flagged == 0
    )


def test_an_application_of_another_name_is_known_by_its_routes() -> None:
    scanned = [told("/x", "OPEN"), told("/a", "OPEN", app="server:Server._app")]
    truth = Truth("example", "made:make()", Wheel("example", "1"), knows_gates=True, routes=(true("/a"),))
    assert compare(truth, scanned).app == "server:Server._app"


def test_of_several_routes_at_one_path_the_right_handlers_are_paired() -> None:
    figures = compared(
        [true("/a", endpoint="app:f"), true("/a", endpoint="app:g", gated=False)],
        [told("/a", "OPEN", endpoint="app:g"), told("/a", "GATED-STATIC", endpoint="app:f")],
    )
    assert (figures.endpoints, figures.ungated_flagged, figures.gated_open) == (1, 1, 0)


def test_what_the_framework_writes_differently_is_the_same_route() -> None:
    same = key(told("/files/{rest}", "OPEN"))
    assert key(told("/files/{rest:path}", "OPEN", methods=("GET", "HEAD"))) == same
    assert key(TrueRoute("/docs", ("GET", "HEAD"), "docs", None, None)) == key(
        told("/docs", "PUBLIC", kind="docs")
    )
    mount = TrueRoute("", (), "mount", None, None)
    assert key(mount) == key(told("/", "OPEN", kind="mount", methods=()))
    assert key(mount) != key(told("/", "OPEN"))
