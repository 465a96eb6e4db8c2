//! Passwords inside addresses: `postgres://shop:PASSWORD@host`.

/// A password inside an address: `postgres://shop:PASSWORD@host`. With the host, because loopback protects nothing.
pub fn password_in_address(text: &str) -> Option<(&str, &str)> {
    text.match_indices("://").find_map(|(at, _)| {
        let rest = text.get(at + 3..)?;
        let end = rest
            .find(|letter: char| {
                letter.is_whitespace() || matches!(letter, '/' | '?' | '#' | '"' | '\'' | '`' | ',' | ')')
            })
            .unwrap_or(rest.len());
        let (user, host) = rest.get(..end)?.rsplit_once('@')?;
        let (_, password) = user.split_once(':')?;
        Some((password, host))
    })
}

/// The host is this machine: the password protects a developer's or a test's own database.
pub fn loopback(host: &str) -> bool {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    matches!(name, "localhost" | "127.0.0.1" | "[::1]" | "0.0.0.0" | "host.docker.internal")
}

/// The platform under the service answers there, wherever it runs: what tells a machine about itself.
pub fn of_platform(host: &str) -> bool {
    host.starts_with("169.254.")
        || matches!(
            host,
            "metadata" | "metadata.google.internal" | "metadata.goog" | "100.100.100.200" | "metadata.tencentyun.com"
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str, expect: Option<(&str, &str)>) {
        assert_eq!(password_in_address(text), expect, "{text}");
    }

    #[test]
    fn passwords_stand_in_addresses() {
        address("postgres://shop:pw@db:5432/shop", Some(("pw", "db:5432")));
        address("redis://:pw@cache", Some(("pw", "cache")));
        address("https://example.org/a:b@c", None);
        address("git@example.org:a/b", None);
    }

    #[test]
    fn what_tells_a_machine_about_itself_is_known() {
        for host in ["169.254.169.254", "metadata.google.internal", "100.100.100.200"] {
            assert!(of_platform(host), "{host}");
        }
        assert!(!of_platform("metadata.shop.internal"));
    }

    #[test]
    fn text_that_is_all_addresses_is_read_in_one_pass() {
        address(&"://a:".repeat(20_000), None);
    }
}
