use countersign_policy::{Action, Resource, Target, Word};

use super::{caution, of_text};

fn looked_at(words: &[&str]) -> Option<String> {
    let words = words.iter().map(|word| Word::data(*word)).collect();
    let mut targets = [Target::primary(Action::Shell, Resource::Words(words))];
    caution(&mut targets);
    targets[0].caution.clone()
}

#[test]
fn words_that_look_like_others() {
    for words in [
        &["g\u{456}t", "status"][..],
        &["/usr/bin/g\u{456}t", "status"],
        &["/us\u{433}/bin/git"],
        &["\u{441}\u{43e}\u{440}\u{443}", "x"],
        &["\u{ff47}\u{ff49}\u{ff54}", "status"],
        &["\u{1d420}\u{1d422}\u{1d42d}", "status"],
        &["curl", "https://g\u{456}thub.com/x"],
        &["curl", "https://\u{430}\u{440}\u{440}\u{4cf}\u{435}.com/x"],
        &["scp", "x", "ada@\u{430}\u{440}\u{440}\u{4cf}\u{435}.com:"],
        &["ls\u{ff1b}", "rm", "-rf", "x"],
        &["ls", "\u{ff5c}", "sh"],
        &["ls", "\u{2223}sh"],
        &["ls", "\u{ff06}\u{ff06}", "x"],
        &["echo", "\u{ff04}HOME"],
        &["echo", "\u{201c}x\u{201d}"],
        &["git", "commit", "-m", "\u{201c}fix", "bug\u{201d}"],
        &["cat", "\u{2044}etc\u{2044}shadow"],
        &["cat", "a\u{2215}b"],
        &["cat", "\u{ff0f}etc"],
        &["cat", "\u{2024}\u{2024}/x"],
        &["cat", "my \u{2044}etc\u{2044}shadow"],
        &["rm", "\u{2013}rf", "x"],
        &["cat", "src/m\u{430}in.rs"],
        &["cat", "\u{3b1}b"],
        &["cat", "--\u{ff4f}utput=x"],
        &["cat", "漢\u{2044}etc\u{2044}shadow"],
    ] {
        assert!(looked_at(words).is_some(), "{words:?}");
    }
}

#[test]
fn ordinary_text_in_any_script() {
    for words in [
        &["rg", "設定", "docs"][..],
        &["ls", "Résumé – final.pdf"],
        &["git", "commit", "-m", "naïve café – 漢字 ✓"],
        &["git", "commit", "-m", "Исправил ошибку: «привет», мир — и всё"],
        &["git", "commit", "-m", "fix API для новых users"],
        &["git", "commit", "-m", "don’t panic, it’s “fine”…"],
        &["git", "commit", "-m", "修复；更新（测试）：完成"],
        &["git", "commit", "-m", "更新“设置”页面"],
        &["git", "commit", "-m", "μs and Δt, λx, α and β, 5µm"],
        &["echo", "м’яч"],
        &["echo", "don’t"],
        &["echo", "→", "✓", "½", "100€"],
        &["cat", "документы/отчёт.txt"],
        &["cat", "ελληνικά/αρχείο.txt"],
        &["rg", "サーバー／クライアント"],
        &["rg", "צה״ל"],
        &["rg", "ठीक।"],
        &["./скрипт.sh"],
        &["echo", "über", "Straße", "São Paulo"],
        &["touch", "файл-v2.txt"],
        &["echo", "1 − 2 = –1"],
    ] {
        assert_eq!(looked_at(words), None, "{words:?}");
    }
}

#[test]
fn a_warning_names_the_character() {
    assert_eq!(
        of_text("run g\u{456}t now"),
        ["`\u{456}` (U+0456) stands among letters of another script in `g\u{456}t`"]
    );
    assert_eq!(looked_at(&["ls\u{ff1b}"]).unwrap(), "`；` (U+FF1B) looks like `;` and is none, in `ls；`");
}

#[test]
fn one_pass() {
    for piece in ["\u{2044}", "；", "漢；", "а", "aа", "\u{301}", "’", "“ ", "…", "Δ"] {
        let text = piece.repeat(64 * 1024 / piece.len());
        let begun = std::time::Instant::now();
        let _ = (looked_at(&["echo", &text]), of_text(&text));
        assert!(begun.elapsed() < std::time::Duration::from_secs(10), "{piece:?}: {:?}", begun.elapsed());
    }
}
