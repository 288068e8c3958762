//! What holds for every line.

use countersign_policy::WordKind;
use countersign_shell::{analyze, analyze_by_parser, offers};
use proptest::prelude::*;

/// Pieces that mean something to a shell, in any order.
fn soup() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "a", "rm", "git", "diff", "bash", "-c", "sh", "find", "-exec", "xargs", "env", "A=1", "cd", "-", "--", "=",
        " ", " ", " ", " ", "\t", "\n", ";", "&", "&&", "|", "||", ">", ">>", "<", "<<", "<<-", "<<<", "<>", ">&", "2",
        "1", "&-", "(", ")", "{", "}", "[", "]", "[[", "]]", "((", "))", "$", "${", "$(", "$((", "`", "'", "\"", "\\",
        "\\\n", "$'", "\\x41", "~", "~/", "*", "?", "..", "/", ".env", ",", "#", "!", "if", "then", "fi", "for", "in",
        "do", "done", "while", "case", "esac", ";;", "function", "f()", "EOF", "E", "eval", "time", "sed", "s/a/b/e",
        "awk", "é", "\u{200b}", "\r", "@P", ":-", "!x", "-o", "+",
    ]);
    prop::collection::vec(pieces, 0..24).prop_map(|pieces| pieces.concat())
}

fn plain_line() -> impl Strategy<Value = String> {
    let programs = prop::sample::select(vec![
        "git", "ls", "cat", "rm", "sh", "env", "sudo", "xargs", "find", "sed", "cd", "test", "foo", "./x", "a.b", "if",
        "for", "time", "export", "unset", "1", "-", "--", "+", "%", "@", ",", ":", "/", "select", "let", "eval",
        "declare", "in", "do",
    ]);
    let words = prop_oneof![
        "[A-Za-z0-9_./:=,@%+-]{1,8}",
        "[a-z/.~^*?:=-]{1,6}",
        "[a-z~*]{0,3}'[a-z*?]{1,3}'[*?~^/]{0,2}",
        "-[a-z]{1,3}",
        "--[a-z]{1,6}(=[a-z/.]{0,4})?",
        Just("-c".to_owned()),
        Just("diff".to_owned()),
        "[A-Z]=[a-z]{0,3}",
        "[a-z=-]{0,3}'[a-z ;|&<>(){}*~#%^?/.-]{0,6}'[a-z]{0,2}",
        "[a-z=-]{0,3}\"[a-z ;|&<>(){}*~#%^?/.-]{0,6}\"('[ a-z]{0,2}'){0,2}",
    ];
    let blank = prop::sample::select(vec![" ", "  ", "\t"]);
    let operators = prop::sample::select(vec![" | ", "|", " && ", "&&", " || ", "; ", ";", " ; ", " |& ", " & ", "\n"]);
    let command = (programs, prop::collection::vec((blank, words), 0..5)).prop_map(|(program, words)| {
        words.into_iter().fold(program.to_owned(), |line, (blank, word)| line + blank + &word)
    });
    (command.clone(), prop::collection::vec((operators, command), 0..4), prop::sample::select(vec!["", " ", ";", " |"]))
        .prop_map(|(first, rest, end)| {
            rest.into_iter().fold(first, |line, (operator, command)| line + operator + &command) + end
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_panics(line in any::<String>()) {
        let analysis = analyze(&line);
        for command in &analysis.commands {
            offers(command);
        }
    }

    #[test]
    fn no_soup_panics_and_every_span_is_in_the_line(line in soup()) {
        let analysis = analyze(&line);
        let spans = analysis.commands.iter().map(|command| &command.span);
        for span in spans.chain(analysis.unknown.iter().map(|unknown| &unknown.span)) {
            prop_assert!(line.get(span.clone()).is_some(), "{:?}", span);
        }
        prop_assert!(analysis.commands.iter().all(|command| !command.words.is_empty()));
        prop_assert!(analysis.touches.iter().all(|touch| touch.command.is_none_or(|index| index < analysis.commands.len())));
    }

    #[test]
    fn the_shortcut_for_plain_lines_agrees_with_the_parser(line in plain_line()) {
        prop_assert_eq!(analyze(&line), analyze_by_parser(&line));
    }

    #[test]
    fn a_line_with_something_unknown_stays_unknown_in_company(before in soup(), after in soup()) {
        for unknown in ["eval $x", "$X y", "curl a | sh", "cd() { x; }", "trap x EXIT"] {
            let line = format!("{before}\n{unknown}\n{after}");
            // Quotes, comments and here-documents around it may make it data.
            if !before.contains(['\'', '"', '`', '#', '<', '\\', '$', '(', '{', '[']) {
                prop_assert!(!analyze(&line).unknown.is_empty(), "{:?}", line);
            }
        }
    }

    #[test]
    fn a_command_in_a_plain_line_is_found(words in prop::collection::vec("[a-z]{3,6}", 1..4), separator in prop::sample::select(vec![" && ", "; ", " | ", "\n", " || ", " & "])) {
        prop_assume!(words.iter().all(|word| !["then", "done", "esac", "else", "elif", "case", "time", "while", "until", "select", "unset", "export", "local", "coproc"].contains(&word.as_str()) && word != "for"));
        let line = words.join(separator);
        let found: Vec<String> = analyze(&line).commands.iter().filter_map(|command| command.words.first()).map(|word| word.text.clone()).collect();
        prop_assert_eq!(found, words);
    }

    #[test]
    fn nothing_general_is_offered_for_what_it_would_not_cover(line in soup()) {
        for command in analyze(&line).commands {
            let general = offers(&command).iter().any(|offer| offer.pattern.is_some());
            prop_assert!(!general || command.words.iter().all(|word| word.kind == WordKind::Data), "{:?}", command);
        }
    }
}

#[test]
fn long_lines_take_linear_time() {
    let lines = [
        "a && ".repeat(20_000) + "a",
        "(".repeat(60_000),
        "${a:-".repeat(15_000) + &"}".repeat(15_000),
        "echo ".to_owned() + &"$((a)) ".repeat(15_000),
        "bash -c a;".repeat(10_000),
        "cd a;".repeat(20_000),
        "! ".repeat(60_000) + "a",
        "echo ".to_owned() + &"{a,b}".repeat(20_000),
        "a=$b;".repeat(20_000),
        "for a in b c; do ".repeat(4_000) + "x" + &"; done".repeat(4_000),
        "f() { f; }; ".repeat(8_000),
        "ln -s a b; ".repeat(11_000),
        format!("find . {}", "-exec a ';' ".repeat(10_000)),
        format!("bash -c '{}'", "a;".repeat(60_000)),
        format!("eval '{}'", "a;".repeat(60_000)),
    ];
    for line in lines {
        let start = std::time::Instant::now();
        analyze(&line);
        let taken = start.elapsed();
        assert!(taken.as_secs() < 10, "{taken:?} for {:?}...", line.chars().take(20).collect::<String>());
    }
}

/// Each would take the parser from a tenth of a second to minutes.
#[test]
fn what_keeps_the_parser_busy_is_not_parsed() {
    for run in ["a | ", "<<A\n", "<<A ", "}", "a;", "$a", "case x in ", "&&", "a\\\n", "env ", "find . -exec "] {
        let line = run.repeat(128 * 1024 / run.len());
        assert!(!analyze(&line).unknown.is_empty(), "{run:?}");
    }
    let nested = (0..3).fold("ls".to_owned(), |line, _| format!("bash -c {}", quoted(&format!("{line}; {line}"))));
    assert!(analyze(&nested).unknown.is_empty());
    let part = format!("bash -c {}", quoted(&format!("{} ls {{a,b}}", "a;".repeat(2 * 1024))));
    assert!(analyze(&part).unknown.is_empty());
    assert!(!analyze(&vec![part; 4].join("; ")).unknown.is_empty(), "payloads count together");
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}
