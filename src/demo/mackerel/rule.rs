//! The names and limits that Mackerel documents, as pure functions from text to yes or no.
//! It decides what is refused; the words of the refusal belong to the caller.

/// The units of a graph definition.
pub const UNITS: [&str; 9] = [
    "float",
    "integer",
    "percentage",
    "seconds",
    "milliseconds",
    "bytes",
    "bytes/sec",
    "bits/sec",
    "iops",
];

/// First segments of the host metrics that Mackerel defines itself: those of mackerel-agent and mackerel-container-agent.
/// Any other name must start with `custom.`; that the API refuses the rest is an assumption.
pub const SYSTEM_FAMILIES: [&str; 10] = [
    "container",
    "cpu",
    "disk",
    "filesystem",
    "interface",
    "loadavg1",
    "loadavg15",
    "loadavg5",
    "memory",
    "processor_queue_length",
];

/// Values older or newer than this many seconds are dropped with a success.
pub const ACCEPTED_AGE_SECONDS: i64 = 24 * 60 * 60;

/// A graph definition with a wildcard vanishes after this many seconds without a matching point.
/// The documentation says roughly 6 to 8 hours; the middle is an assumption.
pub const WILDCARD_LIFE_SECONDS: i64 = 7 * 60 * 60;

/// The largest metadata value, in bytes: 100 KB.
pub const METADATA_MAX_BYTES: usize = 100 * 1024;

/// The longest memo of a check in a host's `checks`, in characters.
pub const CHECK_MEMO_MAX_CHARS: usize = 250;

/// The longest message of a check report, in characters.
pub const CHECK_MESSAGE_MAX_CHARS: usize = 1024;

/// The longest memo of a monitor, in characters.
pub const MONITOR_MEMO_MAX_CHARS: usize = 2048;

/// The largest memo of an alert, in bytes: 80 KB.
pub const ALERT_MEMO_MAX_BYTES: usize = 80 * 1024;

/// The longest title of a graph annotation, in characters.
pub const ANNOTATION_TITLE_MAX_CHARS: usize = 250;

/// The longest description of a graph annotation, in characters.
pub const ANNOTATION_MAX_CHARS: usize = 1024;

/// A page of a list holds at most this many entries.
pub const PAGE_MAX: usize = 100;

/// The metadata of a retired host can be read for this many seconds.
pub const RETIRED_METADATA_SECONDS: i64 = 7 * 24 * 60 * 60;

/// Whether a service may post a metric under this name: `[a-zA-Z0-9._-]+`.
pub fn is_metric_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| is_word_byte(byte) || byte == b'.')
}

/// Whether a host may post a metric under this name: a custom metric has segments that are not empty
/// after `custom.`, and anything else must be of a family that Mackerel defines.
pub fn is_host_metric_name(name: &str) -> bool {
    match name.split_once('.') {
        Some(("custom", rest)) => rest.split('.').all(is_segment),
        Some((family, _)) => is_metric_name(name) && SYSTEM_FAMILIES.contains(&family),
        None => SYSTEM_FAMILIES.contains(&name),
    }
}

/// Whether this is a name of a graph or of a metric in a graph definition:
/// `^custom(\.([-a-zA-Z0-9_]+|[*#]))+$` with `#` at most once.
pub fn is_pattern(name: &str) -> bool {
    let Some(("custom", rest)) = name.split_once('.') else {
        return false;
    };
    rest.split('.')
        .all(|segment| is_wildcard(segment) || is_segment(segment))
        && name.matches('#').count() <= 1
}

/// Whether the metric lies directly under the graph: the graph's name, a dot, and one segment.
pub fn is_under(graph: &str, metric: &str) -> bool {
    metric
        .rsplit_once('.')
        .is_some_and(|(prefix, _)| prefix == graph)
}

/// Whether the last segment of the name is a wildcard.
pub fn ends_in_wildcard(name: &str) -> bool {
    name.rsplit('.').next().is_some_and(is_wildcard)
}

/// Whether the name has a wildcard anywhere.
pub fn has_wildcard(name: &str) -> bool {
    name.split('.').any(is_wildcard)
}

/// Whether a posted name is one of those that the pattern stands for; each wildcard is one segment.
pub fn matches(pattern: &str, name: &str) -> bool {
    let mut segments = name.split('.');
    pattern.split('.').all(|expected| {
        segments
            .next()
            .is_some_and(|segment| is_wildcard(expected) || expected == segment)
    }) && segments.next().is_none()
}

