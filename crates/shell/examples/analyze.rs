//! Prints what each line of standard input would do; `\n` and `\r` in a line stand for the characters.

use countersign_policy::WordKind;

fn main() {
    for line in std::io::stdin().lines().map_while(Result::ok) {
        let line = line.replace("\\n", "\n").replace("\\r", "\r");
        let analysis = countersign_shell::analyze(&line);
        println!("{line:?}");
        for command in &analysis.commands {
            let words: Vec<String> = command
                .words
                .iter()
                .map(|word| match word.kind {
                    WordKind::Data => format!("{:?}", word.text),
                    WordKind::Power => format!("POWER{:?}", word.text),
                    WordKind::Dynamic => format!("DYNAMIC{:?}", word.text),
                })
                .collect();
            let role = "command";
            let offers: Vec<String> =
                countersign_shell::offers(command).into_iter().filter_map(|offer| offer.pattern).collect();
            println!("  {role} {} {:?}  offers {offers:?}", words.join(" "), command.span);
        }
        for touch in &analysis.touches {
            println!(
                "  {} {:?} in {:?} by {:?} of {:?}",
                touch.action, touch.path, touch.dir, touch.via, touch.command
            );
        }
        for unknown in &analysis.unknown {
            println!("  unknown: {} {:?}", unknown.reason, unknown.span);
        }
    }
}
