//! Shell text as the simple commands that it runs, with the lines where they stand and whether their failure counts.
//!
//! Tolerant, because it reads what templates left behind: anything that is no shell becomes words. Comments, heredocs
//! that are only text and the arguments of redirections are left out; what stands in `$(…)`, in backquotes, in
//! `sh -c '…'` and in a heredoc fed to a shell is read as commands.

/// Text beyond this is not read: a script that a person edits is shorter.
const TEXT_LIMIT: usize = 256 * 1024;
/// `$( $( … ) )` and `sh -c "sh -c …"` deeper than this are words.
const DEPTH_LIMIT: usize = 6;
/// Commands of one script.
const COMMAND_LIMIT: usize = 4000;

/// A simple command: `FOO=1 sudo go test ./...` has the words `go`, `test`, `./...`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Command {
    pub(crate) words: Vec<String>,
    /// The line of the text, counted from 0.
    pub(crate) line: u32,
    /// The line of what swallows its failure: `|| true`, `set +e`, a trailing `; true`.
    pub(crate) swallowed: Option<u32>,
    /// It stands in parentheses: a `cd` in it ends there.
    depth: usize,
}

impl Command {
    pub(crate) fn name(&self) -> &str {
        self.words.first().map_or("", String::as_str)
    }

    pub(crate) fn arguments(&self) -> impl Iterator<Item = &str> {
        self.words.iter().skip(1).map(String::as_str)
    }

    pub(crate) fn text(&self) -> String {
        self.words.join(" ")
    }

    pub(crate) fn in_group(&self) -> bool {
        self.depth > 0
    }

    /// It always succeeds, so that it hides the failure of what it follows.
    fn always_succeeds(&self) -> bool {
        match self.name() {
            "true" | ":" | "/bin/true" | "echo" | "printf" => true,
            "exit" | "return" => self.words.get(1).is_some_and(|code| code == "0"),
            _ => false,
        }
    }
}

/// The commands of a script. With `stops` the shell stops at the first failure (`sh -e`); without, a last command that
/// always succeeds hides the failures before it.
pub(crate) fn commands(text: &str, stops: bool) -> Vec<Command> {
    let mut commands = Vec::new();
    let end = text.floor_char_boundary(TEXT_LIMIT);
    scan(text.get(..end).unwrap_or_default(), stops, 0, 0, &mut commands);
    commands
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    /// Index into the commands of this level.
    Command(usize),
    And,
    Or,
    Pipe,
    /// `;`, `&` or the end of a line.
    End,
    Open,
    Close,
}

struct Scanner<'t> {
    text: &'t str,
    at: usize,
    line: u32,
    level: usize,
    words: Vec<String>,
    word: Option<String>,
    word_line: u32,
    commands: Vec<Command>,
    tokens: Vec<Token>,
    depth: usize,
    /// Delimiters of heredocs that begin at the next line, and whether their text is read by a shell.
    heredocs: Vec<(String, bool)>,
    /// Commands of substitutions, which run before the command that they stand in.
    nested: Vec<Command>,
    /// How many commands came before each assignment that keeps the status of the last one.
    status_kept: Vec<usize>,
}

fn scan(text: &str, stops: bool, first_line: u32, level: usize, out: &mut Vec<Command>) {
    let mut scanner = Scanner {
        text,
        at: 0,
        line: first_line,
        level,
        words: Vec::new(),
        word: None,
        word_line: first_line,
        commands: Vec::new(),
        tokens: Vec::new(),
        depth: 0,
        heredocs: Vec::new(),
        nested: Vec::new(),
        status_kept: Vec::new(),
    };
    scanner.run();
    let Scanner { mut commands, tokens, nested, status_kept, .. } = scanner;
    mark_swallowed(&mut commands, &tokens, &status_kept, stops);
    out.extend(nested);
    for command in commands {
        if out.len() >= COMMAND_LIMIT {
            return;
        }
        if let Some(inner) = shell_argument(&command)
            && level < DEPTH_LIMIT
        {
            let from = out.len();
            scan(inner, inner_stops(&command), command.line, level + 1, out);
            for one in out.iter_mut().skip(from) {
                one.swallowed = one.swallowed.or(command.swallowed);
            }
            continue;
        }
        out.push(command);
    }
}

