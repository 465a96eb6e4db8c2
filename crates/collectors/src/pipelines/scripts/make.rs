//! Makefiles: targets with their prerequisites and recipes, variables filled in.

use std::{collections::BTreeMap, sync::Arc};

use gonogo_domain::Place;

use super::{Recipe, RecipeLine, join, parent};
use crate::Tree;

pub(super) const NAMES: &[&str] = &["Makefile", "makefile", "GNUmakefile"];

/// Files that one Makefile includes, and files included by those.
const INCLUDE_LIMIT: usize = 20;
/// Rules of one file.
const RECIPE_LIMIT: usize = 2000;
/// Bytes of a line after filling in variables.
const LINE_LIMIT: usize = 4096;
/// Variables inside variables.
const EXPANSION_LIMIT: usize = 8;

#[derive(Default)]
struct Makefile {
    variables: BTreeMap<String, String>,
    recipes: Vec<Recipe>,
    /// `.ONESHELL` with `-e`, or `SHELL = bash -e`.
    stops: bool,
}

/// The targets of a Makefile and of the files that it includes.
pub(super) fn recipes(tree: &Tree, path: &Arc<str>, text: &str) -> Vec<Recipe> {
    let mut makefile = Makefile::default();
    let mut files = vec![(Arc::clone(path), Arc::from(text))];
    let mut at = 0;
    while let Some((path, text)) = files.get(at).cloned() {
        let includes = read(&mut makefile, &path, &text);
        for include in includes {
            let include = makefile.expand(&include, 0);
            for name in include.split_whitespace() {
                let place = join(parent(&path), name);
                if files.len() < INCLUDE_LIMIT
                    && !files.iter().any(|(own, _)| **own == *place)
                    && let Some(entry) = tree.entry(&place)
                    && let Ok(text) = tree.text(&place)
                {
                    files.push((Arc::clone(&entry.path), text));
                }
            }
        }
        at += 1;
    }
    makefile.finish()
}

fn read(makefile: &mut Makefile, path: &Arc<str>, text: &str) -> Vec<String> {
    let mut includes = Vec::new();
    let mut current: Vec<usize> = Vec::new();
    let mut define: Option<(String, String)> = None;
    let mut after_rule = false;
    let mut lines = text.lines().zip(1_u32..).peekable();
    while let Some((line, number)) = lines.next() {
        if let Some((name, body)) = &mut define {
            if line.trim() == "endef" {
                makefile.variables.insert(std::mem::take(name), std::mem::take(body));
                define = None;
            } else if body.len() < LINE_LIMIT {
                body.push_str(line.trim());
                body.push('\n');
            }
            continue;
        }
        let mut whole = line.to_owned();
        while whole.ends_with('\\') && whole.len() < LINE_LIMIT * 4 {
            let Some((next, _)) = lines.next() else { break };
            if line.starts_with('\t') {
                // The shell joins the lines; a line of its own keeps the count.
                whole.push('\n');
                whole.push_str(next.trim_start_matches('\t'));
            } else {
                whole.pop();
                whole.push(' ');
                whole.push_str(next.trim());
            }
        }
        if let Some(recipe) = whole.strip_prefix('\t')
            && after_rule
        {
            for index in &current {
                if let Some(rule) = makefile.recipes.get_mut(*index) {
                    rule.lines.push(recipe_line(recipe, Place::new(Arc::clone(path), number, 1)));
                }
            }
            continue;
        }
        let line = uncommented(whole.trim());
        if line.is_empty() {
            continue;
        }
        let word = line.split_whitespace().next().unwrap_or_default();
        match word {
            "ifeq" | "ifneq" | "ifdef" | "ifndef" | "else" | "endif" | "vpath" | "unexport" | "undefine" => continue,
            "include" | "-include" | "sinclude" => {
                includes.push(line.trim_start_matches(word).trim().to_owned());
                continue;
            }
            "define" => {
                let name = line.trim_start_matches("define").trim().trim_end_matches(['=', ':', '?', ' ']);
                define = Some((name.to_owned(), String::new()));
                continue;
            }
            _ => (),
        }
        if let Some((name, value)) = variable(line) {
            makefile.set(name, value, line.contains("?="));
            current.clear();
            after_rule = false;
        } else if let Some((targets, rest)) = rule(line) {
            after_rule = true;
            current = makefile.rule(targets, rest, &Place::new(Arc::clone(path), number, 1));
        }
    }
    includes
}

