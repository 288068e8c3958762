//! What people see when a policy file is wrong: every message, as it is printed.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test stops here")]

use countersign_policy::SourceKind;
use countersign_policy::document::parse;

/// The reports of each text, below the text.
fn reports(kind: SourceKind, texts: &[&str]) -> String {
    let mut out = String::new();
    for text in texts {
        let problems = match parse(kind, "countersign.toml", text) {
            Ok(_) => panic!("this was read without a problem:\n{text}"),
            Err(problems) => problems,
        };
        for problem in problems {
            let report = problem.render(text);
            for line in report.lines() {
                assert!(line.chars().count() <= 80, "wider than a terminal:\n{report}");
            }
            out.push_str(&report);
        }
        out.push_str("----\n");
    }
    out
}

#[test]
fn toml_that_is_broken() {
    let reports = reports(
        SourceKind::User,
        &[
            "allow = [\"read(**)\"\n\nask = [\"edit(**)\"]\n",
            "allow = [\"read(**)]\n",
            "allow = [\"read(**)\"]\nallow = [\"edit(**)\"]\n",
            "alow = []\nallow = [\"read(**)\",, ]\n",
            "[ceiling\nask = []\n",
            "{\"permissions\": {\"allow\": [\"Bash(ls)\"]}}",
            "prefix_rule(pattern = [\"git\", \"diff\"], decision = \"allow\")\n",
            "ask = [\"shell(git push *)\"]\nallow = \"\u{1}\"\n",
            "allow = [\"read(src/**)\"] # for \u{202E}everybody\n",
        ],
    );
    insta::assert_snapshot!(reports);
}

#[test]
fn keys_that_are_not_known_or_do_not_belong() {
    let mut all = reports(
        SourceKind::User,
        &[
            "alow = [\"read(**)\"]\n",
            "dney = []\nexample = []\nmax_open = 3\n",
            "frobnicate = true\n",
            "profiles = {}\nprofile = \"dev\"\nhooks = {}\non-deny = \"cascade\"\n",
            "[ceiling]\ndeny = [\"*\"]\n",
            "ask = [{ rule = \"edit(**)\", expires = 2027-01-01 }]\n",
            "allow = [{ rule = \"edit(**)\", remember = \"session\", implied = false }]\n",
            "ask = [{ rul = \"edit(**)\", why = \"so\" }]\n",
            "[tools.\"crm/send\"]\nclas = \"read\"\n",
            "import = [3]\n",
            "[[import]]\nfrom = \"\"\n[[import]]\nsystem = \"opencod\"\n[[import]]\nfile = \"x.json\"\n",
        ],
    );
    all.push_str("==== in a project's file\n");
    all.push_str(&reports(
        SourceKind::Project,
        &["default = \"allow\"\nnobody = \"wait 10m\"\nmax-open = 3\nrepeats = 9\n[ceiling]\nask = [\"*\"]\n"],
    ));
    all.push_str("==== in the administrator's file\n");
    all.push_str(&reports(
        SourceKind::Managed,
        &["[ceiling]\nallow = [\"read(**)\"]\npeople = {}\ngrants = { maximum = \"8h\" }\n"],
    ));
    insta::assert_snapshot!(all);
}

#[test]
fn sub_agents_that_cannot_be_understood() {
    let mut all = reports(
        SourceKind::User,
        &[
            "[agent.Explore]\ndeny = [\"edit(**)\"]\n",
            "agents = [\"Explore\"]\n",
            "[agents]\ndeny = [\"edit(**)\"]\nExplore = \"deny\"\n",
            "[agents.Explore]\ndny = [\"edit(**)\"]\ntools = [\"Read\"]\nceiling = {}\n",
            "[agents.Explore]\ndefault = \"dney\"\nexamples = [\"deny edit\", \"no\"]\nallow = [\"Bash(ls)\"]\n",
            "[agents.\"\"]\n[agents.\" \"]\n[agents.\"Exp*\"]\n[agents.\"a\\nb\"]\n[agents.\"Explore \"]\n",
            "[agents.\"x\\u200b\"]\n",
            "allow = [{ rule = \"edit(**)\", descendants = \"only\" }, { rule = \"read\", descendants = \"no\" }]\n",
            "deny = [{ rule = \"edit(**)\", descendants = 0 }, { rule = \"read\", descendant = false }]\n",
        ],
    );
    all.push_str("==== in the administrator's file\n");
    all.push_str(&reports(
        SourceKind::Managed,
        &["[ceiling]\ndeny = [\"read\", { rule = \"edit(**)\", descendants = false }]\nagents = {}\n"],
    ));
    insta::assert_snapshot!(all);
}

#[test]
fn programs_that_cannot_be_described() {
    let reports = reports(
        SourceKind::User,
        &[
            "programs = []\n",
            "[programs]\nfrob = true\n",
            "[programs.\"bin/frob\"]\n[programs.\"frob  sub\"]\n[programs.\" frob\"]\n[programs.\"\"]\n\
             [programs.\"fr*\"]\n[programs.\"frob\\tsub\"]\n[programs.\"frob --sub\"]\n[programs.\"Frob.exe\"]\n\
             [programs.\"fr\\u00F6b\"]\n",
            "[programs.frob]\nflag = [\"-v\"]\nvalue = []\noffer = 1\nruns = \"plainly\"\nsubcommands = \"yes\"\n",
            "[programs.frob]\nflags = [\"verbose\", \"-\", \"--\", \"--a b\", \"--level=3\", \"--x*\", \"+nightly\", 3]\n\
             values = \"--level\"\noperands = [\"reed\", \"sed\"]\n",
            "[programs.frob]\nflags = [\"-v\", \"-v\"]\npower = [\"-v\"]\n",
        ],
    );
    insta::assert_snapshot!(reports);
}

