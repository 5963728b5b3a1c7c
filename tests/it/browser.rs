//! The page in a real browser, against the binary that holds it (`web/e2e`).

use std::path::Path;
use std::process::Command;

/// Why the browser tests cannot be run here.
fn lacks(web: &Path) -> Option<String> {
    let runs = |command: &str, argument: &str| {
        Command::new(command).arg(argument).output().is_ok_and(|output| output.status.success())
    };
    let chromium = std::env::var("CHROMIUM").unwrap_or_else(|_| "/usr/bin/chromium".to_owned());
    if !runs("npm", "--version") {
        Some("no npm".to_owned())
    } else if !Path::new(&chromium).exists() {
        Some(format!("no {chromium}"))
    } else if !web.join("node_modules").is_dir() {
        Some("the page's packages are not installed: npm --prefix web ci".to_owned())
    } else if !web.join("dist/index.html").is_file() {
        Some("the page was not built: npm --prefix web run build".to_owned())
    } else {
        None
    }
}

#[test]
fn the_page_in_a_browser() {
    let web = Path::new(env!("CARGO_MANIFEST_DIR")).join("web");
    if let Some(lacks) = lacks(&web) {
        assert!(std::env::var("CI").is_err(), "{lacks}");
        eprintln!("skipped: {lacks}");
        return;
    }
    let mut command = Command::new("npm");
    command.args(["run", "e2e"]).current_dir(&web);
    command.env("LINKLOOM_BIN", env!("CARGO_BIN_EXE_linkloom")).env("LINKLOOM_PAGE", "binary");
    // The binary of the tests is not optimised.
    command.env("LARGE_LOGS", "10000").env("LARGE_LISTED", "3000");
    let output = command.output().expect("npm runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    println!("{said}");
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
}
