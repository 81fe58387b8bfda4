//! How each well-known client finds its way to a token, as data: what its source or its issues say. Each
//! was read in November 2026; they change.

use super::rules::{Client, Form, Instead, Match, Pkce, Places, Reading, Way, known, unknown};

const THREE: &[Form] = &[
    Form::OauthInserted,
    Form::OpenidInserted,
    Form::OpenidAppended,
];
const FOUR: &[Form] = &[
    Form::OauthInserted,
    Form::OpenidInserted,
    Form::OpenidAppended,
    Form::OauthRoot,
];

const TYPESCRIPT: &str = "@modelcontextprotocol/sdk 1.32.2, client/auth.js";
const PYTHON: &str = "mcp 2.3.0, client/auth/utils.py";
const PYTHON_FLOW: &str = "mcp 2.3.0, client/auth/oauth2.py";
const FASTMCP: &str = "PrefectHQ/fastmcp, src/fastmcp/client/auth/oauth.py";
const VSCODE: &str = "microsoft/vscode, src/vs/base/common/oauth.ts";
const VSCODE_MCP: &str = "microsoft/vscode, src/vs/workbench/api/common/extHostMcp.ts";
const RMCP: &str = "modelcontextprotocol/rust-sdk, crates/rmcp/src/transport/auth.rs";
const CLAUDE: &str = "claude.com/docs/connectors/building/authentication";
const OPENCODE: &str = "anomalyco/opencode#47743";
const OURS: &str = "crates/sealgate-agent/src/discovery.rs";
const OUR_METADATA: &str = "crates/sealgate-agent/src/metadata.rs";
const OUR_REGISTRATION: &str = "crates/sealgate-agent/src/registration.rs";

/// A client of which nothing is published: as the specification says.
const BY_SPECIFICATION: Client = Client {
    name: "",
    title: "",
    places: unknown(Places {
        reading: Reading::Challenges,
        beyond_challenge: true,
    }),
    matching: unknown(Match::Parent),
    instead: unknown(Instead::Nothing),
    forms: unknown(THREE),
    error_ends: unknown(false),
    issuer_equal: unknown(true),
    pkce: unknown(Pkce::Listed),
    response_types: unknown(false),
    ways: &[],
    browser: None,
    hosted: false,
    public_servers: None,
    notes: &[],
};

const TYPESCRIPT_SDK: Client = Client {
    name: "typescript-sdk",
    title: "TypeScript SDK",
    places: known(
        Places {
            reading: Reading::FirstBearer,
            beyond_challenge: false,
        },
        TYPESCRIPT,
    ),
    matching: known(Match::ParentNoSlash, TYPESCRIPT),
    instead: known(Instead::Origin, TYPESCRIPT),
    forms: known(THREE, TYPESCRIPT),
    error_ends: known(true, TYPESCRIPT),
    issuer_equal: known(false, TYPESCRIPT),
    pkce: known(Pkce::IfListed, TYPESCRIPT),
    response_types: known(true, TYPESCRIPT),
    ways: &[
        known(
            Way::Document {
                url: None,
                needs_none: false,
            },
            TYPESCRIPT,
        ),
        known(
            Way::Dynamic {
                redirects: &["http://localhost/callback"],
            },
            TYPESCRIPT,
        ),
    ],
    notes: &[(
        "it takes a document only where the program that uses it has one",
        TYPESCRIPT,
    )],
    ..BY_SPECIFICATION
};

