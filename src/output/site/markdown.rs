//! Markdown of the learner's as HTML, without markup of its own and without what leads to other than web pages.

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};

/// Headings go down by `lower`: in a page that has one of its own.
pub fn html(text: &str, lower: usize) -> String {
    let mut open_links = Vec::new();
    let events = Parser::new_ext(text, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH).filter_map(|event| {
        match event {
            Event::Html(_) | Event::InlineHtml(_) => None,
            Event::Start(Tag::HtmlBlock) | Event::End(TagEnd::HtmlBlock) => None,
            Event::Start(Tag::Heading { level, .. }) => {
                let level = lowered(level, lower);
                Some(Event::Start(Tag::Heading { level, id: None, classes: Vec::new(), attrs: Vec::new() }))
            }
            Event::End(TagEnd::Heading(level)) => Some(Event::End(TagEnd::Heading(lowered(level, lower)))),
            // Its description stays.
            Event::Start(Tag::Image { .. }) | Event::End(TagEnd::Image) => None,
            Event::Start(Tag::Link { ref dest_url, .. }) => {
                let good = ["https://", "http://", "mailto:"].iter().any(|scheme| dest_url.starts_with(scheme));
                open_links.push(good);
                good.then_some(event)
            }
            Event::End(TagEnd::Link) => open_links.pop().unwrap_or(false).then_some(event),
            other => Some(other),
        }
    });
    let mut out = String::new();
    pulldown_cmark::html::push_html(&mut out, events);
    out
}

fn lowered(level: HeadingLevel, lower: usize) -> HeadingLevel {
    HeadingLevel::try_from((level as usize + lower).min(6)).unwrap_or(level)
}

#[cfg(test)]
mod tests {
    fn html(text: &str) -> String {
        super::html(text, 0)
    }

    #[test]
    fn headings_go_down_and_no_further_than_there_is() {
        assert_eq!(super::html("# a\n\n###### b", 1), "<h2>a</h2>\n<h6>b</h6>\n");
    }

    #[test]
    fn what_is_written_is_shown_and_nothing_of_it_acts() {
        assert_eq!(html("a *b* `c`"), "<p>a <em>b</em> <code>c</code></p>\n");
        assert_eq!(html("[site](https://example.com)"), "<p><a href=\"https://example.com\">site</a></p>\n");
        assert_eq!(html("[x](javascript:alert(1)) [y](file:///etc)"), "<p>x y</p>\n");
        assert_eq!(html("![a plan](https://example.com/a.png)"), "<p>a plan</p>\n");
        let raw = html("<script>alert(1)</script>\n\nfine <b onclick=x>text</b>");
        assert!(!raw.contains('<') || raw == "<p>fine text</p>\n", "{raw}");
    }
}
