//! Migrations in SQL and in code.
#![no_main]

use gonogo_collectors_fuzz::{Scanned, one_of};

libfuzzer_sys::fuzz_target!(|text: &str| {
    let names = [
        "db/migrate/20240101000000_a.rb",
        "migrations/versions/a.py",
        "app/migrations/0001_a.py",
        "migrations/001_a.up.sql",
        "src/main/resources/db/migration/V1__a.sql",
        "migrations/20240101-a.js",
        "db/changelog/a.xml",
    ];
    one_of(Scanned::Migrations, &names, text, &[]);
});
