use super::*;

/// Texts that can't be used, each with its mistake, place included.
#[track_caller]
fn check(table: &[(&str, &str)]) {
    for (text, expected) in table {
        let mistake = parse("ecs.yaml", text).unwrap_err().to_string();
        let start: String = text.chars().take(400).collect();
        assert_eq!(mistake, *expected, "of:\n{start}");
    }
}

#[test]
fn what_can_t_be_used_is_told_at_its_place() {
    let bomb = "a: &a [x, x, x, x, x, x, x, x, x, x]\n".to_owned()
        + "b: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]\n"
        + "c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b]\n"
        + "d: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c, *c]\n"
        + "e: &e [*d, *d, *d, *d, *d, *d, *d, *d, *d, *d]\n";
    check(&[
        (
            "poll:\n  interval: 1m\n grace: 5s",
            "ecs.yaml:3:2: not valid YAML: while parsing a block mapping, did not find expected key",
        ),
        (
            "poll:\n\tinterval: 1m",
            "ecs.yaml:2:2: not valid YAML: tabs disallowed within this context (block indentation); indent with blanks",
        ),
        (
            "host: {roles: [a",
            "ecs.yaml:2:1: not valid YAML: while parsing a flow sequence, expected ',' or ']'",
        ),
        (
            "poll: {}\nhost: {}\npoll: {}",
            "ecs.yaml:3:1: the key `poll` is written twice; keep one of them",
        ),
        (
            "poll: {}\n'poll': {}",
            "ecs.yaml:2:1: the key `poll` is written twice; keep one of them",
        ),
        (
            "poll: {}\n---\nhost: {}",
            "ecs.yaml:2:1: a second YAML document; a configuration is one document",
        ),
        (
            &bomb,
            "ecs.yaml:5:8: too large for a configuration, its aliases written out",
        ),
        (
            "a: &a [*a]",
            "ecs.yaml:1:8: an alias can't stand within what it repeats",
        ),
        (
            "a: *b",
            "ecs.yaml:1:4: not valid YAML: while parsing node, found unknown anchor",
        ),
        (
            &("[".repeat(20) + &"]".repeat(20)),
            "ecs.yaml:1:18: nested too deep for a configuration",
        ),
        (
            &"[".repeat(100_000),
            "ecs.yaml:1:256: not valid YAML: recursion limit exceeded",
        ),
        (
            "? [a]\n: b",
            "ecs.yaml:1:3: a key must be a text, not a list",
        ),
        ("~: b", "ecs.yaml:1:1: a key must be a text, not nothing"),
        (
            "poll: !!map {}",
            "ecs.yaml:1:7: a YAML tag can't be used here; leave it out",
        ),
    ]);
}
