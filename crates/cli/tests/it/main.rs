//! End to end: the binary as its users run it, and the pages of the checks.

mod pages;