/// The script of `sh -c 'script'`, `bash -lc`, `eval`, `su -c`, `ssh host 'script'`, `docker run image sh -c 'script'`.
fn shell_argument(command: &Command) -> Option<&str> {
    let shell = |word: &str| matches!(word.rsplit('/').next(), Some("sh" | "bash" | "zsh" | "dash" | "ash" | "su"));
    if command.name() == "eval" {
        return command.words.get(1).map(String::as_str);
    }
    let at = command.words.iter().position(|word| shell(word))?;
    let flag = command.words.iter().skip(at + 1).position(|word| {
        word.strip_prefix('-').is_some_and(|flags| !flags.starts_with('-') && flags.ends_with('c') && flags.len() < 6)
    })?;
    command.words.get(at + flag + 2).map(String::as_str)
}

fn inner_stops(command: &Command) -> bool {
    command.words.iter().any(|word| word.starts_with('-') && word.contains('e') && word.len() < 7)
}

impl<'t> Scanner<'t> {
    fn peek(&self) -> Option<char> {
        self.text.get(self.at..).and_then(|rest| rest.chars().next())
    }

    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn next(&mut self) -> Option<char> {
        let char = self.peek()?;
        self.at += char.len_utf8();
        if char == '\n' {
            self.line = self.line.saturating_add(1);
        }
        Some(char)
    }

    fn skip(&mut self, count: usize) {
        for _ in 0..count {
            self.next();
        }
    }

    fn push(&mut self, char: char) {
        if self.word.is_none() && self.words.is_empty() {
            self.word_line = self.line;
        }
        self.word.get_or_insert_default().push(char);
    }

    fn push_str(&mut self, text: &str) {
        if self.word.is_none() && self.words.is_empty() {
            self.word_line = self.line;
        }
        self.word.get_or_insert_default().push_str(text);
    }

    fn end_word(&mut self) {
        if let Some(word) = self.word.take() {
            self.words.push(word);
        }
    }

    fn end_command(&mut self, token: Token) {
        self.end_word();
        let words = std::mem::take(&mut self.words);
        let line = if words.is_empty() { self.line } else { self.word_line };
        if self.commands.len() < COMMAND_LIMIT {
            if words.iter().any(|word| assignment(word) && (word.contains("$?") || word.contains("PIPESTATUS"))) {
                self.status_kept.push(self.commands.len());
            }
            let words = runs(words);
            if !words.is_empty() {
                self.tokens.push(Token::Command(self.commands.len()));
                self.commands.push(Command { words, line, swallowed: None, depth: self.depth });
            }
            self.tokens.push(token);
        }
    }

    fn run(&mut self) {
        while let Some(char) = self.peek() {
            match char {
                '\\' => self.backslash(),
                '\'' => self.single_quoted(),
                '"' => self.double_quoted(),
                '`' => self.backquoted(),
                '$' => self.dollar(),
                '#' if self.word.is_none() => {
                    while self.peek().is_some_and(|char| char != '\n') {
                        self.next();
                    }
                }
                '\n' => {
                    self.end_command(Token::End);
                    self.next();
                    self.skip_heredocs();
                }
                char if char.is_whitespace() => {
                    self.end_word();
                    self.next();
                }
                '<' | '>' => self.redirection(),
                '&' if self.rest().starts_with("&&") => {
                    self.end_command(Token::And);
                    self.skip(2);
                }
                '&' if self.rest().starts_with("&>") => {
                    self.next();
                    self.redirection();
                }
                ';' | '&' => {
                    self.end_command(Token::End);
                    self.next();
                }
                '|' if self.rest().starts_with("||") => {
                    self.end_command(Token::Or);
                    self.skip(2);
                }
                '|' => {
                    self.end_command(Token::Pipe);
                    self.next();
                }
                '(' if self.word.is_none() => {
                    self.end_command(Token::Open);
                    self.depth += 1;
                    self.next();
                }
                ')' => {
                    self.end_command(Token::Close);
                    self.depth = self.depth.saturating_sub(1);
                    self.next();
                }
                '{' | '}' if self.word.is_none() && self.stands_alone() => {
                    let open = char == '{';
                    self.end_command(if open { Token::Open } else { Token::Close });
                    self.next();
                }
                char => {
                    self.push(char);
                    self.next();
                }
            }
        }
        self.end_command(Token::End);
    }

