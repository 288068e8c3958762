//! jq: filters that look at their input alone.

/// No environment, no modules, no files.
pub(super) fn only_looks(filter: &str) -> bool {
    // Without a comment or an interpolation, quotes are strings for certain.
    let bare = if filter.contains('#') || filter.contains("\\(") { None } else { without_strings(filter) };
    let filter = bare.as_deref().unwrap_or(filter);
    let name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut before = ' ';
    let mut rest = filter;
    while let Some(first) = rest.chars().next() {
        let end = rest.find(|c| !name(c)).unwrap_or(rest.len()).max(first.len_utf8());
        let (word, after) = rest.split_at(end);
        let words = [
            "env",
            "ENV",
            "import",
            "include",
            "modulemeta",
            "get_search_list",
            "strenv",
            "envsubst",
            "eval",
            "system",
            "exec",
        ];
        if before != '.' && (words.contains(&word) || word.starts_with("load")) {
            return false;
        }
        before = word.chars().last().unwrap_or(' ');
        rest = after;
    }
    true
}

/// The filter with its strings emptied.
fn without_strings(filter: &str) -> Option<String> {
    let mut out = String::new();
    let mut chars = filter.chars();
    while let Some(c) = chars.next() {
        out.push(c);
        if c == '"' {
            loop {
                match chars.next()? {
                    '"' => break,
                    '\\' => drop(chars.next()?),
                    _ => {}
                }
            }
            out.push(c);
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::only_looks;

    #[test]
    fn jq_filters_without_the_environment() {
        assert!(only_looks(".env.production") && only_looks(".x[] | .y") && only_looks(".environment"));
        assert!(only_looks(".tags[\"env\"]") && only_looks("select(.k == \"env\\\"\")") && only_looks(".load"));
        assert!(
            !only_looks("\"\\\"\", env")
                && !only_looks("# \"\nenv # \"")
                && !only_looks("load(\"/etc/passwd\")")
                && !only_looks("strenv(X)")
        );
        assert!(
            !only_looks("env")
                && !only_looks("$ENV.KEY")
                && !only_looks("\"\\(env)\"")
                && !only_looks("import \"a\" as a; .")
                && !only_looks(". | env")
        );
    }
}
