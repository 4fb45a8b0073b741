use super::{Embedding, Lesson};
use crate::time::{DAY, Timestamp};

/// Most lessons in a prompt.
pub const MAX_LESSONS: usize = 5;
/// Most characters of all of them, titles included.
pub const MAX_CHARACTERS: usize = 2_000;
/// How many of a project's newest lessons are worth ranking.
pub const CONSIDERED: usize = 200;

/// After so many days a lesson's age counts half.
const HALF_LIFE_DAYS: f64 = 7.0;
const RECENCY_WEIGHT: f64 = 0.3;
const LIKENESS_WEIGHT: f64 = 0.7;

/// A lesson as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// The lesson.
    pub lesson: Lesson,
    /// When it was learned.
    pub created_at: Timestamp,
    /// Its embedding; counted as unlike everything when `None`.
    pub embedding: Option<Embedding>,
}

/// The lessons that fit a piece of work best, best first: 0.3 · age + 0.7 · likeness, where age halves every 7 days
/// and likeness is the cosine to `about`. At most [`MAX_LESSONS`], together at most [`MAX_CHARACTERS`]; one that would
/// not fit is passed over for the next.
pub fn relevant(about: &Embedding, candidates: &[Candidate], now: Timestamp) -> Vec<Lesson> {
    let mut ranked: Vec<(f64, &Candidate)> = candidates
        .iter()
        .map(|candidate| (score(about, candidate, now), candidate))
        .collect();
    ranked.sort_by(|(a, left), (b, right)| {
        b.total_cmp(a).then(right.created_at.cmp(&left.created_at))
    });
    let mut left = MAX_CHARACTERS;
    let mut chosen: Vec<Lesson> = Vec::new();
    for (_, candidate) in ranked {
        let lesson = &candidate.lesson;
        let size = lesson.title.chars().count() + lesson.detail.chars().count();
        let known = chosen
            .iter()
            .any(|known| known.title == lesson.title && known.detail == lesson.detail);
        if size <= left && !known {
            left -= size;
            chosen.push(lesson.clone());
        }
        if chosen.len() == MAX_LESSONS {
            break;
        }
    }
    chosen
}

fn score(about: &Embedding, candidate: &Candidate, now: Timestamp) -> f64 {
    // Days in a float are exact enough for a weight; a clock that went back makes nothing newer than new.
    #[allow(clippy::cast_precision_loss)]
    let age = now.0.saturating_sub(candidate.created_at.0).max(0) as f64 / DAY as f64;
    let likeness = candidate
        .embedding
        .as_ref()
        .map_or(0.0, |embedding| f64::from(about.cosine(embedding)));
    RECENCY_WEIGHT * 0.5_f64.powf(age / HALF_LIFE_DAYS) + LIKENESS_WEIGHT * likeness
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::lesson::LessonCategory;

    fn candidate(title: &str, detail: &str, age_days: i64) -> Candidate {
        let lesson = Lesson {
            category: LessonCategory::Note,
            title: title.into(),
            detail: detail.into(),
        };
        let embedding = Some(lesson.embedding());
        Candidate {
            lesson,
            created_at: Timestamp(-age_days * DAY),
            embedding,
        }
    }

    fn titles(about: &str, candidates: &[Candidate]) -> Vec<String> {
        relevant(&Embedding::of(about), candidates, Timestamp(0))
            .into_iter()
            .map(|lesson| lesson.title)
            .collect()
    }

    #[test]
    fn likeness_counts_more_than_age() {
        let candidates = [
            candidate("database locks", "wait", 0),
            candidate("parser borrow error", "clone it", 60),
        ];
        assert_eq!(
            titles("borrow error in parser", &candidates),
            ["parser borrow error", "database locks"]
        );
    }

    #[test]
    fn age_decides_between_equals() {
        let candidates = [
            candidate("parser one", "x", 14),
            candidate("parser two", "x", 0),
            candidate("parser six", "x", 7),
        ];
        assert_eq!(
            titles("database", &candidates),
            ["parser two", "parser six", "parser one"]
        );
        let score = |days| {
            score(
                &Embedding::of(""),
                &candidate("a1", "b2", days),
                Timestamp(0),
            )
        };
        assert!(
            (score(0) - 0.3).abs() < 1e-9
                && (score(7) - 0.15).abs() < 1e-9
                && (score(-5) - 0.3).abs() < 1e-9
        );
    }

    #[test]
    fn what_is_too_long_or_known_is_passed_over() {
        let long = "x ".repeat(1_100);
        let candidates = [
            candidate("parser", &long, 0),
            candidate("parser", "short", 1),
            candidate("parser", "short", 2),
        ];
        assert_eq!(titles("parser", &candidates), ["parser"]);
    }

    #[test]
    fn a_lesson_without_embedding_still_counts_by_age() {
        let mut old = candidate("old", "x", 30);
        old.embedding = None;
        assert_eq!(titles("anything", &[old]), ["old"]);
    }

    proptest! {
        #[test]
        fn the_choice_is_bounded(
            lessons in proptest::collection::vec((0_usize..30, 0_usize..900, 0_i64..100), 0..12), about in ".{0,60}",
        ) {
            let candidates: Vec<_> = lessons
                .iter()
                .map(|(title, detail, age)| candidate(&"ab ".repeat(*title), &"é".repeat(*detail), *age))
                .collect();
            let chosen = relevant(&Embedding::of(&about), &candidates, Timestamp(0));
            prop_assert!(chosen.len() <= MAX_LESSONS);
            prop_assert!(chosen.iter().map(|l| l.title.chars().count() + l.detail.chars().count()).sum::<usize>() <= MAX_CHARACTERS);
        }
    }
}
