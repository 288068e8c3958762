//! awk: programs are read word by word, as far as all of its kin read them alike.

use super::skip;

/// No commands, no files but the operands, no environment.
pub(super) fn only_prints(script: &str) -> bool {
    Awk::default().reads(script.as_bytes()).is_some()
}

/// Names of what an awk program reaches the outside with.
const POWER: [&str; 10] =
    ["system", "getline", "ENVIRON", "PROCINFO", "ARGV", "ARGC", "fflush", "close", "SYMTAB", "FUNCTAB"];

/// Words that are no values, or values only with what follows them: a slash behind one is not understood.
const WORDS: [&str; 50] = [
    "BEGIN", "END", "function", "func", "else", "do", "in", "case", "default", "break", "continue", "next", "nextfile",
    "exit", "delete", "substr", "index", "split", "sub", "gsub", "gensub", "match", "sprintf", "sin", "cos", "atan2",
    "exp", "log", "sqrt", "int", "rand", "srand", "tolower", "toupper", "systime", "strftime", "mktime", "and", "or",
    "xor", "compl", "lshift", "rshift", "strtonum", "patsplit", "asort", "asorti", "isarray", "typeof", "mkbool",
];

/// What stands before a place in an awk program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Before {
    /// Nothing of a statement, or an operator that a regular expression may follow: a slash begins one.
    #[default]
    Open,
    /// `print` or `printf`, which it may follow, too.
    Print,
    /// A name, a number, a text or what ends like one: a slash divides.
    Value,
    /// A regular expression, or the condition of a statement.
    Regex,
    /// A word after which a parenthesis is the head of a statement.
    Head,
    /// Any other word.
    Word,
    /// An operator that none follows.
    Operator,
}

/// What is open in an awk program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bracket {
    Brace,
    Square,
    Round,
    /// The parentheses of `if`, `while` and their kin.
    Head,
}

/// An awk program that is read word by word.
#[derive(Debug, Default)]
struct Awk {
    before: Before,
    open: Vec<Bracket>,
    /// How much was open where the `print` of this statement stands.
    print: Option<usize>,
}

impl Awk {
    /// Nothing where the program is not harmless, or where programs may differ on how it reads.
    fn reads(mut self, script: &[u8]) -> Option<()> {
        let mut rest = script;
        while let Some((&byte, after)) = rest.split_first() {
            rest = match byte {
                b' ' | b'\t' => after,
                b'#' => {
                    let end = after.iter().position(|&byte| byte == b'\n').unwrap_or(after.len());
                    let (comment, after) = after.split_at_checked(end)?;
                    (!comment.ends_with(b"\\")).then_some(after)?
                }
                b'"' => {
                    self.before = Before::Value;
                    text(after)?
                }
                b'/' => self.slash(after)?,
                b'0'..=b'9' | b'.' => {
                    self.before = Before::Value;
                    let after = skip(after, |byte| byte.is_ascii_digit() || byte == b'.');
                    let after = exponent(after);
                    // `0x1F`, `1e5f()`: where such a number ends, programs differ.
                    let ends = after.first().is_none_or(|&byte| !byte.is_ascii_alphabetic() && byte != b'_');
                    ends.then_some(after)?
                }
                b'A'..=b'Z' | b'a'..=b'z' | b'_' => {
                    let after = skip(after, |byte| byte.is_ascii_alphanumeric() || byte == b'_');
                    self.word(rest.get(..rest.len() - after.len())?)?;
                    after
                }
                b'\n' => {
                    self.line()?;
                    after
                }
                b'(' | b'[' | b'{' | b')' | b']' | b'}' | b';' => {
                    self.bracket(byte)?;
                    after
                }
                b'>' => self.greater(after)?,
                _ => self.operator(byte, after)?,
            };
        }
        self.open.is_empty().then_some(())
    }

