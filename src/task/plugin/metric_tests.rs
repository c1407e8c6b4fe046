use super::*;

#[track_caller]
fn check(stdout: &str, expected: &[(&str, f64)], trouble: Option<&str>) {
    let reading = values(stdout);
    let taken: Vec<(&str, f64)> = reading
        .taken
        .iter()
        .map(|(k, v)| (k.as_str(), *v))
        .collect();
    assert_eq!(taken, expected, "{stdout}");
    assert_eq!(reading.trouble.as_deref(), trouble, "{stdout}");
}

#[test]
fn a_line_is_a_name_a_value_and_a_time() {
    check(
        "a.b\t1.5\t1700000000\nc 2 x y\nshort 3\n\n# a comment 1\nd -1e3 0\r\n",
        &[
            ("custom.a.b", 1.5),
            ("custom.c", 2.0),
            ("custom.d", -1000.0),
        ],
        None,
    );
    check("a 1 0\na 2 0\n", &[("custom.a", 2.0)], None);
    check("", &[], None);
}

#[test]
fn what_mackerel_would_not_take_is_left_out() {
    check(
        "a NaN 0\nb inf 0\nc -Infinity 0\nd 1 0\n",
        &[("custom.d", 1.0)],
        Some("3 of its lines left out, such as `a NaN`"),
    );
    check(
        "a..b 1 0\n.a 1 0\na. 1 0\na/b 1 0\n名 1 0\na 1 0\n",
        &[("custom.a", 1.0)],
        Some("5 of its lines left out, such as `a..b 1`"),
    );
    check(
        "a one 0\n",
        &[],
        Some("1 of its lines left out, such as `a one`"),
    );
}

#[track_caller]
fn check_definitions(json: &str, expected: &str, trouble: Option<&str>) {
    let stdout = format!("# mackerel-agent-plugin version=1\n{json}");
    let reading = definitions(&stdout).unwrap();
    let taken = serde_json::to_value(&reading.taken).unwrap();
    let expected: serde_json::Value = serde_json::from_str(expected).unwrap();
    assert_eq!(taken, expected);
    assert_eq!(reading.trouble.as_deref(), trouble);
}

#[test]
fn definitions_are_as_the_plugin_writes_them() {
    check_definitions(
        r##"{"graphs": {
            "web.#": {"label": "Web", "unit": "integer", "metrics": [
                {"name": "ok", "label": "OK", "stacked": true}, {"name": "*"}]},
            "bare": {"metrics": [{"name": "a"}], "more": 1}}}"##,
        r##"[{"name": "custom.bare", "displayName": "bare", "unit": "float", "metrics": [
                {"name": "custom.bare.a", "displayName": "a", "isStacked": false}]},
            {"name": "custom.web.#", "displayName": "Web", "unit": "integer", "metrics": [
                {"name": "custom.web.#.ok", "displayName": "OK", "isStacked": true},
                {"name": "custom.web.#.*", "displayName": "%1", "isStacked": false}]}]"##,
        None,
    );
}

#[test]
fn definitions_that_mackerel_would_not_take_are_left_out() {
    check_definitions(
        r##"{"graphs": {
            "a.#.#": {"metrics": [{"name": "x"}]},
            "b": {"unit": "furlongs", "metrics": [{"name": "x"}, {"name": "y z"}]},
            "c": {}}}"##,
        r##"[{"name": "custom.b", "displayName": "b", "unit": "float", "metrics": [
            {"name": "custom.b.x", "displayName": "x", "isStacked": false}]}]"##,
        Some("5 of its graph definitions left out, such as `a.#.#.x`"),
    );
}

#[test]
fn a_plugin_without_definitions_has_none() {
    assert_eq!(definitions("a 1 0\nb 2 0\n").unwrap().taken, []);
    assert_eq!(definitions("").unwrap().taken, []);
    let error = definitions("# mackerel-agent-plugin\nnot json").unwrap_err();
    assert!(error.contains("no JSON"), "{error}");
}
