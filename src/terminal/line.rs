//! A line of text in tones: measured in columns, clipped, and coloured only if colours are wanted.

use super::text::{bytes_max, cut, plain, width};

/// How answers look on a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Whether to write colours.
    pub color: bool,
    /// How many columns there are.
    pub columns: usize,
    /// Whether longer lines are clipped: on a terminal, but not in a file or a pipe, where nothing may get lost.
    pub clip: bool,
}

/// What a piece of text is, and so its colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tone {
    /// As it comes.
    #[default]
    Plain,
    /// Names and titles.
    Strong,
    /// What matters less.
    Faint,
    /// Went well: green.
    Good,
    /// Went wrong: red.
    Bad,
    /// Under way: blue.
    Active,
    /// Needs a look: amber.
    Warn,
    /// Out of the ordinary: magenta.
    Odd,
}

impl Tone {
    /// The ANSI code that begins it; the palette's own colours, so that the user's theme counts.
    fn code(self) -> &'static str {
        match self {
            Tone::Plain => "",
            Tone::Strong => "\u{1b}[1m",
            Tone::Faint => "\u{1b}[90m",
            Tone::Good => "\u{1b}[32m",
            Tone::Bad => "\u{1b}[31m",
            Tone::Active => "\u{1b}[34m",
            Tone::Warn => "\u{1b}[33m",
            Tone::Odd => "\u{1b}[35m",
        }
    }
}

/// One line that is being put together. Whatever is pushed is made harmless.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    parts: Vec<(Tone, String)>,
    width: usize,
}

impl Line {
    /// An empty line.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a text.
    pub fn push(&mut self, tone: Tone, text: &str) -> &mut Self {
        let text = plain(text);
        self.width += width(&text);
        match self.parts.last_mut() {
            Some((last, part)) if *last == tone => part.push_str(&text),
            _ if text.is_empty() => {}
            _ => self.parts.push((tone, text.into_owned())),
        }
        self
    }

    /// Appends another line.
    pub fn append(&mut self, other: &Line) -> &mut Self {
        for (tone, text) in &other.parts {
            self.push(*tone, text);
        }
        self
    }

    /// Appends spaces up to a column; at least one if there is something already and the column is passed.
    pub fn pad_to(&mut self, column: usize) -> &mut Self {
        let spaces = match column.saturating_sub(self.width) {
            0 if self.width > 0 => 1,
            spaces => spaces,
        };
        self.push(Tone::Plain, &" ".repeat(spaces))
    }

    /// Columns it takes.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Whether nothing was pushed.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Keeps at most `columns`; a longer line ends in `…`.
    pub fn clip(&mut self, columns: usize) -> &mut Self {
        let bytes: usize = self.parts.iter().map(|(_, text)| text.len()).sum();
        if self.width <= columns && bytes <= bytes_max(columns) {
            return self;
        }
        let mut left = columns.saturating_sub(1);
        let mut kept = 0;
        for (_, text) in &mut self.parts {
            kept += 1;
            let used = width(text);
            if used >= left || text.len() > bytes_max(left) {
                *text = format!("{}…", cut(text, left));
                break;
            }
            left -= used;
        }
        self.parts.truncate(kept);
        self.width = self.parts.iter().map(|(_, text)| width(text)).sum();
        self
    }

    /// Writes it, clipped to the columns of the terminal if the style says so, and without spaces at its end.
    pub fn write(mut self, style: Style, out: &mut String) {
        if style.clip {
            self.clip(style.columns);
        }
        while let Some((_, text)) = self.parts.last_mut() {
            text.truncate(text.trim_end().len());
            if !text.is_empty() {
                break;
            }
            self.parts.pop();
        }
        for (tone, text) in &self.parts {
            let code = if style.color && !text.trim().is_empty() { tone.code() } else { "" };
            out.push_str(code);
            out.push_str(text);
            if !code.is_empty() {
                out.push_str("\u{1b}[0m");
            }
        }
        out.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(line: &Line, color: bool, columns: usize) -> String {
        let mut out = String::new();
        line.clone().write(Style { color, columns, clip: true }, &mut out);
        out
    }

    #[test]
    fn a_line_is_coloured_only_when_asked_and_never_by_what_it_says() {
        let mut line = Line::new();
        line.push(Tone::Bad, "✖")
            .pad_to(4)
            .push(Tone::Strong, "a\u{1b}[32mb")
            .pad_to(20)
            .push(Tone::Plain, " ");
        assert_eq!(written(&line, false, 80), "✖   a\\u{1b}[32mb\n");
        assert_eq!(written(&line, true, 80), "\u{1b}[31m✖\u{1b}[0m   \u{1b}[1ma\\u{1b}[32mb\u{1b}[0m\n");
        assert_eq!(written(&line, false, 6), "✖   a…\n");
        assert_eq!(written(&line, false, 4), "✖\n".replace('✖', "✖  …"));
        assert_eq!(written(&Line::new(), true, 80), "\n");
    }

    #[test]
    fn columns_are_kept_apart() {
        let mut line = Line::new();
        line.push(Tone::Plain, "long").pad_to(2).push(Tone::Plain, "x");
        assert_eq!(written(&line, false, 80), "long x\n");
    }
}
