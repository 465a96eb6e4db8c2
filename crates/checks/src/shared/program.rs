//! What a program's source can be asked: what of a kind it uses, and whether the tables know the kind in its languages.

use std::collections::{BTreeMap, BTreeSet};

use gonogo_domain::{
    Conclusion, Evidence, Finding, Message, Missing, Place, Reading, Readings, Strength,
    evidence::{Meaning, SourceCode, Use},
    known_symbols,
};

/// What the product uses for one purpose.
pub(crate) fn used(source: &SourceCode, meaning: Meaning) -> impl Iterator<Item = &Use> {
    let pages = Pages::of(source);
    source.uses.iter().filter(move |one| one.role.counts() && one.meaning == meaning && !pages.draw(one))
}

/// Scripts that a browser runs: they lie where a server hands files out, or beside a server in another language.
pub(crate) struct Pages<'s> {
    source: &'s SourceCode,
    /// Files that serve are of the server, wherever they lie.
    serving: BTreeSet<&'s str>,
    /// What serves is written in another language.
    elsewhere: bool,
}

impl<'s> Pages<'s> {
    const FOLDERS: [&'static str; 7] = ["static", "public", "www", "wwwroot", "html", "htdocs", "webroot"];

    pub(crate) fn of(source: &'s SourceCode) -> Self {
        let serves = |one: &&Use| {
            one.role.counts()
                && matches!(
                    one.meaning,
                    Meaning::Listen | Meaning::Route | Meaning::Middleware | Meaning::QueueConsume | Meaning::Signal
                )
        };
        let serving: BTreeSet<&str> = source.uses.iter().filter(serves).map(|one| one.place.path()).collect();
        let elsewhere = serving.iter().any(|path| is_source(path)) && !serving.iter().any(|path| is_script(path));
        Self { source, serving, elsewhere }
    }

    /// It happens in the browser of a user.
    pub(crate) fn draw(&self, one: &Use) -> bool {
        self.source.functions.get(one.function).is_some_and(|function| function.browser) || self.holds(one.place.path())
    }

    fn holds(&self, path: &str) -> bool {
        is_script(path)
            && !self.serving.contains(path)
            && (self.elsewhere || path.split('/').rev().skip(1).any(|folder| Self::FOLDERS.contains(&folder)))
    }
}

fn is_script(path: &str) -> bool {
    let ending = path.rsplit_once('.').map(|(_, ending)| ending);
    matches!(ending, Some("js" | "mjs" | "cjs" | "jsx" | "ts" | "mts" | "tsx"))
}

/// A program's file, and no script for browsers.
fn is_source(path: &str) -> bool {
    let ending = path.rsplit_once('.').map(|(_, ending)| ending);
    matches!(ending, Some("go" | "py" | "java" | "kt" | "cs" | "rb" | "rs" | "php"))
}

/// What a row says of a use that sets nothing itself.
pub(crate) fn default<'u>(one: &'u Use, name: &str) -> &'u str {
    one.defaults.get(name).map(String::as_str).unwrap_or_default()
}

/// The number of files that were read.
pub(crate) fn files(source: &SourceCode) -> usize {
    source.files.iter().filter(|file| file.role.counts()).count()
}

/// "1 file of source", "3 files of source".
pub(crate) fn counted(files: usize) -> String {
    if files == 1 { "1 file of source".to_owned() } else { format!("{files} files of source") }
}

/// The languages of the product in which no table knows anything for one of these purposes.
pub(crate) fn unknown_languages(source: &SourceCode, meanings: &[Meaning]) -> Vec<&'static str> {
    let languages: BTreeSet<&'static str> =
        source.files.iter().filter(|file| file.role.counts()).map(|file| file.language).collect();
    let known = |language: &str| {
        let libraries = &known_symbols(language).libraries;
        libraries.iter().flat_map(|library| &library.uses).any(|row| meanings.contains(&row.means))
    };
    languages.into_iter().filter(|language| !known(language)).collect()
}