    /// A brace that is a word of its own groups commands.
    fn stands_alone(&self) -> bool {
        self.rest().chars().nth(1).is_none_or(|next| next.is_whitespace() || matches!(next, ';' | ')' | '&' | '|'))
    }

    fn backslash(&mut self) {
        self.next();
        match self.next() {
            Some('\n') | None => (),
            Some('\r') if self.peek() == Some('\n') => self.skip(1),
            Some(char) => self.push(char),
        }
    }

    fn single_quoted(&mut self) {
        self.next();
        self.push_str("");
        while let Some(char) = self.next() {
            if char == '\'' {
                break;
            }
            self.push(char);
        }
    }

    fn double_quoted(&mut self) {
        self.next();
        self.push_str("");
        while let Some(char) = self.peek() {
            match char {
                '"' => {
                    self.next();
                    break;
                }
                '\\' => {
                    self.next();
                    if let Some(char) = self.next()
                        && char != '\n'
                    {
                        self.push(char);
                    }
                }
                '$' => self.dollar(),
                '`' => self.backquoted(),
                _ => {
                    self.push(char);
                    self.next();
                }
            }
        }
    }

    fn backquoted(&mut self) {
        self.next();
        let (start, line) = (self.at, self.line);
        while let Some(char) = self.next() {
            match char {
                '`' => break,
                '\\' => self.skip(1),
                _ => (),
            }
        }
        let inner = self.text.get(start..self.at.saturating_sub(1)).unwrap_or_default();
        self.nest(inner, line);
        self.push_str("$()");
    }

    fn dollar(&mut self) {
        let rest = self.rest();
        if rest.starts_with("${{") {
            // An expression of the pipeline, filled in before any shell sees it.
            let end = rest.find("}}").map_or(rest.len(), |end| end + 2);
            self.take(end);
        } else if rest.starts_with("${") {
            let end = rest.find('}').map_or(rest.len(), |end| end + 1);
            self.take(end);
        } else if rest.starts_with("$((") {
            let end = rest.find("))").map_or(rest.len(), |end| end + 2);
            self.take(end);
        } else if rest.starts_with("$(") {
            self.skip(2);
            let (inner, line) = self.parenthesised();
            self.nest(inner, line);
            self.push_str("$()");
        } else {
            self.next();
            self.push('$');
        }
    }

    fn take(&mut self, length: usize) {
        let end = self.at.saturating_add(length);
        while self.at < end {
            let Some(char) = self.next() else { break };
            self.push(char);
        }
    }

    /// The text up to the parenthesis that closes the one just read.
    fn parenthesised(&mut self) -> (&'t str, u32) {
        let (start, line) = (self.at, self.line);
        let (mut open, mut quote) = (1_usize, None);
        while let Some(char) = self.next() {
            match (quote, char) {
                (Some(own), char) if own == char => quote = None,
                (None, '\'' | '"') => quote = Some(char),
                (None | Some('"'), '\\') => self.skip(1),
                (None | Some('"'), '(') => open += 1,
                (None | Some('"'), ')') => {
                    open -= 1;
                    if open == 0 {
                        break;
                    }
                }
                _ => (),
            }
        }
        let end = if open == 0 { self.at.saturating_sub(1) } else { self.at };
        (self.text.get(start..end).unwrap_or_default(), line)
    }

    fn nest(&mut self, inner: &str, line: u32) {
        if self.level < DEPTH_LIMIT && self.nested.len() < COMMAND_LIMIT {
            scan(inner, true, line, self.level + 1, &mut self.nested);
        }
    }

