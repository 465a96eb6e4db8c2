use gonogo_domain::evidence::Document;

use super::*;
use crate::Tree;

fn gathered(files: &[(&str, &str)]) -> Gathered<Document> {
    let tree = Tree::from_memory(files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())));
    gather(&Corpus::read(&tree))
}

#[test]
#[ignore]
fn real() {
    let root = std::env::var("REAL").unwrap();
    let tree = Tree::from_disk(std::path::Path::new(&root)).unwrap();
    let corpus = Corpus::read(&tree);
    let started = std::time::Instant::now();
    let found = gather(&corpus);
    println!("{} files {:?} gaps {:?}", found.files, started.elapsed(), found.gaps);
    for document in &found.items {
        if document.kind != DocumentKind::Other || std::env::var("ALL").is_ok() {
            println!(
                "{:?} {} | {} | {} sections | {:?} | {}",
                document.kind,
                document.place,
                document.title,
                document.sections.len(),
                document.dated.as_ref().map(|(date, place)| format!("{date} {place}")),
                document
                    .placeholders
                    .iter()
                    .map(|p| match p {
                        Place::File { line, column, .. } => format!("{line}:{column}"),
                        _ => String::new(),
                    })
                    .collect::<Vec<_>>()
                    .join(" ")
            );
        }
    }
}
