//! `PromQL` expressions: do they parse, which metrics and labels do they name.
