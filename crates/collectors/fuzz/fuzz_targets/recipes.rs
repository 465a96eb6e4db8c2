//! The files of other runners of commands.
#![no_main]

use gonogo_collectors_fuzz::{Scanned, one_of};

libfuzzer_sys::fuzz_target!(|text: &str| {
    one_of(
        Scanned::Pipelines,
        &["justfile", "Taskfile.yml", "package.json", "tox.ini", "noxfile.py"],
        text,
        &[(
            ".gitlab-ci.yml",
            "a:\n  script:\n    - just test\n    - task test\n    - npm test\n    - tox\n    - nox\n",
        )],
    );
});