/// A line without the comment at its end.
fn uncommented(line: &str) -> &str {
    match line.find('#') {
        Some(0) => "",
        Some(at) if !line.get(..at).unwrap_or_default().ends_with('\\') => {
            line.get(..at).unwrap_or_default().trim_end()
        }
        _ => line,
    }
}

fn variable(line: &str) -> Option<(&str, &str)> {
    let line = line.trim_start_matches("export ").trim_start_matches("override ").trim_start();
    let equals = line.find('=')?;
    let name = line.get(..equals)?.trim_end_matches([':', '?', '+', '!']).trim();
    let plain = !name.is_empty() && name.chars().all(|char| char.is_ascii_alphanumeric() || "_-.".contains(char));
    plain.then(|| (name, line.get(equals + 1..).unwrap_or_default().trim()))
}

/// Targets and what follows the colon; none if it is a variable of a target.
fn rule(line: &str) -> Option<(&str, &str)> {
    let (targets, rest) = split_colon(line)?;
    let rest = rest.trim_start_matches(':').trim();
    let before_recipe = rest.split(';').next().unwrap_or_default();
    let assigns = before_recipe.contains('=') && !before_recipe.contains("$(");
    let exports = rest.starts_with("export ") || rest.starts_with("private ") || rest.starts_with("override ");
    let assigns = assigns || exports || variable(before_recipe).is_some();
    (!assigns && !targets.trim().is_empty()).then_some((targets.trim(), rest))
}

/// At the first colon that is not inside `$( )`.
fn split_colon(line: &str) -> Option<(&str, &str)> {
    let mut depth = 0_usize;
    for (at, char) in line.char_indices() {
        match char {
            '(' | '{' => depth += 1,
            ')' | '}' => depth = depth.saturating_sub(1),
            ':' if depth == 0 => return Some((line.get(..at)?, line.get(at + 1..)?)),
            _ => (),
        }
    }
    None
}

fn recipe_line(line: &str, place: Place) -> RecipeLine {
    let text = line.trim_start_matches(['@', '-', '+', ' ', '\t']);
    let prefix = line.get(..line.len() - text.len()).unwrap_or_default();
    RecipeLine { text: text.to_owned(), place, ignored: prefix.contains('-') }
}

impl Makefile {
    fn set(&mut self, name: &str, value: &str, only_if_new: bool) {
        if name == ".SHELLFLAGS" || name == "SHELL" {
            self.stops |= value.split_whitespace().any(|word| word.starts_with('-') && word.contains('e'));
        }
        if !(only_if_new && self.variables.contains_key(name)) {
            self.variables.insert(name.to_owned(), value.to_owned());
        }
    }

