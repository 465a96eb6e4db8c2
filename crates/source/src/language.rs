//! The languages that are read, by the names of their files.

use serde::{Deserialize, Serialize};

/// A programming language whose files are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Language {
    Go,
    Python,
    JavaScript,
    /// With or without JSX.
    TypeScript,
    Java,
    Kotlin,
    CSharp,
    Ruby,
    Rust,
    Php,
}

impl Language {
    pub const ALL: [Self; 10] = [
        Self::Go,
        Self::Python,
        Self::JavaScript,
        Self::TypeScript,
        Self::Java,
        Self::Kotlin,
        Self::CSharp,
        Self::Ruby,
        Self::Rust,
        Self::Php,
    ];

    /// The language of a file, by the end of its path.
    pub fn of(path: &str) -> Option<Self> {
        let name = path.rsplit('/').next().unwrap_or(path);
        let (stem, end) = name.rsplit_once('.')?;
        // Declarations of types say nothing about what runs; minified bundles are somebody's build output.
        if matches!(stem.rsplit_once('.'), Some((_, "d" | "min"))) {
            return None;
        }
        Some(match end {
            "go" => Self::Go,
            "py" => Self::Python,
            "js" | "mjs" | "cjs" | "jsx" => Self::JavaScript,
            "ts" | "tsx" | "mts" | "cts" => Self::TypeScript,
            "java" => Self::Java,
            "kt" | "kts" => Self::Kotlin,
            "cs" => Self::CSharp,
            "rb" | "ru" | "rake" => Self::Ruby,
            "rs" => Self::Rust,
            "php" => Self::Php,
            _ => return None,
        })
    }

    /// The word by which tables and reports call it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Go => "go",
            Self::Python => "python",
            Self::JavaScript => "javascript",
            Self::TypeScript => "typescript",
            Self::Java => "java",
            Self::Kotlin => "kotlin",
            Self::CSharp => "csharp",
            Self::Ruby => "ruby",
            Self::Rust => "rust",
            Self::Php => "php",
        }
    }
}
