//! Which roles to add to a host and which to take away: only what was given because of a tag or
//! the config is ever taken away, never what a person gave.

use std::collections::BTreeSet;

/// What to do about a host's roles.
#[derive(Debug, Default, PartialEq)]
pub struct RoleChange {
    /// To add.
    pub add: BTreeSet<String>,
    /// To take away.
    pub remove: BTreeSet<String>,
    /// The roles that are ours to take away, once `add` is done. What is being taken away stays
    /// among them until it is seen to be gone.
    pub ours: BTreeSet<String>,
}

/// Compares the roles that a host has with those wanted; `ours` are those that were given earlier
/// because of a tag or the config.
pub fn role_change(
    has: &BTreeSet<String>,
    wanted: &BTreeSet<String>,
    ours: &BTreeSet<String>,
) -> RoleChange {
    let add: BTreeSet<String> = wanted - has;
    let remove: BTreeSet<String> = &(ours & has) - wanted;
    let kept: BTreeSet<String> = &(ours & has) & wanted;
    RoleChange {
        ours: &(&kept | &add) | &remove,
        add,
        remove,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(names: &str) -> BTreeSet<String> {
        names.split_whitespace().map(str::to_owned).collect()
    }

    #[track_caller]
    fn check(has: &str, wanted: &str, ours: &str, expected: (&str, &str, &str)) {
        let (add, remove, ours_then) = expected;
        assert_eq!(
            role_change(&set(has), &set(wanted), &set(ours)),
            RoleChange {
                add: set(add),
                remove: set(remove),
                ours: set(ours_then),
            }
        );
    }

    #[test]
    fn new_roles_become_ours() {
        check("", "a b", "", ("a b", "", "a b"));
    }

    #[test]
    fn a_changed_tag_takes_away_what_it_gave() {
        check("a", "b", "a", ("b", "a", "a b"));
        check("b", "b", "a b", ("", "", "b"));
    }

    #[test]
    fn what_a_person_gave_stays() {
        check("p", "a", "", ("a", "", "a"));
        // A person gave it first, then the tag named it too: it does not become ours.
        check("a", "a", "", ("", "", ""));
        check("a p", "", "a", ("", "a", "a"));
    }

    #[test]
    fn what_a_person_took_away_comes_back_while_the_tag_names_it() {
        check("", "a", "a", ("a", "", "a"));
    }
}
