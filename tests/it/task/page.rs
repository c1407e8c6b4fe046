//! What docs/task.md says is what there is.

use std::path::Path;

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(path).unwrap_or_default()
}

/// The texts in backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

#[test]
fn the_tests_that_are_named_exist() {
    let page = read("docs/task.md");
    let named: Vec<&str> = quoted(&page)
        .filter(|text| text.starts_with("task::"))
        .collect();
    assert!(named.len() > 20);
    for name in named {
        let parts: Vec<&str> = name.split("::").skip(1).collect();
        let is_there = |path: String| Path::new(env!("CARGO_MANIFEST_DIR")).join(path).exists();
        let module = parts.join("/");
        let is_module =
            is_there(format!("src/task/{module}.rs")) || is_there(format!("src/task/{module}"));
        let is_test = parts.len() == 2 && {
            let file = read(&format!("tests/it/task/{}.rs", parts[0]));
            file.contains(&format!("fn {}(", parts[1]))
        };
        assert!(is_module || is_test, "{name}");
    }
}
