//! The files that pages load. They are in the program, and say nothing secret.

use axum::extract::Path;
use axum::http::header;
use axum::response::IntoResponse;

use crate::http::Fault;

const STYLE: &str = include_str!("assets/style.css");
const INBOX: &str = include_str!("assets/inbox.js");
/// See `assets/NOTICE.md`.
const HTMX: &str = include_str!("assets/htmx.min.js");
const HX_SSE: &str = include_str!("assets/hx-sse.min.js");

/// One of the files.
pub(crate) async fn asset(Path(name): Path<String>) -> Result<impl IntoResponse, Fault> {
    const SCRIPT: &str = "text/javascript; charset=utf-8";
    let (kind, text) = match name.as_str() {
        "style.css" => ("text/css; charset=utf-8", STYLE),
        "inbox.js" => (SCRIPT, INBOX),
        "htmx.min.js" => (SCRIPT, HTMX),
        "hx-sse.min.js" => (SCRIPT, HX_SSE),
        _ => return Err(Fault::not_found("page")),
    };
    Ok(([(header::CONTENT_TYPE, kind)], text))
}

#[cfg(test)]
mod tests {
    use countersign_policy::sha256_hex;

    use super::{HTMX, HX_SSE};

    #[test]
    fn what_others_wrote_is_what_the_notice_says() {
        let notice = include_str!("assets/NOTICE.md");
        for (name, text) in [("htmx.min.js", HTMX), ("hx-sse.min.js", HX_SSE)] {
            let row = format!("| `{name}` | `{}` |", sha256_hex(text.as_bytes()));
            assert!(notice.contains(&row), "{name} is not what NOTICE.md says");
        }
    }
}
