//! What is said at start of the issuers that are believed, where it is not what one might think.

use crate::settings::Settings;

/// Says what the choice of issuers means.
pub(crate) fn say_what_is_believed(settings: &Settings) {
    let provider = settings.provider;
    if !provider.has_feed {
        tracing::warn!(
            provider = provider.name,
            "This provider has no revocation feed: a session that is revoked there ends here with its next \
             renewal, within five minutes, and a token with its own end. A back-channel logout ends sessions \
             in the process that it reaches."
        );
    }
    if provider.access_tokens.is_none() && settings.named_audience().is_some() {
        tracing::warn!(
            provider = provider.name,
            "SEALGATE_AUDIENCES is set, but no access token of this provider can be verified by an \
             application: only sessions are taken, and the tokens of SEALGATE_TRUSTED_ISSUERS."
        );
    }
    for (issuer, preset) in &settings.trusted_issuers {
        tracing::info!(
            %issuer,
            provider = preset.name,
            "Access tokens of this issuer are taken until they expire: nothing is heard of revocations there."
        );
    }
}
