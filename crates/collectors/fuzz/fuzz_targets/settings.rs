//! Settings of the service, of the environment and of platforms.
#![no_main]

use gonogo_collectors_fuzz::{Scanned, one_of};

libfuzzer_sys::fuzz_target!(|text: &str| {
    let names = [".env", ".env.production", "config/application.properties", "fly.toml", "netlify.toml", "gonogo.toml"];
    one_of(Scanned::Settings, &names, text, &[]);
});