    /// A regular expression, or a division.
    fn slash<'s>(&mut self, after: &'s [u8]) -> Option<&'s [u8]> {
        match self.before {
            // `/=/` is an operator to some.
            Before::Open | Before::Print if !after.starts_with(b"=") => {
                self.before = Before::Regex;
                regex(after)
            }
            // `x /= /y/`: a value is to follow it.
            Before::Value => {
                self.before = Before::Operator;
                Some(after.strip_prefix(b"=").unwrap_or(after))
            }
            _ => None,
        }
    }

    fn word(&mut self, word: &[u8]) -> Option<()> {
        let word = std::str::from_utf8(word).ok()?;
        if POWER.contains(&word) {
            return None;
        }
        self.before = match word {
            "print" | "printf" => {
                // Only a statement begins with it.
                self.print.is_none().then_some(())?;
                self.print = Some(self.open.len());
                Before::Print
            }
            "return" => Before::Open,
            // Without parentheses a value, behind which a slash could be either.
            "length" => Before::Regex,
            "if" | "while" | "for" | "switch" => Before::Head,
            word if WORDS.contains(&word) => Before::Word,
            _ => Before::Value,
        };
        Some(())
    }

    /// The end of a line, which ends a statement unless that goes on.
    fn line(&mut self) -> Option<()> {
        (self.before != Before::Head).then_some(())?;
        let ends = !matches!(self.before, Before::Open | Before::Operator);
        if self.open.last().is_some_and(|open| *open != Bracket::Brace) {
            return (!ends).then_some(());
        }
        if ends {
            self.print = None;
            self.before = Before::Open;
        }
        Some(())
    }

    fn bracket(&mut self, byte: u8) -> Option<()> {
        let inside = self.open.last().copied();
        self.before = match byte {
            b'(' => {
                let head = self.before == Before::Head;
                self.open.push(if head { Bracket::Head } else { Bracket::Round });
                Before::Open
            }
            b'[' => {
                self.open.push(Bracket::Square);
                Before::Open
            }
            b'{' => {
                // No block begins within a statement.
                (self.print.is_none() && inside.is_none_or(|open| open == Bracket::Brace)).then_some(())?;
                self.open.push(Bracket::Brace);
                Before::Open
            }
            b')' => match self.open.pop()? {
                Bracket::Round => Before::Value,
                Bracket::Head => Before::Regex,
                _ => return None,
            },
            b']' => (self.open.pop()? == Bracket::Square).then_some(Before::Value)?,
            b'}' => {
                (self.open.pop()? == Bracket::Brace).then_some(())?;
                self.print = None;
                Before::Open
            }
            // `;`, also between the parts of `for (;;)`.
            _ => {
                inside.is_none_or(|open| matches!(open, Bracket::Brace | Bracket::Head)).then_some(())?;
                self.print = None;
                Before::Open
            }
        };
        Some(())
    }

    /// `>` compares values; but of what is printed, outside of parentheses, it names a file. The terminal is none.
    fn greater<'s>(&mut self, after: &'s [u8]) -> Option<&'s [u8]> {
        if let Some(after) = after.strip_prefix(b"=") {
            self.before = Before::Operator;
            return Some(after);
        }
        if let Some(from) = self.print {
            let between = self.open.get(from..)?;
            if !between.contains(&Bracket::Round) {
                let after = skip(after, |byte| byte == b' ' || byte == b'\t');
                let sink =
                    [b"\"/dev/stderr\"", b"\"/dev/stdout\""].into_iter().find_map(|name| after.strip_prefix(name))?;
                let next = skip(sink, |byte| byte == b' ' || byte == b'\t').first();
                (between.is_empty() && matches!(next, None | Some(b';' | b'}' | b'\n'))).then_some(())?;
                self.before = Before::Value;
                return Some(sink);
            }
        }
        let compares = matches!(self.before, Before::Value | Before::Regex) && !after.starts_with(b">");
        self.before = Before::Operator;
        compares.then_some(after)
    }

    fn operator<'s>(&mut self, byte: u8, after: &'s [u8]) -> Option<&'s [u8]> {
        let twice = after.first() == Some(&byte);
        let equal = after.first() == Some(&b'=');
        let (before, length) = match byte {
            // A single one names a command.
            b'|' | b'&' => (twice.then_some(Before::Open)?, 1),
            b'=' if twice => (Before::Operator, 1),
            b'!' if equal => (Before::Operator, 1),
            b'!' | b'~' | b',' | b'?' | b':' | b'=' => (Before::Open, 0),
            // Behind a value it belongs to that; a slash behind it could be either.
            b'+' | b'-' if twice && self.before == Before::Value => (Before::Regex, 1),
            b'+' | b'-' if twice => (Before::Operator, 1),
            b'+' | b'-' | b'*' | b'%' | b'^' | b'<' | b'$' => (Before::Operator, 0),
            _ => return None,
        };
        self.before = before;
        after.get(length..)
    }
}

