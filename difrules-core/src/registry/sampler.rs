//! Random points of a primitive's domain.

/// Draws the points at which a checker evaluates a primitive: what `sample = ..` is given.
///
/// Sizes and other choices come from one stream of random numbers, the numbers themselves from
/// another, so that a second point of the same shapes can be drawn; their difference is a
/// direction that respects the structure of the arguments (symmetric, triangular, ...).
///
/// ```
/// use difrules_core::testing::Sampler;
/// use nalgebra::DMatrix;
///
/// let mut random = Sampler::new(1, 2);
/// let (rows, columns) = (random.size(0, 5), random.size(0, 5));
/// let a: DMatrix<f64> = random.matrix(rows, columns);
/// assert_eq!(a.shape(), (rows, columns));
/// ```
#[derive(Debug, Clone)]
pub struct Sampler {
    shapes: fastrand::Rng,
    numbers: fastrand::Rng,
    /// Which of the sizes and choices this is, where they are gone through in turn.
    turn: Option<usize>,
    /// How many sizes and choices were made.
    made: usize,
    pub(crate) style: Style,
    /// How many numbers were drawn.
    drawn: usize,
    last: f64,
    /// The bounds of what was drawn and what came, where somebody asks for it.
    #[cfg(feature = "checker")]
    log: Option<Vec<Drawn>>,
}

/// A number that was drawn, between these bounds.
#[cfg(feature = "checker")]
#[derive(Debug, Clone, Copy)]
pub(crate) struct Drawn {
    pub(crate) least: f64,
    pub(crate) most: f64,
    pub(crate) number: f64,
}

/// What the numbers of a point have in common: what random ones never do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    Generic,
    Negative,
    /// Many zeros.
    Sparse,
    /// Integers and halves.
    Integers,
    /// Many that are equal to the one before.
    Ties,
    Large,
    Zeros,
    /// Square matrices are symmetric.
    Symmetric,
    Small,
    Ones,
    /// Matrices are diagonal.
    Diagonal,
}

impl Style {
    /// One after the other; as many as no size has, so that every size meets others in every round.
    pub(crate) const ALL: [Self; 11] = [
        Self::Negative,
        Self::Sparse,
        Self::Integers,
        Self::Generic,
        Self::Ties,
        Self::Large,
        Self::Zeros,
        Self::Symmetric,
        Self::Small,
        Self::Ones,
        Self::Diagonal,
    ];

    /// The style of a turn.
    #[cfg(feature = "checker")]
    pub(crate) fn of(turn: usize) -> Self {
        Self::ALL[turn % Self::ALL.len()]
    }

    /// How far one can go from such a point and still see what is there.
    #[cfg(feature = "checker")]
    pub(crate) fn scale(self) -> f64 {
        match self {
            Self::Large => 1.0 / 1024.0,
            Self::Small => SMALL,
            _ => 1.0,
        }
    }
}

/// The numbers that formulas have exceptions for.
pub(crate) const STRUCTURAL: [f64; 5] = [0.0, 1.0, -1.0, 2.0, 0.5];

/// The size of small numbers, exact in binary.
const SMALL: f64 = 1.0 / 67_108_864.0;

/// A `sample` that draws until it likes what comes gets other numbers after so many.
const PATIENCE: usize = 20_000;

impl Sampler {
    /// A sampler with a seed for the shapes and one for the numbers.
    pub fn new(shapes: u64, numbers: u64) -> Self {
        Self {
            shapes: fastrand::Rng::with_seed(shapes),
            numbers: fastrand::Rng::with_seed(numbers),
            turn: None,
            made: 0,
            style: Style::Generic,
            drawn: 0,
            last: 0.0,
            #[cfg(feature = "checker")]
            log: None,
        }
    }

    /// The same, which keeps what it draws.
    #[cfg(feature = "checker")]
    pub(crate) fn logging(self) -> Self {
        Self { log: Some(Vec::new()), ..self }
    }

    /// What was drawn, where that was kept.
    #[cfg(feature = "checker")]
    pub(crate) fn logged(&self) -> &[Drawn] {
        self.log.as_deref().unwrap_or_default()
    }

