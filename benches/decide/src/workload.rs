//! The workload W(n): a policy of `n` rules, and requests against it with what must come out.
//!
//! Shapes and mix are those of a permission file that grows from one user's to thousands of projects': in each ten rules
//! four about commands, three about paths, two about tools, one about hosts; about 55 % allow, 25 % ask, 20 % deny. About
//! 78 % are a prefix, 7 % exact, 5 % a suffix, 4 % a literal inside, 6 % a prefix with a literal inside. Half of the
//! requests are decided by the first quarter of the rules, a quarter by the last, a quarter by none.

use std::collections::{HashMap, HashSet};

use crate::words::*;

/// `*` is any run of bytes; everything else stands for itself.
pub struct Rule {
    pub name: String,
    pub pattern: String,
    pub effect: Effect,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Effect {
    Allow,
    Ask,
    Deny,
}

pub struct Request {
    pub name: String,
    pub text: String,
    /// What the last rule that matches says; ask where none does.
    pub last: Effect,
    /// What the strictest says.
    pub strictest: Effect,
    /// What the strictest says of the last ones in each of four sources that the rules are dealt to.
    pub dealt: Effect,
}

pub struct Workload {
    pub rules: Vec<Rule>,
    pub requests: Vec<Request>,
}

pub const SOURCES: usize = 4;
const BUILT_IN: [&str; 4] = ["bash", "read", "edit", "webfetch"];

/// The same seed, the same workload.
pub fn workload(seed: u64, rules: usize, requests: usize) -> Workload {
    let mut make = Make { random: Random(seed ^ (rules as u64) << 20), projects: (rules / 40).max(1) };
    let rules = make.rules(rules);
    let reference = Reference::new(&rules);
    let quarter = (rules.len() / 4).max(1);
    let mut made = Vec::new();
    let quotas = [
        (Winner::Early, requests / 2),
        (Winner::Late, requests / 4),
        (Winner::None, requests - requests / 2 - requests / 4),
    ];
    for (wanted, quota) in quotas {
        let (mut done, mut tries) = (0, 0);
        while done < quota {
            tries += 1;
            let at = match wanted {
                Winner::Early => make.random.below(quarter),
                _ => rules.len() - 1 - make.random.below(quarter),
            };
            let (name, text) = if wanted == Winner::None { make.nothing() } else { make.instance(&rules[at]) };
            let matches = reference.matches(&name, &text);
            let fits = match (wanted, matches.last()) {
                (Winner::None, None) => true,
                (Winner::Early, Some(winner)) => *winner < quarter,
                (Winner::Late, Some(winner)) => *winner >= rules.len() - quarter,
                _ => false,
            };
            if !fits && tries <= 80 * quota + 1000 {
                continue;
            }
            done += 1;
            let says = |at: &usize| rules[*at].effect;
            let dealt = (0..SOURCES).filter_map(|source| matches.iter().rfind(|at| **at % SOURCES == source));
            made.push(Request {
                last: matches.last().map_or(Effect::Ask, says),
                strictest: matches.iter().map(says).max().unwrap_or(Effect::Ask),
                dealt: dealt.map(says).max().unwrap_or(Effect::Ask),
                name,
                text,
            });
        }
    }
    make.random.shuffle(&mut made);
    Workload { rules, requests: made }
}

#[derive(Clone, Copy, PartialEq)]
enum Winner {
    Early,
    Late,
    None,
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    fn chance(&mut self, of_thousand: usize) -> bool {
        self.below(1000) < of_thousand
    }

    fn one<'w>(&mut self, words: &[&'w str]) -> &'w str {
        words[self.below(words.len())]
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for at in (1..items.len()).rev() {
            items.swap(at, self.below(at + 1));
        }
    }
}

struct Make {
    random: Random,
    projects: usize,
}

