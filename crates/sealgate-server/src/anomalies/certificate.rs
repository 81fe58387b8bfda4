//! When a certificate ends (RFC 5280, 4.1.2.5).

use std::path::Path;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use sealgate_model::Timestamp;

/// When the first certificate in the file ends.
///
/// # Errors
/// In words, if there is none or it does not say.
pub(super) fn end_of(path: &Path) -> Result<Timestamp, String> {
    let leaf = CertificateDer::from_pem_file(path)
        .map_err(|error| format!("{} is not readable: {error}", path.display()))?;
    not_after(&leaf).ok_or_else(|| format!("{} does not say when it ends", path.display()))
}

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
/// `[0] EXPLICIT`.
const VERSION: u8 = 0xa0;

/// `notAfter` of a certificate in DER.
fn not_after(der: &[u8]) -> Option<Timestamp> {
    let (certificate, _) = element(der, SEQUENCE)?;
    let (mut rest, _) = element(certificate, SEQUENCE)?;
    if rest.first() == Some(&VERSION) {
        rest = element(rest, VERSION)?.1;
    }
    for tag in [INTEGER, SEQUENCE, SEQUENCE] {
        // The serial number, the signature's algorithm, the issuer.
        rest = element(rest, tag)?.1;
    }
    let (validity, _) = element(rest, SEQUENCE)?;
    let (_, after) = time(validity)?;
    time(after).map(|(end, _)| end)
}

/// The content of the element at the start of `der`, if it has this tag, and what comes after it.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (first, rest) = der.split_first()?;
    let (length, rest) = rest.split_first()?;
    let (length, rest) = match length {
        0..=0x7f => (usize::from(*length), rest),
        0x81..=0x84 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(length & 0x7f))?;
            let length = bytes.iter().try_fold(0_usize, |sum, byte| {
                sum.checked_mul(256)?.checked_add(usize::from(*byte))
            })?;
            (length, rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    (*first == tag).then_some((content, rest))
}

/// A time, as both forms have it: to the second, in UTC (RFC 5280, 4.1.2.5.1 and 4.1.2.5.2).
fn time(der: &[u8]) -> Option<(Timestamp, &[u8])> {
    let (digits, rest, years) = match *der.first()? {
        UTC_TIME => {
            let (text, rest) = element(der, UTC_TIME)?;
            (text, rest, 2)
        }
        GENERALIZED_TIME => {
            let (text, rest) = element(der, GENERALIZED_TIME)?;
            (text, rest, 4)
        }
        _ => return None,
    };
    let digits = std::str::from_utf8(digits.strip_suffix(b"Z")?).ok()?;
    if digits.len() != years + 10 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (year, parts) = digits.split_at(years);
    let year: i16 = year.parse().ok()?;
    let year = match (years, year) {
        (2, 0..50) => 2000 + year,
        (2, _) => 1900 + year,
        _ => year,
    };
    let part = |at: usize| parts.get(at..at + 2)?.parse::<i8>().ok();
    let at = DateTime::new(year, part(0)?, part(2)?, part(4)?, part(6)?, part(8)?, 0).ok()?;
    let at = at.to_zoned(TimeZone::UTC).ok()?.timestamp();
    Some((Timestamp::from_millis(at.as_millisecond()), rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn certificate(end: (i32, u8, u8)) -> Vec<u8> {
        let mut parameters = rcgen::CertificateParams::new(vec!["id.example".to_owned()]).unwrap();
        parameters.not_before = rcgen::date_time_ymd(2020, 1, 1);
        parameters.not_after = rcgen::date_time_ymd(end.0, end.1, end.2);
        let key = rcgen::KeyPair::generate().unwrap();
        parameters.self_signed(&key).unwrap().der().to_vec()
    }

    #[test]
    fn the_end_is_read_in_both_forms() {
        for (end, seconds) in [((2027, 3, 4), 1_804_118_400), ((2075, 1, 1), 3_313_526_400)] {
            let end = not_after(&certificate(end));
            assert_eq!(end, Some(Timestamp::from_seconds(seconds)));
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_fail(at in 0..400_usize, byte in any::<u8>(), cut in 0..600_usize) {
            let mut der = certificate((2027, 3, 4));
            if let Some(place) = der.get_mut(at) {
                *place = byte;
            }
            der.truncate(cut);
            let _ = not_after(&der);
        }
    }
}
