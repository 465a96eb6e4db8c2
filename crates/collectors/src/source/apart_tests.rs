//! What lies beside the program that serves, and is no part of it.

use std::collections::BTreeSet;

use gonogo_domain::evidence::Meaning;

use super::{Wanted, gather, link, tests::source};
use crate::{Cache, Corpus, Tree};

/// The files of the program in which something means this.
fn meaning(files: &[(&str, &str)], meaning: Meaning) -> BTreeSet<String> {
    let code = source(files);
    let uses = code.uses.iter().filter(|one| one.meaning == meaning && one.role.counts());
    uses.map(|one| one.place.path().to_owned()).collect()
}

const SERVE: (&str, &str) = (
    "cmd/serve.go",
    "package cmd\nimport (\"net/http\"; \"github.com/spf13/cobra\")\nfunc NewServe() *cobra.Command {\n\treturn &cobra.Command{Use: \"serve [flags]\", RunE: func(cmd *cobra.Command, args []string) error {\n\t\treturn http.ListenAndServe(\":80\", nil)\n\t}}\n}\n",
);
const LOGIN: (&str, &str) = (
    "cmd/login.go",
    "package cmd\nimport (\"net/http\"; \"github.com/spf13/cobra\")\nfunc NewLogin() *cobra.Command {\n\treturn &cobra.Command{Use: \"login\", RunE: runLogin}\n}\nfunc runLogin(cmd *cobra.Command, args []string) error {\n\tgo http.ListenAndServe(\":5555\", nil)\n\treturn ask()\n}\n",
);
const ROOT: (&str, &str) = (
    "cmd/root.go",
    "package cmd\nimport \"github.com/spf13/cobra\"\nfunc Execute() {\n\troot := &cobra.Command{Use: \"shop\"}\n\troot.AddCommand(NewServe(), NewLogin())\n\troot.Execute()\n}\n",
);
const ASK: (&str, &str) = (
    "cmd/ask.go",
    "package cmd\nimport \"net/http\"\nfunc ask() error { _, err := http.Get(\"http://shop\"); return err }\n",
);

#[test]
fn what_only_commands_run_that_come_and_go_is_no_part_of_what_serves() {
    let serves = |files: &[(&str, &str)], expect: &[&str]| {
        let found = meaning(files, Meaning::Listen);
        assert_eq!(found.iter().map(String::as_str).collect::<Vec<_>>(), expect);
    };
    serves(&[SERVE, LOGIN, ROOT, ASK], &["cmd/serve.go"]);
    // Nothing else serves.
    serves(&[LOGIN, ROOT, ASK], &["cmd/login.go"]);
    assert!(meaning(&[SERVE, LOGIN, ROOT, ASK], Meaning::HttpCall).is_empty());
    // What the server asks too is its own.
    let shared = SERVE.1.replace("return http", "ask()\n\t\treturn http");
    let asks = meaning(&[(SERVE.0, shared.as_str()), LOGIN, ROOT, ASK], Meaning::HttpCall);
    assert_eq!(asks.into_iter().collect::<Vec<_>>(), ["cmd/ask.go"]);
}

#[test]
fn the_program_at_the_top_of_a_module_has_its_name() {
    let main = "package main\nimport \"fmt\"\nfunc main() { fmt.Println(\"x\") }\n";
    let files = [("go.mod", "module example.org/shop/v2\n\ngo 1.25\n"), ("main.go", main), ("cmd/docs/main.go", main)];
    let tree = Tree::from_memory(files.map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec())));
    let found = crate::packages::gather(&Corpus::read(&tree)).items;
    let wanted =
        Wanted { name: "shop", path: ".", packages: &found, starts: Vec::new(), handed_out: false, owns: &|_| true };
    let code = link(&gather(&tree, &Cache::none()), &[wanted], &Cache::none()).remove(0);
    let files: Vec<&str> = code.files.iter().map(|file| &*file.path).collect();
    assert_eq!(files, ["main.go"]);
}

#[test]
fn the_program_in_the_folder_of_a_service_is_its_own_whatever_it_is_called() {
    let main = "package main\nfunc main() {}\n";
    let files = [("cmd/agent/main.go", main), ("cmd/server/main.go", main), ("server/api.go", "package server\n")];
    let tree = Tree::from_memory(files.map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec())));
    let wanted = Wanted {
        name: "shop-agent",
        path: "cmd/agent",
        packages: &[],
        starts: Vec::new(),
        handed_out: false,
        owns: &|_| true,
    };
    let code = link(&gather(&tree, &Cache::none()), &[wanted], &Cache::none()).remove(0);
    let files: Vec<&str> = code.files.iter().map(|file| &*file.path).collect();
    assert_eq!(files, ["cmd/agent/main.go"]);
}

#[test]
fn one_helper_of_tests_makes_no_test_of_the_file_around_it() {
    let logger = "package logs\nimport (\"os\"; \"testing\")\nfunc New() string { return os.Getenv(\"LOG_LEVEL\") }\nfunc Level() string { return \"info\" }\nfunc NewT(t *testing.T) string { return os.Getenv(\"LOG_OF_TESTS\") }\n";
    let counted = |path: &str, text: &str| -> Vec<String> {
        let code = source(&[(path, text)]);
        code.environment.iter().filter(|read| read.role.counts()).map(|read| read.name.clone()).collect()
    };
    assert_eq!(counted("logs/logs.go", logger), ["LOG_LEVEL"]);
    // The package says what it is for.
    assert!(counted("logtest/logs.go", &logger.replace("package logs", "package logtest")).is_empty());
}

#[test]
fn a_script_in_bin_that_comes_and_goes_is_a_tool_beside_what_serves() {
    let app = (
        "shop/app.py",
        "from flask import Flask\napp = Flask(__name__)\n@app.route('/ready')\ndef ready(): return 'ok'\n",
    );
    let asks = "import requests\nrequests.get('https://git.example/releases')\n";
    let waits =
        "import requests\nimport time\nwhile True:\n    requests.get('https://orders.example')\n    time.sleep(5)\n";
    let found = meaning(&[app, ("bin/release.py", asks), ("bin/poll.py", waits)], Meaning::HttpCall);
    assert_eq!(found.into_iter().collect::<Vec<_>>(), ["bin/poll.py"]);
}
