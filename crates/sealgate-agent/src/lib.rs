//! A client of protected resources: how an AI agent, a job or a person at a terminal gets tokens for them.