/// Nothing of the kind is in the program: that fails where its languages are known, and is unknown where they are not.
pub(crate) fn nothing(
    evidence: &Evidence<'_>,
    source: &SourceCode,
    meanings: &[Meaning],
    en: &str,
    zh: &str,
) -> Reading {
    let pages = Pages::of(source);
    let mut products = source.files.iter().filter(|file| file.role.counts()).peekable();
    if products.peek().is_some() && products.all(|file| pages.holds(&file.path)) {
        let files = files(source);
        return unknown(
            Message::new(
                format!("its source is scripts for browsers ({files}): what serves them is set up elsewhere"),
                format!("其源代码均为浏览器脚本（{files} 个文件）：提供服务的程序在别处配置"),
            ),
            Message::new(
                "the settings of what serves, or an exercise that shows it",
                "服务程序的配置，或一次能证明的演练",
            ),
        );
    }
    let mut strange = unknown_languages(source, meanings);
    strange.extend(unread_language(evidence, source));
    if !strange.is_empty() {
        let list = strange.join(", ");
        return unknown(
            Message::new(
                format!("{en}, as far as it was followed; what does it in {list} is not known"),
                format!("在可追踪范围内，{zh}；{list} 中的相应实现未知"),
            ),
            Message::new(
                format!("tables that know the libraries of {list}, or an exercise"),
                format!("收录 {list} 相应库的知识表，或一次演练"),
            ),
        );
    }
    if without_libraries(evidence) {
        return unknown(
            Message::new(
                format!(
                    "{en} by a library, and the program is written without any: what it does by itself was not followed"
                ),
                format!("未见以库实现（{zh}），而程序不使用任何库：其自身实现未能追踪"),
            ),
            Message::new("an exercise that shows it", "一次能证明的演练"),
        );
    }
    let files = files(source);
    let sources = counted(files);
    Reading::absent(Finding::new(
        &place(evidence, source),
        format!("{en}, in {sources}"),
        format!("{files} 个源文件中，{zh}"),
    ))
}

/// The language that most of the program is written in, where nobody reads it here: what is read beside it are scripts.
pub(crate) fn unread_language(evidence: &Evidence<'_>, source: &SourceCode) -> Option<&'static str> {
    let mut unread: BTreeMap<&'static str, usize> = BTreeMap::new();
    for file in evidence.files().ok()?.iter().filter(|file| file.role.counts()) {
        let language = match file.path.rsplit_once('.').map_or("", |(_, ending)| ending) {
            "ex" | "exs" => "elixir",
            "erl" => "erlang",
            "cc" | "cpp" | "cxx" => "c++",
            "scala" => "scala",
            "swift" => "swift",
            "clj" => "clojure",
            "fs" => "f#",
            "hs" => "haskell",
            "dart" => "dart",
            _ => continue,
        };
        *unread.entry(language).or_default() += 1;
    }
    let (language, count) = unread.into_iter().max_by_key(|(_, count)| *count)?;
    (count > files(source)).then_some(language)
}

/// Its manifests name nothing that it runs with.
fn without_libraries(evidence: &Evidence<'_>) -> bool {
    evidence.packages().is_ok_and(|packages| {
        !packages.is_empty() && packages.iter().flat_map(|one| &one.dependencies).all(|one| one.development)
    })
}

/// Where somebody would put what is missing: where the program begins to listen, else its first file.
pub(crate) fn place(evidence: &Evidence<'_>, source: &SourceCode) -> Place {
    let entry = |name: &str| {
        let mut functions = source.functions.iter().filter(|one| one.role.counts());
        functions.find(|one| one.name == name).map(|one| one.place.clone())
    };
    // What serves may be said in a file that is no source, and may stand in source that only people start.
    let of_source = |one: &&Use| source.files.iter().any(|file| *file.path == *one.place.path());
    let mut listens = source.uses.iter().filter(|one| one.meaning == Meaning::Listen && of_source(one));
    used(source, Meaning::Listen)
        .find(of_source)
        .or_else(|| listens.next())
        .map(|one| one.place.clone())
        .or_else(|| entry("main"))
        .unwrap_or_else(|| evidence.service().place())
}

/// A trail that ends: unknown, with the place and with what would settle it.
pub(crate) fn trail_ends(en: String, zh: String) -> Reading {
    unknown(
        Message::new(en, zh),
        Message::new(
            "source in which the trail can be followed, or an exercise that shows it",
            "可追踪到底的源代码，或一次能证明的演练",
        ),
    )
}

/// The source is there and does not say it: neither a pass nor an absence.
fn unknown(summary: Message, settle: Message) -> Reading {
    let mut reading = Reading::elsewhere(summary, settle);
    reading.conclusion = Conclusion::Unknown;
    reading
}

/// A library in a manifest says something only where the source says nothing: what the source shows needs none, and what
/// it lacks is no contradiction.
pub(crate) fn readings(declared: Result<Reading, Missing>, configured: Result<Reading, Missing>) -> Readings {
    let decides = configured.as_ref().is_ok_and(|reading| reading.conclusion != Conclusion::Unknown);
    let open = configured.as_ref().is_ok_and(|reading| reading.conclusion == Conclusion::Unknown);
    let found = declared.as_ref().is_ok_and(|reading| reading.conclusion == Conclusion::Met);
    if decides || open && !found {
        return Readings::configured(configured);
    }
    Readings::of(Strength::Declared, declared).and(Strength::Configured, configured)
}
