//! The tokens requests have to carry, from the file `api.token_file` names.

use std::path::Path;

use anyhow::{Context as _, bail, ensure};

use crate::config::Config;

/// Least length of a token in characters: what is shorter can be guessed.
const TOKEN_CHARS_MIN: usize = 16;

/// The tokens of a configuration, the first first; none when it names no file.
///
/// Shape of the file: a token a line, before it the name of whoever it is for, if that is to be noted; empty lines and
/// lines that begin with `#` are passed over.
/// Errors: the file cannot be read, holds no token, or one that is too short or no single word.
pub fn read(config: &Config) -> anyhow::Result<Vec<String>> {
    let path = &config.api.token_file;
    if path.is_empty() {
        return Ok(Vec::new());
    }
    let text = std::fs::read_to_string(Path::new(path));
    let text = text.with_context(|| format!("reading the tokens of {path} (api.token_file)"))?;
    parse(&text).with_context(|| format!("tokens of {path} (api.token_file)"))
}

fn parse(text: &str) -> anyhow::Result<Vec<String>> {
    let mut tokens = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let words: Vec<&str> = line.split_whitespace().collect();
        let ([token] | [_, token]) = words[..] else {
            bail!("line {number} has {} words; allowed is TOKEN, or NAME TOKEN", words.len());
        };
        let graphic = token.bytes().all(|byte| byte.is_ascii_graphic());
        ensure!(
            graphic && token.len() >= TOKEN_CHARS_MIN,
            "the token in line {number} has {} characters; allowed are {TOKEN_CHARS_MIN} or more, all of them printable ASCII",
            token.chars().count()
        );
        tokens.push(token.to_owned());
    }
    ensure!(!tokens.is_empty(), "there is none");
    Ok(tokens)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_stands_on_a_line_with_or_without_a_name() {
        let text = "# who may ask\n\n0123456789abcdef\n content-team\tfedcba9876543210 \n";
        assert_eq!(parse(text).expect("two"), ["0123456789abcdef", "fedcba9876543210"]);
        for (bad, why) in [
            ("", "there is none"),
            ("# only\n", "there is none"),
            ("short", "line 1 has 5 characters"),
            ("a 0123456789abcdef c", "line 1 has 3 words"),
            ("\n0123456789abcdé", "line 2 has 15 characters"),
        ] {
            let error = parse(bad).expect_err(bad).to_string();
            assert!(error.contains(why), "{bad}: {error}");
        }
    }
}
