//! Files that are made of what the code knows: each is as it would be made now. `make docs` writes
//! them anew.

use std::path::Path;

use mackerel_ecs::config::example::example;
use mackerel_ecs::config::schema::schema;

/// Where it is set, the files are written rather than compared.
const SWITCH: &str = "MACKEREL_ECS_TEST_WRITE";

#[test]
fn files_are_as_they_would_be_made_now() {
    let schema = serde_json::to_string_pretty(&schema()).unwrap() + "\n";
    let files = [
        ("config/example.yaml", example()),
        ("config/schema.json", schema),
    ];
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    #[expect(clippy::disallowed_methods, reason = "a switch of this test alone")]
    let writes = std::env::var(SWITCH).is_ok();
    for (name, text) in files {
        let path = root.join(name);
        if writes {
            std::fs::write(&path, &text).unwrap();
            continue;
        }
        let there = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            there == text,
            "{name} is not what the code makes; run `make docs`"
        );
    }
}
