//! Bytes that nobody would write and somebody will send.

use gonogo_source::{Language, Names, Nothing, read};

/// Whatever the bytes, there is a module with its file scope.
#[track_caller]
pub(crate) fn check_hostile(language: Language, before: &str, after: &str) {
    let many = 20_000;
    let inner: Vec<Vec<u8>> = vec![
        b"(".repeat(100_000),
        [b"(".repeat(many), b")".repeat(many)].concat(),
        b"{".repeat(many),
        b"[".repeat(many),
        b"if (a) {".repeat(many / 10),
        b"f(".repeat(many),
        b"a.".repeat(many),
        [b"a".to_vec(), b".b".repeat(many)].concat(),
        [b"a".to_vec(), b".b()".repeat(many / 10)].concat(),
        [b"a".to_vec(), b"[0]".repeat(many / 10)].concat(),
        [b"a".to_vec(), b"::b".repeat(many)].concat(),
        [b"a".to_vec(), b" + b".repeat(many / 10)].concat(),
        [b"a".to_vec(), b" ? b : c".repeat(many / 10)].concat(),
        b"!".repeat(many),
        b"a<".repeat(many / 20),
        b"\"".repeat(many),
        b"x".repeat(1_000_000),
        b"\xff\xfe\x00\xc3(".repeat(many / 10),
        b"class ) = { fn \" return ' ) ; } import".repeat(100),
        Vec::new(),
    ];
    for inner in inner {
        for bytes in [inner.clone(), [before.as_bytes(), &inner, after.as_bytes()].concat()] {
            let module = read(language, &bytes);
            let names = Names::new(&module, &Nothing);
            for call in &module.calls {
                names.symbols(&call.callee, call.scope);
            }
            assert_eq!(module.scopes.first().map(|file| file.spot.start), Some(0), "{:?}", bytes.get(..40));
        }
    }
}