/// Every client that is played, in the order of the report.
pub(super) static CLIENTS: [Client; 11] = [
    Client {
        name: "claude",
        title: "Claude (claude.ai and desktop)",
        instead: known(Instead::Origin, "anthropics/claude-ai-mcp#925"),
        ways: &[
            known(
                Way::Document {
                    url: None,
                    needs_none: true,
                },
                CLAUDE,
            ),
            known(
                Way::Dynamic {
                    redirects: &["https://claude.ai/api/mcp/auth_callback"],
                },
                "brendanlong/lion-reader#1519",
            ),
        ],
        hosted: true,
        notes: &[
            (
                "it registers anew only when the token endpoint answers 401 invalid_client",
                "anthropics/claude-ai-mcp#966",
            ),
            (
                "it takes invalid_request for a dead refresh token as a passing fault: the answer must be invalid_grant",
                "metabase/metabase#80389",
            ),
        ],
        ..BY_SPECIFICATION
    },
    Client {
        name: "claude-code",
        title: "Claude Code",
        ways: &[
            known(
                Way::Document {
                    url: Some("https://claude.ai/oauth/claude-code-client-metadata"),
                    needs_none: true,
                },
                "anthropics/claude-code#36861; anomalyco/opencode#47743",
            ),
            known(
                Way::Dynamic {
                    redirects: &["http://localhost:3118/callback"],
                },
                "render-oss/render-mcp-server#25; mastra-ai/mastra#19467",
            ),
        ],
        notes: &[
            (
                "it renews without `scope`: the server must give what was granted first",
                "anthropics/claude-code#89862",
            ),
            (
                "some versions come back to http://127.0.0.1 in place of localhost: both must be taken, with any port",
                "anthropics/claude-code#86233",
            ),
        ],
        ..BY_SPECIFICATION
    },
    Client {
        name: "chatgpt",
        title: "ChatGPT",
        ways: &[
            known(
                Way::Document {
                    url: None,
                    needs_none: false,
                },
                "cbcoutinho/nextcloud-mcp-server#1470",
            ),
            known(
                Way::Dynamic {
                    redirects: &["https://chatgpt.com/connector_platform_oauth_redirect"],
                },
                "community.openai.com/t/1366784",
            ),
        ],
        hosted: true,
        notes: &[(
            "when it connects again it asks without `scope`: the server must have a default",
            "community.openai.com/t/1366784",
        )],
        ..BY_SPECIFICATION
    },
    Client {
        name: "codex",
        title: "Codex",
        places: known(
            Places {
                reading: Reading::Text,
                beyond_challenge: false,
            },
            RMCP,
        ),
        matching: known(Match::Root, RMCP),
        instead: known(Instead::Url, RMCP),
        forms: known(FOUR, RMCP),
        error_ends: known(false, RMCP),
        ways: &[
            known(
                Way::Document {
                    url: None,
                    needs_none: true,
                },
                OPENCODE,
            ),
            known(
                Way::Dynamic {
                    redirects: &["http://127.0.0.1/callback"],
                },
                OPENCODE,
            ),
        ],
        public_servers: Some("modelcontextprotocol/rust-sdk#935"),
        notes: &[(
            "it renews without `resource`: the server must take the one of the first grant",
            "openai/codex#33403",
        )],
        ..BY_SPECIFICATION
    },
    Client {
        name: "vscode",
        title: "VS Code",
        places: known(
            Places {
                reading: Reading::ExactBearer,
                beyond_challenge: false,
            },
            VSCODE_MCP,
        ),
        matching: known(Match::Normalised, VSCODE),
        instead: known(Instead::Origin, VSCODE_MCP),
        forms: known(THREE, VSCODE),
        error_ends: known(false, VSCODE),
        issuer_equal: known(false, VSCODE),
        ways: &[
            known(
                Way::Document {
                    url: Some("https://vscode.dev/oauth/client-metadata.json"),
                    needs_none: false,
                },
                "microsoft/vscode#270811",
            ),
            known(
                Way::Dynamic {
                    redirects: &[
                        "https://insiders.vscode.dev/redirect",
                        "https://vscode.dev/redirect",
                        "http://127.0.0.1/",
                        "http://127.0.0.1:33418/",
                    ],
                },
                VSCODE,
            ),
            known(Way::Asks, "microsoft/vscode-docs#8689"),
        ],
        ..BY_SPECIFICATION
    },
    Client {
        name: "cursor",
        title: "Cursor",
        ways: &[known(
            Way::Dynamic {
                redirects: &[
                    "cursor://anysphere.cursor-mcp/oauth/callback",
                    "https://www.cursor.com/agents/mcp/oauth/callback",
                    "http://localhost:8787/callback",
                ],
            },
            "erp-mafia/accounted#2225; Altinity/altinity-mcp#169",
        )],
        notes: &[(
            "it registers three redirect URIs at once, one of a scheme of its own: who refuses one refuses it",
            "soflyy/agent-connector-for-wp#111",
        )],
        ..BY_SPECIFICATION
    },
    Client {
        name: "opencode",
        title: "opencode",
        ways: &[
            known(
                Way::Document {
                    url: Some("https://opencode.ai/oauth/opencode/client.json"),
                    needs_none: true,
                },
                OPENCODE,
            ),
            known(
                Way::Dynamic {
                    redirects: &["http://127.0.0.1:19876/mcp/oauth/callback"],
                },
                "anomalyco/opencode#5940",
            ),
        ],
        ..BY_SPECIFICATION
    },
    Client {
        name: "inspector",
        title: "MCP Inspector (direct)",
        ways: &[unknown(Way::Dynamic {
            redirects: &["http://localhost:6274/oauth/callback"],
        })],
        browser: Some("routecraftjs/routecraft#320; modelcontextprotocol/typescript-sdk#1427"),
        notes: &[],
        ..TYPESCRIPT_SDK
    },
    Client {
        name: "python-sdk",
        title: "Python SDK, FastMCP's client",
        places: known(
            Places {
                reading: Reading::Text,
                beyond_challenge: true,
            },
            PYTHON,
        ),
        matching: known(Match::Parent, "mcp 2.3.0, shared/auth_utils.py"),
        instead: known(Instead::Origin, PYTHON),
        forms: known(THREE, PYTHON),
        error_ends: known(true, PYTHON),
        issuer_equal: known(true, PYTHON),
        pkce: known(Pkce::Unchecked, PYTHON_FLOW),
        response_types: known(false, "mcp 2.3.0, shared/auth.py"),
        ways: &[
            known(
                Way::Document {
                    url: None,
                    needs_none: false,
                },
                PYTHON,
            ),
            known(
                Way::Dynamic {
                    redirects: &["http://localhost:8765/callback"],
                },
                FASTMCP,
            ),
        ],
        notes: &[
            (
                "it takes a document only where the program that uses it has one",
                PYTHON,
            ),
            (
                "FastMCP's client cuts a slash from the end of the URL it is given",
                FASTMCP,
            ),
        ],
        ..BY_SPECIFICATION
    },
    TYPESCRIPT_SDK,
    Client {
        name: "sealgate",
        title: "Sealgate's own agent client",
        places: known(
            Places {
                reading: Reading::Challenges,
                beyond_challenge: false,
            },
            OURS,
        ),
        matching: known(Match::Own, OURS),
        instead: known(Instead::Origin, OURS),
        forms: known(THREE, OURS),
        error_ends: known(true, OURS),
        issuer_equal: known(true, OUR_METADATA),
        ways: &[
            known(
                Way::Document {
                    url: None,
                    needs_none: false,
                },
                OUR_REGISTRATION,
            ),
            known(
                Way::Dynamic {
                    redirects: &["http://127.0.0.1/callback"],
                },
                OUR_REGISTRATION,
            ),
        ],
        ..BY_SPECIFICATION
    },
];
