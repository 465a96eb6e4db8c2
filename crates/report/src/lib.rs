//! Renders a review: terminal, JSON, SARIF, JUnit, Markdown, HTML.
