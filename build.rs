//! Lists the files of the page for `src/page.rs`, so that they are built into the binary. Without `web/dist` there are none.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let web = root.join("web");
    let dist = web.join("dist");
    println!("cargo::rerun-if-changed=build.rs");
    let mut files = Vec::new();
    if dist.is_dir() {
        println!("cargo::rerun-if-changed=web/dist");
        list(&dist, &mut files)?;
        files.sort();
    } else if web.is_dir() {
        // So that it is seen when the page is built.
        println!("cargo::rerun-if-changed=web");
    }
    let mut text = String::from("&[\n");
    for file in files {
        let Ok(path) = file.strip_prefix(&dist) else { continue };
        let path = path.to_string_lossy().replace('\\', "/");
        // Source maps are for those who build the page.
        if path.ends_with(".map") {
            continue;
        }
        let _ = writeln!(text, "    PageFile {{ path: {path:?}, bytes: include_bytes!({file:?}) }},");
    }
    text.push_str("]\n");
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    fs::write(out.join("page_files.rs"), text)
}

fn list(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() { list(&path, files)? } else { files.push(path) }
    }
    Ok(())
}
