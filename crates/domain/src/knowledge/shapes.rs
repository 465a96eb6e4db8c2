//! Symbols with a `*` that stands for one member of a path, found without trying each.

use hashbrown::HashMap;

/// The rows of symbols with a `*` in them: `*.safeParse`, `express.Router().*.send`.
#[derive(Debug, Default)]
pub(super) struct Shapes {
    /// In the order of the tables: the first that fits decides.
    all: Vec<Shape>,
    /// Those that end with a member of their own, by that member.
    by_last: HashMap<String, Vec<usize>>,
    /// Those that end with anything.
    open: Vec<usize>,
}

#[derive(Debug)]
struct Shape {
    /// What stands between the stars.
    parts: Vec<String>,
    rows: Vec<(usize, usize)>,
}

impl Shapes {
    pub(super) fn add(&mut self, symbol: &str, row: (usize, usize)) {
        let parts: Vec<String> = symbol.split('*').map(str::to_owned).collect();
        if let Some(known) = self.all.iter_mut().find(|shape| shape.parts == parts) {
            known.rows.push(row);
            return;
        }
        let last = parts.last().and_then(|part| part.rsplit_once('.')).map(|(_, last)| last.to_owned());
        match last {
            Some(last) => self.by_last.entry(last).or_default().push(self.all.len()),
            None => self.open.push(self.all.len()),
        }
        self.all.push(Shape { parts, rows: vec![row] });
    }

    /// The rows of the first shape that fits: a call may mean several things.
    pub(super) fn rows(&self, symbol: &str) -> &[(usize, usize)] {
        let last = symbol.rsplit('.').next().unwrap_or(symbol);
        let own = self.by_last.get(last).map(Vec::as_slice).unwrap_or_default();
        let first = |some: &[usize]| {
            let mut some = some.iter().copied();
            some.find(|at| self.all.get(*at).is_some_and(|shape| fits(&shape.parts, symbol)))
        };
        let found = first(own).into_iter().chain(first(&self.open)).min();
        found.and_then(|at| self.all.get(at)).map(|shape| shape.rows.as_slice()).unwrap_or_default()
    }
}

/// Whether a symbol has these parts in their order, the first at its start and the last at its end. What stands for a
/// star is one member, but for a star at the start, which is any path.
fn fits(parts: &[String], symbol: &str) -> bool {
    let Some((first, others)) = parts.split_first() else { return false };
    symbol.strip_prefix(first.as_str()).is_some_and(|rest| fits_rest(others, rest, first.is_empty()))
}

fn fits_rest(parts: &[String], rest: &str, path: bool) -> bool {
    let one_member = |text: &str| path || !text.contains(['.', '(']);
    match parts {
        [] => rest.is_empty(),
        [last] => rest.strip_suffix(last.as_str()).is_some_and(|text| !text.is_empty() && one_member(text)),
        [part, others @ ..] => rest.match_indices(part.as_str()).any(|(at, _)| {
            rest.get(..at).is_some_and(one_member)
                && rest.get(at + part.len()..).is_some_and(|after| fits_rest(others, after, false))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_shape_that_fits_decides_with_all_of_its_rows() {
        let mut shapes = Shapes::default();
        for (row, symbol) in
            ["pool.*.query", "*.query", "pool.*.query", "App*", "db.*.find.*", "Make*()"].iter().enumerate()
        {
            shapes.add(symbol, (0, row));
        }
        let rows = |symbol: &str| shapes.rows(symbol).iter().map(|(_, row)| *row).collect::<Vec<_>>();
        assert_eq!(rows("pool.one.query"), [0, 2]);
        assert_eq!(rows("pool.one.two.query"), [1]);
        assert_eq!(rows("any.path.of.query"), [1]);
        assert_eq!(rows("AppServer"), [3]);
        assert_eq!(rows("db.users.find.first"), [4]);
        assert_eq!(rows("MakeClient()"), [5]);
        assert_eq!(rows("query"), [] as [usize; 0]);
        assert_eq!(rows("db.users.found"), [] as [usize; 0]);
    }
}