    fn redirection(&mut self) {
        // `2>file`: the number belongs to the redirection.
        if self.word.as_deref().is_some_and(|word| word.bytes().all(|byte| byte.is_ascii_digit())) {
            self.word = None;
        }
        self.end_word();
        let rest = self.rest();
        if let Some(delimiter) = rest.strip_prefix("<<").filter(|rest| !rest.starts_with('<')) {
            let dash = usize::from(delimiter.starts_with('-'));
            self.skip(2 + dash);
            self.skip_blanks();
            let mut name = String::new();
            while let Some(char) = self.peek() {
                if char.is_whitespace() || matches!(char, ';' | '|' | '&' | ')' | '<' | '>') {
                    break;
                }
                if !matches!(char, '\'' | '"' | '\\') {
                    name.push(char);
                }
                self.next();
            }
            let to_shell = runs(self.words.clone())
                .first()
                .is_some_and(|name| matches!(name.rsplit('/').next(), Some("sh" | "bash" | "ssh" | "zsh" | "dash")));
            if !name.is_empty() {
                self.heredocs.push((name, to_shell));
            }
            return;
        }
        if rest.starts_with("<(") || rest.starts_with(">(") {
            self.skip(2);
            let (inner, line) = self.parenthesised();
            self.nest(inner, line);
            self.push_str("<()");
            return;
        }
        while self.peek().is_some_and(|char| matches!(char, '<' | '>' | '&' | '|' | '!')) {
            self.next();
        }
        self.skip_blanks();
        let before = std::mem::take(&mut self.words);
        // The target is a word like others; it is read and forgotten.
        while let Some(char) = self.peek() {
            match char {
                '\'' => self.single_quoted(),
                '"' => self.double_quoted(),
                '$' => self.dollar(),
                char if char.is_whitespace() || matches!(char, ';' | '|' | '&' | ')' | '<' | '>') => break,
                _ => {
                    self.next();
                }
            }
        }
        self.word = None;
        self.words = before;
    }

    fn skip_blanks(&mut self) {
        while self.peek().is_some_and(|char| matches!(char, ' ' | '\t')) {
            self.next();
        }
    }

    fn skip_heredocs(&mut self) {
        for (delimiter, to_shell) in std::mem::take(&mut self.heredocs) {
            let (start, line) = (self.at, self.line);
            let mut end = self.text.len();
            while !self.rest().is_empty() {
                let before = self.at;
                let row = self.rest().lines().next().unwrap_or_default();
                let length = row.chars().count() + 1;
                self.skip(length);
                if row.trim() == delimiter {
                    end = before;
                    break;
                }
            }
            if to_shell {
                let body = self.text.get(start..end).unwrap_or_default();
                self.nest(body, line);
            }
        }
    }
}

/// The words of a command as it runs: without assignments, keywords and commands that only run another one.
fn runs(words: Vec<String>) -> Vec<String> {
    let mut words = words;
    loop {
        let Some(first) = words.first() else { return words };
        let drop = match first.as_str() {
            "if" | "then" | "elif" | "else" | "while" | "until" | "do" | "!" | "time" | "exec" | "nohup" | "sudo"
            | "command" | "env" | "fi" | "done" | "esac" | "xvfb-run" | "dotenv" | "cross-env" | "npx" | "bunx"
            | "nice" | "builtin" | "dumb-init" | "tini" | "--" | "in" | "caffeinate" => 1,
            "for" | "select" | "case" | "function" => return Vec::new(),
            "timeout" | "gtimeout" => {
                1 + words
                    .iter()
                    .skip(1)
                    .position(|word| word.starts_with(|char: char| char.is_ascii_digit() || char == '$'))
                    .map_or(0, |at| at + 1)
            }
            "bundle" | "poetry" | "pipenv" | "uv" | "pdm" | "rye" | "hatch" | "pixi" | "mise" | "op" | "doppler"
            | "rtx" | "asdf" | "direnv" | "chamber" | "sops" | "dbt-env"
                if words.get(1).is_some_and(|word| matches!(word.as_str(), "exec" | "run" | "x"))
                    && words.len() > 2 =>
            {
                2
            }
            word if assignment(word) => 1,
            // What is left of a runner that was taken off: `xvfb-run -a`, `env -i`, `npx --yes`.
            word if word.starts_with('-') && word.len() > 1 => 1,
            _ => return words,
        };
        words.drain(..drop.min(words.len()));
    }
}

