//! Container files: how an image is built.

use super::{ImageRef, Located, Probe};
use crate::Place;

/// A Dockerfile or Containerfile.
#[derive(Clone, Debug)]
pub struct ImageBuild {
    pub place: Place,
    /// The folder that its COPY instructions see, as far as it is known.
    pub context: String,
    pub stages: Vec<Stage>,
    /// `.dockerignore` that applies to it.
    pub ignore_file: Option<IgnoreFile>,
    /// Where its entrypoint starts the program as another user than root, whatever the user of the image is.
    pub switches_user: Option<Place>,
}

impl ImageBuild {
    /// The stage that becomes the image, preceded by the stages that it is built `FROM`, outermost last.
    pub fn final_chain(&self) -> Vec<&Stage> {
        let mut chain = Vec::new();
        let mut next = self.stages.len().checked_sub(1);
        while let Some(index) = next {
            let Some(stage) = self.stages.get(index) else { break };
            chain.push(stage);
            next = stage.base_stage.filter(|base| *base < index);
        }
        chain.reverse();
        chain
    }

    /// The last instruction of this kind that holds in the image: a later stage's overrides its base's.
    pub fn effective<T>(&self, pick: impl Fn(&Instruction) -> Option<T>) -> Option<T> {
        self.final_chain().into_iter().rev().find_map(|stage| stage.instructions.iter().rev().find_map(&pick))
    }

    /// Every instruction of the stages that become the image.
    pub fn final_instructions(&self) -> impl Iterator<Item = &Instruction> {
        self.final_chain().into_iter().flat_map(|stage| &stage.instructions)
    }

    /// The image that the final stage stands on, where that is no stage of the same file.
    pub fn final_base(&self) -> Option<&Located<ImageRef>> {
        self.final_chain().first().map(|stage| &stage.base)
    }
}

#[derive(Clone, Debug)]
pub struct Stage {
    pub name: Option<String>,
    pub base: Located<ImageRef>,
    /// The index of the earlier stage that it stands on.
    pub base_stage: Option<usize>,
    pub instructions: Vec<Instruction>,
}

#[derive(Clone, Debug)]
pub struct Instruction {
    pub place: Place,
    pub kind: InstructionKind,
}

#[derive(Clone, Debug)]
pub enum InstructionKind {
    Run(String),
    Cmd(CommandForm),
    Entrypoint(CommandForm),
    Env { name: String, value: String },
    Arg { name: String, default: Option<String> },
    Label { name: String, value: String },
    Copy { from: Option<String>, sources: Vec<String>, destination: String },
    Add { sources: Vec<String>, destination: String },
    User(String),
    Expose(Vec<String>),
    Healthcheck(Healthcheck),
    StopSignal(String),
    Other { keyword: String, text: String },
}

/// How the process of the image is started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommandForm {
    /// JSON form: the program is PID 1 and gets the signals.
    Exec(Vec<String>),
    /// Shell form: `/bin/sh -c` is PID 1.
    Shell(String),
}

#[derive(Clone, Debug)]
pub enum Healthcheck {
    /// `HEALTHCHECK NONE`.
    Disabled,
    Probe(Probe),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IgnoreFile {
    pub place: Place,
    pub patterns: Vec<String>,
}
