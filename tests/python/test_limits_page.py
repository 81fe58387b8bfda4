"""The page of limits has the code's own numbers, and leaves no limit out."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[2]
CRATES = ROOT / "crates"

SERVER, OAUTH, JOSE = "sealgate-server/src", "sealgate-oauth/src", "sealgate-jose/src"
GATE, STORE, HOST = "sealgate-gate/src", "sealgate-store/src/sqlite", "sealgate-host/src"
AGENT = "sealgate-agent/src"
MAPPING = "sealgate-policy/src/mapping"

# What the page says, the file, its constant, and how the page writes it.
LIMITS: dict[str, tuple[str, str, str]] = {
    "a batch of decisions": ("sealgate-audit/src/decision/mod.rs", "BATCH_LIMIT", "bytes"),
    "rows of a batch": ("sealgate-audit/src/decision/mod.rs", "ROWS_LIMIT", "count"),
    "texts of a batch": ("sealgate-audit/src/decision/mod.rs", "TEXTS_LIMIT", "count"),
    "one of these texts": ("sealgate-audit/src/decision/mod.rs", "TEXT_LIMIT", "bytes"),
    "stretches of batches of one client that are known as kept; of more the oldest are forgotten": (
        "sealgate-store/src/decisions/seen.rs",
        "RANGES",
        "count",
    ),
    "decisions of each stream that wait in a gate": (f"{GATE}/report/buffer.rs", "ENTRIES", "count"),
    "kinds of refusals that a gate counts together, in each way": (
        f"{GATE}/report/buffer.rs",
        "KINDS",
        "count",
    ),
    "routes that have counts of their own in a gate": (f"{GATE}/report/buffer.rs", "ROUTES", "count"),
    "files of one application in a spool": (f"{GATE}/report/spool.rs", "FILES", "count"),
    "batches that wait to be written, of both streams": (
        "sealgate-store/src/decisions/writer.rs",
        "QUEUE",
        "count",
    ),
    "rules of one mapping": (f"{MAPPING}/limits.rs", "RULES_MOST", "count"),
    "issuers whose own words a mapping says something of": (f"{MAPPING}/limits.rs", "ISSUERS_MOST", "count"),
    "values that one condition of a rule names": (f"{MAPPING}/limits.rs", "VALUES_MOST", "count"),
    "claims that one rule asks for by their path": (f"{MAPPING}/limits.rs", "CLAIMS_MOST", "count"),
    "different claims that the rules of a mapping ask for": (f"{MAPPING}/limits.rs", "PATHS_MOST", "count"),
    "roles, and scopes, that one rule gives": (f"{MAPPING}/limits.rs", "GIVEN_MOST", "count"),
    "different roles, and scopes, that a mapping gives altogether": (
        f"{MAPPING}/limits.rs",
        "GIVEN_ALTOGETHER_MOST",
        "count",
    ),
    "the name of a rule": (f"{MAPPING}/limits.rs", "NAME_BYTES_MOST", "bytes"),
    "a text that a rule compares; a longer one in a credential fits nothing": (
        f"{MAPPING}/limits.rs",
        "TEXT_BYTES_MOST",
        "bytes",
    ),
    "the path of a claim": (f"{MAPPING}/limits.rs", "PATH_BYTES_MOST", "bytes"),
    "names in the path of a claim": (f"{MAPPING}/limits.rs", "PATH_NAMES_MOST", "count"),
    "claims that a session keeps for rules": ("sealgate-session/src/claims.rs", "CLAIMS_LIMIT", "bytes"),
    "the file of claims that `sealgate policy map` reads": (
        "sealgate/src/policy/map.rs",
        "CLAIMS_BYTES_MOST",
        "bytes",
    ),
    "a bundle of policies": ("sealgate-policy/src/bundle.rs", "BUNDLE_LIMIT", "bytes"),
    "the document of a version of the policies": ("sealgate-policy/src/bundle.rs", "DOCUMENT_LIMIT", "bytes"),
    "how deep that document may be nested": ("sealgate-policy/src/bundle.rs", "DEPTH_LIMIT", "count"),
    "the note of a version of the policies": (f"{STORE}/policies.rs", "NOTE_MOST", "bytes"),
    "versions of the policies that are kept": (f"{STORE}/policies.rs", "KEPT", "count"),
    "by how many numbers the next version is ahead after a database was put back": (
        f"{STORE}/policies.rs",
        "SKIPPED",
        "count",
    ),
    "how long the bundle of policies is waited for": (f"{GATE}/policy/fetch.rs", "PATIENCE", "time"),
    "the longest pause between two tries to fetch it": (f"{GATE}/policy/fetch.rs", "PAUSE_MOST", "time"),
    "files that `[policy] files` may name in a `SEALGATE_POLICY_FILE`": (
        "sealgate-policy/src/cedar/limits.rs",
        "FILES_MOST",
        "count",
    ),
    "a URL that an agent follows": (f"{AGENT}/web_url.rs", "LIMIT", "bytes"),
    "an answer to an agent": (f"{AGENT}/http.rs", "ANSWER_LIMIT", "bytes"),
    "a document about a resource or an authorization server": (
        f"{AGENT}/metadata.rs",
        "METADATA_LIMIT",
        "bytes",
    ),
    "members of one of its lists": (f"{AGENT}/metadata.rs", "MOST", "count"),
    "all challenges in one answer": (f"{AGENT}/challenge.rs", "CHALLENGES_LIMIT", "bytes"),
    "challenges in one field, and parameters of one challenge": (f"{AGENT}/challenge.rs", "MOST", "count"),
    "the answer to a sign-in": (f"{AGENT}/flow.rs", "LIMIT", "bytes"),
    "a client's key file": (f"{AGENT}/client_key.rs", "LIMIT", "bytes"),
    "time for an answer to an agent": (f"{AGENT}/http/client.rs", "PATIENCE", "time"),
    "how long before its end an agent renews a token": (f"{AGENT}/agent/session.rs", "LEAD", "time"),
    "how long an agent leaves a server alone that could not renew": (
        f"{AGENT}/agent/renew.rs",
        "REST",
        "time",
    ),
    "how long the code of a device is waited for": (f"{AGENT}/device.rs", "LONGEST", "time"),
    "origins whose nonces an agent remembers": (f"{AGENT}/dpop.rs", "ORIGINS", "count"),
    "a vault's file": (f"{AGENT}/vault/format.rs", "FILE_LIMIT", "bytes"),
    "entries of a vault": (f"{AGENT}/vault/content.rs", "ENTRY_LIMIT", "count"),
    "one entry of a vault": (f"{AGENT}/vault/content.rs", "VALUE_LIMIT", "bytes"),
    "the name of an entry": (f"{AGENT}/vault/content.rs", "NAME_LIMIT", "bytes"),
    "characters of a new passphrase, at least": (
        f"{AGENT}/vault/passphrase.rs",
        "PASSPHRASE_LEAST",
        "count",
    ),
    "how long a browser may take to come back to the terminal": (
        "sealgate/src/login/browser.rs",
        "PATIENCE",
        "time",
    ),
    "how long before its end `sealgate token` renews a token": (
        "sealgate/src/login/token.rs",
        "SOON",
        "time",
    ),
    "wrong passwords for one account": (f"{SERVER}/sign_in/throttle.rs", "ACCOUNT", "rate"),
    "wrong passwords from one network": (f"{SERVER}/sign_in/throttle.rs", "NETWORK", "rate"),
    "records that gates of one client lost decisions": (f"{SERVER}/gate_reports/throttle.rs", "LOST", "rate"),
    "failed authentications under one client's name, from one network": (
        f"{SERVER}/oauth/client_throttle.rs",
        "CLIENT",
        "rate",
    ),
    "failed authentications of clients from one network": (
        f"{SERVER}/oauth/client_throttle.rs",
        "NETWORK",
        "rate",
    ),
    "wrong device codes typed by one account": (f"{SERVER}/device/throttle.rs", "ACCOUNT", "rate"),
    "wrong device codes typed from one network": (f"{SERVER}/device/throttle.rs", "NETWORK", "rate"),
    "wrong device codes typed by everybody together": (f"{SERVER}/device/throttle.rs", "EVERYBODY", "rate"),
    "keys with attempts that still count, of each kind": (f"{SERVER}/limits.rs", "KEPT", "count"),
    "pushed requests and device codes under one public client's name": (
        f"{SERVER}/oauth/public_throttle.rs",
        "CLIENT",
        "rate",
    ),
    "pushed requests and device codes of public clients, from one network": (
        f"{SERVER}/oauth/public_throttle.rs",
        "NETWORK",
        "rate",
    ),
    "pushed requests and device codes of one client that proves who it is": (
        f"{SERVER}/oauth/public_throttle.rs",
        "PROVED",
        "rate",
    ),
    "refusals of one kind and network that are recorded one by one, each minute": (
        f"{SERVER}/refusals.rs",
        "SINGLY",
        "count",
    ),
    "refusals that are recorded one by one, at once; then one each second": (
        f"{SERVER}/refusals.rs",
        "BURST",
        "count",
    ),
    "kinds of refusals told apart by network, each minute": (f"{SERVER}/refusals.rs", "KINDS", "count"),
    "messages that a client's gates show as evidence; further ones are not looked at": (
        f"{SERVER}/feed/evidence.rs",
        "LOOKED_AT",
        "rate",
    ),
    "documents and key sets of clients of their own, from one host": (
        f"{SERVER}/own_clients/throttle.rs",
        "HOST",
        "rate",
    ),
    "documents at one host that callers of one network make the server fetch": (
        f"{SERVER}/own_clients/throttle.rs",
        "ASKER_AT_HOST",
        "rate",
    ),
    "documents of clients that callers of one network make the server fetch": (
        f"{SERVER}/own_clients/throttle.rs",
        "ASKER",
        "rate",
    ),
    "documents of clients altogether": (f"{SERVER}/own_clients/throttle.rs", "DOCUMENTS", "rate"),
    "key sets of clients of their own, altogether": (f"{SERVER}/own_clients/throttle.rs", "KEYS", "rate"),
    "registrations of clients by themselves, from one network": (
        f"{SERVER}/own_clients/throttle.rs",
        "REGISTRANT",
        "rate",
    ),
    "registrations of clients by themselves, altogether": (
        f"{SERVER}/own_clients/throttle.rs",
        "REGISTRATIONS",
        "rate",
    ),
    "clients that no administrator registered, of each origin; more is `clients_full`": (
        f"{SERVER}/own_clients/mod.rs",
        "MOST",
        "count",
    ),
    "how long a client that registered itself and was never used is kept": (
        f"{SERVER}/own_clients/house.rs",
        "NEVER_USED",
        "time",
    ),
    "how long the same registration again is the same client": (
        f"{SERVER}/oauth/register.rs",
        "SAME",
        "time",
    ),
    "documents of clients that are known of": (f"{SERVER}/own_clients/documents.rs", "DOCUMENTS", "count"),
    "a client's document": (f"{OAUTH}/client_document.rs", "LIMITS", "json"),
    "how long what a client's document said counts while it cannot be had": (
        f"{SERVER}/own_clients/documents.rs",
        "STALE",
        "time",
    ),
    "time between two fetches of a client's document that failed": (
        f"{SERVER}/own_clients/documents.rs",
        "COOLDOWN",
        "time",
    ),
    "the body of a registration": (f"{OAUTH}/client_registration.rs", "LIMITS", "json"),
    "redirect URIs that a client names by itself": (f"{OAUTH}/client_metadata.rs", "REDIRECT_URIS", "count"),
    "time between checkpoints, where anything was recorded": (
        f"{SERVER}/audit_chain/mod.rs",
        "EVERY",
        "time",
    ),
    "records after which one is signed sooner": (f"{SERVER}/audit_chain/mod.rs", "RECORDS", "count"),
    "holds in force": (f"{STORE}/holds.rs", "LIMIT", "count"),
    "a line of exported records": ("sealgate-audit/src/chain/line.rs", "LINE_LIMIT", "bytes"),
    "records that retention looks at in one write": (f"{SERVER}/audit_chain/retention.rs", "SLICE", "count"),
    "such writes in a minute, for each stream": (f"{SERVER}/audit_chain/retention.rs", "SLICES", "count"),
    "findings of a verification that are told one by one": (
        "sealgate-audit/src/chain/finding.rs",
        "TOLD",
        "count",
    ),
    "time in which a receiver of syslog may break off what it was sent": (
        f"{HOST}/guarded/deliver.rs",
        "FAREWELL",
        "time",
    ),
    "sinks; more is 409": (f"{SERVER}/exports/mod.rs", "MOST", "count"),
    "records of one batch": (f"{SERVER}/exports/worker.rs", "BATCH", "count"),
    "records of one batch, as JSON; a single one may be longer": (
        f"{SERVER}/exports/worker.rs",
        "BYTES",
        "bytes",
    ),
    "time for which a sink is worked off at a stretch": (f"{SERVER}/exports/worker.rs", "TURN", "time"),
    "how long a sink is left alone after a failure of the store": (
        f"{SERVER}/exports/worker.rs",
        "REST",
        "time",
    ),
    "failures in a row after which a sink is failing": (
        f"{SERVER}/exports/schedule.rs",
        "ANNOUNCED",
        "count",
    ),
    "longest wait of a sink before it is tried again by itself": (
        f"{SERVER}/exports/schedule.rs",
        "LONGEST",
        "time",
    ),
    "time for one delivery": (f"{HOST}/guarded/deliver.rs", "PATIENCE", "time"),
    "answer to a delivery that is read": (f"{HOST}/guarded/deliver.rs", "ANSWER", "bytes"),
    "deliveries at once": (f"{HOST}/guarded.rs", "DELIVERIES", "count"),
    "headers of a sink": (f"{SERVER}/exports/secrets.rs", "HEADERS", "count"),
    "a value of one of these headers": (f"{SERVER}/exports/secrets.rs", "VALUE", "bytes"),
    "certificates of a sink's authority": (f"{SERVER}/exports/target.rs", "AUTHORITY", "bytes"),
    "a syslog message on a connection": ("sealgate-audit/src/forms/syslog.rs", "STREAM_LIMIT", "bytes"),
    "a syslog message in a datagram": ("sealgate-audit/src/forms/syslog.rs", "DATAGRAM_LIMIT", "bytes"),
    "streams of one receiver; more is 409": (f"{SERVER}/signals/mod.rs", "STREAMS", "count"),
    "signals that wait on a stream; more are lost": (f"{STORE}/signals.rs", "MOST", "count"),
    "how long a signal waits": (f"{SERVER}/signals/mod.rs", "KEPT", "time"),
    "users whom a stream leaves out; more is 403": (f"{STORE}/streams.rs", "EXCLUSIONS", "count"),
    "time between two verifications of a stream; less is 429": (
        f"{SERVER}/signals/mod.rs",
        "VERIFICATION",
        "time",
    ),
    "polls that wait at once; more are answered at once": (f"{SERVER}/signals/mod.rs", "WAITING", "count"),
    "polls that wait at once on one stream": (f"{SERVER}/signals/mod.rs", "WAITING_EACH", "count"),
    "time that a poll waits": (f"{SERVER}/signals/poll.rs", "PATIENCE", "time"),
    "events in the answer to a poll": (f"{SERVER}/signals/poll.rs", "MOST", "count"),
    "tokens that one poll acknowledges, and that it refuses": (
        f"{OAUTH}/signals/request.rs",
        "SETTLED",
        "count",
    ),
    "event types that a stream asks for": (f"{OAUTH}/signals/request.rs", "EVENTS", "count"),
    "streams pushed at once": (f"{SERVER}/signals/push.rs", "STREAMS", "count"),
    "time for which a stream keeps its place among those while others wait": (
        f"{SERVER}/signals/push.rs",
        "TURN",
        "time",
    ),
    "how long a stream is left alone after a failure of the store": (
        f"{SERVER}/signals/push.rs",
        "REST",
        "time",
    ),
    "events of one stream on their way at once": (f"{SERVER}/signals/push.rs", "AT_ONCE", "count"),
    "a receiver's request": (f"{OAUTH}/signals/request.rs", "LIMITS", "json"),
    "a subject": (f"{OAUTH}/signals/subject.rs", "LIMITS", "json"),
    "the claims of a security event token": (f"{OAUTH}/signals/set.rs", "LIMITS", "json"),
    "places that a client may have whatever the total": (f"{SERVER}/feed/seats.rs", "CLIENT_LEAST", "count"),
    "rows of the log kept in memory for all clients": (f"{SERVER}/feed/tail.rs", "ROWS", "count"),
    "revocations kept signed for one client's subscribers": (f"{SERVER}/feed/ring.rs", "KEPT", "count"),
    "how long they are kept": (f"{SERVER}/feed/ring.rs", "KEPT_FOR", "time"),
    "time in which a subscriber takes nothing of what is there for it": (
        f"{SERVER}/feed/subscriber.rs",
        "STALLED",
        "time",
    ),
    "messages in one write, if there are several": (f"{SERVER}/feed/ring.rs", "WRITE", "bytes"),
    "rows of the log from which on a snapshot is shorter than to catch up": (
        f"{SERVER}/feed/subscriber.rs",
        "CATCH_UP",
        "count",
    ),
    "revocations told to one that catches up before it is sent for a snapshot": (
        f"{SERVER}/feed/subscriber.rs",
        "TELL",
        "count",
    ),
    "subscribers that catch up at once": (f"{SERVER}/feed/mod.rs", "CATCHING_UP", "count"),
    "snapshots written at once": (f"{SERVER}/feed/snapshot.rs", "WRITTEN", "count"),
    "time in which a long snapshot has to arrive": (f"{SERVER}/feed/snapshot.rs", "DELIVERY", "time"),
    "request line and headers; more is 431": (f"{SERVER}/listen.rs", "HEAD_LIMIT", "bytes"),
    "request body; more is 413": (f"{SERVER}/lib.rs", "BODY_LIMIT", "bytes"),
    "body of a [state](http.md#administration) that is planned or applied": (
        f"{SERVER}/admin/state.rs",
        "STATE_LIMIT",
        "bytes",
    ),
    "a declared file": ("sealgate-plan/src/read.rs", "FILE_LIMIT", "bytes"),
    "things in one declared file": ("sealgate-plan/src/read.rs", "MOST_THINGS", "count"),
    "time for the body to arrive; more is 408": (f"{SERVER}/request.rs", "BODY_TIME", "time"),
    "time for the headers to arrive": (f"{SERVER}/listen.rs", "HEADER_TIMEOUT", "time"),
    "time until the first request on a connection": (f"{SERVER}/connection.rs", "FIRST", "time"),
    "time without a request on a connection": (f"{SERVER}/connection.rs", "IDLE", "time"),
    "time in which nothing is taken of an answer": (f"{SERVER}/connection.rs", "STALLED", "time"),
    "requests at once on one HTTP/2 connection": (f"{SERVER}/listen.rs", "STREAMS", "count"),
    "unread bytes of one HTTP/2 connection": (f"{SERVER}/listen.rs", "CONNECTION_WINDOW", "bytes"),
    "connections of commands to the administration socket": (f"{SERVER}/listen.rs", "COMMANDS", "count"),
    "connections to the metrics' listener": (f"{SERVER}/serve.rs", "SCRAPES", "count"),
    "authorization and logout requests": (f"{OAUTH}/params.rs", "STANDARD", "form"),
    "forms at endpoints where clients authenticate": (f"{OAUTH}/params.rs", "WITH_TOKEN", "form"),
    "forms of the pages": (f"{SERVER}/sign_in/form.rs", "LIMITS", "form"),
    "forms of the pages with an authorization request": (
        f"{SERVER}/sign_in/form.rs",
        "REQUEST_LIMITS",
        "form",
    ),
    "the address of the page for device codes": (f"{SERVER}/device/page.rs", "QUERY", "form"),
    "a parameter's name": (f"{OAUTH}/params.rs", "NAME", "bytes"),
    "the `Authorization` header of a client": (f"{OAUTH}/client_credentials.rs", "HEADER", "bytes"),
    "the `claims` parameter": (f"{OAUTH}/claims.rs", "LIMITS", "json"),
    "a client assertion": (f"{OAUTH}/assertion.rs", "LIMITS", "json"),
    "an assertion of another issuer": (f"{OAUTH}/identity/claims.rs", "LIMITS", "json"),
    "the proof that goes with a bootstrap credential": (f"{JOSE}/possession.rs", "LIMIT", "bytes"),
    "keys that a machine can have by bootstrap credentials": (
        f"{STORE}/machines/bootstraps.rs",
        "MOST_KEYS",
        "count",
    ),
    "how far ahead a machine may expire": (f"{SERVER}/admin/machines/rules.rs", "LONGEST", "seconds"),
    "machines whose uses are remembered; those of others are offered to the store each time": (
        f"{SERVER}/machines/memory.rs",
        "CLIENTS",
        "count",
    ),
    "claims that one identity of a machine names": (f"{OAUTH}/identity/rules.rs", "MOST", "count"),
    "identities of other issuers that one machine has": (f"{SERVER}/issuers/machine.rs", "MOST", "count"),
    "issuers of identities": (f"{SERVER}/admin/issuers.rs", "MOST", "count"),
    "domains of the people that one issuer vouches for": (
        f"{SERVER}/admin/issuers/rules.rs",
        "MOST_DOMAINS",
        "count",
    ),
    "resources in one request": (f"{OAUTH}/resource.rs", "MOST", "count"),
    "clients that act for a user one behind the other": (f"{OAUTH}/delegation.rs", "DEEPEST", "count"),
    "a token": (f"{JOSE}/lib.rs", "TOKEN_LIMIT", "bytes"),
    "a DPoP proof": (f"{JOSE}/dpop.rs", "LIMIT", "bytes"),
    "a key": (f"{JOSE}/jwk.rs", "LIMIT", "bytes"),
    "a key set": (f"{JOSE}/jwk.rs", "LIMIT#2", "bytes"),
    "keys of a set that are looked at": (f"{JOSE}/verify.rs", "KEYS_LIMIT", "count"),
    "a password": (f"{SERVER}/sign_in/rules.rs", "LONGEST_PASSWORD", "bytes"),
    "rows in one answer of the administration API": (f"{SERVER}/admin/page.rs", "PAGE_LIMIT", "count"),
    "DPoP proofs remembered, for each of the last two minutes": (
        f"{OAUTH}/dpop_guard.rs",
        "SLOT_CAPACITY",
        "count",
    ),
    "key sets of clients, of identity systems and of issuers": (
        f"{SERVER}/oauth/client_keys.rs",
        "CLIENTS",
        "count",
    ),
    "a security event that is received": (f"{SERVER}/receiver/mod.rs", "BODY", "bytes"),
    "a security event: how old it may be": (f"{SERVER}/receiver/take.rs", "OLDEST", "seconds"),
    "a credential for global token revocation: how far its end may lie ahead": (
        f"{SERVER}/receiver/global.rs",
        "LONGEST + LEEWAY",
        "seconds",
    ),
    "identity systems that are listened to": (f"{SERVER}/admin/transmitters.rs", "MOST", "count"),
    "domains that one of them may speak of": (f"{SERVER}/admin/transmitters.rs", "MOST_DOMAINS", "count"),
    "time between two rounds of asking for security events": (f"{SERVER}/receiver/poll.rs", "ROUND", "time"),
    "security events in one answer": (f"{SERVER}/receiver/poll.rs", "EVENTS", "count"),
    "an answer with security events": (f"{SERVER}/receiver/poll.rs", "ANSWER", "bytes"),
    "status lists kept as they were written": (f"{SERVER}/status_list/mod.rs", "KEPT", "count"),
    "tokens of one status list": ("sealgate-store/src/rows/transmitters.rs", "GIVEN", "count"),
    "how long a gate that went away is remembered, unless its staleness bound is longer": (
        f"{SERVER}/feed/gates.rs",
        "REMEMBERED",
        "time",
    ),
    "entries that are remembered for one rule, of all its groups; more forgets the group seen longest ago": (
        "sealgate-audit/src/anomaly/engine.rs",
        "ENTRIES",
        "count",
    ),
    "the value of a fact that rules look at; of a longer one the beginning counts": (
        "sealgate-audit/src/anomaly/event.rs",
        "FACT_LIMIT",
        "bytes",
    ),
    "anomalies of one rule that are told apart while nobody has seen to them": (
        f"{SERVER}/anomalies/mod.rs",
        "ROOM",
        "count",
    ),
    "records whose numbers are kept of one anomaly": (f"{STORE}/anomalies.rs", "EVIDENCE", "count"),
    "how old a record may be that still raises an anomaly": (f"{SERVER}/anomalies/follow.rs", "NEWS", "time"),
    "blocks of decisions that may wait to be judged before those of what was allowed are passed over": (
        f"{SERVER}/anomalies/follow.rs",
        "FAR_BEHIND",
        "count",
    ),
    "a gate's report": ("sealgate-audit/src/gate.rs", "REPORT_LIMIT", "bytes"),
    "routes that a report lists; of more their number is told": (
        "sealgate-audit/src/gate.rs",
        "ROUTES_MOST",
        "count",
    ),
    "a path, and what stands before it, in a report; of longer ones the beginning is told": (
        "sealgate-audit/src/gate.rs",
        "TEXT_LIMIT",
        "bytes",
    ),
    "processes of one client whose reports are kept": (f"{SERVER}/gate_reports/mod.rs", "ROOM", "count"),
    "reports of one client": (f"{SERVER}/gate_reports/throttle.rs", "CLIENT", "rate"),
    "how long a gate is remembered that does not report": (
        f"{SERVER}/gate_reports/mod.rs",
        "REMEMBERED",
        "time",
    ),
    "time without a report after which a gate is silent": (
        f"{SERVER}/gate_reports/mod.rs",
        "SILENT",
        "time",
    ),
    "receipts that are waited for at once; more is 503": (f"{SERVER}/feed/receipt.rs", "WAITING", "count"),
    "time that an answer of the administration API may be waited for": (
        f"{SERVER}/admin/feed/types.rs",
        "LONGEST_WAIT",
        "time",
    ),
    "a gate's answer how far it has come": (f"{SERVER}/feed/applied.rs", "LIMIT", "bytes"),
    "the staleness bound that a gate may tell": (
        f"{SERVER}/feed/gates/presence.rs",
        "LONGEST_BOUND",
        "time",
    ),
    "clients kept in memory": (f"{STORE}/client_cache.rs", "LIMIT", "count"),
    "writes that wait for the disk; more is 503": (f"{STORE}/writer.rs", "QUEUE", "count"),
    "writes in one commit": (f"{STORE}/writer.rs", "BATCH", "count"),
    "time for the whole answer": (f"{HOST}/guarded.rs", "PATIENCE", "time"),
    "requests at once, for key sets and for logouts each": (f"{HOST}/guarded.rs", "PLACES", "count"),
    "requests at once with security events, or for them": (f"{HOST}/guarded.rs", "TEXTS", "count"),
    "headers of the answer": (f"{HOST}/guarded.rs", "HEAD", "bytes"),
    "time between two fetches of one client's key set": (
        f"{SERVER}/oauth/client_keys.rs",
        "COOLDOWN",
        "time",
    ),
    "deliveries of logouts at once, by address": (f"{SERVER}/backchannel.rs", "ADDRESSES", "count"),
    "deliveries of logouts at once to one address": (f"{SERVER}/backchannel.rs", "PER_ADDRESS", "count"),
    "deliveries of logouts to one address before others have their turn": (
        f"{SERVER}/backchannel.rs",
        "SHARE",
        "count",
    ),
    "delegations of one session (one for each client that acts, and for each that acts on); more is "
    "`delegations_full`": (
        f"{STORE}/delegations.rs",
        "MOST",
        "count",
    ),
    "revoked tokens of one client, with each client that hears of them; more is 503 until some expire": (
        f"{STORE}/revocations.rs",
        "TOKENS",
        "count",
    ),
    "rows in one slice": (f"{STORE}/sweep.rs", "ROWS", "count"),
    "how long the system's time must have run evenly before anything is deleted": (
        f"{SERVER}/housekeeping.rs",
        "PROVEN",
        "time",
    ),
    "the form at `/auth/backchannel-logout`": (f"{GATE}/backchannel.rs", "BODY_LIMIT", "bytes"),
    "used logout tokens remembered; the oldest makes room": (
        f"{GATE}/backchannel.rs",
        "TOKENS_KEPT",
        "count",
    ),
    "finished sign-ins remembered; the oldest makes room": (f"{GATE}/transactions.rs", "MOST", "count"),
    "credentials that the control plane is asked about at once while the feed is silent; more is 503": (
        f"{GATE}/stale/breaker.rs",
        "AT_ONCE",
        "count",
    ),
    "time for each of these answers": (f"{GATE}/stale/introspection.rs", "LIMIT", "time"),
    "how long such an answer is used again": (f"{GATE}/stale/introspection.rs", "REUSE", "time"),
    "such answers remembered": (f"{GATE}/stale/introspection.rs", "MOST", "count"),
    "such an answer": (f"{GATE}/stale/introspection.rs", "ANSWER_LIMIT", "bytes"),
    "questions without an answer, one after the other, until none is asked for a while": (
        f"{GATE}/stale/breaker.rs",
        "FAILURES",
        "count",
    ),
    "the pause before the next one, at most": (f"{GATE}/stale/breaker.rs", "LONGEST_PAUSE", "time"),
    "renewals remembered": (f"{GATE}/renewal.rs", "MOST", "count"),
    "tokens to call onward with that are kept; the one used longest ago makes room": (
        f"{GATE}/onward/cache.rs",
        "MOST",
        "count",
    ),
    "origins whose nonces for proofs are remembered": (f"{GATE}/onward/proof.rs", "ORIGINS", "count"),
    "verified tokens remembered; what was not used lately makes room": (
        f"{GATE}/resource/cache.rs",
        "ENTRIES",
        "count",
    ),
    "the memory that they take up": (f"{GATE}/resource/cache.rs", "BYTES", "bytes"),
    "opened sessions remembered; what was not used lately makes room": (
        f"{GATE}/gate/opened.rs",
        "ENTRIES",
        "count",
    ),
    "the memory that opened sessions take up": (f"{GATE}/gate/opened.rs", "BYTES", "bytes"),
    "who may act one behind the other in a token": (f"{GATE}/resource/mapping.rs", "ACTING_LIMIT", "count"),
    "roles in a token": (f"{GATE}/resource/mapping.rs", "ROLES_LIMIT", "count"),
    "`sub`, `client_id` or `jti` of a token": (f"{GATE}/resource/mapping.rs", "TEXT_LIMIT", "bytes"),
    "how far an issuer's clock may be from the gate's": (f"{GATE}/resource/front.rs", "LEEWAY", "time"),
    "sign-ins under way in one browser": (f"{GATE}/login.rs", "TRANSACTIONS", "count"),
    "`acr_values` of `/auth/login`": (f"{GATE}/login_url.rs", "ACR_LIMIT", "bytes"),
    "the part of a form that is looked through for a token": (f"{GATE}/csrf.rs", "FORM_LIMIT", "bytes"),
    "sign-ins that end well within a minute before a page explains itself": (
        f"{GATE}/rounds.rs",
        "MOST",
        "count",
    ),
    "the time that a sign-in may take": (f"{GATE}/transactions.rs", "TRANSACTION_LIFETIME", "time"),
    "the query of `/auth/login` and `/auth/callback`": (f"{GATE}/query.rs", "LIMIT", "bytes"),
    "time between two requests for keys because of what a stranger sent": (
        f"{GATE}/issuer/keys.rs",
        "STRANGERS_PAUSE",
        "time",
    ),
    "time between two requests for keys at all": (f"{GATE}/issuer/keys.rs", "PAUSE", "time"),
    "how long a key set is kept before it is asked for again, when the issuer does not say": (
        f"{GATE}/issuer/keys.rs",
        "KEPT",
        "time",
    ),
    "the least that the issuer can make of that": (f"{GATE}/issuer/keys.rs", "KEPT_LEAST", "time"),
    "the most that the issuer can make of that": (f"{GATE}/issuer/keys.rs", "KEPT_MOST", "time"),
    "how long a key set stays good when no newer one can be had": (
        f"{GATE}/issuer/trust.rs",
        "LONGEST",
        "time",
    ),
    "requests that wait for one issuer's keys at once; further ones are told to come back": (
        f"{GATE}/issuer/keys.rs",
        "WAITING_MOST",
        "count",
    ),
    "key ids remembered that no key set had; the oldest makes room": (
        f"{GATE}/issuer/seen.rs",
        "MOST",
        "count",
    ),
    "time after which such a key id is looked for once more": (f"{GATE}/issuer/seen.rs", "AGAIN", "time"),
    "time between two renewals of a session, at most, where the provider has no feed": (
        f"{GATE}/session.rs",
        "UNHEARD",
        "time",
    ),
    "the name of a gate": (f"{GATE}/settings/values.rs", "GATE_NAME_LIMIT", "bytes"),
    "how deep a message to an MCP server may be nested": (f"{GATE}/mcp/call.rs", "DEPTH_MOST", "count"),
    "the id of a message to an MCP server": (f"{GATE}/mcp/call.rs", "ID_MOST", "bytes"),
    "the id that an MCP server gives a session": (f"{GATE}/mcp/sessions.rs", "ID_MOST", "bytes"),
    "silence after which the revocation feed's stream is opened anew": (
        f"{GATE}/feed/client.rs",
        "SILENCE",
        "time",
    ),
    "how long the stream's head may take, and a snapshot at first": (
        f"{GATE}/feed/client.rs",
        "PATIENCE",
        "time",
    ),
    "how long a snapshot may take after one that took too long": (
        f"{GATE}/feed/client.rs",
        "MORE_PATIENCE",
        "time",
    ),
    "the longest pause between two connections to the feed": (f"{GATE}/feed/pauses.rs", "LONGEST", "time"),
    "how long the answer to a receipt is waited for": (f"{GATE}/feed/receipts.rs", "PATIENCE", "time"),
    "how long a process waits for another one that writes into their view": (
        "sealgate-shared/src/memory.rs",
        "PATIENCE",
        "time",
    ),
    "an issuer's metadata": (f"{GATE}/issuer/discovery.rs", "LIMIT", "bytes"),
    "further issuers that are trusted": (f"{GATE}/settings/issuers.rs", "MOST", "count"),
}

# Constants of these types are limits, each of which is on the page.
TYPED = r"const (\w+): (?:Rate|Limits|JsonLimits|Self) = "

_OPERATORS: dict[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: lambda left, right: left + right,
    ast.Mult: lambda left, right: left * right,
    ast.LShift: lambda left, right: left << right,
}


def source(file: str) -> str:
    return re.split(r"#\[cfg\(test\)\]\nmod \w+ \{", (CRATES / file).read_text("utf-8"))[0]


def definition(file: str, name: str) -> str:
    """What the constant is, as it is written; `NAME#2` is the second of its name."""
    name, _, place = name.partition("#")
    found = re.findall(rf"const {name}: [^=]+? = (.*?);\n", source(file), re.DOTALL)
    assert found, f"{file} has no {name}"
    return str(found[int(place or 1) - 1])


def number(text: str, file: str) -> int:
    """A whole number as Rust writes it, with constants of the same file or `TOKEN_LIMIT` in it."""

    def value(node: ast.expr) -> int:
        match node:
            case ast.Constant(value=int(known)):
                return known
            case ast.BinOp(left=left, op=op, right=right):
                return _OPERATORS[type(op)](value(left), value(right))
            case ast.Name(id="TOKEN_LIMIT"):
                return number(definition(f"{JOSE}/lib.rs", "TOKEN_LIMIT"), f"{JOSE}/lib.rs")
            case ast.Name(id=name):
                return number(definition(file, name), file)
            case _:
                raise AssertionError(ast.dump(node))

    return value(ast.parse(text.strip(), mode="eval").body)


def seconds(text: str, file: str) -> str:
    found = re.fullmatch(r"Duration::from_(secs|millis)\((.*)\)", text.strip())
    assert found, text
    count = number(found[2], file)
    return f"{count / (1 if found[1] == 'secs' else 1000):g} s"


def size(count: int) -> str:
    return f"{count // 1024} KiB" if count % 1024 == 0 else f"{count:,} B"


def fields(file: str, name: str) -> dict[str, str]:
    text = definition(file, name)
    found: dict[str, str] = dict(re.findall(r"(\w+): ([^,]+),", text))
    rest = re.search(r"\.\.Self::(\w+)", text)
    return {**(fields(file, rest[1]) if rest else {}), **found}


def told(file: str, name: str, kind: str) -> str:
    """The constant as the page writes it."""
    if kind == "rate":
        parts = fields(file, name)
        return f"{number(parts['at_once'], file)} at once, then one every {seconds(parts['every'], file)}"
    if kind in ("form", "json"):
        counts = {key: number(text, file) for key, text in fields(file, name).items()}
        if kind == "json":
            return f"{size(counts['bytes'])}, {counts['depth']} deep, {counts['values']} values"
        return f"{size(counts['bytes'])}, {counts['count']} parameters, {size(counts['value'])} each"
    if kind == "seconds":  # A whole number of them, which may be a sum.
        return f"{number(name, file)} s"
    text = definition(file, name)
    if kind == "time":
        return seconds(text, file)
    return size(number(text, file)) if kind == "bytes" else f"{number(text, file):,}"


def rows() -> dict[str, str]:
    page = (ROOT / "docs" / "reference" / "limits.md").read_text("utf-8")
    cells = re.findall(r"^\| (.+?) \| (.+?) \|$", page, re.MULTILINE)
    rows = {what: limit for what, limit in cells if limit not in ("limit", "---")}
    assert len(rows) == len([limit for _, limit in cells if limit not in ("limit", "---")]), (
        "a row stands twice"
    )
    return rows


def test_the_page_has_the_codes_own_numbers() -> None:
    assert rows() == {what: told(*where) for what, where in LIMITS.items()}


def test_every_limit_on_attempts_and_parameters_is_on_the_page() -> None:
    known = {(file, name.partition("#")[0]) for file, name, _ in LIMITS.values()}
    found: set[tuple[str, str]] = set()
    for crate in (SERVER, OAUTH, GATE):
        for path in sorted((CRATES / crate).rglob("*.rs")):
            file = str(path.relative_to(CRATES))
            if "tests" not in path.with_suffix("").parts:
                found |= {(file, name) for name in re.findall(TYPED, source(file)) if name.isupper()}
    limits = {
        entry for entry in found if entry[0] != f"{OAUTH}/params.rs" or entry[1] in ("STANDARD", "WITH_TOKEN")
    }
    assert len(limits) >= 14
    assert limits - known == set()
