//! What is known of Claude Code's tools and commands. Where its documentation does not say, what we assume stands here.

/// Tools by their canonical names. A rule for another is likely to be misspelled.
pub(super) const TOOLS: [&str; 40] = [
    "Agent",
    "AskUserQuestion",
    "Bash",
    "BashOutput",
    "Cd",
    "CronCreate",
    "CronDelete",
    "CronList",
    "Edit",
    "EndConversation",
    "EnterPlanMode",
    "EnterWorktree",
    "ExitPlanMode",
    "ExitWorktree",
    "Glob",
    "Grep",
    "KillShell",
    "LS",
    "LSP",
    "ListMcpResourcesTool",
    "Monitor",
    "MultiEdit",
    "NotebookEdit",
    "NotebookRead",
    "PowerShell",
    "Read",
    "ReadMcpResourceTool",
    "SendMessage",
    "Skill",
    "SlashCommand",
    "Task",
    "TaskCreate",
    "TaskGet",
    "TaskList",
    "TaskStop",
    "TaskUpdate",
    "TodoWrite",
    "WebFetch",
    "WebSearch",
    "Write",
];

/// Tools that it runs without a question, beside those that start agents and those that read. Its documentation says
/// so of sub-agents; the rest is assumed of tools that touch nothing but the session.
pub(super) const UNASKED: [&str; 17] = [
    "BashOutput",
    "CronList",
    "EndConversation",
    "EnterPlanMode",
    "EnterWorktree",
    "ExitWorktree",
    "KillShell",
    "ListMcpResourcesTool",
    "LSP",
    "ReadMcpResourceTool",
    "TaskCreate",
    "TaskGet",
    "TaskList",
    "TaskStop",
    "TaskUpdate",
    "TodoWrite",
    "ToolSearch",
];

/// Commands that it runs unasked, in our own grammar: ordinary arguments only, whatever it allows itself. Its
/// documentation names `ls`, `cat`, `echo`, `pwd`, `head`, `tail`, `grep`, `find`, `wc`, `which`, `diff`, `stat`, `du`, `cd`
/// and the reading forms of git; the others, and which forms of git those are, is assumed.
pub(super) const READ_ONLY: [&str; 44] = [
    "ls *",
    "cat *",
    "echo *",
    "pwd",
    "head *",
    "tail *",
    "grep *",
    "find *",
    "wc *",
    "which *",
    "diff *",
    "stat *",
    "du *",
    "cd *",
    "rg *",
    "sort *",
    "uniq *",
    "cut *",
    "tr *",
    "basename *",
    "dirname *",
    "date",
    "whoami",
    "file *",
    "true",
    "false",
    "git status *",
    "git diff *",
    "git log *",
    "git show *",
    "git blame *",
    "git shortlog *",
    "git describe *",
    "git ls-files *",
    "git ls-tree *",
    "git rev-parse *",
    "git rev-list *",
    "git merge-base *",
    "git branch",
    "git branch --list *",
    "git branch --show-current",
    "git remote",
    "git remote -v",
    "git stash list *",
];

/// Commands whose operands it takes for files, so that the rules for files and the working directories count. Its
/// documentation names `cat`, `head`, `tail`, `sed` and those that edits are accepted with; the rest is assumed.
pub(super) const OF_FILES: [&str; 23] = [
    "cat", "cd", "cp", "cut", "diff", "du", "file", "find", "grep", "head", "ls", "mkdir", "mv", "rg", "rm", "rmdir",
    "sed", "sort", "stat", "tail", "touch", "uniq", "wc",
];

/// Commands that run where edits are accepted, on files in the working directories.
pub(super) const WITH_EDITS: [&str; 7] = ["mkdir", "touch", "rm", "rmdir", "mv", "cp", "sed"];

/// Folders in which no mode but one writes unasked.
pub(super) const PROTECTED_FOLDERS: [&str; 10] =
    [".git", ".config/git", ".vscode", ".idea", ".husky", ".cargo", ".devcontainer", ".yarn", ".mvn", ".claude"];

/// The folder in `.claude` that is not protected.
pub(super) const NOT_PROTECTED: &str = ".claude/worktrees";

/// Files that no mode but one writes unasked.
pub(super) const PROTECTED_FILES: [&str; 37] = [
    ".gitconfig",
    ".gitmodules",
    ".bashrc",
    ".bash_profile",
    ".bash_login",
    ".bash_aliases",
    ".bash_logout",
    ".zshrc",
    ".zprofile",
    ".zshenv",
    ".zlogin",
    ".zlogout",
    ".profile",
    ".envrc",
    ".npmrc",
    ".yarnrc",
    ".yarnrc.yml",
    ".pnp.cjs",
    ".pnp.loader.mjs",
    ".pnpmfile.cjs",
    "bunfig.toml",
    ".bunfig.toml",
    ".bazelrc",
    ".bazelversion",
    ".bazeliskrc",
    ".pre-commit-config.yaml",
    "lefthook.yml",
    "lefthook.yaml",
    ".lefthook.yml",
    ".lefthook.yaml",
    "gradle-wrapper.properties",
    "maven-wrapper.properties",
    ".devcontainer.json",
    ".ripgreprc",
    "pyrightconfig.json",
    ".mcp.json",
    ".claude.json",
];

/// The longest command that it reads, in characters.
pub(super) const LONGEST_COMMAND: usize = 10_000;

/// Parameters that hold what a tool is about; no rule matches them.
pub(super) const PRIMARY: [&str; 5] = ["command", "file_path", "path", "notebook_path", "url"];

/// Whether `Bash` and `PowerShell` have such a parameter beside the command.
pub(super) fn of_shells(parameter: &str) -> bool {
    ["run_in_background", "timeout", "description", "dangerouslyDisableSandbox"].contains(&parameter)
}

/// Why a rule for `Cd` says nothing of what agents do.
pub(super) const ABOUT_CD: &str = "it is about the command `/cd`, which only a human gives: no call of an agent is one";

/// Why an allow by a parameter allows nothing.
pub(super) const NO_ALLOW_BY_PARAMETER: &str =
    "it allows nothing: one parameter does not say what a call does; only asks and denies match parameters";
