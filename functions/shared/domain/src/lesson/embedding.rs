/// Dimensions of an [`Embedding`].
pub const DIMENSIONS: usize = 256;

/// A text as a unit vector, by feature hashing: each word adds or subtracts one in the dimension that its FNV-1a hash
/// names. Texts that share words are near each other. It needs no model and no network, and it is the same everywhere.
#[derive(Debug, Clone, PartialEq)]
pub struct Embedding(Vec<f32>);

/// Words that are in every text and say nothing about it. Sorted.
const STOP_WORDS: &[&str] = &[
    "a", "about", "after", "all", "also", "an", "and", "any", "are", "as", "at", "be", "been",
    "but", "by", "can", "do", "does", "for", "from", "had", "has", "have", "if", "in", "into",
    "is", "it", "its", "more", "no", "not", "of", "on", "or", "so", "than", "that", "the", "their",
    "then", "there", "these", "this", "to", "was", "were", "what", "when", "which", "will", "with",
    "you", "your",
];

impl Embedding {
    /// The vector of a text; all zeros when it has no word that counts.
    pub fn of(text: &str) -> Self {
        let mut vector = vec![0.0_f32; DIMENSIONS];
        for word in text.split(|c: char| !c.is_alphanumeric() && c != '_') {
            let word = word.to_lowercase();
            if word.chars().count() < 2 || STOP_WORDS.binary_search(&word.as_str()).is_ok() {
                continue;
            }
            let hash = fnv1a(word.as_bytes());
            let index = usize::try_from(hash % 256).unwrap_or_default();
            // The top bit is independent enough of the lowest eight.
            let sign = if hash >> 63 == 0 { 1.0 } else { -1.0 };
            if let Some(value) = vector.get_mut(index) {
                *value += sign;
            }
        }
        let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
        if length > 0.0 {
            vector.iter_mut().for_each(|value| *value /= length);
        }
        Self(vector)
    }

    /// The cosine of the angle between two texts: 1 for the same words, about 0 for texts that share none.
    pub fn cosine(&self, other: &Self) -> f32 {
        // Both have length one, or are zero.
        self.0.iter().zip(&other.0).map(|(a, b)| a * b).sum()
    }

    /// The vector as it is stored: 256 little-endian 32-bit floats.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect()
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote; `None` for a wrong size or a number that is none.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (values, rest) = bytes.as_chunks::<4>();
        let values: Vec<f32> = values
            .iter()
            .map(|value| f32::from_le_bytes(*value))
            .collect();
        let whole = rest.is_empty()
            && values.len() == DIMENSIONS
            && values.iter().all(|value| value.is_finite());
        whole.then_some(Self(values))
    }
}

/// 64-bit FNV-1a: <http://www.isthe.com/chongo/tech/comp/fnv/>.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn fnv1a_matches_its_published_values() {
        assert_eq!(fnv1a(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(fnv1a(b"foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn stop_words_are_sorted() {
        assert!(STOP_WORDS.windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!(
            Embedding::of("the and of it").to_bytes(),
            vec![0; DIMENSIONS * 4]
        );
    }

    #[test]
    fn shared_words_are_near() {
        let about = Embedding::of("borrow checker error in the parser");
        let near = Embedding::of("the parser has a borrow error");
        let far = Embedding::of("database migration locks the table");
        assert!(about.cosine(&near) > 0.6 && about.cosine(&far) < 0.3);
    }

    proptest! {
        #[test]
        fn bytes_are_read_back(text in ".{0,200}") {
            let embedding = Embedding::of(&text);
            prop_assert_eq!(Embedding::from_bytes(&embedding.to_bytes()), Some(embedding));
        }

        #[test]
        fn vectors_have_length_one_or_zero(text in ".{0,200}") {
            let cosine = Embedding::of(&text).cosine(&Embedding::of(&text));
            prop_assert!(cosine.abs() < 1e-3 || (cosine - 1.0).abs() < 1e-3);
        }

        #[test]
        fn other_bytes_are_refused(bytes in proptest::collection::vec(any::<u8>(), 0..1100)) {
            if bytes.len() != DIMENSIONS * 4 {
                prop_assert_eq!(Embedding::from_bytes(&bytes), None);
            }
        }
    }

    #[test]
    fn numbers_that_are_none_are_refused() {
        let bytes: Vec<u8> = std::iter::repeat_n(f32::NAN.to_le_bytes(), DIMENSIONS)
            .flatten()
            .collect();
        assert_eq!(Embedding::from_bytes(&bytes), None);
    }
}