fn assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        let name = name.strip_suffix('+').unwrap_or(name);
        !name.is_empty()
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            && !name.starts_with(|char: char| char.is_ascii_digit())
    })
}

fn mark_swallowed(commands: &mut [Command], tokens: &[Token], status_kept: &[usize], stops: bool) {
    for (at, token) in tokens.iter().enumerate() {
        if *token == Token::Or
            && let Some(by) = succeeding(commands, tokens, at + 1)
        {
            for index in left_side(tokens, at) {
                if let Some(command) = commands.get_mut(index) {
                    command.swallowed = command.swallowed.or(Some(by));
                }
            }
        }
    }
    mark_errors_off(commands, status_kept);
    if !stops {
        mark_last(commands, tokens);
    }
}

/// The line of the right side of an `||`, if it always succeeds.
fn succeeding(commands: &[Command], tokens: &[Token], start: usize) -> Option<u32> {
    let mut depth = 0_usize;
    let mut last = None;
    for token in tokens.get(start..)? {
        match token {
            Token::Open => depth += 1,
            Token::Close if depth == 0 => break,
            Token::Close => depth -= 1,
            Token::Command(index) => last = commands.get(*index),
            // `|| echo no && exit 1` fails as it should.
            Token::And if depth == 0 => return None,
            Token::End if depth > 0 => (),
            Token::End | Token::Or | Token::Pipe if depth == 0 => break,
            _ => (),
        }
    }
    last.filter(|command| command.always_succeeds()).map(|command| command.line)
}

/// The commands whose failure an operator sees: those joined to it, back to the start of the list.
fn left_side(tokens: &[Token], at: usize) -> Vec<usize> {
    let mut depth = 0_usize;
    let mut indexes = Vec::new();
    for token in tokens.iter().take(at).rev() {
        match token {
            Token::Close => depth += 1,
            Token::Open | Token::End if depth == 0 => break,
            Token::Open => depth -= 1,
            Token::Command(index) => indexes.push(*index),
            _ => (),
        }
    }
    indexes
}

/// After `set +e` a failure counts only if somebody looks at `$?`.
fn mark_errors_off(commands: &mut [Command], status_kept: &[usize]) {
    let mut off = None;
    for index in 0..commands.len() {
        let Some(command) = commands.get(index) else { break };
        if command.name() == "set" {
            for word in command.arguments() {
                if word.starts_with('+') && word.contains('e') {
                    off = Some(command.line);
                } else if word.starts_with('-') && word.contains('e') {
                    off = None;
                }
            }
            continue;
        }
        let reads = |word: &String| word.contains("$?") || word.contains("PIPESTATUS");
        let looked_at = status_kept.iter().any(|kept| (index + 1..index + 4).contains(kept))
            || commands.iter().skip(index).take(4).any(|later| later.words.iter().any(reads));
        if let (Some(line), false) = (off, looked_at)
            && let Some(command) = commands.get_mut(index)
        {
            command.swallowed = command.swallowed.or(Some(line));
        }
    }
}

