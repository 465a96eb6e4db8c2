//! URLs inside of texts, with their hosts parsed: `api.clay.com.evil.example` is not Clay's.

use super::{API_HOST, WEBHOOK_PATH};

/// A URL in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Url<'a> {
    /// `http`, `https` …
    pub(crate) scheme: &'a str,
    /// Without user and port, as written.
    pub(crate) host: &'a str,
    /// From the first slash on, without query and fragment; empty: none.
    pub(crate) path: &'a str,
}

impl Url<'_> {
    pub(crate) fn of_clay(&self) -> bool {
        self.host.eq_ignore_ascii_case(API_HOST) || self.path.starts_with(WEBHOOK_PATH)
    }

    /// A tunnel to somebody's own machine.
    pub(crate) fn tunnel(&self) -> bool {
        let host = self.host.to_ascii_lowercase();
        [
            "ngrok.io",
            "ngrok.app",
            "ngrok.dev",
            "ngrok-free.app",
            "ngrok-free.dev",
            "loca.lt",
            "localtunnel.me",
            "trycloudflare.com",
            "serveo.net",
        ]
        .iter()
        .any(|own| host.strip_suffix(own).is_some_and(|rest| rest.is_empty() || rest.ends_with('.')))
    }

    /// Nothing outside the machine or the cluster answers there, or the host is filled in elsewhere.
    pub(crate) fn internal(&self) -> bool {
        let host = self.host.to_ascii_lowercase();
        !host.contains('.')
            || host.starts_with("127.")
            || host.starts_with('[')
            || [".svc", ".svc.cluster.local", ".local", ".internal", ".localhost", ".test", ".invalid"]
                .iter()
                .any(|end| host.ends_with(end))
            || host.contains(['$', '{', '<', '%'])
    }
}

/// The URLs of a text, in its order.
pub(crate) fn urls(text: &str) -> Vec<Url<'_>> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = (rest.get(..at).unwrap_or_default(), rest.get(at + 3..).unwrap_or_default());
        let start = before.rfind(|letter: char| !letter.is_ascii_alphanumeric()).map_or(0, |index| {
            index + before.get(index..).and_then(|tail| tail.chars().next()).map_or(1, char::len_utf8)
        });
        let scheme = before.get(start..).unwrap_or_default();
        let end = after
            .find(|letter: char| {
                letter.is_whitespace() || matches!(letter, '"' | '\'' | '`' | '|' | ',' | ')' | ';' | '\\')
            })
            .unwrap_or(after.len());
        let whole = after.get(..end).unwrap_or_default();
        if !scheme.is_empty() {
            found.push(cut(scheme, whole));
        }
        rest = after;
    }
    found
}

fn cut<'a>(scheme: &'a str, rest: &'a str) -> Url<'a> {
    let bare = rest.split(['?', '#']).next().unwrap_or_default();
    let (authority, path) = bare.split_at(bare.find('/').unwrap_or(bare.len()));
    let host = authority.rsplit('@').next().unwrap_or_default();
    let host = if host.starts_with('[') { host } else { host.split(':').next().unwrap_or_default() };
    Url { scheme, host: host.trim_end_matches('.'), path }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &[(&str, &str, &str, bool)]) {
        let found: Vec<_> = urls(text).into_iter().map(|url| (url.scheme, url.host, url.path, url.of_clay())).collect();
        assert_eq!(found, expect, "{text}");
    }

    #[test]
    fn hosts_are_parsed_not_matched() {
        check("https://api.clay.com/public/v0/me", &[("https", "api.clay.com", "/public/v0/me", true)]);
        check("https://api.clay.com.evil.example/me", &[("https", "api.clay.com.evil.example", "/me", false)]);
        check("https://api.clay.com@evil.example/me", &[("https", "evil.example", "/me", false)]);
        check("curl 'http://user:word@API.clay.com:443?x' -f", &[("http", "API.clay.com", "", true)]);
        check("no url: //x", &[]);
        check("é://x ://", &[]);
    }

    #[test]
    fn tunnels_are_known_by_their_domain() {
        let tunnel = |text| urls(text).first().is_some_and(Url::tunnel);
        assert!(tunnel("https://a1b2.ngrok-free.app/hook"));
        assert!(!tunnel("https://notngrok.io/hook"));
    }
}
