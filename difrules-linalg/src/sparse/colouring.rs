//! Colourings: which columns of a derivative are evaluated together.
//!
//! Every algorithm here goes through the vertices in an order and gives each the first colour that nothing forbids.
//! The order of the numbers themselves is good for bands and grids, that of falling degree for patterns with a few
//! full lines; each colouring is the better of the two.

use nalgebra_sparse::pattern::SparsityPattern;

/// A colour for each vertex.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Colouring {
    pub(super) of: Vec<usize>,
    pub(super) count: usize,
}

/// No colour yet.
const NONE: usize = usize::MAX;

impl Colouring {
    /// The better one of those in the two orders.
    fn best(degrees: &[usize], greedy: impl Fn(&[usize]) -> Self) -> Self {
        let natural: Vec<usize> = (0..degrees.len()).collect();
        let mut falling = natural.clone();
        falling.sort_by_key(|vertex| std::cmp::Reverse(degrees[*vertex]));
        let first = greedy(&natural);
        if falling == natural {
            return first;
        }
        let second = greedy(&falling);
        if second.count < first.count { second } else { first }
    }

    /// Colours vertices in this order; `forbid` is given the colours so far and forbids some to a vertex.
    fn greedy(order: &[usize], mut forbid: impl FnMut(usize, &Self, &mut Forbidden)) -> Self {
        let mut colours = Self { of: vec![NONE; order.len()], count: 0 };
        let mut forbidden = Forbidden { to: Vec::new(), vertex: NONE };
        for &vertex in order {
            forbidden.vertex = vertex;
            forbidden.to.resize(colours.count, NONE);
            forbid(vertex, &colours, &mut forbidden);
            let free = forbidden.to.iter().position(|to| *to != vertex);
            let colour = free.unwrap_or(colours.count);
            colours.of[vertex] = colour;
            colours.count = colours.count.max(colour + 1);
        }
        colours
    }
}

/// The vertex that each colour was forbidden to last.
struct Forbidden {
    to: Vec<usize>,
    vertex: usize,
}

impl Forbidden {
    fn add(&mut self, colour: usize) {
        self.to[colour] = self.vertex;
    }
}

/// A colouring of lanes in which no two of one colour have an index in common, so that each entry of a sum of lanes
/// is an entry of one of them: distance-2 colouring of the bipartite graph (Coleman and More 1983; Gebremedhin,
/// Manne and Pothen 2005, algorithm 3.2). `across` is the transposed pattern.
pub(super) fn apart(lanes: &SparsityPattern, across: &SparsityPattern) -> Colouring {
    let degrees: Vec<_> = (0..lanes.major_dim())
        .map(|lane| lanes.lane(lane).iter().map(|index| across.lane(*index).len()).sum())
        .collect();
    Colouring::best(&degrees, |order| {
        Colouring::greedy(order, |lane, colours, forbidden| {
            for &index in lanes.lane(lane) {
                for &other in across.lane(index) {
                    if colours.of[other] != NONE {
                        forbidden.add(colours.of[other]);
                    }
                }
            }
        })
    })
}

/// A star colouring of a symmetric pattern: neighbours have two colours, and so does no path of four vertices. Then
/// of two neighbours one is the only one of its colour beside the other, so that their entry stands by itself in a
/// sum of columns (Coleman and More 1984; Gebremedhin, Tarafdar, Manne and Pothen 2007, algorithm 4.1).
pub(super) fn star(pattern: &SparsityPattern) -> Colouring {
    let degrees: Vec<_> =
        (0..pattern.major_dim()).map(|vertex| pattern.lane(vertex).len()).collect();
    Colouring::best(&degrees, |order| {
        // How many vertices have each colour: what only one has is on no path twice.
        let mut sizes: Vec<usize> = Vec::new();
        let mut before = None;
        Colouring::greedy(order, |vertex, colours, forbidden| {
            if let Some(before) = before.replace(vertex) {
                sizes.resize(colours.count, 0);
                let colour: usize = colours.of[before];
                sizes[colour] += 1;
            }
            for &near in pattern.lane(vertex).iter().filter(|near| **near != vertex) {
                let own = colours.of[near];
                if own != NONE {
                    forbidden.add(own);
                    if sizes[own] == 1 {
                        continue;
                    }
                }
                for &far in pattern.lane(near) {
                    let colour = colours.of[far];
                    if colour == NONE || far == vertex || far == near {
                        continue;
                    }
                    // The middle may get this colour as well, or the path go on in its colour.
                    let goes_on = || {
                        let others = pattern.lane(far).iter().filter(|other| **other != near);
                        others.copied().any(|other| colours.of[other] == own)
                    };
                    if own == NONE || goes_on() {
                        forbidden.add(colour);
                    }
                }
            }
        })
    })
}
