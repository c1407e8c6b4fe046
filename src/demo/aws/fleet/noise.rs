//! Repeatable chance: numbers that look random and depend only on what they are made from.
//!
//! A seed is a 64-bit number. The same seed gives the same fleet, the same load and the same task
//! ids in every run and on every machine.

/// Makes a seed from a text (FNV-1a, then [`mix`]ed so that similar texts give unlike seeds).
pub fn seed_of(text: &str) -> u64 {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    mix(hash, 0)
}

/// Makes a new seed from a seed and a number (the finalizer of SplitMix64).
pub fn mix(seed: u64, number: u64) -> u64 {
    let sum = seed
        .wrapping_add(number.wrapping_mul(0xbf58_476d_1ce4_e5b9))
        .wrapping_add(0x9e37_79b9_7f4a_7c15);
    let once = (sum ^ (sum >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let twice = (once ^ (once >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    twice ^ (twice >> 31)
}

/// The seed as a number from 0 up to, but not including, 1.
pub fn unit(seed: u64) -> f64 {
    (seed >> 11) as f64 / (1_u64 << 53) as f64
}

/// The seed as a whole number from `low` to `high`, both included.
pub fn between(seed: u64, low: u64, high: u64) -> u64 {
    low + seed % (high.saturating_sub(low) + 1)
}

/// A lower-case identifier in the layout of a UUID (8-4-4-4-12 hexadecimal digits).
pub fn uuid(seed: u64) -> String {
    let (high, low) = (mix(seed, 1), mix(seed, 2));
    format!(
        "{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xfff,
        low >> 52,
        low & 0xffff_ffff_ffff
    )
}

/// A task or container instance id: 32 hexadecimal digits.
pub fn hex_id(seed: u64) -> String {
    format!("{:016x}{:016x}", mix(seed, 3), mix(seed, 4))
}
