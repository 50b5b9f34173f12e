//! `docs/authoring.md`, done as it says: every file is written, every command run, every answer compared.

use std::path::Path;
use std::process::Command;

use regex::Regex;

use crate::support::LabEnv;

/// What a block of the page asks for.
enum Block {
    Write { path: String, text: String, append: bool },
    Console(String),
}

fn blocks(page: &str) -> Vec<Block> {
    let fence = Regex::new(r"(?ms)^```([^\n]*)\n(.*?)^```$").unwrap();
    let mut blocks = Vec::new();
    for found in fence.captures_iter(page) {
        let (info, text) = (&found[1], found[2].to_owned());
        let named = |key: &str| info.split_whitespace().find_map(|word| word.strip_prefix(key).map(str::to_owned));
        if let Some(path) = named("file=") {
            blocks.push(Block::Write { path, text, append: false });
        } else if let Some(path) = named("append=") {
            blocks.push(Block::Write { path, text, append: true });
        } else if info == "console" {
            blocks.push(Block::Console(text));
        }
    }
    blocks
}

/// Times, and where the reader works, differ from machine to machine.
fn steady(text: &str, folder: &Path) -> String {
    let text = text.replace(&folder.display().to_string(), "~/course");
    let replaced = [
        (r"\b\d+ min \d+ s\b|\b\d+(\.\d+)? m?s\b", "TIME"),
        (r"127\.0\.0\.1:\d+", "ADDRESS"),
        // Columns follow the width of the times.
        (r" +TIME", "  TIME"),
    ];
    let text = replaced
        .iter()
        .fold(text, |text, (pattern, word)| Regex::new(pattern).unwrap().replace_all(&text, *word).into_owned());
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n").trim().to_owned()
}

#[test]
fn the_tutorial_for_authors_is_true() {
    let env = LabEnv::of("greeter", "tutorial");
    let folder = env.folder();
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/authoring.md")).unwrap();
    let mut commands = 0;
    for block in blocks(&page) {
        let text = match block {
            Block::Write { path, text, append } => {
                let path = folder.join(path);
                let before = if append { std::fs::read_to_string(&path).unwrap() } else { String::new() };
                std::fs::write(path, before + &text).unwrap();
                continue;
            }
            Block::Console(text) => text,
        };
        for part in text.split("$ ").filter(|part| !part.is_empty()) {
            let (line, expected) = part.split_once('\n').unwrap();
            commands += 1;
            let binary = Path::new(env!("CARGO_BIN_EXE_labrunner")).parent().unwrap();
            let output = Command::new("sh")
                .args(["-c", &format!("PATH={}:$PATH; {line}", binary.display())])
                .current_dir(folder)
                .env("LABRUNNER_STATE_DIR", folder.join("state"))
                .output()
                .unwrap();
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            let error = String::from_utf8_lossy(&output.stderr);
            assert_eq!(steady(&said, folder), steady(expected, folder), "`{line}` said {said}\n{error}");
        }
    }
    assert!(commands >= 8, "only {commands} commands");
}
