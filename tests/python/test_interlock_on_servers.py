"""On real servers, nothing leaves an application that is served past its gate."""

import sys
from pathlib import Path

import httpx
import pytest
from lab import Process, free_port, wait_until
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

SERVERS = {
    "uvicorn": ["uvicorn", "bypassed:served", "--port", "{port}", "--http", "h11", "--ws", "websockets"],
    "hypercorn": ["hypercorn", "bypassed:served", "--bind", "127.0.0.1:{port}"],
    "granian": ["granian", "bypassed:served", "--interface", "asgi", "--port", "{port}"],
}


@pytest.mark.parametrize("server", SERVERS)
def test_a_server_that_is_handed_the_router_gets_nothing_out(server: str, tmp_path: Path) -> None:
    pytest.importorskip(server)
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", *(part.format(port=port) for part in SERVERS[server])]
    path = {"PYTHONPATH": f"{Path(__file__).parent}:{':'.join(sys.path)}"}
    with Process(server, command, log=tmp_path / "server.log", env=path) as process:

        def answers() -> bool:
            process.check()
            try:
                return httpx.get(f"{url}/open", timeout=2).text == "open"
            except httpx.TransportError:
                return False

        wait_until(answers, server)
        for answer in (httpx.get(f"{url}/closed"), httpx.post(f"{url}/closed", content=b"x" * 100_000)):
            assert (answer.status_code, answer.json()["reason"]) == (500, "interlock")
        head = httpx.head(f"{url}/closed")
        assert (head.status_code, head.content) == (500, b"")
        with pytest.raises(InvalidStatus) as refused:
            connect(f"ws://127.0.0.1:{port}/ws")
        assert refused.value.response.status_code in (403, 500)
        assert httpx.get(f"{url}/nowhere").status_code == 404
