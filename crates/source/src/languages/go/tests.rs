//! Our own parser and the grammar of tree-sitter read the same in a file.

use super::parser::parse;
use crate::{Language, languages};

/// Both read the same module, and whether it was our own parser that could.
#[track_caller]
fn check(code: &str, own: bool) {
    assert_eq!(parse(code.as_bytes()).is_some(), own, "{code}");
    let ours = languages::read(Language::Go, code.as_bytes());
    let theirs = languages::by_grammar(Language::Go, code.as_bytes());
    assert_eq!(format!("{ours:#?}"), format!("{theirs:#?}"), "{code}");
}

/// Each of these statements stands in a function of its own.
#[track_caller]
fn check_statements(statements: &[&str], own: bool) {
    for one in statements {
        check(&format!("package a\n\nfunc f() {{\n\t{one}\n}}\n"), own);
    }
}

/// Each of these stands at the top of a file.
#[track_caller]
fn check_declarations(declarations: &[&str], own: bool) {
    for one in declarations {
        check(&format!("package a\n\n{one}\n"), own);
    }
}

#[test]
fn declarations_are_read_alike() {
    check_declarations(
        &[
            "import \"fmt\"",
            "import (\n\t\"fmt\"\n\t_ \"net/http/pprof\"\n\t. \"a\"\n\tyaml \"gopkg.in/yaml.v3\" // c\n)",
            "const A = 1",
            "const (\n\tA Kind = iota\n\tB\n\tC, D = 1, f()\n)",
            "var a, b = f(), g",
            "var (\n\ta int\n\tb [n.Size]byte = x.Y\n\tc map[string][]*http.Client\n)",
            "var errNo = errors.New(\"no\")",
            "type A = b.C",
            "type (\n\tA int\n\tB struct{ C int }\n)",
            "type A struct {\n\tsync.Mutex\n\t*B\n\tC[int]\n\ta, b *http.Client `json:\"a\"`\n\tc func(int) error \"tag\"\n\td [4]int\n\te chan<- int\n}",
            "type A interface {\n\tf(a, b int, c ...string) (x int, err error)\n\tio.Reader\n\t~int | ~string\n}",
            "type A [b.C]int",
            "type A []b.C",
            "type A func(x.Y, ...int) (<-chan int, error)",
            "type A[T any, U interface{ ~int }] struct{ a T }",
            "type A map[string]func()",
            "func f()",
            "func (s *Server) f(a, b int, c ...string) (int, error) { return 1, nil }",
            "func (Server) f(int, x.Y) error { return nil }",
            "func f[T any](a T, b []T) (out T) { return }",
            "func f(a []int, b [4]int, c map[a.B]C, d func(int) func() error, e List[int], g *p.T[a, b]) {}",
            "func f(T[int], []string) {}",
            "func f() (a, b error) {}",
            "// c\n/* d */ func f() { /* e\n\tf */ }",
        ],
        true,
    );
}

#[test]
fn statements_are_read_alike() {
    check_statements(
        &[
            "a()",
            "a.b.c(d.e, 1, \"x\", `y`, 'z', 2.5, 3i, 0x1p-2)",
            "a, err := b.c()\n\t_ = err",
            "a[b.c], d.e = f(), g.h",
            "a += b * c.d + 1<<e",
            "a++; b--",
            "go a.b(c)\n\tdefer func() { a() }()",
            "return",
            "return a, b.c(), nil",
            "return a.b",
            "if a { b() } else if c := d(); c.e { f() } else { }",
            "if a := (B{c: 1}); a.d {\n\t}",
            "if err := a(b{}); err != nil {\n\t\treturn\n\t}",
            "for {\n\t\tbreak\n\t}",
            "for a.b() {\n\t\tcontinue\n\t}",
            "for i := 0; i < a.b; i++ { c(i) }",
            "for ; ; { }",
            "for range a.b { }",
            "for a, b := range []T{c, {d}} { e(a, b) }",
            "for a.b = range c { }",
            "l:\n\tfor i := range 10 { break l }",
            "switch {\n\tcase a.b, c:\n\t\td()\n\n\tdefault:\n\t}",
            "switch a := b(); c := a.(type) {\n\tcase nil:\n\tcase *http.Client, []int:\n\t\tc.d()\n\t\t// e\n\tdefault:\n\t\tf()\n\t}",
            "switch a.(type) {\n\tcase int:\n\t}",
            "switch a.b {\n\tcase 1: c(); fallthrough\n\tcase 2:\n\t}",
            "switch a := b; a {\n\t}",
            "select {\n\tcase a := <-b.c:\n\t\td(a)\n\tcase e <- f():\n\tcase <-time.After(1):\n\tcase a, ok = <-b:\n\tdefault:\n\t}",
            "a <- b.c",
            "goto l\nl:\n",
            "{\n\t\ta()\n\t}",
            "var a = b.c\n\tconst d = 1\n\ttype e int",
            "a(func(b int) (c error) { return d }, e...)",
            "a := []byte(b)\n\tc := map[string]int{\"d\": 1, e.f: 2}",
            "a := &T{b: c.d, E: {1, 2}, \"f\": []int{1}, 3: g}",
            "a := [...]T{{1}, {b: 2}}",
            "a := p.T{}\n\tb := p.L[int]{1}",
            "a := struct{ b int }{1}\n\tc := []struct{ d int }{{2}}",
            "a := make(map[string]p.T, b.c)\n\td := new(int)\n\te := make(chan struct{})",
            "a := b.(p.T).c()\n\td, ok := e.(interface{ f() })",
            "a := b[1:c.d]\n\te := f[:]\n\tg := h[i:j:k]\n\tl := m[n][o]",
            "a := (*T)(nil)\n\tb := (<-c).d\n\te := -f\n\tg := ^h &^ i\n\tj := !k.l",
            "a := ([]byte)(b)",
            "a := b.\n\t\tc().\n\t\td(\n\t\t\te,\n\t\t)",
            "a = b && c || d == e",
            "a = <-b",
            "*a.b = c",
        ],
        true,
    );
}

#[test]
fn what_is_unusual_is_left_to_the_grammar() {
    check_statements(&["a := \"", "a b", "für := 1", ";", "if a := 1 { }", "a := b[", "x := 08z.", "/*"], false);
    check("", false);
    check("func f() {}\n", false);
    check("package a\nfunc f() { } }\n", false);
}

#[test]
fn reading_something_twice_has_a_bound() {
    let nested = "T[func(".repeat(150);
    assert!(parse(format!("package a\nfunc f({nested}\n").as_bytes()).is_none());
}
