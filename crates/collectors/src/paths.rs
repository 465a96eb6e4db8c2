//! Paths of the repository as text: joined, split and walked up without touching a disk.

/// The folder of a path, `.` for the root.
pub(crate) fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or(".", |(folder, _)| folder)
}

/// The last part of a path.
pub(crate) fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// A relative path as seen from a folder, with `.` and `..` resolved. None: it leads out of the repository, is
/// absolute, or is filled in elsewhere.
pub(crate) fn join(folder: &str, path: &str) -> Option<String> {
    if path.starts_with('/') || path.contains("${") || path.contains("://") || path.starts_with("git@") {
        return None;
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in folder.split('/').chain(path.split('/')) {
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

/// The folders above a folder, nearest first, the root `.` last; none above the root.
pub(crate) fn ancestors(folder: &str) -> impl Iterator<Item = &str> {
    let mut next = (folder != ".").then_some(folder);
    std::iter::from_fn(move || {
        let folder = next?;
        let above = self::folder(folder);
        next = (above != ".").then_some(above);
        Some(above)
    })
}

/// A path lies in a folder or is it; everything lies in the root.
pub(crate) fn is_below(path: &str, folder: &str) -> bool {
    folder == "." || path == folder || path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

/// What follows the last dot of a file's name; empty where there is none.
pub(crate) fn extension(path: &str) -> &str {
    name(path).rsplit_once('.').map_or("", |(_, extension)| extension)
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
        assert!(is_below("a", "a"));
        assert!(!is_below("ab/c", "a"));
        assert_eq!(folder("a/b"), "a");
        assert_eq!(folder("a"), ".");
    }

    #[test]
    fn the_nearest_folder_above_comes_first() {
        assert_eq!(ancestors("a/b/c").collect::<Vec<_>>(), ["a/b", "a", "."]);
        assert_eq!(ancestors(".").count(), 0);
        assert_eq!(extension("a.b/c.tar.gz"), "gz");
        assert_eq!(extension("a.b/c"), "");
    }
}
