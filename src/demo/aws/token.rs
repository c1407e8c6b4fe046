//! Page tokens: opaque to the client, bound to the question they continue, and remembered nowhere.
//!
//! A token is a position and a checksum over it and its scope, in hexadecimal. The scope is a text
//! of everything that must not change from page to page.

use crate::demo::aws::fleet::noise;

/// The token for a position in the answer to the question `scope`.
pub fn issue(scope: &str, position: &str) -> String {
    let hex: String = position.bytes().map(|byte| format!("{byte:02x}")).collect();
    format!("{:016x}{hex}", checksum(scope, position))
}

/// The position in a token; none when it was not given out for this question.
pub fn redeem(scope: &str, token: &str) -> Option<String> {
    let (sum, hex) = token.split_at_checked(16)?;
    let bytes: Option<Vec<u8>> = (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok())
        .collect();
    let position = String::from_utf8(bytes?).ok()?;
    let sum = u64::from_str_radix(sum, 16).ok()?;
    (sum == checksum(scope, &position)).then_some(position)
}

fn checksum(scope: &str, position: &str) -> u64 {
    noise::mix(noise::seed_of(scope), noise::seed_of(position))
}
