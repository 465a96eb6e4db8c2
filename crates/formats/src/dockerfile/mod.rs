//! Dockerfiles and Containerfiles, instruction by instruction, with places.

mod instruction;
mod logical;
mod words;

use std::collections::HashMap;
use std::sync::Arc;

use gonogo_domain::Place;

use crate::ParseError;

pub use instruction::{Argument, Command, Healthcheck, Heredoc, Instruction, Kind, Pair, Transfer};

/// Errors after which no more are kept.
const MAX_ERRORS: usize = 100;

/// A file of build instructions. A broken instruction costs only itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Dockerfile {
    /// In the order of the file; the last is what a build makes unless told otherwise.
    pub stages: Vec<Stage>,
    /// `ARG` before the first `FROM`: only `FROM` lines see them.
    pub args: Vec<Argument>,
    pub errors: Vec<ParseError>,
}

/// From one `FROM` to the next.
#[derive(Clone, Debug, PartialEq)]
pub struct Stage {
    /// The image, with the defaults of global arguments filled in.
    pub base: String,
    /// The image as it was written.
    pub raw_base: String,
    /// The earlier stage, by its index, that this one builds on.
    pub base_stage: Option<usize>,
    pub name: Option<String>,
    pub platform: Option<String>,
    pub place: Place,
    pub instructions: Vec<Instruction>,
}

impl Dockerfile {
    /// The stage that `COPY --from` or `FROM` means: by name (in any case), or by number.
    pub fn stage(&self, name: &str) -> Option<usize> {
        let named = self
            .stages
            .iter()
            .rposition(|stage| stage.name.as_deref().is_some_and(|stage_name| stage_name.eq_ignore_ascii_case(name)));
        named.or_else(|| name.parse().ok().filter(|index| *index < self.stages.len()))
    }
}

/// Reads a file with buildkit's rules: `# escape=`, continued lines with comments between them, heredocs.
pub fn parse(path: &Arc<str>, text: &str) -> Dockerfile {
    let mut result = Dockerfile::default();
    let mut defaults: HashMap<String, String> = HashMap::new();
    let (lines, escape) = logical::lines(path, text, &mut result.errors);
    for line in lines {
        let instruction = match instruction::read(path, line, escape) {
            Ok(instruction) => instruction,
            Err(error) => {
                result.errors.push(error);
                continue;
            }
        };
        match instruction.kind {
            Kind::From { image, platform, name } => {
                let base = words::substitute(&image, &defaults);
                let base_stage = result.stages.iter().rposition(|stage| {
                    stage.name.as_deref().is_some_and(|stage_name| stage_name.eq_ignore_ascii_case(&base))
                });
                result.stages.push(Stage {
                    base,
                    raw_base: image,
                    base_stage,
                    name,
                    platform: platform.map(|platform| words::substitute(&platform, &defaults)),
                    place: instruction.place,
                    instructions: Vec::new(),
                });
            }
            kind => match (result.stages.last_mut(), kind) {
                (Some(stage), kind) => stage.instructions.push(Instruction { kind, ..instruction }),
                (None, Kind::Arg(args)) => {
                    for arg in args {
                        if let Some(default) = &arg.default {
                            defaults.insert(arg.name.clone(), words::substitute(default, &defaults));
                        }
                        result.args.push(arg);
                    }
                }
                (None, _) => {
                    let reason = format!("{} stands before the first FROM", instruction.keyword);
                    result.errors.push(ParseError { place: instruction.place, reason });
                }
            },
        }
    }
    if result.stages.is_empty() && result.errors.is_empty() {
        let reason = "has no FROM instruction".to_owned();
        result.errors.push(ParseError { place: Place::whole(Arc::clone(path)), reason });
    }
    result.errors.truncate(MAX_ERRORS);
    result
}

#[cfg(test)]
mod tests;
