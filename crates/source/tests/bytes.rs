//! Whatever the bytes, there is a module.

mod hostile;

use gonogo_source::Language;
use hostile::check_hostile;

#[test]
fn go_reads_whatever_the_bytes() {
    check_hostile(Language::Go, "package a\nfunc f() { x = ", " }");
}

#[test]
fn javascript_reads_whatever_the_bytes() {
    check_hostile(Language::JavaScript, "function f() { x = ", "; }");
}

#[test]
fn typescript_reads_whatever_the_bytes() {
    check_hostile(Language::TypeScript, "function f(): void { x = ", "; }");
}

#[test]
fn java_reads_whatever_the_bytes() {
    check_hostile(Language::Java, "class A { void f() { x = ", "; } }");
}

#[test]
fn csharp_reads_whatever_the_bytes() {
    check_hostile(Language::CSharp, "class A { void F() { x = ", "; } }");
}

#[test]
fn kotlin_reads_whatever_the_bytes() {
    check_hostile(Language::Kotlin, "fun f() { x = ", " }");
}

#[test]
fn rust_reads_whatever_the_bytes() {
    check_hostile(Language::Rust, "fn f() { x = ", "; }");
    check_hostile(Language::Rust, "fn f() { m!(", "); }");
}
