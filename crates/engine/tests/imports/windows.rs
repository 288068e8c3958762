//! Files that hold on a Windows machine.

use countersign_engine::{NothingKnown, Reading, Request};
use countersign_policy::{Effect, Timestamp};

use super::disk::Disk;
use super::{OPENCODE, USER, judged, loaded};

fn windows_list(platform: &str, list: &str) -> (Disk, Reading) {
    let mut disk = Disk::new();
    disk.write(USER, &format!("[[import]]\nfrom = \"/o/exec-approvals.json\"\nplatform = \"{platform}\"\n"));
    let approvals = format!(
        r#"{{"version": 1, "agents": {{"main": {{"security": "allowlist", "ask": "on-miss", "allowlist": {list}}}}}}}"#
    );
    disk.write("/o/exec-approvals.json", &approvals);
    let reading = loaded(&disk, &NothingKnown).unwrap();
    (disk, reading)
}

#[test]
fn a_list_for_windows_decides_by_places_there() {
    let list = r#"[{"pattern": "C:\\Tools\\*.exe"}, {"pattern": "D:/apps/**/run.exe"}, {"pattern": "C:/Win/py/*"},
        {"pattern": "C:/Git/git.exe", "argPattern": "^status( -s)?$"}, {"pattern": "git"}]"#;
    for (line, node, gateway) in [
        ("C:/Tools/jq.exe .a", Effect::Allow, Effect::Allow),
        ("c:/tools/JQ.EXE .a", Effect::Allow, Effect::Allow),
        (r#""C:\Tools\jq.exe" .a"#, Effect::Allow, Effect::Allow),
        ("C:/Git/git.exe status -s", Effect::Allow, Effect::Allow),
        ("C:/Git/git.exe push", Effect::Ask, Effect::Ask),
        ("C:/Tools/sub/jq.exe .a", Effect::Ask, Effect::Ask),
        ("D:/apps/a/b/run.exe", Effect::Allow, Effect::Allow),
        // `**/` may be no folder for the node, and is one for the gateway.
        ("D:/apps/run.exe", Effect::Allow, Effect::Ask),
        ("D:/apps/Xrun.exe", Effect::Ask, Effect::Ask),
        // A name stands for what a search would find, and nothing can be looked up here.
        ("git status", Effect::Ask, Effect::Ask),
    ] {
        for (platform, effect) in [("windows-node", node), ("windows", gateway)] {
            let (disk, reading) = windows_list(platform, list);
            assert_eq!(judged(&reading, &disk, "shell", line).effect(), effect, "{platform}: {line}");
        }
    }
}

/// What Windows, its two shells or bash there could take for another program or for more commands asks.
#[test]
fn what_windows_could_read_otherwise_asks() {
    let list = r#"[{"pattern": "C:\\Tools\\**"}, {"pattern": "C:/Tools/*"}, {"pattern": "C:/Windows/System32/*.exe"}, {"pattern": "/usr/bin/*"}]"#;
    for line in [
        // Bash takes the backslashes away, and runs what is called `C:Toolsjq.exe`.
        r"C:\Tools\jq.exe .a",
        r#""\\?\C:\Tools\jq.exe" .a"#,
        r#""\\.\C:\Tools\jq.exe" .a"#,
        "//?/C:/Tools/jq.exe .a",
        r#""C:\Tools\..\evil.exe""#,
        "C:/Tools/../evil.exe",
        "C:/Tools/jq.exe. .a",
        r#""C:/Tools/jq.exe " .a"#,
        r#""C:/Tools /jq.exe" .a"#,
        "C:/Tools/JQ~1.EXE .a",
        "C:/Tools/jq.exe:evil.exe",
        "C:/Tools/nul.exe",
        "C:/Tools/run.cmd",
        "C:/Tools/run.bat x",
        "C:/Tools/jq",
        "C:Tools/jq.exe",
        "//server/C/Tools/jq.exe",
        "C:/Tools/jq.exe .a & calc",
        "C:/Tools/jq.exe .a && C:/evil.exe",
        "C:/Tools/jq.exe %COMSPEC%",
        "C:/Tools/jq.exe ^calc",
        "C:/Tools/jq.exe $env:X",
        "C:/Tools/jq.exe 'a b'",
        "cmd /c C:/Tools/jq.exe .a",
        r#"powershell -Command "C:/Tools/jq.exe .a""#,
        "C:/Windows/System32/cmd.exe /c calc",
        "C:/Windows/System32/powershell.exe -Command calc",
        "C:/Windows/System32/wsl.exe calc",
        // What is on this machine is no program of Windows.
        "/usr/bin/git status",
        "/USR/BIN/GIT status",
    ] {
        for platform in ["windows-node", "windows"] {
            let (mut disk, reading) = windows_list(platform, list);
            disk.program("/usr/bin/git");
            disk.program("/USR/BIN/GIT");
            assert_eq!(judged(&reading, &disk, "shell", line).effect(), Effect::Ask, "{platform}: {line}");
        }
    }
    // What runs code is on no list of the node without its arguments.
    let (disk, reading) = windows_list("windows-node", list);
    assert_eq!(judged(&reading, &disk, "shell", "C:/Windows/System32/rundll32.exe x").effect(), Effect::Ask);
}

/// On this machine `C:/Tools/jq.exe` is a file in the current folder, which an agent may write.
#[test]
fn a_program_of_windows_is_none_of_this_machine() {
    let (mut disk, reading) = windows_list("windows-node", r#"[{"pattern": "C:/Tools/**"}]"#);
    let line = "C:/Tools/jq.exe .a";
    assert_eq!(judged(&reading, &disk, "shell", line).effect(), Effect::Allow);
    let request = Request {
        host: "claude-code".to_owned(),
        tool: "Bash".to_owned(),
        args: serde_json::json!({ "command": line }),
        cwd: "/repo".to_owned(),
        project: "/repo".to_owned(),
        home: "/home/u".to_owned(),
        ..Request::of("shell", "")
    };
    let call = reading.engine.call(&request, &disk);
    assert_eq!(reading.engine.decide(&[], None, &call, Timestamp(0)).effect(), Effect::Ask);
    disk.program("/repo/C:/Tools/jq.exe");
    assert_eq!(judged(&reading, &disk, "shell", line).effect(), Effect::Ask);
}

/// OpenCode compares there without regard to case.
#[test]
fn opencodes_allows_have_no_case_on_windows() {
    let mut disk = Disk::new();
    disk.write("/o/opencode.json", OPENCODE);
    for (platform, effect) in [("", Effect::Ask), ("platform = \"windows\"\n", Effect::Allow)] {
        disk.write(USER, &format!("[[import]]\nfrom = \"/o/opencode.json\"\n{platform}"));
        let reading = loaded(&disk, &NothingKnown).unwrap();
        assert_eq!(judged(&reading, &disk, "shell", "Make test").effect(), effect, "{platform}");
        assert_eq!(judged(&reading, &disk, "shell", "MAKE DEPLOY").effect(), Effect::Deny, "{platform}");
    }
}