/// What follows the exponent of a number, if it has one.
fn exponent(script: &[u8]) -> &[u8] {
    let digits = script.strip_prefix(b"e").or_else(|| script.strip_prefix(b"E"));
    let digits = digits.map(|rest| rest.strip_prefix(b"+").or_else(|| rest.strip_prefix(b"-")).unwrap_or(rest));
    match digits {
        Some(digits) if digits.first().is_some_and(u8::is_ascii_digit) => skip(digits, |byte| byte.is_ascii_digit()),
        _ => script,
    }
}

/// What follows a text of awk.
fn text(script: &[u8]) -> Option<&[u8]> {
    let mut rest = script;
    loop {
        let (&byte, after) = rest.split_first()?;
        rest = match byte {
            b'"' => return Some(after),
            b'\\' => after.split_first().filter(|(next, _)| **next != b'\n')?.1,
            b'\n' => return None,
            _ => after,
        };
    }
}

/// What follows a regular expression of awk that every implementation ends at the same place.
fn regex(script: &[u8]) -> Option<&[u8]> {
    let mut rest = script;
    let mut inside = false;
    loop {
        let (&byte, after) = rest.split_first()?;
        rest = match byte {
            b'\n' => return None,
            b'\\' => {
                let (&next, after) = after.split_first()?;
                (next != b'\n' && !(inside && b"[]".contains(&next))).then_some(after)?
            }
            b'/' => return (!inside).then_some(after),
            b'[' if inside => {
                let name = skip(after.strip_prefix(b":")?, |byte| byte.is_ascii_lowercase());
                name.strip_prefix(b":]")?
            }
            b'[' => {
                inside = true;
                let first = after.strip_prefix(b"^").unwrap_or(after);
                (first.first() != Some(&b']')).then_some(first)?
            }
            b']' => {
                inside.then_some(())?;
                inside = false;
                after
            }
            _ => after,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::only_prints;

    #[test]
    fn awk_programs_that_only_print() {
        for script in [
            "{print $1}",
            "$3 > 1000 {print $1}",
            "{print \"system is ok\"}",
            "/a/ {print}",
            "a || b",
            "{if ($1 > 5) print}",
            "{if ($1 >= 5) print}",
            "NR>1 {s+=$3} END {print s/NR}",
            "/error|warn/",
            "$1 ~ /x|y/",
            "$1 !~ /a|b/ && !/c|d/ {print $2 / 2}",
            "/a|b/,/c|d/",
            "{x = $1 > 5; print x}",
            "{a = $1 > $2 ? $1 : $2; s += a}",
            "function max(a, b) { return a > b ? a : b } { m = max(m, $1) }",
            "{print > \"/dev/stderr\"}",
            "{print \"a|b\", $1 > \"/dev/stdout\"; n++} END {print n}",
            "{if (/a|b/) print; else if ($1 > 5) print $2}",
            "{print \"a\\\"|b\"}",
            "{gsub(/[|>]/, \"|\"); print} # a | b > c",
            "/^[^|]+\\|[[:alpha:]]/ {print $1\nx = $2 > 3}",
            "{for (i = 1; i <= NF; i++) if ($i > m) m = $i} END {print m}",
            "{print ($1 > 5 ? \"a|b\" : \"b\")}",
            "function system2(a) { return a } {print /a|b/ ? 1 : 2}",
            "length > 80",
            "{if (x++ > 5 || --y > 1) print}",
            "{x = 1e5 > 2.5E-3; print x / 1e3}",
        ] {
            assert!(only_prints(script), "{script}");
        }
        for script in [
            "BEGIN{system(\"id\")}",
            "BEGIN{\"id\" | getline x}",
            "{print > \"f\"}",
            "{print(1) > \"f\"}",
            "NR>1 {print s/NR > \"f\"}",
            "/)/ {print (1) > \"f\"}",
            "/(/ {print > \"f\"}",
            "{print (1)>\"f\"}",
            "{print >> \"f\"}",
            "{if (1) print \")(\" > \"(\"}",
            "/\"/ {system(\"id\")} /\"/",
            "{print |& s}",
            "@load \"x\"",
            "/}/ > 1 {print > \"f\"}",
            "/{/{print > \"f\"}",
            "{print | \"cmd\"}",
            "{\"cmd\" | getline}",
            "{print >> f}",
            "{getline < \"file\"}",
            "{print a, b > \"file\"}",
            "{print a,\n b > \"file\"}",
            "{printf(\"%s\", x) > \"f\"}",
            "{a / b | \"cmd\" | getline x / c}",
            "{x = (a) / b | \"cmd\" / c}",
            "{x = a[1] / b | \"cmd\" / c}",
            "{x = 1 / b | \"cmd\" / c}",
            "{x = \"1\" / b | \"cmd\" / c}",
            "{x = a++ / b | \"cmd\" / c}",
            "{x = length / b | \"cmd\" / c}",
            "{if (x) / b | \"cmd\" / c}",
            "{if (x) /\"/; print | \"cmd\" # \"\n}",
            "{x = length /\"/; print | \"cmd\" # \"\n}",
            "{x = y in /\"/; print | \"cmd\" # \"\n}",
            "{x = a++ /\"/; print | \"cmd\" # \"\n}",
            "a\n/\"/ {print | \"cmd\"} # \"",
            "{if (/a|b/) print | \"cmd\"}",
            "/[/]/ | \"cmd\" /",
            "/[/]|/ {print > \"f\"}",
            "/[]/] | \"cmd\" | /",
            "/a]/[/ | \"cmd\" | /",
            "/[\\]/ | \"cmd\" ]/",
            "{print x > y ? a : b}",
            "{print x, (y) ? a > b : c}",
            "{x = a > b; print x > \"f\"}",
            "{x = a > b\nprint x > \"f\"}",
            "{print \"\\\\\" | \"cmd\"}",
            "{print \"\\\"\" | \"cmd\"}",
            "{x = 1 # \"\nprint | \"cmd\" # \"\n}",
            "{print > \"/dev/stderr\" \"x\"}",
            "{print > \"/dev/stderr\" > \"f\"}",
            "{print > \"/dev/stderr/../x\"}",
            "{print > \"/dev/std\\145rr\"}",
            "{print a[x > y] | \"cmd\"}",
            "{print (a)[1] > \"f\"}",
            "{x = 1e5system(\"id\") > 5}",
            "{x = 1 > 0; awk::system(\"id\")}",
            "{f = \"system\"; x = 1 > 0; @f(\"id\")}",
            "{x = 1 > 0; sys\\\ntem(\"id\") | y}",
            "{x /= 1; y = /=/ | \"cmd\" /=/}",
            "{print | & \"cmd\"}",
            "{x = 1 > 0; print ENVIRON[\"K\"]}",
        ] {
            assert!(!only_prints(script), "{script}");
        }
    }
}
