//! What the tests of all languages call.

mod outline;

use gonogo_source::{Language, Names, Nothing, read};

/// Each call with the symbol that it stands for, as `line symbol`.
#[track_caller]
pub(crate) fn check_symbols(language: Language, code: &str, expect: &[&str]) {
    let module = read(language, code.as_bytes());
    let names = Names::new(&module, &Nothing);
    let mut found: Vec<(u32, u32, String)> = module
        .calls
        .iter()
        .map(|call| {
            let symbol = names.symbols(&call.callee, call.scope).into_iter().next();
            (call.spot.line, call.spot.end, symbol.unwrap_or_else(|| "?".to_owned()))
        })
        .collect();
    found.sort();
    let found: Vec<String> = found.into_iter().map(|(line, _, symbol)| format!("{line} {symbol}")).collect();
    assert_eq!(found, expect, "broken: {:?}", module.broken);
}

/// All that is found in a file, in the words of the example `outline`.
#[track_caller]
pub(crate) fn check_outline(language: Language, code: &str, expect: &str) {
    let found = outline::outline(&read(language, code.as_bytes()));
    assert!(found.trim_end() == expect.trim_end(), "found:\n{found}\nexpected:\n{expect}");
}

/// Whatever the bytes, there is a module, and no more in it than grows with them.
#[track_caller]
pub(crate) fn check_survives(language: Language, samples: &[&[u8]]) {
    let general: [Vec<u8>; 9] = [
        Vec::new(),
        b"\xff\xfe\x00\x80 = f(\xc3)".to_vec(),
        "(".repeat(100_000).into_bytes(),
        [b"f(".repeat(5_000), b")".repeat(5_000)].concat(),
        b"[".repeat(100_000),
        b"{".repeat(100_000),
        b"a".repeat(1_000_000),
        b"\"".repeat(30_000),
        b"x.y(1) ".repeat(4_000),
    ];
    for sample in general.iter().map(Vec::as_slice).chain(samples.iter().copied()) {
        let module = read(language, sample);
        let facts = module.calls.len() + module.scopes.len() + module.reads.len() + module.bindings.len();
        assert!(facts <= sample.len() + 1, "{facts} facts of {} bytes", sample.len());
        let names = Names::new(&module, &Nothing);
        for call in module.calls.iter().take(100) {
            names.symbols(&call.callee, call.scope);
        }
    }
}
