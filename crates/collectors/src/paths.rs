//! Paths inside the repository, relative to its root, with `/` between the parts; the root is `.`.

/// `reference` as seen from `folder`; none if it leads out of the repository or is an address.
pub(crate) fn join(folder: &str, reference: &str) -> Option<String> {
    if reference.starts_with('/') || reference.contains("://") || reference.starts_with("git@") {
        return None;
    }
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    for part in reference.split('/') {
        match part {
            "" | "." => (),
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(if parts.is_empty() { ".".to_owned() } else { parts.join("/") })
}

/// The folder of a path, `.` for a file in the root.
pub(crate) fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or(".", |(folder, _)| folder)
}

/// `path` lies in `folder`, at any depth.
pub(crate) fn is_below(path: &str, folder: &str) -> bool {
    folder == "." || path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_in_the_repository() {
        assert_eq!(join("deploy", "../src").as_deref(), Some("src"));
        assert_eq!(join(".", ".").as_deref(), Some("."));
        assert_eq!(join(".", "../other"), None);
        assert_eq!(join(".", "https://github.com/a/b.git"), None);
    }

    #[test]
    fn a_folder_is_more_than_a_prefix() {
        assert!(is_below("a/b", "a"));
        assert!(is_below("a", "."));
        assert!(!is_below("ab/c", "a"));
        assert_eq!(folder("a/b"), "a");
        assert_eq!(folder("a"), ".");
    }
}
