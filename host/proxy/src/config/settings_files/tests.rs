//! What is appended, and where its mistakes are told.

use std::fs;

use serde_json::json;

use crate::config::{Config, Mistake};

/// A folder with a configuration that appends the words of `a.toml` and `b.toml` to those of its own.
struct Written(tempfile::TempDir);

impl Written {
    fn with(a: &str, b: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let written = Written(folder);
        written.write("refrain.toml", &text("{ words = ['a.toml', 'b.toml'] }", "words = ['own']"));
        written.write("a.toml", a);
        written.write("b.toml", b);
        written
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.0.path().join(name), text).unwrap();
    }

    fn read(&self) -> (Config, Vec<String>) {
        let (config, mistakes) = Config::read(&self.0.path().join("refrain.toml")).unwrap();
        let folder = format!("{}/", self.0.path().display());
        (config, mistakes.iter().map(|mistake| mistake.to_string().replace(&folder, "")).collect())
    }

    fn mistakes(&self) -> Vec<String> {
        self.read().1
    }
}

fn text(files: &str, settings: &str) -> String {
    format!(
        "[outside]\nlisten = '[::]:5269'\nresolver = 'system'\n[inside]\nlisten = '127.0.0.1:1'\nauthority = 'ca.pem'\n\
         [[domain]]\nname = 'a.example'\nserver = '127.0.0.1:2'\ncertificate = 'a.pem'\n[chain]\ninbound = 'spim'\n\
         [filter.spim]\nsettings-files = {files}\n[filter.spim.settings]\n{settings}\n"
    )
}

#[test]
fn entries_follow_those_of_the_configuration_in_the_order_of_the_files() {
    let written = Written::with("[[words]]\ntext = 'x'\n\n[[words]]\ntext = 'y'\n", "words = ['z']\n");
    let (config, mistakes) = written.read();
    assert!(mistakes.is_empty(), "{mistakes:?}");
    let spim = &config.chains.inbound[0];
    assert_eq!(spim.settings, json!({ "words": ["own", { "text": "x" }, { "text": "y" }, "z"] }));
    let place = |key: &str| config.places.mistake(key, "", "");
    let told = |mistake: Mistake| (mistake.file.file_name().unwrap().to_owned(), mistake.line);
    assert_eq!(told(place("filter.spim.settings.words[0]")), ("refrain.toml".into(), Some(16)));
    assert_eq!(told(place("filter.spim.settings.words[2].text")), ("a.toml".into(), Some(5)));
    assert_eq!(told(place("filter.spim.settings.words[2].score")), ("a.toml".into(), Some(4)));
    assert_eq!(told(place("filter.spim.settings.words[3]")), ("b.toml".into(), Some(1)));
}

#[test]
fn the_files_are_watched_and_their_content_is_in_the_digest() {
    let written = Written::with("words = ['x']", "words = ['y']");
    let before = written.read().0;
    let folder = written.0.path();
    assert!(["a.toml", "b.toml"].iter().all(|name| before.files().contains(&folder.join(name))));
    written.write("b.toml", "words = ['z']");
    assert_ne!(written.read().0.digest, before.digest);
    written.write("b.toml", "words = ['y']");
    assert_eq!(written.read().0.digest, before.digest);
}

#[test]
fn what_is_wrong_in_a_file_is_told_with_its_line_and_the_file_stays_watched() {
    let written = Written::with("words = ['x']\nwords = [\n", "[[word]]\ntext = 'z'\n");
    let (config, mistakes) = written.read();
    assert!(mistakes[0].starts_with("a.toml:2: not TOML: "), "{mistakes:?}");
    let others: Vec<&str> = mistakes.iter().map(String::as_str).filter(|said| said.starts_with("b.toml")).collect();
    let expected = [
        "b.toml: words: is missing; write [[words]] for each entry",
        "b.toml:1: word: there is no such key; the file is for words; did you mean \"words\"?",
    ];
    assert_eq!(others, expected);
    assert!(config.files().contains(&written.0.path().join("a.toml")));
}

#[test]
fn a_file_that_is_not_there_or_is_no_list_is_a_mistake() {
    let written = Written::with("words = 'x'\n", "");
    fs::remove_file(written.0.path().join("b.toml")).unwrap();
    let mistakes = written.mistakes();
    let expected = [
        "refrain.toml:14: filter.spim.settings-files.words[1]: b.toml: No such file or directory (os error 2); \
         write the path of a TOML file, relative to this one",
        "a.toml:1: words: is no list; write [[words]] for each entry",
    ];
    assert_eq!(mistakes.len(), 2);
    assert!(expected.iter().all(|said| mistakes.iter().any(|other| other == said)), "{mistakes:#?}");
}

#[test]
fn only_a_list_can_be_appended_to() {
    let written = Written::with("words = []", "words = []");
    written.write("refrain.toml", &text("{ words = 'a.toml' }", "words = 'own'"));
    let expected = "refrain.toml:14: filter.spim.settings-files.words: files can only be appended to a list; \
                    what [settings] has under words must be a list";
    assert_eq!(written.mistakes(), [expected]);
}

#[test]
fn size_and_number_are_bounded() {
    let written = Written::with(&format!("# {}", "x".repeat(8 << 20)), &format!("words = [{}]", "1,".repeat(100_000)));
    let mistakes = written.mistakes();
    assert!(
        mistakes[0]
            .ends_with("a.toml: it has more than 8388608 bytes; write the path of a TOML file, relative to this one")
    );
    assert!(
        mistakes[1].ends_with("b.toml: with it there are 100001 entries; a list has at most 100000"),
        "{mistakes:?}"
    );
}

#[test]
fn a_pipe_is_not_waited_for() {
    let written = Written::with("words = []", "words = []");
    let pipe = written.0.path().join("a.toml");
    fs::remove_file(&pipe).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RUSR).unwrap();
    let mistakes = written.mistakes();
    assert!(mistakes.len() == 1 && mistakes[0].contains("a.toml: it is no regular file"), "{mistakes:?}");
}
