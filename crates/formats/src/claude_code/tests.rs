//! Whole files, and what is said of those that cannot be read.

use countersign_policy::{Effect, Rule, Selector};

use super::{File, Layer, Mode, Settings, read};
use crate::Text;

fn file(layer: Layer, text: &str) -> File<'_> {
    File { layer, text: Text::new(format!("{layer:?}.json"), text), folder: None }
}

fn settings(files: &[(Layer, &str)], trusted: bool) -> Settings {
    let files: Vec<File<'_>> = files.iter().map(|(layer, text)| file(*layer, text)).collect();
    read(&files, trusted).unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn shown(settings: &Settings) -> String {
    let line = |rule: &Rule| {
        let Rule { effect, selector, patterns, when, origin, .. } = rule;
        let about = match selector {
            Selector::Action(action) => action.to_string(),
            Selector::Named(name) => format!("named {}", name.as_str()),
            other => format!("{other:?}"),
        };
        let patterns: Vec<_> = patterns.iter().map(|pattern| serde_json::to_string(pattern).unwrap()).collect();
        let when: Vec<_> = when.iter().map(|when| format!("{}={}", when.argument, when.pattern.as_str())).collect();
        let more = [patterns, when].concat().join(" ");
        format!("{}:{} {effect} {}: {about} {more}", origin.file, origin.line, origin.text)
    };
    settings.source.rules().iter().map(line).collect::<Vec<_>>().join("\n")
}

/// What a person had collected over some months.
const USER: &str = r#"{
  "$schema": "https://json.schemastore.org/claude-code-settings.json",
  "model": "opus",
  "permissions": {
    // every day
    "allow": [
      "Bash(git diff:*)",
      "Bash(git log *)",
      "Bash(npm run build)",
      "Bash(* --version)",
      "Read(~/notes/**)",
      "Edit(docs/**)",
      "WebFetch(domain:*.rust-lang.org)",
      "mcp__github",
      "mcp__linear__get_*",
      "mcp__*",
      "Skill(review *)",
      "Write(src/**)",
      "Agent(model:haiku)"
    ],
    "ask": ["Bash(git push *)", "Bash(run_in_background:true)"],
    "deny": [
      "Read(.env)",
      "Read(//**/id_rsa)",
      "Edit(/settings.json)",
      "Read(*.pem)",
      "Read(!public.pem)",
      "Bash(curl:*)",
      "Bash",
      "WebFetch",
      "mcp__shell__run",
      "Agent(Explore)",
      "Bash(command:rm *)",
      "PowerShell(Remove-Item *)",
      "Wrte",
    ],
    "defaultMode": "acceptEdits",
    "additionalDirectories": ["../lib", "~/shared"],
    "someday": 1
  },
  "hooks": {}
}
"#;

#[test]
fn a_whole_file() {
    let settings = settings(&[(Layer::User, USER)], true);
    assert_eq!((settings.mode, settings.additional.len()), (Mode::AcceptEdits, 2));
    let notes: Vec<String> = settings.notes.iter().map(|note| note.to_string()).collect();
    insta::assert_snapshot!(format!("{}\n--- notes\n{}", shown(&settings), notes.join("\n")));
}

