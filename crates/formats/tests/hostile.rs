//! Files as nobody should write them: parts of real ones, cut, doubled, swapped and with other bytes between.
#![allow(clippy::indexing_slicing, reason = "a failed test stops here")]

mod reading;

use countersign_formats::System;

/// Files as their users have them, for the parts.
const FILES: [&str; 8] = [
    r#"{"permissions": {"allow": ["Bash(git diff:*)", "Read(./src/**)", "WebFetch(domain:*.rs)", "mcp__a__b*"], "ask": ["Bash(git push *)"], "deny": ["Read(//etc/**)", "Agent(model:opus)", "*"], "defaultMode": "plan", "additionalDirectories": ["../x"]}}"#,
    r#"{"version": 1, "tools": {"qb_send": "ask", "write_file": "always"}, "resources": {"qb_send": {"a@b.com": "always", "*@[!a-c].com": "never"}}}"#,
    "prefix_rule(pattern=[\"git\", [\"status\", \"log\"]], decision=\"prompt\", justification=f\"{1 + 1} {'x'}\", match=[\"git log\"])\nfor x in range(3):\n    network_rule(host=\"h%d.io\" % x, protocol=\"https\", decision=\"deny\")\ndef f(a, b=2):\n    return [a for a in [b] if a]\nhost_executable(name=\"git\", paths=[\"/usr/bin/git\"])\n",
    r#"{"toolDefaultsByTeam": {"t": {"flow-building": {"read": "allow", "write": "deny", "delete": "ask"}}}, "toolPreferencesByTeam": {"t": {"add-nodes": "allow"}}, "toolCatalog": [{"key": "add-nodes", "name": "Add v2", "toolClass": "write", "minVersion": "1.2.0-rc.1", "maxVersion": "2"}]}"#,
    r#"{"version": 1, "defaults": {"security": "allowlist", "ask": "on-miss"}, "agents": {"*": {"allowlist": [{"pattern": "/usr/**/git", "argPattern": "^(a|b)\u0000$"}, "ls"]}, "main": {"mcpTools": [{"server": "a", "tool": "b", "source": "allow-always", "addedAt": 1}]}}}"#,
    r#"{ // x
  "permission": {"edit": "ask", "bash": {"*": "ask", "~/x *": "allow", "7": "deny"}}, "tools": {"write": false}, "agent": {"plan": {"permission": "deny"}}, }"#,
    r#"[{"origin": "defaults", "rules": [{"permission": "*", "pattern": "**", "action": "allow"}]}, {"permission": "send_email", "action": "ask"}]"#,
    "---\ndescription: x\ntools:\n  write: false\npermission:\n  edit: deny # x\n  bash:\n    \"git *\": 'ask'\n    ls: allow\n---\n# body\n",
];

/// Bytes that mean something to some reader.
const PIECES: [&str; 24] = [
    "\"",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "*",
    "?",
    "\\",
    "(",
    ")",
    "\n",
    "\u{0}",
    "\u{202e}",
    "\u{1f600}",
    "1e999",
    "null",
    "true",
    "..",
    "${",
    "\\ud800",
    "lambda",
    "    ",
];

/// A small generator: the same numbers each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(sides.max(1)).unwrap_or(1)).unwrap_or(0)
    }
}

/// A text cut at a place between two characters.
fn cut<'t>(text: &'t str, dice: &mut Dice) -> (&'t str, &'t str) {
    text.split_at(text.floor_char_boundary(dice.roll(text.len() + 1)))
}

#[test]
fn whatever_is_in_a_file_it_is_read_in_full_or_refused() {
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    for system in System::ALL {
        for _ in 0..5000 {
            let mut text = FILES[dice.roll(FILES.len())].to_owned();
            // Mostly one of its own.
            if let (true, Some(own)) = (dice.roll(4) > 0, System::ALL.iter().position(|one| *one == system)) {
                text = FILES[own].to_owned();
            }
            for _ in 0..=dice.roll(4) {
                let (before, after) = cut(&text, &mut dice);
                let (before, after) = (before.to_owned(), after.to_owned());
                text = match dice.roll(5) {
                    0 => before,
                    1 => format!("{before}{}{after}", PIECES[dice.roll(PIECES.len())]),
                    2 => format!("{before}{}", after.chars().skip(1).collect::<String>()),
                    3 => format!("{before}{}{after}", cut(&after, &mut dice).0),
                    _ => format!("{before}{}", cut(&after, &mut dice).1),
                };
            }
            let agent = (dice.roll(4) == 0).then_some("plan");
            reading::holds(system, &text, agent);
        }
    }
}

/// Found by fuzzing: a word that an error repeats, and that no line of a terminal has room for.
#[test]
fn a_word_as_long_as_a_line_makes_no_error_wider_than_a_terminal() {
    reading::holds(System::Codex, &format!("r\t{}", "T".repeat(84)), None);
}
