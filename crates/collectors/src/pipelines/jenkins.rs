//! Jenkinsfiles, declarative and scripted: a tolerant scanner that finds stages and the shell that they run.

use std::{iter::Peekable, sync::Arc};

use gonogo_domain::{
    Place, Source,
    evidence::{FileEntry, PipelineSystem, Role},
};

use super::{Context, DraftJob, Parts, ShellSteps, scripts::Scripts};
use crate::roles::has_extension;

/// Tokens of one file.
const TOKEN_LIMIT: usize = 200_000;
/// Blocks inside each other.
const DEPTH_LIMIT: usize = 200;

pub(super) fn gather(context: &mut Context<'_>) {
    let entries: Vec<Arc<str>> = context.corpus.files_where(jenkinsfile).map(|entry| Arc::clone(&entry.path)).collect();
    for path in entries {
        context.files += 1;
        match context.corpus.tree.text(&path) {
            Ok(text) => {
                let (jobs, triggers) = read(context.scripts, &path, &text);
                let parts = Parts { triggers, jobs, permissions: None };
                context.add(PipelineSystem::Jenkins, path.to_string(), Place::whole(path), parts);
            }
            Err(reason) => {
                context.gaps.push(gonogo_domain::Gap { source: Source::Pipelines, place: Place::whole(path), reason });
            }
        }
    }
}

fn jenkinsfile(entry: &FileEntry) -> bool {
    let name = entry.name();
    !matches!(entry.role, Role::Test | Role::Example | Role::Documentation)
        && (name == "Jenkinsfile"
            || name.starts_with("Jenkinsfile.")
            || name.ends_with(".Jenkinsfile")
            || name.ends_with(".jenkinsfile"))
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    /// With the dots between: `docker.build`.
    Word(String),
    Text(String),
    Open,
    Close,
    Other(char),
    Feed,
}

/// The words, texts and braces of Groovy with their lines, counted from 1; comments are left out.
fn tokens(text: &str) -> Vec<(Token, u32)> {
    let mut tokens = Vec::new();
    let mut chars = text.chars().peekable();
    let mut line = 1_u32;
    while let Some(char) = chars.next() {
        if tokens.len() >= TOKEN_LIMIT {
            break;
        }
        let start = line;
        match char {
            '\n' => {
                tokens.push((Token::Feed, start));
                line = line.saturating_add(1);
            }
            '/' if chars.peek() == Some(&'/') => {
                while chars.peek().is_some_and(|char| *char != '\n') {
                    chars.next();
                }
            }
            '/' if chars.peek() == Some(&'*') => {
                chars.next();
                let mut last = ' ';
                for char in chars.by_ref() {
                    line = line.saturating_add(u32::from(char == '\n'));
                    if last == '*' && char == '/' {
                        break;
                    }
                    last = char;
                }
            }
            '\'' | '"' => tokens.push((Token::Text(quoted(&mut chars, char, &mut line)), start)),
            '{' => tokens.push((Token::Open, start)),
            '}' => tokens.push((Token::Close, start)),
            char if char.is_alphanumeric() || char == '_' => {
                let mut word = String::from(char);
                while let Some(char) = chars.next_if(|char| char.is_alphanumeric() || matches!(char, '_' | '.')) {
                    word.push(char);
                }
                tokens.push((Token::Word(word), start));
            }
            char if char.is_whitespace() => (),
            char => tokens.push((Token::Other(char), start)),
        }
    }
    tokens
}

fn quoted(chars: &mut Peekable<std::str::Chars<'_>>, quote: char, line: &mut u32) -> String {
    let mut text = String::new();
    let mut triple = false;
    if chars.peek() == Some(&quote) {
        chars.next();
        if chars.peek() != Some(&quote) {
            return text;
        }
        chars.next();
        triple = true;
    }
    while let Some(char) = chars.next() {
        *line = line.saturating_add(u32::from(char == '\n'));
        match char {
            '\\' => match chars.next() {
                // The shell sees it as a line that goes on.
                Some('\n') => {
                    *line = line.saturating_add(1);
                    text.push_str("\\\n");
                }
                Some('n') => text.push('\n'),
                Some(char) if char == quote || char == '$' || char == '\\' => text.push(char),
                Some(char) => text.extend(['\\', char]),
                None => break,
            },
            char if char == quote && triple => {
                if text.ends_with(&[quote, quote].iter().collect::<String>()) {
                    text.truncate(text.len() - 2);
                    break;
                }
                text.push(char);
            }
            char if char == quote => break,
            '\n' if !triple => break,
            char => text.push(char),
        }
    }
    text
}

