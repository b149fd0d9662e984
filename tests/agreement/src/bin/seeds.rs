//! Writes the golden conversations where the fuzzers look for seeds: `seeds FOLDER` makes one folder for each target in it.

use refrain_agreement::conversations;
use std::path::Path;

fn main() -> std::io::Result<()> {
    let folder = std::env::args().nth(1).ok_or_else(|| std::io::Error::other("say which folder"))?;
    for conversation in conversations::all()? {
        let stream = if conversation.initiating { "initiating" } else { "receiving" };
        write(&folder, stream, &conversation.name, &conversation.doings)?;
        for (at, sent) in conversation.streams.iter().enumerate() {
            for target in ["agreement", "reader"] {
                write(&folder, target, &format!("{}-{at}", conversation.name), sent)?;
            }
        }
    }
    Ok(())
}

fn write(folder: &str, target: &str, name: &str, bytes: &[u8]) -> std::io::Result<()> {
    let folder = Path::new(folder).join(target);
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join(name), bytes)
}
