//! Lets bash run lines where nothing can happen: a root folder of its own, in namespaces of its own, in which every
//! program is `recorder.rs`.

use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

/// What ran for one line.
#[derive(Debug, Default)]
pub(crate) struct Ran {
    /// The arguments of every program that was started, its name first.
    pub(crate) commands: Vec<Vec<String>>,
    /// The files that were created or changed.
    pub(crate) files: Vec<String>,
    /// Whether it had to be stopped.
    pub(crate) stopped: bool,
}

/// Programs that run others or pass text on: recorded, and then the real ones, as are the driver's own.
const REAL: &[&str] = &[
    "bash", "sh", "env", "timeout", "nice", "nohup", "stdbuf", "setsid", "xargs", "find", "echo", "printf", "cat",
    "true", "false", "rm", "cp", "mkfifo",
];
/// Those of them that lines may not have.
const DRIVER: &[&str] = &["rm", "cp", "mkfifo"];
/// All others that lines may name.
const RECORDED: &[&str] = &[
    "git", "ls", "head", "tail", "wc", "grep", "rg", "sed", "awk", "sort", "uniq", "cut", "tr", "diff", "rm", "cp",
    "mkdir", "mv", "touch", "chmod", "ln", "cargo", "npm", "python3", "make", "go", "node", "curl", "jq", "tee",
    "test", "[", "sleep", "date", "pwd", "docker", "stat", "basename", "dirname", "tar", "du", "nl", "which", "sudo",
    "id", "lint", "x", "main", "check", "app", "docs", "foo", "build", "unit", "a", "b", "f", "n", "hello", "read",
    "type", "y", "c",
];
const TREE: &[&str] = &[
    "README.md",
    "Cargo.toml",
    ".env",
    "src/main.rs",
    "src/a.rs",
    "src/b.rs",
    "src/with space.rs",
    "src/it's.rs",
    "src/é.rs",
    "src/deep/a.rs",
    "docs/a.md",
    "docs/[a].md",
    "docs/b.md",
    "tests/a.rs",
    "-rf",
    "a;b",
    "A",
    "x",
];

/// The prepared root folder.
pub(crate) struct World {
    folder: PathBuf,
}

impl World {
    /// Prepares a root folder below `folder`; or says what is missing for that.
    pub(crate) fn prepare(folder: PathBuf) -> Result<World, String> {
        let missing = |what: &str, error: &dyn std::fmt::Display| format!("{what}: {error}");
        let _ = fs::remove_dir_all(&folder);
        build(&folder.join("base")).map_err(|error| missing("the root folder", &error))?;
        let world = World { folder };
        let ran = world.run(&["x".to_owned()]).map_err(|error| missing("a namespace of its own", &error))?;
        match ran.first() {
            Some(ran) if ran.commands == [["x"]] => Ok(world),
            other => Err(format!("bash ran `x` there, and the record says {other:?}")),
        }
    }

    /// Runs lines one after the other.
    pub(crate) fn run(&self, lines: &[String]) -> Result<Vec<Ran>, String> {
        let thread = format!("{:?}", std::thread::current().id());
        let world = self.folder.join(format!("world-{}", thread.replace(['(', ')'], "")));
        fs::create_dir_all(&world).map_err(|error| error.to_string())?;
        let mut child = Command::new("unshare")
            .args([
                "--user",
                "--map-root-user",
                "--mount",
                "--pid",
                "--fork",
                "--kill-child",
                "--net",
                "--ipc",
                "--uts",
            ])
            .arg("bash")
            .arg(self.folder.join("base/driver.sh"))
            .args([self.folder.join("base"), world])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("`unshare`, of util-linux: {error}"))?;
        let mut input = child.stdin.take().ok_or("no input")?;
        let text: Vec<u8> = lines.iter().flat_map(|line| line.bytes().chain([0])).collect();
        let writer = std::thread::spawn(move || drop(input.write_all(&text)));
        let output = child.wait_with_output().map_err(|error| error.to_string())?;
        let _ = writer.join();
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned());
        }
        read(&output.stdout, lines.len()).ok_or_else(|| {
            format!("the log cannot be read; on standard error: {}", String::from_utf8_lossy(&output.stderr))
        })
    }
}