/// Whether this names a service or a role: 2 to 63 of `[A-Za-z0-9_-]`, the first a letter or digit.
pub fn is_service_or_role_name(name: &str) -> bool {
    (2..=63).contains(&name.len())
        && is_segment(name)
        && name
            .as_bytes()
            .first()
            .is_some_and(u8::is_ascii_alphanumeric)
}

/// Splits `service:role`, if both names are right.
pub fn split_role_fullname(fullname: &str) -> Option<(&str, &str)> {
    let (service, role) = fullname.split_once(':')?;
    (is_service_or_role_name(service) && is_service_or_role_name(role)).then_some((service, role))
}

/// Whether this names a check in a host's `checks`: `[a-zA-Z0-9_-]+`.
pub fn is_check_name(name: &str) -> bool {
    is_segment(name)
}

/// Whether this is the path of a dashboard: `[A-Za-z0-9_][-A-Za-z0-9_]*` joined by `/`.
pub fn is_dashboard_path(path: &str) -> bool {
    path.split('/')
        .all(|segment| is_segment(segment) && !segment.starts_with('-'))
}

/// Whether a client may write metadata under this namespace: `[-a-zA-Z0-9_]+`, not starting with `mackerel`.
pub fn is_namespace(namespace: &str) -> bool {
    is_segment(namespace) && !namespace.starts_with("mackerel")
}

/// Whether a point at `time` is recorded at `now`, both in epoch seconds.
pub fn is_recorded(time: i64, now: i64) -> bool {
    (now - ACCEPTED_AGE_SECONDS..=now + ACCEPTED_AGE_SECONDS).contains(&time)
}

fn is_segment(segment: &str) -> bool {
    !segment.is_empty() && segment.bytes().all(is_word_byte)
}

fn is_wildcard(segment: &str) -> bool {
    matches!(segment, "*" | "#")
}

fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_metric_names() {
        for good in [
            "custom.a",
            "custom.ecs.running_task.web-1.count",
            "container.cpu.app.usage",
            "loadavg5",
            "interface.eth0.rxBytes.delta",
        ] {
            assert!(is_host_metric_name(good), "{good}");
        }
        for bad in [
            "",
            "custom",
            "custom.",
            "custom..a",
            "custom.a.",
            "custom.a b",
            "custom.é",
            "custom.*",
            "ecs.cpu",
            "cpu.a/b",
            "Custom.a",
        ] {
            assert!(!is_host_metric_name(bad), "{bad}");
        }
    }

    #[test]
    fn patterns() {
        for good in ["custom.a", "custom.#.a", "custom.a.*.b.*", "custom.*.#"] {
            assert!(is_pattern(good), "{good}");
        }
        for bad in [
            "custom",
            "a.b",
            "custom.a*",
            "custom.#.#",
            "custom..a",
            "custom.a.",
            "custom.**",
        ] {
            assert!(!is_pattern(bad), "{bad}");
        }
        assert!(matches("custom.a.#.b", "custom.a.x.b"));
        assert!(!matches("custom.a.#.b", "custom.a.x.y.b"));
        assert!(!matches("custom.a.#", "custom.a.x.b"));
        assert!(!matches("custom.a.#.b", "custom.a.x"));
        assert!(
            is_under("custom.a", "custom.a.b")
                && !is_under("custom.a", "custom.a.b.c")
                && !is_under("custom.a", "custom.a")
        );
    }

    #[test]
    fn service_names_and_ages() {
        let longest = "a".repeat(63);
        for good in ["ab", "A-", "9_x", longest.as_str()] {
            assert!(is_service_or_role_name(good), "{good}");
        }
        let too_long = "a".repeat(64);
        for bad in ["", "a", "-a", "_a", "a b", "a:b", too_long.as_str()] {
            assert!(!is_service_or_role_name(bad), "{bad}");
        }
        assert_eq!(split_role_fullname("shop:web"), Some(("shop", "web")));
        assert_eq!(split_role_fullname("shop: web"), None);
        assert!(
            is_recorded(0, 86_400)
                && !is_recorded(-1, 86_400)
                && is_recorded(172_800, 86_400)
                && !is_recorded(172_801, 86_400)
        );
    }
}
