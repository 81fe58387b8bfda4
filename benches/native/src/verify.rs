//! The least that checking a token can cost: the signature alone, by the library that the product uses,
//! with a key that was read before. It decodes nothing, looks at no claim, and believes every token.
//!
//! It speaks the protocol of benches/programs/rounds.py: a line `{"jwk": …, "tokens": […]}` first, then a
//! line for each round, which it answers with `{"median": …, "p99": …, "calls": …}` in microseconds.

use std::error::Error;
use std::io::{BufRead as _, Write as _, stdin, stdout};
use std::time::Instant;

use aws_lc_rs::signature::{
    ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
struct Given {
    jwk: Jwk,
    tokens: Vec<String>,
    /// How many tokens make one round.
    each: usize,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    #[serde(default)]
    x: String,
    #[serde(default)]
    n: String,
    #[serde(default)]
    e: String,
}

#[derive(Serialize)]
struct Round {
    median: f64,
    p99: f64,
    calls: usize,
}

fn key(jwk: &Jwk) -> Result<ParsedPublicKey, Box<dyn Error>> {
    let bytes = |text: &String| URL_SAFE_NO_PAD.decode(text);
    Ok(match jwk.kty.as_str() {
        "OKP" => ParsedPublicKey::new(&ED25519, bytes(&jwk.x)?)?,
        "RSA" => RsaPublicKeyComponents {
            n: bytes(&jwk.n)?,
            e: bytes(&jwk.e)?,
        }
        .to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256)?,
        other => return Err(format!("no floor for keys of type {other}").into()),
    })
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut lines = stdin().lock().lines();
    let first = lines.next().ok_or("nothing on stdin")??;
    let given: Given = serde_json::from_str(&first)?;
    let key = key(&given.jwk)?;
    let mut tokens = Vec::with_capacity(given.tokens.len());
    for token in &given.tokens {
        let (message, signature) = token.rsplit_once('.').ok_or("a token without signature")?;
        tokens.push((message.as_bytes(), URL_SAFE_NO_PAD.decode(signature)?));
    }
    let mut rounds = tokens.chunks_exact(given.each);
    say(&serde_json::json!({ "ready": true }))?;
    for line in lines {
        line?;
        say(&round(
            &key,
            rounds.next().ok_or("no token is left for a round")?,
        )?)?;
    }
    Ok(())
}

fn round(key: &ParsedPublicKey, tokens: &[(&[u8], Vec<u8>)]) -> Result<Round, Box<dyn Error>> {
    let mut taken = Vec::with_capacity(tokens.len());
    for (message, signature) in tokens {
        let began = Instant::now();
        let good = key.verify_sig(message, signature).is_ok();
        taken.push(began.elapsed().as_secs_f64() * 1e6);
        if !good {
            return Err("a signature does not hold".into());
        }
    }
    taken.sort_by(f64::total_cmp);
    let at = |share: usize| taken[(taken.len() * share / 100).min(taken.len() - 1)];
    Ok(Round {
        median: at(50),
        p99: at(99),
        calls: taken.len(),
    })
}

fn say(what: &impl Serialize) -> Result<(), Box<dyn Error>> {
    let mut out = stdout().lock();
    serde_json::to_writer(&mut out, what)?;
    writeln!(out)?;
    Ok(out.flush()?)
}