/// A block that is open.
struct Block {
    name: String,
    line: u32,
    /// The job of a stage.
    job: Option<usize>,
}

fn read(scripts: &Scripts<'_>, path: &Arc<str>, text: &str) -> (Vec<DraftJob>, Vec<String>) {
    let tokens = tokens(text);
    let place = |line: u32| Place::new(Arc::clone(path), line, 1);
    let mut jobs: Vec<DraftJob> = Vec::new();
    let mut blocks: Vec<Block> = Vec::new();
    let mut triggers = vec!["push".to_owned()];
    let mut head: Vec<&Token> = Vec::new();
    let mut last_stage: Option<usize> = None;
    for (index, (token, line)) in tokens.iter().enumerate() {
        match token {
            Token::Open => {
                let words: Vec<&str> = head
                    .iter()
                    .filter_map(|token| if let Token::Word(word) = token { Some(word.as_str()) } else { None })
                    .collect();
                let name = (*words.first().unwrap_or(&"")).to_owned();
                let title =
                    head.iter().find_map(|token| if let Token::Text(text) = token { Some(text.clone()) } else { None });
                let mut job = None;
                if name == "stage" && blocks.len() < DEPTH_LIMIT {
                    let mut draft = DraftJob::new(title.unwrap_or_else(|| "stage".to_owned()), place(*line));
                    draft.job.stage = Some(draft.job.id.clone());
                    // Stages in each other, or side by side, do not wait for one another.
                    let nested = blocks.iter().any(|block| block.job.is_some() || block.name == "parallel");
                    draft.job.needs = last_stage
                        .filter(|_| !nested)
                        .and_then(|last| jobs.get(last))
                        .map(|job| job.job.id.clone())
                        .into_iter()
                        .collect();
                    if !nested {
                        last_stage = Some(jobs.len());
                    }
                    job = Some(jobs.len());
                    jobs.push(draft);
                }
                blocks.push(Block { name, line: *line, job });
                head.clear();
            }
            Token::Close => {
                blocks.pop();
                head.clear();
            }
            Token::Feed => head.clear(),
            Token::Word(word) => {
                head.push(token);
                let rest = tokens.get(index + 1..).unwrap_or_default();
                let current = blocks.iter().rev().find_map(|block| block.job);
                match word.as_str() {
                    "sh" | "bat" | "powershell" | "pwsh" => {
                        let Some((text, text_line, returns)) = argument(rest) else { continue };
                        let job = current.unwrap_or_else(|| outside(&mut jobs, &place));
                        let folder = folder(&blocks, &tokens);
                        let mut step = ShellSteps::new(scripts, &folder).text(&text, place(text_line));
                        step.step.place = place(*line);
                        let caught =
                            blocks.iter().rev().find(|block| matches!(block.name.as_str(), "catchError" | "warnError"));
                        if let Some(at) = caught.map(|block| block.line).or_else(|| returns.then_some(*line)) {
                            step.outcome.tolerate(&place(at));
                            step.step.tolerated = caught.map(|_| place(at));
                        }
                        if let Some(job) = jobs.get_mut(job) {
                            job.steps.push(step);
                        }
                    }
                    "input" => {
                        let within_when =
                            blocks.last().is_some_and(|block| matches!(block.name.as_str(), "when" | "options"));
                        if let Some(job) = current.and_then(|job| jobs.get_mut(job)).filter(|_| !within_when) {
                            job.job.manual = true;
                        }
                    }
                    "cron" | "pollSCM" | "parameterizedCron" if blocks.iter().any(|block| block.name == "triggers") => {
                        triggers.push(if word == "pollSCM" { "push" } else { "schedule" }.to_owned());
                    }
                    "branch" | "tag" | "buildingTag" if blocks.iter().any(|block| block.name == "when") => {
                        if let (Some(job), Some((text, ..))) =
                            (current.and_then(|job| jobs.get_mut(job)), argument(rest))
                        {
                            job.job.condition = Some(format!("{word} {text}"));
                        }
                    }
                    word if word == "docker.build" || has_extension(word, "push") => {
                        let Some(job) = current.and_then(|job| jobs.get_mut(job)) else { continue };
                        let mut step = super::DraftStep::new(place(*line));
                        step.step.uses = Some(word.to_owned());
                        let line = if word == "docker.build" { "docker build" } else { "docker push" };
                        step.outcome = scripts.action(line, &[]);
                        job.steps.push(step);
                    }
                    _ => (),
                }
            }
            _ => head.push(token),
        }
        if head.len() > 100 {
            head.clear();
        }
    }
    triggers.sort();
    triggers.dedup();
    (jobs, triggers)
}