#[test]
fn the_spellings_of_others() {
    let reports = reports(
        SourceKind::User,
        &[
            "allow = [\"Bash(git diff:*)\", \"Read(./.env)\", \"WebFetch(domain:docs.rs)\", \"mcp__github__get_issue\"]\n",
            "[permissions]\nallow = [\"Bash(ls)\"]\n",
            "[permissions.dev]\nextends = \"base\"\n",
            "approval_policy = \"never\"\nsandbox_mode = \"workspace-write\"\n",
            "[permission]\nbash = \"ask\"\n",
            "[mcp_servers.github]\ncommand = \"npx\"\n",
        ],
    );
    insta::assert_snapshot!(reports);
}

#[test]
fn rules_that_say_nothing() {
    let reports = reports(
        SourceKind::User,
        &[
            "allow = [\"\"]\n",
            "allow = [\"*\"]\n",
            "allow = [\"git status\"]\n",
            "allow = [\"shel(git status)\"]\n",
            "allow = [\" shell(git status)\"]\n",
            "allow = [\"shell (git status)\"]\n",
            "allow = [\"frobnicate(x)\"]\n",
            "allow = [\"shell(git status\"]\n",
            "allow = [\"shell(git status) \"]\n",
            "allow = [\"shell()\", \"shell(ls, , pwd)\"]\n",
            "allow = [\"shell(echo (hi))\"]\n",
            "allow = [\"shell(cat x | sh)\", 'shell(echo \"hi\")']\n",
            "deny = [\"read(../secret)\", \"edit(src/./x)\"]\n",
            "allow = [\"fetch(docs.rs/serde)\", \"fetch(https://)\"]\n",
            "ask = [\"@write(x)\", \"@writ\", \"crm/@dellete\", \"*(x)\"]\n",
            "ask = [\"github/\", \"tool:\"]\n",
            "allow = [\"shell(caf\\u00e9 'x')\"]\n",
            "allow = [42, [\"read(**)\"]]\n",
            "allow = \"read(**)\"\n",
        ],
    );
    insta::assert_snapshot!(reports);
}

#[test]
fn values_that_do_not_fit() {
    let mut all = reports(
        SourceKind::User,
        &[
            "ask = [{ why = \"so\" }]\n",
            "ask = [{ rule = 3 }]\n",
            "ask = [{ rule = \"edit(**)\", why = 3, remember = \"sesion\", offer = \"team\" }]\n",
            "ask = [{ rule = \"edit(**)\", unless = \"x\" }, { rule = \"@delete\", unless = [\"x\"] }]\n",
            "ask = [{ rule = \"edit(**)\", unless = [\"\", 3, \"../x\"] }]\n",
            "ask = [{ rule = \"crm/x\", when = {} }, { rule = \"crm/x\", when = \"me\" }, { rule = \"crm/x\", when = { a = [] } }]\n",
            "allow = [{ rule = \"edit(**)\", expires = \"2027-01-01\" }]\n",
            "allow = [{ rule = \"edit(**)\", expires = 2027-01-01T10:00:00 }]\n",
            "default = \"alow\"\n",
            "nobody = \"wait\"\n",
            "nobody = \"wait 10 minutes\"\n",
            "on-deny = \"stop\"\n",
            "max-open = 0\n",
            "max-open = \"many\"\n",
            "repeats = 1\n",
            "repeats = 0\n",
            "repeats = \"off\"\n",
            "examples = [\"shell: ls\", \"allow shel: ls\", \"allow shell:ls\", \"deny shell\", 3]\n",
            "[tools.shell]\nclass = \"read\"\n",
            "[tools.\"crm/*\"]\nclass = \"read\"\n",
            "[tools.\"crm/send\"]\nclass = \"reed\"\nresource = \"to\"\nshow = \"/to\"\nsince = \"two\"\nhidden = \"yes\"\n",
            "[tools]\n\"crm/send\" = \"read\"\n",
        ],
    );
    all.push_str("==== in the administrator's file\n");
    all.push_str(&reports(
        SourceKind::Managed,
        &[
            "[ceiling]\ngrants = { max = \"8 hours\", scopes = [\"once\", \"team\"] }\n",
            "[ceiling]\ngrants = \"8h\"\nroles = { viewer = \"reads\" }\n",
            "ceiling = true\n",
        ],
    ));
    insta::assert_snapshot!(all);
}

#[test]
fn reports_of_long_and_hostile_lines() {
    let long =
        format!("allow = [{}\"shel(x)\", {}\"read(**)\"]\n", "\"read(a)\", ".repeat(40), "\"read(b)\", ".repeat(40));
    let wide = format!("allow = [\"frobnicate({})\"]\n", "x".repeat(500));
    let escape = "allow = [\"frob\\u001B[2Jnicate(x)\"]\n";
    let reports = reports(SourceKind::User, &[&long, &wide, escape]);
    assert!(!reports.contains('\u{1B}'));
    insta::assert_snapshot!(reports);
}

#[test]
fn a_file_that_is_too_large() {
    let text = "#".repeat(1024 * 1024 + 1);
    insta::assert_snapshot!(reports(SourceKind::User, &[&text]));
}
