//! A container's log, put together from pieces.

use std::collections::VecDeque;

use bollard::container::LogOutput;

use crate::environment::engine::LogLine;

/// Most of a log that is kept, in bytes: its end.
const LARGEST_LOG: usize = 32 << 20;
/// A line longer than this, in bytes, is several.
const LARGEST_LINE: usize = 1 << 20;

/// Puts pieces of output together to lines, each stream for itself, in the order in which lines end.
#[derive(Default)]
pub(super) struct Lines {
    done: VecDeque<LogLine>,
    size: usize,
    partial: [String; 2],
}

impl Lines {
    pub(super) fn add(&mut self, piece: LogOutput) {
        let stderr = matches!(piece, LogOutput::StdErr { .. });
        let index = usize::from(stderr);
        self.partial[index].push_str(&String::from_utf8_lossy(piece.as_ref()));
        while let Some(end) = self.partial[index].find('\n') {
            let text = self.partial[index][..end].trim_end_matches('\r').to_owned();
            self.partial[index].drain(..=end);
            self.keep(LogLine { stderr, text });
        }
        if self.partial[index].len() > LARGEST_LINE {
            let text = std::mem::take(&mut self.partial[index]);
            self.keep(LogLine { stderr, text });
        }
    }

    fn keep(&mut self, line: LogLine) {
        self.size += line.text.len();
        self.done.push_back(line);
        while self.size > LARGEST_LOG
            && let Some(oldest) = self.done.pop_front()
        {
            self.size -= oldest.text.len();
        }
    }

    pub(super) fn finish(mut self) -> Vec<LogLine> {
        for (index, text) in std::mem::take(&mut self.partial).into_iter().enumerate() {
            if !text.is_empty() {
                self.keep(LogLine { stderr: index == 1, text });
            }
        }
        self.done.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_put_together_and_the_end_of_a_long_log_is_kept() {
        let out = |text: &str| LogOutput::StdOut { message: text.to_owned().into() };
        let err = |text: &str| LogOutput::StdErr { message: text.to_owned().into() };
        let mut lines = Lines::default();
        [out("a"), err("x\ny"), out("b\r\nc")].into_iter().for_each(|piece| lines.add(piece));
        let texts: Vec<String> = lines.finish().into_iter().map(|line| line.text).collect();
        assert_eq!(texts, ["x", "ab", "c", "y"]);
        let mut long = Lines::default();
        (0..80).for_each(|_| long.add(out(&"y".repeat(1 << 20))));
        long.add(out("last\n"));
        let kept = long.finish();
        assert!(kept.iter().map(|line| line.text.len()).sum::<usize>() <= LARGEST_LOG);
        assert!(kept.last().is_some_and(|line| line.text.ends_with("last")));
    }
}
