//! Identifiers. Beads have short ones that people type; everything else has a UUIDv7.

/// Crockford's base 32 in lower case: no `i`, `l`, `o` or `u`, so an id survives being read aloud.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// The shortest random part of a bead's id.
pub const SHORTEST_BEAD_ID: usize = 5;

/// A UUIDv7 (RFC 9562) from a moment in milliseconds and ten unpredictable bytes.
pub fn uuid_v7(now: i64, random: [u8; 10]) -> String {
    let [r0, r1, rest @ ..] = random;
    let time = (now.max(0) as u64) & 0xffff_ffff_ffff;
    let a = u64::from(u16::from_be_bytes([r0, r1])) & 0x0fff;
    let b = rest
        .iter()
        .fold(0u64, |value, byte| value << 8 | u64::from(*byte))
        & 0x3fff_ffff_ffff_ffff
        | 0x8000_0000_0000_0000;
    format!(
        "{:08x}-{:04x}-7{a:03x}-{:04x}-{:012x}",
        time >> 16,
        time & 0xffff,
        b >> 48,
        b & 0xffff_ffff_ffff
    )
}

/// How many characters the random part needs so that, with `existing` beads under the prefix, the chance that any
/// two of them collide stays under a quarter (birthday bound: n² / 2N < 0.29).
///
/// A collision itself is harmless: the insert is refused and another id is drawn.
pub fn bead_id_length(existing: i64) -> usize {
    let existing = existing.max(0) as f64 + 1.0;
    let mut length = SHORTEST_BEAD_ID;
    while length < 12 && existing * existing / 2.0 > 0.29 * 32f64.powi(length as i32) {
        length += 1;
    }
    length
}

/// A bead's id: `<prefix>-` and `length` characters of base 32 drawn from `random`.
pub fn bead_id(prefix: &str, length: usize, random: &[u8; 16]) -> String {
    let characters: String = random
        .iter()
        .take(length)
        .map(|byte| {
            char::from(
                ALPHABET
                    .get(usize::from(byte & 31))
                    .copied()
                    .unwrap_or(b'0'),
            )
        })
        .collect();
    format!("{prefix}-{characters}")
}

/// Whether `prefix` may start bead ids: 2 to 12 characters, a letter first, then letters, digits or inner dashes.
pub fn is_bead_prefix(prefix: &str) -> bool {
    (2..=12).contains(&prefix.len())
        && prefix
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && prefix.starts_with(|first: char| first.is_ascii_lowercase())
        && !prefix.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_has_the_version_and_variant_of_rfc_9562() {
        let id = uuid_v7(0x0189_abcd_ef01, [0xff; 10]);
        assert_eq!(id, "0189abcd-ef01-7fff-bfff-ffffffffffff");
        assert!(
            uuid_v7(1, [0xff; 10]) < uuid_v7(2, [0; 10]),
            "ids sort by time"
        );
    }

    #[test]
    fn bead_ids_grow_before_collisions_are_likely() {
        assert_eq!(bead_id_length(0), 5);
        assert_eq!(bead_id_length(4_000), 5);
        assert_eq!(bead_id_length(6_000), 6);
        assert_eq!(bead_id_length(1_000_000), 9);
        assert_eq!(
            bead_id(
                "bd",
                5,
                &[0, 1, 31, 32, 10, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9]
            ),
            "bd-01z0a"
        );
    }

    #[test]
    fn prefixes() {
        for good in ["bd", "loom", "my-app", "a1"] {
            assert!(is_bead_prefix(good), "{good}");
        }
        for bad in ["", "b", "Bd", "1a", "-a", "a-", "a_b", "averylongprefix"] {
            assert!(!is_bead_prefix(bad), "{bad}");
        }
    }
}