#[test]
fn layers() {
    let project = r#"{"permissions": {"allow": ["Bash(make)"], "deny": ["Bash(rm *)"], "defaultMode": "bypassPermissions",
        "additionalDirectories": ["/"]}}"#;
    let user =
        r#"{"permissions": {"allow": ["Edit(/x)"], "defaultMode": "plan", "disableBypassPermissionsMode": "disable"}}"#;
    let managed = r#"{"allowManagedPermissionRulesOnly": true, "permissions": {"ask": ["WebFetch"]}}"#;
    let effects =
        |settings: &Settings| -> Vec<Effect> { settings.source.rules().iter().map(|rule| rule.effect).collect() };
    let both = [(Layer::Project, project), (Layer::User, user)];
    let trusted = settings(&both, true);
    assert_eq!(effects(&trusted), [Effect::Deny, Effect::Allow, Effect::Allow, Effect::Allow]);
    assert_eq!((trusted.mode, trusted.no_bypass), (Mode::Default, true), "a project's file chooses no such mode");
    let untrusted = settings(&both, false);
    assert_eq!(effects(&untrusted), [Effect::Deny, Effect::Allow, Effect::Allow]);
    assert!(untrusted.additional.is_empty());
    let with_managed = settings(&[both[0], both[1], (Layer::Managed, managed)], true);
    assert_eq!(effects(&with_managed), [Effect::Ask, Effect::Ask]);
    let not_the_projects = settings(&[(Layer::Project, r#"{"allowManagedPermissionRulesOnly": true}"#), both[1]], true);
    assert_eq!(effects(&not_the_projects), [Effect::Allow, Effect::Allow]);
}

#[test]
fn rules_that_claude_code_passes_over() {
    let text = r#"{"permissions": {"deny": ["Write(docs/**)", "mcp__a__b(x:1)"], "allow": ["Write(src/**)", "mcp__a__b(x:1)"]}}"#;
    let settings = settings(&[(Layer::Project, text)], true);
    let effects: Vec<Effect> = settings.source.rules().iter().map(|rule| rule.effect).collect();
    assert_eq!(effects, [Effect::Deny, Effect::Deny], "what forbids holds, what allows does not");
    assert_eq!(settings.notes.len(), 3);
}

#[test]
fn where_a_file_lies_says_which_it_is() {
    for (path, layer, folder) in [
        ("/home/u/.claude/settings.json", Layer::User, None),
        ("/repo/.claude/settings.json", Layer::Project, None),
        ("/repo/.claude/settings.local.json", Layer::Local, None),
        ("/etc/claude-code/managed-settings.json", Layer::Managed, None),
        ("/other/.claude/settings.json", Layer::CommandLine, Some("/other")),
        ("/x/mine.json", Layer::CommandLine, Some("/x")),
    ] {
        let file = File::of(&Text::new(path, "{}"), "/home/u", "/repo");
        assert_eq!((file.layer, file.folder.as_deref()), (layer, folder), "{path}");
    }
}

#[test]
fn what_is_wrong_is_said_all_at_once_with_its_place() {
    let text = r#"{
  "permissions": {
    "allow": ["Bash(git diff", 7, "", "(x)", "Read)"],
    "denny": ["Bash(rm *)"],
    "ask": "Bash",
    "defaultMode": "yolo",
    "disableBypassPermissionsMode": true,
    "additionalDirectories": [null]
  },
  "allowManagedPermissionRulesOnly": "yes"
}
"#;
    let problems = read(&[file(Layer::Project, text)], true).unwrap_err();
    let shown: Vec<String> = problems.iter().map(|problem| problem.render(text)).collect();
    insta::assert_snapshot!(shown.join("\n"));
}

#[test]
fn what_is_no_settings_file_is_refused() {
    let long = format!(r#"{{"permissions": {{"deny": ["Bash({})"]}}}}"#, "a".repeat(9000));
    let many = format!(r#"{{"permissions": {{"deny": [{}"Bash"]}}}}"#, "\"Bash\",".repeat(21_000));
    let mut shown = Vec::new();
    for text in
        ["", "[]", "{", "nonsense", r#"{"permissions": []}"#, r#"{"permissions": {"defaultMode": 1}}"#, &long, &many]
    {
        let problems = read(&[file(Layer::User, text)], true).unwrap_err();
        shown.extend(problems.iter().map(|problem| problem.to_string()));
    }
    insta::assert_snapshot!(shown.join("\n"));
}

#[test]
fn any_text_is_read_or_refused() {
    let pieces = ["Bash", "Read", "(", ")", "*", "!", "//", "~/", "..", ":", "domain:", "mcp__", "[", "\\\\", "é", " "];
    for at in 0..pieces.len().pow(3) {
        let of = |by: usize| pieces[(at / by) % pieces.len()];
        let rule = format!("{}{}{}", of(1), of(pieces.len()), of(pieces.len().pow(2)));
        for rule in [rule.clone(), format!("Read({rule})"), format!("Bash({rule})"), format!("mcp__{rule}(x)")] {
            let text = format!(r#"{{"permissions": {{"deny": ["{rule}"], "allow": ["{rule}"]}}}}"#);
            let _ = read(&[file(Layer::Project, &text)], true);
        }
    }
}
