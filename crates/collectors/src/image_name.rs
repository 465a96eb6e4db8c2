//! Names of container images, taken apart.

use gonogo_domain::evidence::ImageRef;

/// Takes `registry:5000/team/app:1.2@sha256:…` apart. What is filled in elsewhere (`${TAG}`, `$(TAG)`, `{{ … }}`) stays as it
/// is written, and is never cut in two.
pub(crate) fn image(text: &str) -> ImageRef {
    let text = text.trim();
    let (name, digest) = match find_outside(text, '@') {
        Some(at) => (cut(text, 0, at), Some(cut(text, at + 1, text.len()).to_owned())),
        None => (text, None),
    };
    let folder = rfind_outside(name, '/').map_or(0, |at| at + 1);
    let (repository, tag) = match find_outside(cut(name, folder, name.len()), ':') {
        Some(at) => (cut(name, 0, folder + at), Some(cut(name, folder + at + 1, name.len()).to_owned())),
        None => (name, None),
    };
    ImageRef {
        text: text.to_owned(),
        repository: repository.to_owned(),
        tag: tag.filter(|tag| !tag.is_empty()),
        digest: digest.filter(|digest| !digest.is_empty()),
        templated: text.contains("${") || text.contains("$(") || text.contains("{{") || starts_variable(text),
    }
}

/// The last part of a repository's path: what people call the image.
pub(crate) fn base_name(repository: &str) -> &str {
    rfind_outside(repository, '/').map_or(repository, |at| cut(repository, at + 1, repository.len()))
}

/// A `$NAME` as shells and compose write it.
fn starts_variable(text: &str) -> bool {
    text.match_indices('$').any(|(at, _)| {
        text.get(at + 1..)
            .and_then(|rest| rest.chars().next())
            .is_some_and(|next| next.is_ascii_alphabetic() || next == '_')
    })
}

fn cut(text: &str, from: usize, to: usize) -> &str {
    text.get(from..to).unwrap_or_default()
}

fn outside(text: &str, wanted: char) -> impl Iterator<Item = usize> + '_ {
    let mut depth = 0_usize;
    text.char_indices().filter_map(move |(at, letter)| {
        match letter {
            '{' | '(' => depth += 1,
            '}' | ')' => depth = depth.saturating_sub(1),
            _ if letter == wanted && depth == 0 => return Some(at),
            _ => (),
        }
        None
    })
}

fn find_outside(text: &str, wanted: char) -> Option<usize> {
    outside(text, wanted).next()
}

fn rfind_outside(text: &str, wanted: char) -> Option<usize> {
    outside(text, wanted).last()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, repository: &str, tag: Option<&str>, digest: Option<&str>, templated: bool) {
        let image = image(text);
        assert_eq!(image.repository, repository, "{text}");
        assert_eq!(image.tag.as_deref(), tag, "{text}");
        assert_eq!(image.digest.as_deref(), digest, "{text}");
        assert_eq!(image.templated, templated, "{text}");
    }

    #[test]
    fn a_port_is_no_tag() {
        check("nginx", "nginx", None, None, false);
        check("localhost:5000/app", "localhost:5000/app", None, None, false);
        check("localhost:5000/app:1.2", "localhost:5000/app", Some("1.2"), None, false);
        check("ghcr.io/a/b:1@sha256:abc", "ghcr.io/a/b", Some("1"), Some("sha256:abc"), false);
        check("ghcr.io/a/b@sha256:abc", "ghcr.io/a/b", None, Some("sha256:abc"), false);
    }

    #[test]
    fn what_is_filled_in_elsewhere_is_not_cut() {
        check("${REPO}/cart:${TAG:-latest}", "${REPO}/cart", Some("${TAG:-latest}"), None, true);
        check("{{ a/b:c }}:{{ .Tag }}", "{{ a/b:c }}", Some("{{ .Tag }}"), None, true);
        check("$REPO/app:$TAG", "$REPO/app", Some("$TAG"), None, true);
        check("", "", None, None, false);
        check(":@", "", None, None, false);
    }

    #[test]
    fn the_last_part_names_it() {
        assert_eq!(base_name("ghcr.io/a/b"), "b");
        assert_eq!(base_name("b"), "b");
    }
}
