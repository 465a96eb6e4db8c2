//! Scripts of package.json, composer.json and deno.json, and the commands that call them.

use gonogo_domain::Node;

use super::{Recipe, RecipeLine};

/// The scripts of a package.
pub(super) fn recipes(root: &Node) -> Vec<Recipe> {
    let scripts = root.get("scripts").or_else(|| root.get("tasks")).map(Node::entries).unwrap_or_default();
    scripts
        .iter()
        .filter_map(|script| {
            let items: Vec<&Node> =
                if script.node.str().is_some() { vec![&script.node] } else { script.node.items().iter().collect() };
            let mut needs = Vec::new();
            let mut lines = Vec::new();
            for item in items {
                let text = item.str()?;
                match text.strip_prefix('@') {
                    // Composer calls another script so.
                    Some(call) if !call.contains(' ') => needs.push(call.to_owned()),
                    _ => lines.push(RecipeLine {
                        text: text.trim_start_matches('@').to_owned(),
                        place: item.place.clone(),
                        ignored: false,
                    }),
                }
            }
            Some(Recipe {
                name: script.key.clone(),
                place: script.key_place.clone(),
                needs,
                lines,
                stops: false,
                folder: None,
            })
        })
        .collect()
}

/// Scripts that a command calls.
pub(super) struct ScriptCall<'a> {
    pub(super) scripts: Vec<&'a str>,
    /// In the packages of the whole workspace.
    pub(super) everywhere: bool,
    /// From where it is called.
    pub(super) folder: Option<&'a str>,
}

/// Commands of the package managers that call no script.
const BUILT_IN: &[&str] = &[
    "install",
    "i",
    "ci",
    "add",
    "audit",
    "publish",
    "config",
    "login",
    "pack",
    "version",
    "exec",
    "dlx",
    "x",
    "cache",
    "global",
    "why",
    "info",
    "view",
    "link",
    "outdated",
    "update",
    "upgrade",
    "set",
    "create",
    "init",
    "remove",
    "dedupe",
    "require",
    "dump-autoload",
    "validate",
    "self-update",
    "fmt",
    "check",
    "bench",
    "compile",
    "changed",
    "bootstrap",
];

/// Which scripts `npm run x`, `yarn workspace w x`, `turbo run x` … call.
pub(super) fn call<'a>(name: &str, arguments: &[&'a str]) -> Option<ScriptCall<'a>> {
    let mut call = ScriptCall { scripts: Vec::new(), everywhere: false, folder: None };
    let mut plain: Vec<&'a str> = Vec::new();
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        match *word {
            "--" => break,
            "--prefix" | "--cwd" | "-C" | "--dir" | "-d" => call.folder = words.next().copied(),
            "--workspaces" | "-ws" | "-r" | "--recursive" | "-A" | "--all" => call.everywhere = true,
            "--workspace" | "-w" if name == "npm" => {
                words.next();
                call.everywhere = true;
            }
            "--filter" | "-F" | "--scope" | "-p" | "--projects" => {
                words.next();
                call.everywhere = true;
            }
            "-t" | "--target" | "--targets" | "--parallel" if name == "nx" => {
                if let Some(value) = words.next() {
                    call.scripts.extend(value.split(','));
                }
            }
            word if word.starts_with("--target=") || word.starts_with("--targets=") => {
                call.scripts.extend(word.split_once('=').into_iter().flat_map(|(_, value)| value.split(',')));
            }
            word if word.starts_with("--prefix=") || word.starts_with("--cwd=") => {
                call.folder = word.split_once('=').map(|(_, value)| value);
            }
            word if word.starts_with("--workspace=") || word.starts_with("--filter=") => call.everywhere = true,
            word if word.starts_with('-') => (),
            word => plain.push(word),
        }
    }
    match name {
        "turbo" | "lerna" | "rush" | "wsrun" => {
            call.everywhere = true;
            call.scripts.extend(plain.into_iter().filter(|word| *word != "run"));
        }
        "nx" => {
            call.everywhere = true;
            match plain.as_slice() {
                ["run", target, ..] => call.scripts.extend(target.rsplit(':').next()),
                ["run-many" | "affected" | "affected:test", ..] | [] => (),
                [target, ..] => call.scripts.push(target),
            }
        }
        "run-s" | "run-p" | "npm-run-all" | "npm-run-all2" => call.scripts = plain,
        "concurrently" => {
            call.scripts =
                plain.iter().filter_map(|word| word.strip_prefix("npm:").or(word.strip_prefix("yarn:"))).collect();
        }
        "start-server-and-test" | "start-test" => {
            call.scripts.extend(plain.last().map(|word| word.strip_prefix("npm run ").unwrap_or(word)));
        }
        "deno" => match plain.as_slice() {
            ["task", script, ..] => call.scripts.push(script),
            _ => return None,
        },
        _ => match plain.as_slice() {
            ["run" | "run-script", script, ..] => call.scripts.push(script),
            ["workspace", _, "run", script, ..] | ["workspace", _, script, ..] => {
                call.everywhere = true;
                call.scripts.push(script);
            }
            ["workspaces", rest @ ..] => {
                call.everywhere = true;
                call.scripts.extend(rest.last());
            }
            ["t" | "tst", ..] if name == "npm" => call.scripts.push("test"),
            // `bun test` is the runner of bun itself; npm runs only these few without `run`.
            ["test" | "build", ..] if name == "bun" => return None,
            [script, ..] if name == "npm" && !matches!(*script, "test" | "start" | "stop" | "restart") => return None,
            [script, ..] if BUILT_IN.contains(script) => return None,
            [script, ..] => call.scripts.push(script),
            [] => return None,
        },
    }
    Some(call)
}
