//! What docs/task.md says is what there is: every setting, and the tests that it names.

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
fn every_setting_is_told() {
    let page = read("docs/task.md");
    let told: Vec<&str> = quoted(&page).collect();
    let mut known = 0;
    for file in ["read", "load"] {
        let code = read(&format!("src/task/setting/{file}.rs"));
        let texts = code.split('"').skip(1).step_by(2);
        let is_variable = |text: &&str| {
            text.starts_with("MACKEREL_") && !text.contains(' ') && !text.ends_with('_')
        };
        // Known so that it is not taken for a slip of the pen: it is the plugins'.
        for variable in texts
            .filter(is_variable)
            .filter(|v| *v != "MACKEREL_PLUGIN_WORKDIR")
        {
            known += 1;
            assert!(told.contains(&variable), "{variable} is missing");
        }
    }
    assert!(known >= 16, "{known}");
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
