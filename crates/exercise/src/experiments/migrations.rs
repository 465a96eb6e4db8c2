//! Migrates a database that nobody needs: up, back, and up again.

use std::time::Instant;

use gonogo_domain::{
    Message,
    exercise::{Exit, MigrationStep, MigrationWay, Migrations, Observation, Trial},
};

use super::Unmade;
use crate::bench::{Bench, BenchError};

pub(super) fn trial(bench: &mut Bench) -> Result<Trial, Unmade> {
    let Some(plan) = bench.run().migrations.clone() else {
        return Err(Unmade::Missing(Message::new(
            "nothing says how it migrates a database: [service.NAME.run.migrations] up, down, schema",
            "未配置数据库迁移命令：[service.NAME.run.migrations] up、down、schema",
        )));
    };
    // It may be one that the service holds open.
    bench.halt();
    let folder = bench.new_folder()?;
    let begin = Instant::now();
    let mut migrations = Migrations { steps: Vec::new(), undone: None, same: None };
    let (mut schemas, mut marks) = (Vec::new(), Vec::new());
    for (way, command) in
        [(MigrationWay::Up, &plan.up), (MigrationWay::Down, &plan.down), (MigrationWay::UpAgain, &plan.up)]
    {
        let from = Instant::now();
        let (exit, lines) = bench.command(command, &plan.environment, &folder)?;
        let failed = exit != Exit::Code(0);
        let words = lines.iter().rev().find(|line| !line.trim().is_empty()).map(|line| line.trim().to_owned());
        migrations.steps.push(MigrationStep {
            way,
            exit,
            took_ms: Bench::since(from, Instant::now()),
            words: words.filter(|_| failed).unwrap_or_default(),
        });
        marks.push((from, Instant::now(), way.words()));
        if failed {
            break;
        }
        if !plan.schema.is_empty() {
            let (exit, lines) = bench.command(&plan.schema, &plan.environment, &folder)?;
            if exit != Exit::Code(0) {
                let said = lines.last().cloned().unwrap_or_default();
                return Err(BenchError::Configuration(format!("the command `schema` failed: {said}")).into());
            }
            schemas.push(lines);
        }
    }
    if let [first, back, again] = schemas.as_slice() {
        (migrations.undone, migrations.same) = (Some(back != first), Some(again == first));
    }
    let mut timeline = bench.timeline(begin, &[]);
    for (from, until, what) in marks {
        timeline.mark(Bench::since(begin, from), Some(Bench::since(begin, until)), what);
    }
    Ok(Trial::new(Observation::Migrations(migrations), timeline))
}
