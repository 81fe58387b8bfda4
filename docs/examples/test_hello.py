from fastapi.testclient import TestClient
from hello import app
from sealgate.testing import as_user

client = TestClient(app)


def test_me_shows_the_address_of_whoever_is_signed_in() -> None:
    with as_user(app, email="ada@example.com"):
        assert client.get("/me").json() == {"email": "ada@example.com"}


def test_nobody_sees_the_reports() -> None:
    assert client.get("/reports").status_code == 401
