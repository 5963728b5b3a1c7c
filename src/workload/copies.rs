//! Other orders of the same lines, in memory: for tests of small size.

use super::rng::Rng;

fn lines(text: &[u8]) -> Vec<&[u8]> {
    text.split_inclusive(|byte| *byte == b'\n').collect()
}

/// Joins lines; one that lacks its line end (the last of a file) gets it.
fn join(lines: &[&[u8]], bytes: usize) -> Vec<u8> {
    let mut joined = Vec::with_capacity(bytes + 1);
    for line in lines {
        joined.extend_from_slice(line);
        if !line.ends_with(b"\n") {
            joined.push(b'\n');
        }
    }
    joined
}

/// The lines of `text` in another order.
pub fn shuffled(text: &[u8], seed: u64) -> Vec<u8> {
    let mut list = lines(text);
    Rng::new(seed).shuffle(&mut list);
    join(&list, text.len())
}

/// Every line of `text` twice, all in another order.
pub fn doubled_and_shuffled(text: &[u8], seed: u64) -> Vec<u8> {
    let mut list = lines(text);
    list.extend_from_within(..);
    Rng::new(seed).shuffle(&mut list);
    join(&list, 2 * text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_hold_the_same_lines() {
        let text = b"a\nb\nc\nd\ne";
        let sorted = |text: &[u8]| {
            let mut list: Vec<Vec<u8>> = text.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
            list.sort();
            list
        };
        let once = shuffled(text, 1);
        assert_ne!(once, b"a\nb\nc\nd\ne\n");
        assert_eq!(sorted(&once), sorted(b"a\nb\nc\nd\ne\n"));
        assert_eq!(once, shuffled(text, 1));
        let twice = doubled_and_shuffled(text, 1);
        assert_eq!(sorted(&twice), sorted(b"a\na\nb\nb\nc\nc\nd\nd\ne\ne\n"));
    }
}
