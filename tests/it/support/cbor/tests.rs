//! Bytes in, JSON out, and the reverse; the bytes are written out by hand.

use serde_json::json;

use super::*;

/// Examples from RFC 8949, appendix A.
#[test]
fn the_standards_examples_become_json() {
    for (hex, json) in [
        ("00", json!(0)),
        ("1903e8", json!(1000)),
        ("1bffffffffffffffff", json!(18_446_744_073_709_551_615_u64)),
        ("3903e7", json!(-1000)),
        ("f93e00", json!(1.5)),
        ("fa47c35000", json!(100_000.0)),
        ("fb3ff199999999999a", json!(1.1)),
        ("f4", json!(false)),
        ("f6", json!(null)),
        ("f7", json!(null)),
        ("c11a514b67b0", json!(1_363_896_240)),
        ("c1fb41d452d9ec200000", json!(1_363_896_240.5)),
        ("62c3bc", json!("\u{fc}")),
        ("8301820203820405", json!([1, [2, 3], [4, 5]])),
        ("a26161016162820203", json!({"a": 1, "b": [2, 3]})),
        ("7f657374726561646d696e67ff", json!("streaming")),
        ("9f018202039f0405ffff", json!([1, [2, 3], [4, 5]])),
        ("83018202039f0405ff", json!([1, [2, 3], [4, 5]])),
        ("bf61610161629f0203ffff", json!({"a": 1, "b": [2, 3]})),
        ("bf6346756ef563416d7421ff", json!({"Fun": true, "Amt": -2})),
    ] {
        assert_eq!(to_json(&bytes(hex)).unwrap(), json, "{hex}");
    }
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len() / 2)
        .map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).expect("hex digits"))
        .collect()
}

#[test]
fn what_a_request_cannot_hold_is_refused() {
    for (body, word) in [
        (&[0x01, 0x02][..], "follow"),
        (&[0x41, 0x00], "bytes"),
        (&[0xc0, 0x00], "tag 0"),
        (&[0xa1, 0x01, 0x01], "expected text"),
        (&[0xf9, 0x7e, 0x00], "NaN"),
        (&[0x81; 40], "nested"),
        (&[0x9f, 0x01], "end of input"),
    ] {
        let error = format!("{:#}", to_json(body).unwrap_err());
        assert!(error.contains(word), "{word} is not in {error:?}");
    }
}

#[test]
fn members_names_decide_what_a_number_becomes() {
    for (json, hex) in [
        // {"Timestamp": 1(1363896240)}, a timestamp with a fraction, and a list of one.
        (
            json!({"Timestamp": 1_363_896_240}),
            "a16954696d657374616d70c11a514b67b0",
        ),
        (
            json!({"Timestamp": 1_363_896_240.5}),
            "a16954696d657374616d70c1fb41d452d9ec200000",
        ),
        (
            json!({"Timestamps": [1_363_896_240]}),
            "a16a54696d657374616d707381c11a514b67b0",
        ),
        // {"Values": [1.0, 1.5]}, {"Sum": -1.0}, {"Period": 1000}, {"Label": "a"}
        (
            json!({"Values": [1, 1.5]}),
            "a16656616c75657382fb3ff0000000000000fb3ff8000000000000",
        ),
        (json!({"Sum": -1}), "a16353756dfbbff0000000000000"),
        (json!({"Period": 1000}), "a166506572696f641903e8"),
        (json!({"Label": "a"}), "a1654c6162656c6161"),
        (
            json!({"ExtendedStatistics": {"p90": 1}}),
            "a172457874656e64656453746174697374696373a163703930fb3ff0000000000000",
        ),
    ] {
        assert_eq!(from_json(&json).unwrap(), bytes(hex), "{json}");
    }
    assert!(from_json(&json!({"Timestamp": "2026-01-01T00:00:00Z"})).is_err());
}