    /// Keeps the last number where somebody asks for it.
    fn keep(&mut self, _least: f64, _most: f64) -> f64 {
        #[cfg(feature = "checker")]
        if let Some(log) = &mut self.log {
            log.push(Drawn { least: _least, most: _most, number: self.last });
        }
        self.last
    }

    /// A sampler that goes through sizes and choices, so that a few turns meet each of them, and each
    /// beside each of the others.
    #[cfg(feature = "checker")]
    pub(crate) fn in_turn(turn: usize, style: Style, numbers: u64) -> Self {
        Self { turn: Some(turn), style, ..Self::new(turn as u64, numbers) }
    }

    /// Which of so many.
    fn index(&mut self, count: usize) -> usize {
        let made = self.made;
        self.made += 1;
        match self.turn {
            // All sizes are equal in the first round.
            Some(turn) if count > 0 && made < PATIENCE => (turn + turn / count * made) % count,
            _ => self.shapes.usize(0..count),
        }
    }

    /// A size from `least` to `most`.
    ///
    /// # Panics
    /// If `most` is smaller.
    pub fn size(&mut self, least: usize, most: usize) -> usize {
        assert!(least <= most, "a size from {least} to {most}");
        least + self.index(most - least + 1)
    }

    /// One of several choices.
    ///
    /// # Panics
    /// If there is none.
    pub fn choose<C: Clone>(&mut self, choices: &[C]) -> C {
        choices[self.index(choices.len())].clone()
    }

    /// The style of the next number, and whether it is one that stands out.
    fn next(&mut self) -> (Style, bool) {
        self.drawn += 1;
        if self.drawn > PATIENCE || self.style == Style::Generic {
            return (Style::Generic, false);
        }
        (self.style, self.numbers.bool())
    }

    /// A number that is positive in a first round of styles, negative in a second one.
    fn signed(&self, x: f64) -> f64 {
        match self.turn.unwrap_or(0) / Style::ALL.len() % 3 {
            0 => x.abs(),
            1 => -x.abs(),
            _ => x,
        }
    }

    /// One of the numbers that formulas have exceptions for, or another integer.
    fn structural(&mut self) -> f64 {
        let place = self.numbers.usize(0..STRUCTURAL.len() + 2);
        STRUCTURAL.get(place).copied().unwrap_or_else(|| self.numbers.i8(-4..5).into())
    }

    /// One real number between two bounds.
    pub(crate) fn real_between(&mut self, least: f64, most: f64) -> f64 {
        let (style, stands_out) = self.next();
        let inside = |x: f64| (least..=most).contains(&x).then_some(x);
        let uniform = least + (most - least) * self.numbers.f64();
        let special = match style {
            Style::Negative if least < 0.0 => {
                Some(least + (uniform - least) * (most.min(0.0) - least) / (most - least))
            }
            Style::Sparse if stands_out => inside(0.0),
            Style::Zeros => inside(0.0),
            Style::Integers => inside(self.structural())
                .or_else(|| inside(uniform.round()))
                .or_else(|| inside(uniform.trunc())),
            Style::Ties if stands_out => inside(self.last),
            Style::Large if stands_out => Some(most - (most - least) * 1e-3),
            Style::Small if stands_out => Some(least + (most - least) * 1e-3),
            Style::Ones => inside(1.0).or_else(|| inside(-1.0)),
            _ => None,
        };
        self.last = special.unwrap_or(uniform);
        self.keep(least, most)
    }

    /// One real number, normally distributed.
    pub(crate) fn real_normal(&mut self) -> f64 {
        let (style, stands_out) = self.next();
        // Box and Muller; 1 - u is never 0.
        let (u, v) = (self.numbers.f64(), self.numbers.f64());
        let normal = (-2.0 * (1.0 - u).ln()).sqrt() * (std::f64::consts::TAU * v).cos();
        self.last = match style {
            Style::Negative => -normal.abs(),
            Style::Sparse if stands_out => 0.0,
            Style::Zeros => 0.0,
            Style::Integers => self.structural(),
            Style::Ties if stands_out => self.last,
            Style::Large => self.signed(4096.0 * (normal + 0.5_f64.copysign(normal))),
            Style::Small => self.signed(normal * SMALL),
            Style::Ones => self.signed(1.0_f64.copysign(normal)),
            _ => normal,
        };
        self.keep(f64::NEG_INFINITY, f64::INFINITY)
    }
}
