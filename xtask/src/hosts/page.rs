//! The inbox page as a browser without script reads it: its questions and their forms.

use anyhow::{Context, Result};

/// A page's text.
pub(super) struct Page {
    html: String,
}

/// One question on it.
pub(super) struct Question<'a> {
    html: &'a str,
}

impl Page {
    pub(super) fn new(html: String) -> Self {
        Self { html }
    }

    /// The questions that wait for an answer, in the page's order.
    pub(super) fn questions(&self) -> impl Iterator<Item = Question<'_>> {
        let articles = self.html.split("<article class=\"question\"").skip(1);
        articles.map(|rest| Question { html: rest.split("</article>").next().unwrap_or(rest) })
    }
}

impl<'a> Question<'a> {
    /// The approval's id.
    pub(super) fn id(&self) -> &'a str {
        self.html.split("id=\"question-").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default()
    }

    /// Whether a person would read this in it.
    pub(super) fn says(&self, text: &str) -> bool {
        self.html.contains(text)
    }

    /// Whether its form has a button with this value.
    pub(super) fn has_button(&self, value: &str) -> bool {
        let mut buttons = self.tags("button");
        buttons.any(|tag| attribute(tag, "value") == Some(value))
    }

    /// The hidden fields, and of each group of choices the first.
    pub(super) fn fields(&self) -> Result<Vec<(String, String)>> {
        let mut fields: Vec<(String, String)> = Vec::new();
        for tag in self.tags("input") {
            let kind = attribute(tag, "type").unwrap_or("text");
            let is_sent = kind == "hidden" || (kind == "radio" && tag.contains(" checked"));
            if is_sent {
                let name = attribute(tag, "name").context("a field has no name")?;
                fields.push((name.to_owned(), attribute(tag, "value").unwrap_or_default().to_owned()));
            }
        }
        let choice = self.tags("option").next().and_then(|tag| attribute(tag, "value")).unwrap_or_default();
        for tag in self.tags("select") {
            let name = attribute(tag, "name").context("a choice has no name")?;
            fields.push((name.to_owned(), choice.to_owned()));
        }
        Ok(fields)
    }

    fn tags(&self, name: &str) -> impl Iterator<Item = &'a str> {
        let open = format!("<{name} ");
        let html = self.html;
        let starts: Vec<usize> = html.match_indices(&open).map(|(at, _)| at).collect();
        starts.into_iter().filter_map(move |at| html.get(at..)?.split('>').next())
    }
}

fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    rest.split('"').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_read_as_a_browser_sends_it() {
        let html = r#"<article class="question" id="question-7"><pre>touch a</pre><form>
            <input type="hidden" name="form" value="f"><input type="text" name="feedback">
            <input type="radio" name="part-0" value="0" checked><input type="radio" name="part-0" value="1">
            <button class="yes" name="answer" value="once">Allow</button>
            <select name="lifetime"><option value="">until revoked</option></select></form></article>"#;
        let page = Page::new(format!("<p></p>{html}"));
        let question = page.questions().next().unwrap();
        assert_eq!((question.id(), question.says("touch a")), ("7", true));
        assert!(question.has_button("once") && !question.has_button("user"));
        let fields = [("form", "f"), ("part-0", "0"), ("lifetime", "")];
        let fields: Vec<(String, String)> = fields.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        assert_eq!(question.fields().unwrap(), fields);
    }
}
