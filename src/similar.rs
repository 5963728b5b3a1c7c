//! What somebody may have meant by a name that is not there.

/// The most similar of `names` to `name`, if it is similar enough to be what was meant.
pub(crate) fn nearest<'a>(name: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let names = names.into_iter().filter_map(|candidate| Some((distance(name, candidate)?, candidate)));
    names.min().map(|(_, candidate)| candidate)
}

/// How far apart two names are, letters of either case being one; `None`: too far to be meant for one another.
pub(crate) fn distance(name: &str, candidate: &str) -> Option<usize> {
    /// A part of a name shorter than this is in too many names.
    const PART_CHARS_MIN: usize = 3;
    let (name, candidate) = (name.to_lowercase(), candidate.to_lowercase());
    let distance = strsim::damerau_levenshtein(&name, &candidate);
    let is_part = |part: &str, whole: &str| part.chars().count() >= PART_CHARS_MIN && whole.contains(part);
    let is_similar = distance <= (candidate.chars().count() / 3).max(1);
    (is_similar || is_part(&name, &candidate) || is_part(&candidate, &name)).then_some(distance)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_and_a_part_are_similar_and_another_name_is_not() {
        let names = ["order-refund", "payment", "order-payment"];
        let nearest = |name: &str| nearest(name, names);
        assert_eq!(nearest("order-refnd"), Some("order-refund"));
        assert_eq!(nearest("Refund"), Some("order-refund"));
        assert_eq!(nearest("paymnet"), Some("payment"));
        assert_eq!(nearest("payment-v2"), Some("payment"));
        assert_eq!(nearest("shipping"), None);
        assert_eq!(nearest("o"), None);
        assert_eq!(nearest(""), None);
    }
}
