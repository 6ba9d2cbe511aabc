//! Lists the files of the built portal (`web/dist/site`) as Rust code that includes their bytes.
//!
//! It builds nothing itself: compiling Berth needs neither Node nor a network. Without the portal
//! the list is empty, and the server says how to build it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let dist = here.join("../../web/dist");
    // The folder above is always there: a path that is not would make every build begin anew.
    println!("cargo::rerun-if-changed={}", dist.display());
    println!("cargo::rerun-if-changed=build.rs");
    let site = dist.join("site");
    let mut files = Vec::new();
    if site.join("index.html").is_file() {
        collect(&site, &mut files)?;
    }
    files.sort();
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    fs::write(out.join("bundle.rs"), bundle(&site, &files))
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        // The list of what was built is for scripts.
        if path.file_name().is_some_and(|name| name == ".vite") {
            continue;
        }
        if path.is_dir() {
            collect(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}

fn bundle(site: &Path, files: &[PathBuf]) -> String {
    let include = |path: &Path| format!("include_bytes!({:?})", path.display().to_string());
    let index = site.join("index.html");
    let mut code = String::new();
    if files.contains(&index) {
        let path = index.display().to_string();
        let _ = writeln!(
            code,
            "pub(crate) const INDEX: Option<&str> = Some(include_str!({path:?}));"
        );
    } else {
        code.push_str("pub(crate) const INDEX: Option<&str> = None;\n");
    }
    code.push_str("pub(crate) const FILES: &[File] = &[\n");
    for path in files {
        let extension = path.extension().and_then(|it| it.to_str()).unwrap_or("");
        if *path == index || matches!(extension, "br" | "gz") {
            continue;
        }
        let Ok(name) = path.strip_prefix(site) else {
            continue;
        };
        let squeezed = |ending: &str| {
            let mut other = path.clone().into_os_string();
            other.push(ending);
            let other = PathBuf::from(other);
            if files.contains(&other) {
                format!("Some({})", include(&other))
            } else {
                "None".to_owned()
            }
        };
        let _ = writeln!(
            code,
            "    File {{ path: {:?}, plain: {}, gzip: {}, brotli: {} }},",
            format!("/{}", name.display()),
            include(path),
            squeezed(".gz"),
            squeezed(".br"),
        );
    }
    code.push_str("];\n");
    code
}