/// Where the shell goes on after a failure, a last `true` is what the caller sees.
fn mark_last(commands: &mut [Command], tokens: &[Token]) {
    let Some(last) = commands.last() else { return };
    let by = last.line;
    let hides = matches!(last.name(), "true" | ":" | "/bin/true")
        || (last.name() == "exit" && last.words.get(1).is_some_and(|code| code == "0"));
    if !hides || last.depth > 0 {
        return;
    }
    let count = commands.len();
    for window in tokens.windows(2) {
        if let [Token::Command(index), Token::End] = window
            && index + 1 < count
            && let Some(command) = commands.get_mut(*index)
            && command.depth == 0
        {
            command.swallowed = command.swallowed.or(Some(by));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &[&str]) {
        let found: Vec<String> = commands(text, true)
            .iter()
            .map(|command| {
                let swallowed = command.swallowed.map(|line| format!(" ~{line}")).unwrap_or_default();
                format!("{}:{}{swallowed}", command.line, command.text())
            })
            .collect();
        assert_eq!(found, expect, "for {text:?}");
    }

    #[test]
    fn a_script_is_its_simple_commands() {
        check("go vet ./... && go test ./... # all\nmake", &["0:go vet ./...", "0:go test ./...", "1:make"]);
        check("docker build \\\n  -t app .\nls", &["0:docker build -t app .", "2:ls"]);
        check("FOO=1 BAR='a b' sudo go test 2>&1 | tee 'out put'", &["0:go test", "0:tee out put"]);
        check("if ! go test; then exit 1; fi", &["0:go test", "0:exit 1"]);
        check("for x in a b; do go test $x; done", &["0:go test $x"]);
        check("(cd web && npm test)", &["0:cd web", "0:npm test"]);
        check("x=$(go list ./... | grep -v e2e)", &["0:go list ./...", "0:grep -v e2e"]);
        check("bash -c 'npm ci; npm test'", &["0:npm ci", "0:npm test"]);
        check("timeout 10m npx -y jest", &["0:jest"]);
        check("run ${{ a && b }} ${x:-y}", &["0:run ${{ a && b }} ${x:-y}"]);
    }

    #[test]
    fn text_is_no_command() {
        check("cat <<EOF > a\ngo test\nEOF\nls", &["0:cat", "3:ls"]);
        check("bash <<'EOF'\ngo test\nEOF", &["1:go test", "0:bash"]);
        check("# go test\necho '# go test'", &["1:echo # go test"]);
        check("cat > f <<-X\n\tgo test\n\tX\n", &["0:cat"]);
    }

    #[test]
    fn what_hides_a_failure_is_seen() {
        check("go test || true", &["0:go test ~0", "0:true"]);
        check("a && b || :\nc", &["0:a ~0", "0:b ~0", "0::", "1:c"]);
        check("(a; b) || echo failed", &["0:a ~0", "0:b ~0", "0:echo failed"]);
        check("a || (echo no && exit 1)", &["0:a", "0:echo no", "0:exit 1"]);
        check("a || { echo no; exit 1; }", &["0:a", "0:echo no", "0:exit 1"]);
        check("a || echo no && exit 1", &["0:a", "0:echo no", "0:exit 1"]);
        check("set +e\ngo test\nset -e\nb", &["0:set +e", "1:go test ~0", "2:set -e", "3:b"]);
        check("set +e\ngo test\ncode=$?\nset -e\nb", &["0:set +e", "1:go test", "3:set -e", "4:b"]);
        check("a || b", &["0:a", "0:b"]);
    }

    #[test]
    fn without_errexit_the_last_command_decides() {
        let swallowed = |text| commands(text, false).first().and_then(|command| command.swallowed);
        assert_eq!(swallowed("go test; true"), Some(0));
        assert_eq!(swallowed("go test\nexit 0"), Some(1));
        assert_eq!(swallowed("go test || exit 1\nexit 0"), None);
        assert_eq!(swallowed("go test"), None);
    }

    #[test]
    fn hostile_text_ends() {
        for text in
            ["$(".repeat(50_000), "`\\".repeat(50_000), "(".repeat(100_000), "<<".repeat(50_000), "\"${".to_owned()]
        {
            assert!(commands(&text, true).len() <= COMMAND_LIMIT + 1);
        }
        for text in ["a <<E\n".repeat(5_000), "a || true;".repeat(20_000), "sh -c 'sh -c '".repeat(1000)] {
            assert!(commands(&text, false).len() <= COMMAND_LIMIT + 1);
        }
    }
}