impl Make {
    fn one(&mut self, words: &[&'static str]) -> &'static str {
        self.random.one(words)
    }

    fn project(&mut self) -> String {
        let noun = self.one(&NOUN);
        if self.projects > 3 { format!("{noun}-{}", self.random.below(self.projects)) } else { noun.to_owned() }
    }

    fn numbered(&mut self, words: &[&'static str]) -> String {
        let word = self.one(words);
        if self.projects > 3 && self.random.chance(900) {
            format!("{word}{}", self.random.below(self.projects))
        } else {
            word.to_owned()
        }
    }

    /// Whether the rule is about one of many projects.
    fn is_big(&mut self, most: usize, slope: usize) -> bool {
        self.projects > 3 && self.random.chance(most.min(1000 * self.projects / slope))
    }

    fn rules(&mut self, count: usize) -> Vec<Rule> {
        let mut seen = HashSet::new();
        let mut rules = Vec::new();
        while rules.len() < count {
            let mut kinds = *b"bbbbpppttw";
            self.random.shuffle(&mut kinds);
            use Effect::{Allow, Ask, Deny};
            let either = if self.random.chance(500) { Allow } else { Ask };
            let mut effects = [Allow, Allow, Allow, Allow, Allow, Ask, Ask, Deny, Deny, either];
            self.random.shuffle(&mut effects);
            for (kind, effect) in kinds.into_iter().zip(effects) {
                let mut rule = self.rule(kind);
                for _ in 0..200 {
                    if !seen.contains(&rule) {
                        break;
                    }
                    rule = self.rule(kind);
                }
                seen.insert(rule.clone());
                rules.push(Rule { name: rule.0, pattern: rule.1, effect });
            }
        }
        rules.truncate(count);
        rules
    }

    fn rule(&mut self, kind: u8) -> (String, String) {
        match kind {
            b'b' => ("bash".to_owned(), self.shell()),
            b'p' => self.path(),
            b't' => (self.tool(), "*".to_owned()),
            _ => ("webfetch".to_owned(), self.host()),
        }
    }

    fn shell(&mut self) -> String {
        let t = self.random.below(100);
        let big = self.is_big(900, 60);
        let p = self.project();
        let one = |words: &[&'static str], random: &mut Random| random.one(words);
        let r = &mut self.random;
        match (t, big) {
            (..25, true) => format!("git -C {p} {} *", one(&GIT, r)),
            (..25, _) => format!("git {} *", one(&GIT, r)),
            (..40, true) => format!("npm run {}:{p}*", one(&SCRIPT, r)),
            (..40, _) => format!("npm run {}:*", one(&SCRIPT, r)),
            (..50, true) => format!("cargo {} -p {p} *", one(&CARGO, r)),
            (..50, _) => format!("cargo {} *", one(&CARGO, r)),
            (..60, true) => format!("{} {p} *", one(&PIP, r)),
            (..60, _) => format!("{} *", one(&PIP, r)),
            (..68, true) => format!("kubectl -n {p} {} *", one(&KUBE, r)),
            (..68, _) => format!("kubectl {} *", one(&KUBE, r)),
            (..75, true) => format!("docker {} {p}*", one(&DOCKER, r)),
            (..75, _) => format!("docker {} *", one(&DOCKER, r)),
            (..90, true) => format!("{} {}/{p}/*", one(&COREUTIL, r), one(&DIRS, r)),
            (..90, _) => format!("{} *", one(&COREUTIL, r)),
            (..95, true) => format!("{} *{p}.{}.{}*", one(&NET, r), one(&BRAND, r), one(&TLD, r)),
            (..95, _) => format!("{} *{}.{}*", one(&NET, r), one(&BRAND, r), one(&TLD, r)),
            _ => format!("make {}-{p}", one(&SCRIPT, r)),
        }
    }

    fn path(&mut self) -> (String, String) {
        let t = self.random.below(100);
        let big = self.is_big(950, 40);
        let p = self.project();
        let name = if self.random.chance(600) { "edit" } else { "read" };
        let r = &mut self.random;
        let pattern = match (t, big) {
            (..45, true) => format!("{}/{p}/**", r.one(&DIRS)),
            (..45, _) => format!("{}/**", r.one(&DIRS)),
            (..60, true) => format!("{}/{p}/*.{}", r.one(&DIRS), r.one(&EXT)),
            (..60, _) => format!("{}/*.{}", r.one(&DIRS), r.one(&EXT)),
            (..75, true) => format!("{}/{p}/*", r.one(&ABS)),
            (..75, _) => format!("{}/*", r.one(&ABS)),
            (..85, true) => format!("*/{p}.{}", r.one(&EXT)),
            (..85, _) => format!("*.{}", r.one(&EXT)),
            (..92, true) => format!("**/{p}/{}/**", r.one(&NOUN)),
            (..92, _) => format!("**/{}/**", r.one(&NOUN)),
            _ => format!("{}/{p}/{}.{}", r.one(&DIRS), r.one(&NOUN), r.one(&EXT)),
        };
        (name.to_owned(), pattern)
    }

    fn tool(&mut self) -> String {
        let server = self.numbered(&MCP);
        match self.random.below(100) {
            ..30 => format!("{server}_*"),
            ..60 => format!("{server}_{}_*", self.one(&VERB)),
            _ => format!("{server}_{}_{}", self.one(&VERB), self.one(&NOUN)),
        }
    }

    fn host(&mut self) -> String {
        let brand = self.numbered(&BRAND);
        let tld = self.one(&TLD);
        match self.random.below(100) {
            ..40 => format!("https://{}.{brand}.{tld}/*", self.one(&HOST)),
            ..75 => format!("https://*.{brand}.{tld}/*"),
            _ => format!("https://{brand}.{tld}/{}/*", self.one(&NOUN)),
        }
    }

    /// A request that the rule matches.
    fn instance(&mut self, rule: &Rule) -> (String, String) {
        if rule.pattern == "*" && !BUILT_IN.contains(&&*rule.name) {
            let whole = rule.name.matches('_').count() == 1;
            let name =
                self.replace(&rule.name, |make, _| if whole { make.fill("tool") } else { make.one(&NOUN).to_owned() });
            return (name, "*".to_owned());
        }
        let text = self.replace(&rule.pattern, |make, at| match &*rule.name {
            "webfetch" if at == 8 => make.one(&HOST).to_owned(),
            "read" | "edit" if at == 0 => format!("{}/{}", make.one(&DIRS), make.one(&NOUN)),
            name => make.fill(name),
        });
        (rule.name.clone(), text)
    }

    /// A pattern with something for each run of stars.
    fn replace(&mut self, pattern: &str, mut fill: impl FnMut(&mut Make, usize) -> String) -> String {
        let mut text = String::new();
        let mut rest = pattern;
        while let Some(star) = rest.find('*') {
            text.push_str(&rest[..star]);
            let at = pattern.len() - rest.len() + star;
            text.push_str(&fill(self, at));
            rest = rest[star..].trim_start_matches('*');
        }
        text + rest
    }

    fn fill(&mut self, kind: &str) -> String {
        let words = |make: &mut Make, count: usize| (0..count).map(|_| make.one(&NOUN).to_owned()).collect::<Vec<_>>();
        match kind {
            "bash" => {
                // One in 25 is a long command.
                let count = if self.random.chance(40) { 40 + self.random.below(120) } else { 1 + self.random.below(4) };
                (0..count).map(|_| self.argument()).collect::<Vec<_>>().join(" ")
            }
            "read" | "edit" => {
                let count = self.random.below(4);
                let mut names = words(self, count);
                names.push(format!("{}{}.{}", self.one(&NOUN), self.random.below(50), self.one(&EXT)));
                names.join("/")
            }
            "webfetch" => {
                let count = 1 + self.random.below(3);
                words(self, count).join("/")
            }
            _ => format!("{}_{}", self.one(&VERB), self.one(&NOUN)),
        }
    }

    fn argument(&mut self) -> String {
        match self.random.below(10) {
            4 => format!("{}/{}.{}", self.one(&DIRS), self.one(&NOUN), self.one(&EXT)),
            5 => self.one(&NOUN).to_owned(),
            7 => format!("--name={}", self.one(&NOUN)),
            at => ["--stat", "-v", "--json", "-n 20", "", "", "--verbose", "", "HEAD~3", "2>&1"][at].to_owned(),
        }
    }

    /// A request that most likely no rule matches.
    fn nothing(&mut self) -> (String, String) {
        match self.random.below(10) {
            ..4 => ("bash".to_owned(), format!("{} {}", self.one(&ELSEWHERE), self.fill("bash"))),
            ..7 => {
                let count = 1 + self.random.below(4);
                let names =
                    (0..count).map(|_| self.one(&["alpha", "beta", "gamma", "delta", "omega"])).collect::<Vec<_>>();
                let (vendor, file) = (self.random.below(999), self.random.below(9999));
                let name = if self.random.chance(500) { "read" } else { "edit" };
                (name.to_owned(), format!("vendor{vendor}/{}/file{file}.bin", names.join("/")))
            }
            ..9 => {
                (format!("unlisted{}_{}_{}", self.random.below(99), self.one(&VERB), self.one(&NOUN)), "*".to_owned())
            }
            _ => {
                let path = self.fill("webfetch");
                let text =
                    format!("https://{}.unlisted{}.{}/{path}", self.one(&HOST), self.random.below(999), self.one(&TLD));
                ("webfetch".to_owned(), text)
            }
        }
    }
}

/// What is expected, found without any of the engines: tables of prefixes and suffixes, and a matcher of ten lines.
struct Reference<'r> {
    rules: &'r [Rule],
    names: HashMap<&'r str, Vec<usize>>,
    prefixes: HashMap<(&'r str, &'r str), Vec<usize>>,
    suffixes: HashMap<(&'r str, &'r str), Vec<usize>>,
    rest: HashMap<&'r str, Vec<(usize, &'r str)>>,
}

impl<'r> Reference<'r> {
    fn new(rules: &'r [Rule]) -> Self {
        let [mut prefixes, mut suffixes] = [HashMap::<_, Vec<usize>>::new(), HashMap::new()];
        let (mut names, mut rest) = (HashMap::<_, Vec<usize>>::new(), HashMap::<_, Vec<_>>::new());
        for (at, Rule { name, pattern, .. }) in rules.iter().enumerate() {
            let literals: Vec<&str> = pattern.split('*').collect();
            let longest = literals.iter().copied().max_by_key(|literal| literal.len()).unwrap_or_default();
            match &*literals {
                _ if pattern == "*" => names.entry(name.split('*').next().unwrap_or_default()).or_default().push(at),
                ["", suffix] => suffixes.entry((&**name, *suffix)).or_default().push(at),
                ["", ..] => rest.entry(&**name).or_default().push((at, longest)),
                ["https://", ..] => rest.entry(&**name).or_default().push((at, longest)),
                [prefix, ..] => prefixes.entry((&**name, *prefix)).or_default().push(at),
                [] => {}
            }
        }
        Reference { rules, names, prefixes, suffixes, rest }
    }

    /// All rules that match, in their order.
    fn matches(&self, name: &str, text: &str) -> Vec<usize> {
        let mut found: Vec<usize> = Vec::new();
        let none = Vec::new();
        for end in 0..=name.len() {
            found.extend(self.names.get(&name[..end]).unwrap_or(&none));
        }
        if BUILT_IN.contains(&name) {
            for at in 0..=text.len() {
                found.extend(self.prefixes.get(&(name, &text[..at])).unwrap_or(&none));
                found.extend(self.suffixes.get(&(name, &text[at..])).unwrap_or(&none));
            }
            let rest = self.rest.get(name).into_iter().flatten();
            found.extend(rest.filter(|(_, literal)| text.contains(literal)).map(|(at, _)| at));
        }
        found.retain(|at| matches(&self.rules[*at].name, name) && matches(&self.rules[*at].pattern, text));
        found.sort_unstable();
        found
    }
}

fn matches(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(head) else { return false };
    let (middle, tail) = rest.rsplit_once('*').unwrap_or(("", rest));
    for literal in middle.split('*') {
        let Some(at) = text.find(literal) else { return false };
        text = &text[at + literal.len()..];
    }
    text.ends_with(tail)
}
