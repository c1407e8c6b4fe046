//! Ids as Mackerel's look, each given out once: hosts, monitors, checks, alerts, their logs and the rest
//! draw from one sequence, so that an id of one kind never names a thing of another.

use rusqlite::Connection;

/// The next id.
pub fn next(sql: &Connection) -> rusqlite::Result<String> {
    let number: i64 = sql
        .prepare_cached("UPDATE sequence SET last = last + 1 RETURNING last")?
        .query_row([], |row| row.get(0))?;
    Ok(of_number(number.unsigned_abs()))
}

/// An id of 11 letters and digits as Mackerel's have, different for each number: multiplying by an odd constant
/// and rotating are both reversible, so that no two numbers meet.
fn of_number(number: u64) -> String {
    const ALPHABET: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    let mut rest = number
        .wrapping_mul(0x9E37_79B9_7F4A_7C15)
        .rotate_left(29)
        .wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mut id = String::with_capacity(11);
    for _ in 0..11 {
        let digit = usize::try_from(rest % 58).unwrap_or_default();
        id.push(ALPHABET.get(digit).copied().map_or('1', char::from));
        rest /= 58;
    }
    id
}
