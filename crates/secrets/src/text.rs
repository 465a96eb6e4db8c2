//! What of a file is text, and what its ending says of how it is written.

use std::borrow::Cow;

/// The bytes of a text: UTF-16 with a mark is turned into UTF-8, others stay as they are. None: it is no text.
pub(crate) fn text(bytes: &[u8]) -> Option<Cow<'_, [u8]>> {
    match bytes {
        [0xff, 0xfe, rest @ ..] => Some(Cow::Owned(utf16(rest, u16::from_le_bytes))),
        [0xfe, 0xff, rest @ ..] => Some(Cow::Owned(utf16(rest, u16::from_be_bytes))),
        // As git and grep tell them apart.
        _ if bytes.get(..8000).unwrap_or(bytes).contains(&0) => None,
        _ => Some(Cow::Borrowed(bytes)),
    }
}

fn utf16(bytes: &[u8], word: fn([u8; 2]) -> u16) -> Vec<u8> {
    let words = bytes.chunks_exact(2).map(|pair| match pair {
        [one, other] => word([*one, *other]),
        _ => 0,
    });
    char::decode_utf16(words).map(|letter| letter.unwrap_or('\u{fffd}')).collect::<String>().into_bytes()
}

/// How the values of settings are written in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Writing {
    /// A programming language: what is not quoted is an expression.
    Code,
    /// A text, a script, data: what is not quoted is a value too.
    Plain,
}

const CODE: &[&str] = &[
    "go",
    "py",
    "pyi",
    "js",
    "mjs",
    "cjs",
    "jsx",
    "ts",
    "mts",
    "cts",
    "tsx",
    "java",
    "kt",
    "kts",
    "scala",
    "groovy",
    "gradle",
    "cs",
    "fs",
    "vb",
    "rb",
    "erb",
    "rs",
    "php",
    "c",
    "h",
    "cc",
    "cpp",
    "hpp",
    "m",
    "mm",
    "swift",
    "lua",
    "pl",
    "pm",
    "ex",
    "exs",
    "erl",
    "hs",
    "clj",
    "cljs",
    "dart",
    "vue",
    "svelte",
    "jsonnet",
    "libsonnet",
    "proto",
    "css",
    "scss",
    "less",
    "r",
    "jl",
    "nim",
    "zig",
    "sol",
    "tf",
    "hcl",
    "bicep",
    "cue",
    "rego",
    "html",
    "htm",
    "y",
    "tmpl",
    "gotmpl",
    "tpl",
    "bzl",
    "star",
    "nix",
];

pub(crate) fn writing(path: &str) -> Writing {
    let name = path.rsplit('/').next().unwrap_or(path);
    match name.rsplit_once('.') {
        Some((_, ending)) if CODE.contains(&ending.to_ascii_lowercase().as_str()) => Writing::Code,
        _ => Writing::Plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn utf_16_is_text_and_bytes_with_zeros_are_none() {
        let bytes: Vec<u8> = [0xff, 0xfe].into_iter().chain("pw=1".encode_utf16().flat_map(u16::to_le_bytes)).collect();
        assert_eq!(text(&bytes).as_deref(), Some(b"pw=1".as_slice()));
        assert_eq!(text(b"\x7fELF\0\0"), None);
        assert_eq!(text(b"caf\xe9").as_deref(), Some(b"caf\xe9".as_slice()));
    }
}
