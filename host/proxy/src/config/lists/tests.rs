//! What is said of a file that is none, and of sources that cannot be asked as they are described.

use std::fs;

use crate::config::Config;

/// The mistakes of a configuration with these lists, in a folder of its own.
fn mistakes(folder: &tempfile::TempDir, lists: &str) -> Vec<String> {
    let file = folder.path().join("refrain.toml");
    let least = "[outside]\nlisten = '[::]:5269'\nresolver = 'system'\n[inside]\nlisten = '127.0.0.1:1'\nauthority = 'ca.pem'\n\
                 [[domain]]\nname = 'a.example'\nserver = '127.0.0.1:2'\ncertificate = 'a.pem'\n[state]\ndirectory = 's'\n";
    fs::write(&file, format!("{least}{lists}")).unwrap();
    Config::read(&file).unwrap().1.iter().map(ToString::to_string).collect()
}

#[test]
fn a_pipe_is_not_waited_for_and_a_device_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RUSR).unwrap();
    for file in [pipe.as_path(), folder.path(), "/dev/zero".as_ref()] {
        let found = mistakes(&folder, &format!("[list.bad]\nfile = {file:?}\n"));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("it is no regular file"), "{found:?}");
    }
}

#[test]
fn a_source_is_described_alike_wherever_it_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let with = |list: &str, more: &str| {
        format!("[[list.{list}.https]]\nurl = 'https://x.example/a'\nstale-hours = 48\n{more}\n")
    };
    assert_eq!(mistakes(&folder, &(with("a", "") + &with("b", "weight = 2"))), Vec::<String>::new());
    let found = mistakes(&folder, &(with("a", "") + &with("b", "refresh-minutes = 120")));
    assert_eq!(found.len(), 1, "{found:?}");
    let expected = "list.b.https: x.example/a is described in another way in list.a; \
                    write the same refresh-minutes, bytes-max and ca-file in both";
    assert!(found[0].ends_with(expected), "{found:?}");
}

#[test]
fn a_list_does_not_grow_stale_between_two_questions() {
    let folder = tempfile::tempdir().unwrap();
    let with = |minutes: u32| {
        format!("[[list.a.https]]\nurl = 'https://x.example/a'\nrefresh-minutes = {minutes}\nstale-hours = 1\n")
    };
    assert_eq!(mistakes(&folder, &with(48)), Vec::<String>::new());
    let found = mistakes(&folder, &with(49));
    assert!(found[0].contains("stale-hours: is less than a quarter longer than refresh-minutes"), "{found:?}");
}
