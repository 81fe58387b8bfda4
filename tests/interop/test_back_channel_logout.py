"""A client whose user signs out elsewhere hears of it (OpenID Connect Back-Channel Logout 1.0)."""

from __future__ import annotations

import ssl
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from interop.bad_requests import AUTHORIZE, VERIFIER
from interop.flows import ALGORITHMS
from interop.person import browser, come_back
from interop.world import CALLBACK, World

EVENT = "http://schemas.openid.net/event/backchannel-logout"


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated:joserfc.errors.SecurityWarning")
def test_the_end_of_a_sign_in_is_told_to_its_clients_in_a_token_that_joserfc_takes(world: World) -> None:
    known = world.clients["notified"]
    asked = {**AUTHORIZE, "client_id": known.id}
    verify = ssl.create_default_context(cafile=world.tls.authority)
    with httpx.Client(base_url=world.issuer, verify=verify) as http, browser(world, CALLBACK) as person:
        back = come_back(person, f"{world.issuer}/oauth/authorize?{urlencode(asked)}", world.user)
        form = {"grant_type": "authorization_code", "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
        form["code"] = parse_qs(urlsplit(back).query)["code"][0]
        tokens = http.post("/oauth/token", data=form, auth=(known.id, known.secret or "")).json()
        keys = KeySet.import_key_set(http.get("/oauth/jwks").json())
        page = person.open(f"{world.issuer}/oauth/logout")
        person.submit(page, page.form(action=f"{urlsplit(world.issuer).path}/oauth/logout"))
        token = jwt.decode(world.receiver.logouts.get(timeout=20), keys, algorithms=ALGORITHMS)
    id_token = jwt.decode(tokens["id_token"], keys, algorithms=ALGORITHMS).claims
    assert token.header["typ"] == "logout+jwt"
    assert token.claims["events"] == {EVENT: {}}
    assert "nonce" not in token.claims
    assert token.claims["exp"] - token.claims["iat"] <= 120
    assert token.claims["jti"]
    for name in ("iss", "aud", "sub", "sid"):
        assert token.claims[name] == id_token[name], name
