//! Examples, as the help and the manual show them: each can be typed as it is, but for names.

macro_rules! examples {
    ($($(#[$attribute:meta])* $name:ident: $($what:literal $typed:literal;)*)*) => {
        $($(#[$attribute])* pub const $name: &str =
            concat!("Examples:" $(, "\n  # ", $what, "\n  ", $typed)*);)*

        /// All of them.
        #[cfg(test)]
        const ALL: &[&str] = &[$($(#[$attribute])* $name),*];
    };
}

examples! {
    PROGRAM:
        "What is missing to poll, and what would mend it" "mackerel-ecs check";
        "What would be posted" "mackerel-ecs poll --dry-run";
        "Poll every minute" "mackerel-ecs poll";
    POLL:
        "Every minute, until it is stopped" "mackerel-ecs poll";
        "Once, with a table of what was posted" "mackerel-ecs poll --once --output table";
        "What would be posted of some clusters" "mackerel-ecs poll --dry-run --cluster 'prod-*' --cluster shop";
        "The second of four pollers that share the clusters" "mackerel-ecs poll --shard 1/4";
        "With a configuration in S3" "mackerel-ecs poll --config s3://bucket/ecs.yaml";
    TASK:
        "In a container beside others; everything is set by variables, as for mackerel-container-agent" "mackerel-ecs task";
        "With more in the log" "mackerel-ecs task --log-level debug";
    CHECK:
        "With the configuration that the environment names" "mackerel-ecs check";
        "For a program" "mackerel-ecs check --config ecs.yaml --output json";
    PLAN:
        "What polling the configured accounts comes to" "mackerel-ecs plan";
        "With fewer metrics, every five minutes" "mackerel-ecs plan --profile compact --interval 5m";
        "Without an account" "mackerel-ecs plan --offline services=20000,clusters=100,regions=2";
    CONFIG:
        "Begin a file" "mackerel-ecs config init ecs.yaml";
        "What is in effect, and where it came from" "mackerel-ecs config show --config ecs.yaml";
    SHOW:
        "With all that the environment sets" "mackerel-ecs config show";
        "What a flag would change" "mackerel-ecs config show --config ecs.yaml --profile full";
    VALIDATE:
        "Before it is put in place" "mackerel-ecs config validate --config ecs.yaml";
        "Where it is" "mackerel-ecs config validate --config https://example.com/ecs.yaml";
    SCHEMA:
        "For an editor" "mackerel-ecs config schema > ecs.schema.json";
    INIT:
        "A file with every key" "mackerel-ecs config init ecs.yaml";
        "To look at it" "mackerel-ecs config init - | less";
    IAM_POLICY:
        "For the role of the poller" "mackerel-ecs iam-policy --config ecs.yaml > policy.json";
        "For the role in another account that the poller assumes" "mackerel-ecs iam-policy --for reader --config ecs.yaml";
    INJECT:
        "Add the sidecar" "mackerel-ecs inject web.json --image IMAGE --api-key-arn arn:aws:ssm:REGION:ACCOUNT:parameter/NAME --role shop:web > new.json";
        "What would change" "mackerel-ecs inject web.json --check --image IMAGE --api-key-arn arn:aws:ssm:REGION:ACCOUNT:parameter/NAME";
    HEALTH:
        "With MACKEREL_ECS_LISTEN as the poller has it" "mackerel-ecs health";
    #[cfg(feature = "demo")]
    DEMO:
        "The small fleet, until it is interrupted" "mackerel-ecs demo";
        "A larger one, for three polls" "mackerel-ecs demo --services 500 --cycles 3";
        "The servers alone, for a poller of your own" "mackerel-ecs demo --servers-only";
    #[cfg(feature = "demo")]
    SERVE:
        "In memory, with the key `local`" "mackerel-ecs serve";
        "Kept in a file, with two keys" "mackerel-ecs serve --database mackerel.db --api-key one --api-key two:read";
    COMPLETIONS:
        "For bash" "mackerel-ecs completions bash > /etc/bash_completion.d/mackerel-ecs";
        "For zsh" "mackerel-ecs completions zsh > /usr/local/share/zsh/site-functions/_mackerel-ecs";
        "For fish" "mackerel-ecs completions fish > ~/.config/fish/completions/mackerel-ecs.fish";
    MAN:
        "To read it now" "mackerel-ecs man | man -l -";
        "For good" "mackerel-ecs man --out /usr/local/share/man/man1";
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::*;
    use crate::cli::Cli;

    /// The command of an example line, up to a pipe or a file.
    fn words(line: &str) -> Vec<String> {
        line.split_whitespace()
            .take_while(|word| !matches!(*word, "|" | ">"))
            .map(|word| word.trim_matches('\'').to_owned())
            .collect()
    }

    #[test]
    fn each_can_be_typed() {
        for text in ALL {
            for line in text
                .lines()
                .filter(|line| line.starts_with("  mackerel-ecs"))
            {
                if let Err(error) = Cli::try_parse_from(words(line)) {
                    panic!("{line}: {error}");
                }
            }
        }
    }

    #[test]
    fn each_command_has_some() {
        fn check(command: &clap::Command) {
            let shown = command.get_after_help().map(ToString::to_string);
            let shown = shown.unwrap_or_default();
            let name = command.get_name();
            assert!(shown.starts_with("Examples:\n"), "{name} has none");
            assert!(shown.contains(name), "{name}: {shown}");
            command.get_subcommands().for_each(check);
        }
        check(&Cli::command());
    }
}
