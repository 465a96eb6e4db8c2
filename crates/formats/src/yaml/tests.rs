//! Reading and writing YAML, harmless and hostile.

use std::fmt::Write as _;

use super::*;

fn read(input: &str) -> Stream {
    parse(&"a.yaml".into(), input)
}

/// Documents as JSON, one a line, then errors.
fn check(input: &str, expect: &str) {
    let stream = read(input);
    let mut lines: Vec<String> =
        stream.documents.iter().map(|document| crate::json::to_string(&document.node)).collect();
    lines.extend(stream.errors.iter().map(ToString::to_string));
    assert_eq!(lines.join("\n"), expect, "for {input:?}");
}

#[test]
fn scalars_keep_whether_they_were_quoted() {
    check(
        "a: 1\nb: '1'\nc: yes\nd: ~\ne:\nf: !!str 1\ng: |\n  x\n  y\n",
        r#"{"a":1,"b":"1","c":"yes","d":null,"e":null,"f":"1","g":"x\ny\n"}"#,
    );
}

#[test]
fn a_block_at_the_end_of_the_file_has_no_line_feed_of_its_own() {
    check("a: |\n  x", r#"{"a":"x"}"#);
    check("a: |\n  x\n", r#"{"a":"x\n"}"#);
    check("a: |\n  x\n   ", r#"{"a":"x\n "}"#);
    check("a: |\n  x\n  ", r#"{"a":"x\n"}"#);
    check("a: >\n  x\n  y", r#"{"a":"x y"}"#);
    check("a: |\n  x\nb: 1", r#"{"a":"x\n","b":1}"#);
}

#[test]
fn quoted_lines_may_be_indented_too_little_as_kubectl_writes_them() {
    check("a:\n  b: 'x\n  y\n  z'\n  c: 1\n", r#"{"a":{"b":"x y z","c":1}}"#);
    let stream = read("a:\n  b: 'x\n  y: z\n");
    assert_eq!(stream.errors.first().and_then(|error| error.place.line()), Some(3));
    assert!(!read(&format!("a:\n  b: 'x\n{}'", "  y\n".repeat(1000))).errors.is_empty());
}

#[test]
fn documents_are_separate_and_empty_ones_dropped() {
    check("# only a comment\n---\na: 1\n---\n---\n# nothing\n---\nb: 2\n...\n", "{\"a\":1}\n{\"b\":2}");
    check("", "");
    check("\u{feff}a: 1\r\nb: 2\r\n", r#"{"a":1,"b":2}"#);
}

#[test]
fn aliases_are_expanded_and_merges_applied() {
    check(
        "base: &base {a: 1, b: 2}\nuse:\n  <<: *base\n  b: 3\nlist: [*base]\n",
        r#"{"base":{"a":1,"b":2},"use":{"a":1,"b":3},"list":[{"a":1,"b":2}]}"#,
    );
    check(
        "x: &x {a: 1}\ny: &y {a: 2, b: 2}\nz:\n  <<: [*x, *y]\n",
        r#"{"x":{"a":1},"y":{"a":2,"b":2},"z":{"a":1,"b":2}}"#,
    );
    check("<<: text\n\"<<\": {a: 1}\n", r#"{"<<":{"a":1}}"#);
}

#[test]
fn the_last_of_two_equal_keys_wins_and_the_other_is_told() {
    check("a: 1\nb: 2\na: 3\n", r#"{"b":2,"a":3}"#);
    let stream = read("a: 1\nb: 2\na: 3\n");
    assert_eq!(stream.documents[0].duplicates, [("a".to_owned(), Place::new("a.yaml", 1, 1))]);
}

#[test]
fn a_broken_document_costs_only_itself() {
    let stream = read("a: 1\n---\nb: [1, 2\n---\nc: 3\n");
    assert_eq!(stream.documents.iter().map(|document| document.index).collect::<Vec<_>>(), [0, 2]);
    assert_eq!(stream.errors.len(), 1);
    assert!(stream.errors[0].place.line().is_some_and(|line| (3..=4).contains(&line)));
}

#[test]
fn unknown_aliases_are_told_and_kept_as_text() {
    check("a: *nope\n", "{\"a\":\"*nope\"}\na.yaml:1: alias *nope has no anchor before it");
}

#[test]
fn places_count_from_one() {
    let stream = read("---\n# head\na:\n  - é: x\n    b: |\n      text\n");
    let document = &stream.documents[0];
    assert_eq!(document.comments, [Comment { text: "head".to_owned(), line: 2 }]);
    assert_eq!(document.line, 1);
    let item = &document.node.list("a")[0];
    assert_eq!(item.place, Place::new("a.yaml", 4, 5));
    assert_eq!(item.entry("é").expect("is there").node.place, Place::new("a.yaml", 4, 8));
    assert_eq!(item.entry("b").expect("is there").key_place, Place::new("a.yaml", 5, 5));
}

#[test]
fn exotic_keys_become_text() {
    check("? [a, b]\n: 1\n{{ x }}: 2\n", r#"{"[\"a\",\"b\"]":1,"{\"{\\\"x\\\":null}\":null}":2}"#);
    check("1: a\ntrue: b\n~: c\n", r#"{"1":"a","true":"b","~":"c"}"#);
}

#[test]
fn alias_bombs_are_refused() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let alias = format!("*a{}", level - 1);
        let _ = writeln!(bomb, "a{level}: &a{level} [{}]", [alias.as_str(); 9].join(", "));
    }
    let stream = read(&bomb);
    assert!(stream.documents.is_empty());
    assert!(stream.errors[0].reason.contains("1000000 values"), "{:?}", stream.errors);

    let long = format!("a: &a {}\nb: [{}]\n", "x".repeat(1_000_000), vec!["*a"; 1000].join(","));
    assert_eq!(read(&long).errors.len(), 1);
}

#[test]
fn an_alias_inside_its_own_anchor_is_refused() {
    check("a: &a [*a]\n---\nb: 1\n", "{\"b\":1}\na.yaml:1: alias stands inside the node that it repeats");
}

#[test]
fn deep_nesting_is_refused() {
    for input in ["[".repeat(100_000), "{a: ".repeat(100_000), "- ".repeat(100_000)] {
        let stream = read(&input);
        assert_eq!((stream.documents.len(), stream.errors.len()), (0, 1));
    }
    let mut nested = "a0: &a0 [x]\n".to_owned();
    for level in 1..300 {
        let _ = writeln!(nested, "a{level}: &a{level} [*a{}]", level - 1);
    }
    assert_eq!(read(&nested).errors.len(), 1);
}

#[test]
fn odd_bytes_do_no_harm() {
    assert_eq!(read("a: \0\n").errors.len() + read("a: \0\n").documents.len(), 1);
    let line = format!("a: \"{}\"\n", "x".repeat(10_000_000));
    assert_eq!(read(&line).documents.len(), 1);
    assert_eq!(read("\ta: 1\n").documents.len() + read("\ta: 1\n").errors.len(), 1);
}

/// Writes what it reads, with sorted keys.
fn check_written(input: &str, expect: &str) {
    let node = &read(input).documents[0].node;
    let written = to_string_with(node, Style { sort_keys: true, indent_sequences: false });
    assert_eq!(written, expect);
    let again = read(&written);
    let sorted = to_string_with(&again.documents[0].node, Style { sort_keys: true, indent_sequences: false });
    assert_eq!(sorted, expect, "reading {written:?} again");
}

#[test]
fn trees_are_written_as_go_does() {
    check_written(
        "spec: {b: [1, {x: 'y', z: []}, [a, b]], a: {}, c: null}\nname: x\n",
        "name: x\nspec:\n  a: {}\n  b:\n  - 1\n  - x: \"y\"\n    z: []\n  - - a\n    - b\n  c: null\n",
    );
    check_written(
        "['1', \"yes\", '', ' a', 'a: b', '#x', \"a\\tb\", '2024-01-02', '1:30', '0x1f', '-', a#b, '{}']",
        concat!(
            "- \"1\"\n- \"yes\"\n- \"\"\n- ' a'\n- 'a: b'\n- '#x'\n- \"a\\tb\"\n- \"2024-01-02\"\n- \"1:30\"\n- \"0x1f\"\n",
            "- '-'\n- a#b\n- '{}'\n"
        ),
    );
    check_written(
        "a: |\n  x\n   y\nb: |-\n  x\n  y\nc: |+\n  x\n\nd: \" x\\ny\"\n",
        "a: |\n  x\n   y\nb: |-\n  x\n  y\nc: |+\n  x\n\nd: |2-\n   x\n  y\n",
    );
    check_written("a10: 1\na2: 2\nB: 3\n_x: 4\n", "_x: 4\nB: 3\na2: 2\na10: 1\n");
}