fn build(base: &Path) -> std::io::Result<()> {
    for folder in ["bin", "real", "usr/local", "dev", "proc", "repo", "home/u", "tmp", "log", "tree/home/u"] {
        fs::create_dir_all(base.join(folder))?;
    }
    for (link, to) in [("usr/bin", "../bin"), ("usr/sbin", "../bin"), ("usr/local/bin", "../../bin"), ("sbin", "bin")] {
        symlink(to, base.join(link))?;
    }
    for (link, to) in [("fd", "/proc/self/fd"), ("stdin", "fd/0"), ("stdout", "fd/1"), ("stderr", "fd/2")] {
        symlink(to, base.join("dev").join(link))?;
    }
    recorder(&base.join("bin/recorder"))?;
    for name in REAL.iter().filter(|name| !DRIVER.contains(name)).chain(RECORDED) {
        symlink("recorder", base.join("bin").join(name))?;
    }
    for name in REAL {
        real(base, name)?;
    }
    for folder in ["/usr/libexec/coreutils", "/usr/lib/coreutils", "/usr/lib/x86_64-linux-gnu/coreutils"] {
        let library = Path::new(folder).join("libstdbuf.so");
        if library.is_file() {
            place(base, &library)?;
        }
    }
    let old = SystemTime::UNIX_EPOCH + Duration::from_secs(946_684_800);
    for name in TREE {
        let file = base.join("tree/repo").join(name);
        fs::create_dir_all(file.parent().unwrap_or(base))?;
        fs::write(&file, "# a b\n")?;
        fs::File::options().write(true).open(&file)?.set_modified(old)?;
    }
    for name in ["scripts/build.sh", "node_modules/.bin/eslint"] {
        let link = base.join("tree/repo").join(name);
        fs::create_dir_all(link.parent().unwrap_or(base))?;
        symlink("/bin/recorder", link)?;
    }
    fs::write(base.join("stamp"), "")?;
    fs::File::options().write(true).open(base.join("stamp"))?.set_modified(old + Duration::from_secs(60))?;
    // Built-ins that are programs, too, so that the record says with which words they run.
    fs::write(base.join("rc"), "enable -n echo printf test [ true false pwd kill\n")?;
    fs::write(base.join("driver.sh"), include_str!("driver.sh"))
}

fn recorder(to: &Path) -> std::io::Result<()> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/soak/recorder.rs");
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let flags =
        ["--edition=2024", "-O", "-C", "strip=symbols", "-C", "panic=abort", "-C", "target-feature=+crt-static", "-o"];
    let status = Command::new(rustc).args(flags).args([to, &source]).status()?;
    if status.success() { Ok(()) } else { Err(std::io::Error::other("the recorder could not be compiled")) }
}

/// Copies a program of this machine and the libraries that it needs.
fn real(base: &Path, name: &str) -> std::io::Result<()> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let Some(program) = std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file()) else {
        return Err(std::io::Error::other(format!("`{name}` is not installed")));
    };
    fs::copy(&program, base.join("real").join(name))?;
    let libraries = Command::new("ldd").arg(&program).output()?;
    for line in String::from_utf8_lossy(&libraries.stdout).lines() {
        if let Some(library) = line.split_whitespace().find(|word| word.starts_with('/')) {
            place(base, Path::new(library))?;
        }
    }
    Ok(())
}

/// Copies a file to the same path below `base`.
fn place(base: &Path, file: &Path) -> std::io::Result<()> {
    let to = base.join(file.strip_prefix("/").unwrap_or(file));
    fs::create_dir_all(to.parent().unwrap_or(base))?;
    if to.exists() { Ok(()) } else { fs::copy(file, to).map(drop) }
}

/// Reads the driver's log: for each line what ran.
fn read(log: &[u8], lines: usize) -> Option<Vec<Ran>> {
    let mut all = Vec::new();
    let mut ran = Ran::default();
    let mut rest = log;
    while let Some((&kind, after)) = rest.split_first() {
        let end = after.iter().position(|&byte| byte == b'\n')?;
        let length: usize = std::str::from_utf8(after.get(..end)?).ok()?.parse().ok()?;
        let body = after.get(end + 1..end + 1 + length)?;
        rest = after.get(end + 1 + length..)?;
        let texts = || body.split(|&byte| byte == 0).map(|text| String::from_utf8_lossy(text).into_owned());
        match kind {
            b'A' => {
                let mut words: Vec<String> = texts().collect();
                words.pop();
                ran.commands.push(words);
            }
            b'F' => ran.files.extend(texts().next()),
            b'T' => ran.stopped = true,
            b'E' => all.push(std::mem::take(&mut ran)),
            _ => return None,
        }
    }
    (all.len() == lines).then_some(all)
}
