//! Lists that are read page by page.

/// Cuts rows, of which one more than a page was asked for, to a page; the key of its last row if more follow.
pub(crate) fn cut<T, K>(rows: &mut Vec<T>, limit: usize, key: impl FnOnce(&T) -> K) -> Option<K> {
    let more = rows.len() > limit;
    rows.truncate(limit);
    rows.last().filter(|_| more).map(key)
}

#[cfg(test)]
mod tests {
    use super::cut;

    #[test]
    fn what_is_more_than_a_page_says_where_the_next_begins() {
        for (asked, left, next) in [(0, 0, None), (2, 2, None), (3, 2, Some(1))] {
            let mut rows: Vec<usize> = (0..asked).collect();
            assert_eq!((cut(&mut rows, 2, |row| *row), rows.len()), (next, left));
        }
    }
}
