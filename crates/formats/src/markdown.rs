//! Markdown documents by their sections.