/// The job of what stands outside of all stages.
fn outside(jobs: &mut Vec<DraftJob>, place: &impl Fn(u32) -> Place) -> usize {
    if let Some(index) = jobs.iter().position(|job| job.job.id == "pipeline") {
        return index;
    }
    jobs.push(DraftJob::new("pipeline", place(1)));
    jobs.len() - 1
}

/// The first text on the same line, or after `script:` in parentheses, its line, and whether the status is only returned.
fn argument(rest: &[(Token, u32)]) -> Option<(String, u32, bool)> {
    let (mut found, mut returns, mut open) = (None, false, 0_usize);
    for (index, (token, line)) in rest.iter().take(40).enumerate() {
        match token {
            Token::Text(text) if found.is_none() => found = Some((text.clone(), *line)),
            Token::Other('(') => open += 1,
            Token::Other(')') => {
                open = open.saturating_sub(1);
                if open == 0 {
                    break;
                }
            }
            Token::Word(word) if word == "returnStatus" => {
                let value = rest.get(index + 1..index + 3).unwrap_or_default();
                returns = value.iter().any(|(token, _)| *token == Token::Word("true".to_owned()));
            }
            Token::Feed if open == 0 => break,
            Token::Open | Token::Close => break,
            _ => (),
        }
    }
    found.map(|(text, line)| (text, line, returns))
}

/// The folder of the innermost `dir('…') { }`.
fn folder(blocks: &[Block], tokens: &[(Token, u32)]) -> String {
    let dirs = blocks.iter().filter(|block| block.name == "dir").filter_map(|block| {
        let at = tokens.partition_point(|(_, line)| *line < block.line);
        argument(tokens.get(at..)?).map(|(text, ..)| text)
    });
    dirs.fold(".".to_owned(), |folder, dir| super::scripts::join(&folder, &dir))
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;

    #[test]
    fn stages_are_jobs() {
        check(
            &[
                (
                    "Jenkinsfile",
                    "// sh 'go test'\npipeline {\n  triggers { cron('@daily') }\n  stages {\n    stage('Test') {\n      steps {\n        dir('api') {\n          sh 'make test'\n        }\n        sh '''\n          go vet ./...\n          npm audit || true\n        '''\n        catchError { sh \"npx cypress run\" }\n      }\n    }\n    stage('Approve') {\n      input { message 'ok?' }\n      steps { sh(script: 'kubectl apply -f k8s') }\n    }\n  }\n}\n",
                ),
                ("api/Makefile", "test:\n\tgo test ./...\n"),
            ],
            "Jenkins Jenkinsfile on push,schedule
  Test
    Jenkinsfile:8 UnitTest
    Jenkinsfile:10 Lint
    Jenkinsfile:10 DependencyAudit ~Jenkinsfile:12
    Jenkinsfile:14 EndToEndTest ~Jenkinsfile:14
  Approve <Test manual
    Jenkinsfile:19 Deploy
Script Makefile on
  test
    api/Makefile:1 UnitTest
",
        );
    }

    #[test]
    fn scripted_pipelines_are_read() {
        check(
            &[(
                "Jenkinsfile",
                "node {\n  stage('Build') {\n    def app = docker.build('a')\n    app.push('1')\n  }\n  sh \"cargo test\"\n}\n",
            )],
            "Jenkins Jenkinsfile on push
  Build
    Jenkinsfile:3 BuildImage
    Jenkinsfile:4 Publish
  pipeline
    Jenkinsfile:6 UnitTest
",
        );
    }

    #[test]
    fn hostile_files_end() {
        for text in ["{".repeat(100_000), "stage('a') {".repeat(10_000), "'''".repeat(50_001), "sh ".repeat(50_000)] {
            check(
                &[("Jenkinsfile", &text), (".github/workflows/a.yml", "on: push\njobs: {a: {steps: []}}\n")],
                "circles",
            );
        }
    }
}
