//! As whom the program of an image runs, where that is not the image's user: its entrypoint may start as root to put a
//! folder in order and start the program as somebody else.

use std::sync::Arc;

use gonogo_domain::{
    Place,
    evidence::{CommandForm, ImageBuild, Instruction, InstructionKind},
};

use crate::{Corpus, paths};

/// Programs that start another one as the user that they are given.
const SWITCHES: &[&str] = &["gosu", "su-exec", "setpriv", "s6-setuidgid", "setuidgid", "chpst", "runuser", "su"];

/// Words after which a command begins: those of a shell, and where the options of a program like tini end.
const BEFORE_COMMANDS: &[&str] = &["exec", "&&", "||", ";", "then", "else", "do", "{", "(", "--"];

/// Where the entrypoint, the command that is given to it, or a script of the repository that either starts, runs the
/// program as another user than root.
pub(super) fn switches_user(corpus: &Corpus<'_>, build: &ImageBuild) -> Option<Place> {
    let entry = build.effective(|one| match &one.kind {
        InstructionKind::Entrypoint(form) => Some((words(form), one.place.clone())),
        _ => None,
    });
    let command = build.effective(|one| match &one.kind {
        InstructionKind::Cmd(form) => Some((words(form), one.place.clone())),
        _ => None,
    });
    entry.into_iter().chain(command).find_map(|(words, place)| {
        if switches(words.iter().map(String::as_str)) {
            return Some(place);
        }
        let script = words.iter().find_map(|word| copied_to(corpus, build, word))?;
        let text = corpus.tree.text(&script).ok()?;
        let line =
            text.lines().position(|line| !line.trim_start().starts_with('#') && switches(line.split_whitespace()))?;
        Some(Place::new(Arc::from(script), u32::try_from(line + 1).ok()?, 1))
    })
}

fn words(form: &CommandForm) -> Vec<String> {
    match form {
        CommandForm::Exec(words) => words.clone(),
        CommandForm::Shell(line) => line.split_whitespace().map(str::to_owned).collect(),
    }
}

/// A command among these words switches to a user who is not root.
fn switches<'w>(words: impl Iterator<Item = &'w str>) -> bool {
    let words: Vec<&str> = words.map(|word| word.trim_matches(['"', '\''])).collect();
    (0..words.len()).any(|at| {
        let begins =
            at == 0 || words.get(at - 1).is_some_and(|word| BEFORE_COMMANDS.contains(word) || word.ends_with(';'));
        let named = words.get(at).is_some_and(|word| SWITCHES.contains(&paths::name(word)));
        let rest = words.get(at + 1..).unwrap_or_default();
        // `gosu root`, `runuser -u root`, `setpriv --reuid=0:0`.
        let to_root = rest.iter().take(2).any(|word| {
            let user = word.rsplit('=').next().and_then(|user| user.split(':').next());
            matches!(user, Some("root" | "0"))
        });
        begins && named && !rest.is_empty() && !to_root
    })
}

/// The file of the repository that the image has under this path.
fn copied_to(corpus: &Corpus<'_>, build: &ImageBuild, path: &str) -> Option<String> {
    let name = paths::name(path);
    let copies: Vec<&Instruction> = build.final_instructions().collect();
    copies.iter().rev().find_map(|one| {
        let (from, sources, destination) = match &one.kind {
            InstructionKind::Copy { from, sources, destination } => (from.as_deref(), sources, destination),
            InstructionKind::Add { sources, destination } => (None, sources, destination),
            _ => return None,
        };
        // What a variable stands for is not followed: the name of the file has to do.
        let renamed = paths::name(destination) == name && !destination.ends_with('/');
        let found = |path: &str| paths::join(&build.context, path).filter(|path| corpus.tree.contains(path));
        sources.iter().find_map(|source| {
            let source = source.trim_matches('/');
            let inside = path.strip_prefix(destination.trim_end_matches('/')).map(|rest| rest.trim_start_matches('/'));
            let kept = if renamed || paths::name(source) == name {
                source.to_owned()
            } else {
                format!("{source}/{}", inside?)
            };
            // An earlier stage has it somewhere below the folder that it works in.
            let earlier = from.is_some_and(|from| build.stages.iter().any(|stage| stage.name.as_deref() == Some(from)));
            match from {
                None => found(&kept),
                Some(_) if earlier => below(&kept).find_map(found),
                Some(_) => None,
            }
        })
    })
}

/// The path as it is seen from each of its folders: `a/b/c`, `b/c`, `c`.
fn below(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(path), |path| Some(path.split_once('/')?.1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tree;

    /// Where an image of these last instructions, with this script in `/run.sh`, becomes another user.
    #[track_caller]
    fn image(last: &str, script: &str, expect: Option<&str>) {
        let container = format!("FROM alpine:3\nCOPY run.sh /run.sh\n{last}\n");
        let tree = Tree::from_memory([
            ("Dockerfile".to_owned(), container.into_bytes()),
            ("run.sh".to_owned(), script.as_bytes().to_vec()),
        ]);
        let gathered = crate::images::gather(&Corpus::read(&tree));
        let seen = gathered.items.first().and_then(|build| build.switches_user.as_ref()).map(ToString::to_string);
        assert_eq!(seen.as_deref(), expect, "{last}");
    }

    #[test]
    fn the_entrypoint_and_what_it_is_given_are_read() {
        let script = "#!/bin/sh\nchown shop /data\nexec gosu shop \"$@\"\n";
        image("ENTRYPOINT [\"/run.sh\"]", script, Some("run.sh:3"));
        image("ENTRYPOINT [\"tini\", \"--\"]\nCMD [\"/run.sh\", \"serve\"]", script, Some("run.sh:3"));
        image("ENTRYPOINT [\"tini\", \"--\", \"gosu\", \"shop\"]\nCMD [\"/run.sh\"]", "", Some("Dockerfile:3"));
        image("CMD exec su-exec shop /run.sh", "", Some("Dockerfile:3"));
        image("ENTRYPOINT [\"tini\", \"--\"]\nCMD [\"/run.sh\"]", "exec shop\n", None);
    }

    #[track_caller]
    fn check(line: &str, expect: bool) {
        assert_eq!(switches(line.split_whitespace()), expect, "{line}");
    }

    #[test]
    fn only_a_command_that_names_another_user_switches() {
        check("exec gosu $PUID \"$BASH_SOURCE\" \"$@\"", true);
        check("if [ \"$(id -u)\" = 0 ]; then exec su-exec shop:shop \"$0\" \"$@\"; fi", true);
        check("setpriv --reuid=1000 --clear-groups shop", true);
        check("su -s /bin/sh -c shop app", true);
        check("exec gosu root shop", false);
        check("setpriv --reuid=0 shop", false);
        check("runuser -u root -- shop", false);
        check("apk add su-exec", false);
        check("command -v gosu", false);
        check("exec gosu", false);
    }

    #[test]
    fn a_path_is_seen_from_each_of_its_folders() {
        assert_eq!(below("a/b/c").collect::<Vec<_>>(), ["a/b/c", "b/c", "c"]);
    }
}
