"""The program that the Model Context Protocol's conformance suite drives as a client.

The protocol itself is spoken by the official `mcp` client; `sealgate.agent` authenticates it. The suite names
the scenario and what it takes in the environment, and the server's URL as the last argument.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import Any

import httpx2
from mcp import Client
from mcp import types as mcp
from mcp.client.context import ClientRequestContext
from mcp.client.streamable_http import streamable_http_client
from sealgate.agent import AgentAuth

SCENARIO = os.environ["MCP_CONFORMANCE_SCENARIO"]
VERSION = os.environ["MCP_CONFORMANCE_PROTOCOL_VERSION"]
CONTEXT: dict[str, Any] = json.loads(os.environ.get("MCP_CONFORMANCE_CONTEXT", "{}"))

DOCUMENT = "https://conformance-test.local/client-metadata.json"


class Headless:
    """A person who agrees to everything: the suite's authorization server asks nothing."""

    redirect_uri = "http://127.0.0.1:3000/callback"

    def sign_in(self, url: str) -> str:
        """Opens the URL; where the browser would be sent to."""
        return httpx2.get(url, follow_redirects=False).headers["location"]


def auth(url: str) -> AgentAuth:
    """As the scenario's client would."""
    if SCENARIO == "auth/client-credentials-jwt":
        return AgentAuth.machine(url, client_id=CONTEXT["client_id"], private_key=CONTEXT["private_key_pem"])
    if SCENARIO == "auth/client-credentials-basic":
        secret = CONTEXT["client_secret"]
        return AgentAuth.machine(url, client_id=CONTEXT["client_id"], client_secret=secret)
    if SCENARIO == "auth/wif-jwt-bearer":
        return AgentAuth.workload(url, token=lambda _: CONTEXT["valid_jwt"], client_id=CONTEXT["client_id"])
    if SCENARIO == "auth/enterprise-managed-authorization":
        return AgentAuth.enterprise(
            url,
            identity=lambda _: CONTEXT["idp_id_token"],
            identity_issuer=CONTEXT["idp_issuer"],
            identity_client_id=CONTEXT["idp_client_id"],
            client_id=CONTEXT["client_id"],
            client_secret=CONTEXT["client_secret"],
        )
    return AgentAuth.browser(
        url,
        browser=Headless(),
        client_id=CONTEXT.get("client_id"),
        client_secret=CONTEXT.get("client_secret"),
        issuer=CONTEXT.get("issuer"),
        document=DOCUMENT,
    )


async def elicit(context: ClientRequestContext, params: mcp.ElicitRequestParams) -> mcp.ElicitResult:
    """Agrees, with the defaults of the form."""
    del context
    content: dict[str, Any] = {}
    if isinstance(params, mcp.ElicitRequestFormParams):
        for name, schema in params.requested_schema.get("properties", {}).items():
            if "default" in schema:
                content[name] = schema["default"]
    return mcp.ElicitResult(action="accept", content=content)


def arguments(tool: mcp.Tool, tools: list[mcp.Tool]) -> dict[str, Any]:
    """Some for every parameter that a tool needs."""
    if tool.name == "json_schema_echo":
        return {"schema": next(one for one in tools if one is not tool).input_schema}
    of_type: dict[str, Any] = {
        "string": "x",
        "number": 5,
        "integer": 5,
        "boolean": True,
        "object": {},
        "array": [],
    }
    properties = tool.input_schema.get("properties", {})
    return {name: of_type[properties[name]["type"]] for name in tool.input_schema.get("required", [])}


async def use(client: Client) -> None:
    """Lists and uses everything that the server offers."""
    offered = client.server_capabilities
    tools = (await client.list_tools()).tools
    calls = [(call["name"], call["arguments"]) for call in CONTEXT.get("toolCalls", [])]
    if SCENARIO == "json-schema-ref-no-deref":
        return
    for name, values in calls or [(tool.name, arguments(tool, tools)) for tool in tools]:
        await client.call_tool(name, values)
    if offered.resources is not None:
        for resource in (await client.list_resources()).resources:
            await client.read_resource(resource.uri)
    if offered.prompts is not None:
        for prompt in (await client.list_prompts()).prompts:
            await client.get_prompt(prompt.name)


async def main(url: str) -> None:
    """Plays the scenario."""
    authenticated = auth(url) if SCENARIO.startswith("auth/") else None
    mode = "auto" if VERSION >= "2026-07-28" else "legacy"
    # The suite runs all scenarios at once: on a busy machine its servers give up a connection that waits.
    limits = httpx2.Limits(max_keepalive_connections=0)
    async with httpx2.AsyncClient(auth=authenticated, timeout=60, limits=limits) as http:
        transport = streamable_http_client(url, http_client=http)
        async with Client(transport, mode=mode, elicitation_callback=elicit) as client:
            await use(client)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[-1]))