    fn rule(&mut self, targets: &str, rest: &str, place: &Place) -> Vec<usize> {
        let targets = self.expand(targets, 0);
        let (needs, recipe) = rest.split_once(';').map_or((rest, None), |(needs, recipe)| (needs, Some(recipe)));
        let needs = self.expand(needs, 0);
        let needs: Vec<String> =
            needs.split_whitespace().filter(|need| *need != "|").map(str::to_owned).take(RECIPE_LIMIT).collect();
        let mut indexes = Vec::new();
        for target in targets.split_whitespace() {
            if self.recipes.len() >= RECIPE_LIMIT {
                break;
            }
            // `.PHONY` and its kind are settings.
            if target.starts_with('.') && target.bytes().skip(1).all(|byte| byte.is_ascii_uppercase() || byte == b'_') {
                continue;
            }
            if target.contains('$') {
                continue;
            }
            let index = self.recipes.iter().position(|own| own.name == target).unwrap_or_else(|| {
                self.recipes.push(Recipe {
                    name: target.to_owned(),
                    place: place.clone(),
                    needs: Vec::new(),
                    lines: Vec::new(),
                    stops: false,
                    folder: None,
                });
                self.recipes.len() - 1
            });
            if let Some(own) = self.recipes.get_mut(index) {
                own.needs.extend(needs.iter().cloned());
                own.lines.extend(recipe.map(|recipe| recipe_line(recipe.trim(), place.clone())));
            }
            indexes.push(index);
        }
        indexes
    }

    fn finish(mut self) -> Vec<Recipe> {
        let mut recipes = std::mem::take(&mut self.recipes);
        for recipe in &mut recipes {
            recipe.stops = self.stops;
            for line in &mut recipe.lines {
                line.text = self.expand(&line.text, 0);
                // A variable may bring its own prefix: `Q = @`.
                let text = line.text.trim_start_matches(['@', ' ']);
                line.text = text.to_owned();
            }
        }
        recipes
    }

    /// Fills in variables that the file sets. `$(shell …)` becomes `$()`, other functions and unknown variables stay.
    fn expand(&self, text: &str, depth: usize) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            out.push_str(rest.get(..at).unwrap_or_default());
            rest = rest.get(at + 1..).unwrap_or_default();
            if out.len() > LINE_LIMIT {
                return out;
            }
            let close = match rest.as_bytes().first() {
                Some(b'$') => {
                    out.push('$');
                    rest = rest.get(1..).unwrap_or_default();
                    continue;
                }
                Some(b'(') => closing(rest, '(', ')'),
                Some(b'{') => closing(rest, '{', '}'),
                _ => None,
            };
            let Some(close) = close else {
                out.push('$');
                continue;
            };
            let inner = rest.get(1..close).unwrap_or_default();
            let whole = rest.get(..=close).unwrap_or_default();
            rest = rest.get(close + 1..).unwrap_or_default();
            let name = inner.split(':').next().unwrap_or(inner);
            match self.variables.get(name) {
                _ if inner == "MAKE" => out.push_str("make"),
                Some(value) if depth < EXPANSION_LIMIT => out.push_str(&self.expand(value, depth + 1)),
                _ if inner.contains([' ', ',']) => out.push_str(&self.function(inner, depth)),
                _ => {
                    out.push('$');
                    out.push_str(whole);
                }
            }
        }
        out.push_str(rest);
        let end = out.floor_char_boundary(LINE_LIMIT * 4);
        out.truncate(end);
        out
    }
}

impl Makefile {
    /// What is left of a function: the arguments of `call`, a pattern for `addprefix`, which targets and prerequisites
    /// then share, and nothing that looks like a command for the others.
    fn function(&self, inner: &str, depth: usize) -> String {
        let (name, arguments) = inner.split_once(' ').unwrap_or((inner, ""));
        let expand = |text: &str| if depth < EXPANSION_LIMIT { self.expand(text, depth + 1) } else { String::new() };
        let first = arguments.split(',').next().unwrap_or_default().trim();
        match name {
            "shell" => "$()".to_owned(),
            "call" => {
                let rest = arguments.split_once(',').map_or("", |(_, rest)| rest);
                expand(&rest.replace(',', " "))
            }
            "addprefix" => format!("{}%", expand(first)),
            _ => "${function}".to_owned(),
        }
    }
}

/// The index of the bracket that closes the one at the start.
fn closing(text: &str, open: char, close: char) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, char) in text.char_indices() {
        if char == open {
            depth += 1;
        } else if char == close {
            depth -= 1;
            if depth == 0 {
                return Some(at);
            }
        }
    }
    None
}
