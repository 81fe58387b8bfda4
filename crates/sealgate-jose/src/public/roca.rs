//! RSA keys whose primes a faulty library made so that they can be found (ROCA, CVE-2017-15361).

/// The primes below 168 at which such keys stand out.
const PRIMES: [u32; 17] = [
    11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157,
];

/// Whether a modulus bears the mark: its primes, and so it itself, are powers of 65537 modulo every small
/// prime. Another modulus does with a chance of one in 2^27.
pub(super) fn is_weak(modulus: &[u8]) -> bool {
    PRIMES
        .iter()
        .all(|prime| is_power(remainder(modulus, *prime), *prime))
}

fn remainder(number: &[u8], prime: u32) -> u32 {
    number
        .iter()
        .fold(0, |rest, byte| (rest * 256 + u32::from(*byte)) % prime)
}

fn is_power(rest: u32, prime: u32) -> bool {
    let mut power = 1;
    (0..prime).any(|_| {
        power = power * (65537 % prime) % prime;
        power == rest
    })
}
