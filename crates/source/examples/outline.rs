//! Prints what a reader finds in a file: `cargo run -p gonogo-source --example outline -- FILE`.

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

use gonogo_source::{Language, read};

#[path = "../tests/common/outline.rs"]
mod outline;

#[expect(clippy::disallowed_methods, reason = "an example is a program of its own and reads the file it is given")]
fn main() -> ExitCode {
    let Some(path) = std::env::args().nth(1) else {
        let _ = writeln!(io::stderr(), "usage: outline FILE");
        return ExitCode::FAILURE;
    };
    let Some(language) = Language::of(&path) else {
        let _ = writeln!(io::stderr(), "{path} is of no language that is read");
        return ExitCode::FAILURE;
    };
    match std::fs::read(&path) {
        Ok(bytes) => {
            let module = read(language, &bytes);
            let _ = io::stdout().write_all(outline::outline(&module).as_bytes());
            ExitCode::SUCCESS
        }
        Err(error) => {
            let _ = writeln!(io::stderr(), "cannot read {path}: {error}");
            ExitCode::FAILURE
        }
    }
}
