//! What coding agents call themselves, and the words that say what they worked on.

/// Coding agents whose usage is known as such: the feature under which it counts, and the agent's name.
pub const CODING_AGENTS: [(&str, &str); 4] = [
    ("claude-code", "Claude Code"),
    ("codex", "Codex"),
    ("gemini-cli", "Gemini CLI"),
    ("github-copilot", "GitHub Copilot"),
];

/// The tags that say what was worked on, with their words on the screen.
pub const CODING_TAGS: [(&str, &str); 4] =
    [("repo", "Repository"), ("branch", "Branch"), ("pr", "Pull request"), ("ticket", "Ticket")];

/// How the names of services (`service.name`) begin, each with the agent's feature.
///
/// Sources: <https://code.claude.com/docs/en/monitoring-usage>; `codex-rs/login/src/auth/default_client.rs` (`codex_cli_rs`, and other originators such as `codex_exec`); `packages/core/src/telemetry/constants.ts` of Gemini CLI; <https://docs.github.com/en/copilot/reference/enterprise-administrators/opentelemetry-reference> (`github-copilot`, in VS Code `copilot-chat`).
const SERVICES: [(&str, &str); 5] = [
    ("claude-code", "claude-code"),
    ("codex", "codex"),
    ("gemini-cli", "gemini-cli"),
    ("github-copilot", "github-copilot"),
    ("copilot-chat", "github-copilot"),
];

/// The feature under which a coding agent's usage counts, by the name of its service; none for other services.
#[must_use]
pub fn coding_agent(service: &str) -> Option<&'static str> {
    SERVICES.iter().find(|(begin, _)| service.starts_with(begin)).map(|(_, feature)| *feature)
}

/// A repository as `owner/name`, whether it came so or as the address of its remote; what is neither stays as it is.
#[must_use]
pub fn repository_name(text: &str) -> &str {
    let text = text.trim().trim_end_matches('/');
    let text = text.strip_suffix(".git").unwrap_or(text);
    let path = match text.split_once("://") {
        Some((_, address)) => address.split_once('/').map(|(_, path)| path),
        // As ssh writes it: git@github.com:owner/name.
        None => text.split_once('@').and_then(|(_, address)| address.split_once(':')).map(|(_, path)| path),
    };
    path.filter(|path| !path.is_empty()).unwrap_or(text)
}

/// A branch by its own name, where it came as a whole reference.
#[must_use]
pub fn branch_name(text: &str) -> &str {
    text.strip_prefix("refs/heads/").unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_is_the_same_however_it_is_written() {
        for written in [
            "acme/web",
            "https://github.com/acme/web.git",
            "https://user:secret@github.com/acme/web",
            "git@github.com:acme/web.git",
            "ssh://git@gitlab.example.com:22/acme/web.git/",
        ] {
            assert_eq!(repository_name(written), "acme/web", "{written}");
        }
        assert_eq!((repository_name("web"), repository_name("https://github.com/")), ("web", "https://github.com"));
        assert_eq!((branch_name("refs/heads/fix/1"), branch_name("fix/1")), ("fix/1", "fix/1"));
    }

    #[test]
    fn agents_are_known_by_their_services() {
        for (service, agent) in [
            ("codex_exec", Some("codex")),
            ("codex_cli_rs", Some("codex")),
            ("copilot-chat", Some("github-copilot")),
            ("claude-code", Some("claude-code")),
            ("checkout", None),
        ] {
            assert_eq!(coding_agent(service), agent, "{service}");
        }
        assert!(SERVICES.iter().all(|(_, feature)| CODING_AGENTS.iter().any(|(known, _)| known == feature)));
    }
}
