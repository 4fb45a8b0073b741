//! Password hashes: argon2id with 19 MiB, two passes and one lane (OWASP's first choice of parameters), kept in the
//! PHC string format, `$argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>`.

use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use loom_api::Error;
use loom_api::secret::same;
use loom_domain::account::LONGEST_PASSWORD;
use loom_platform::{Platform, Random};

const PREFIX: &str = "$argon2id$v=19$m=19456,t=2,p=1$";
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
const HASH: usize = 32;

/// A hash that no password has: verified in place of an unknown account's, so that it takes as long.
pub(crate) const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// The hash of a password, with a new salt.
pub(crate) fn hash<P: Platform>(platform: &P, password: &str) -> Result<String, Error> {
    let salt = platform.random().bytes::<16>();
    let hash = derive(password, &salt)?;
    Ok(format!(
        "{PREFIX}{}${}",
        STANDARD_NO_PAD.encode(salt),
        STANDARD_NO_PAD.encode(hash)
    ))
}

/// Whether `stored` is the hash of `password`.
///
/// Takes the same time whatever the answer is, and for [`NOBODY`] too. A hash in another form is of no password.
pub(crate) fn verify(password: &str, stored: &str) -> Result<bool, Error> {
    let parts = stored
        .strip_prefix(PREFIX)
        .and_then(|rest| rest.split_once('$'));
    let salt = parts
        .and_then(|(salt, _)| STANDARD_NO_PAD.decode(salt).ok())
        .filter(|salt| salt.len() == 16);
    let (Some((_, expected)), Some(salt)) = (parts, salt) else {
        return Ok(false);
    };
    let fits = password.len() <= LONGEST_PASSWORD;
    let found = derive(if fits { password } else { "" }, &salt)?;
    Ok(same(&STANDARD_NO_PAD.encode(found), expected) && fits)
}

fn derive(password: &str, salt: &[u8]) -> Result<[u8; HASH], Error> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, Some(HASH)).map_err(Error::internal)?;
    let mut hash = [0; HASH];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(password.as_bytes(), salt, &mut hash)
        .map_err(Error::internal)?;
    Ok(hash)
}

#[cfg(test)]
mod tests {
    use super::*;
    use loom_api::testing::platform;

    #[test]
    fn only_the_password_verifies() {
        let stored = hash(&platform(), "correct horse").unwrap();
        assert!(stored.starts_with(PREFIX), "{stored}");
        assert!(verify("correct horse", &stored).unwrap());
        assert!(!verify("correct hors", &stored).unwrap());
        assert!(!verify("", NOBODY).unwrap());
        assert!(!verify("", "-").unwrap());
    }

    /// Otherwise an unknown username would be told by the time that its refusal takes.
    #[test]
    fn nobody_s_hash_is_worked_out_like_any_other() {
        let (salt, hash) = NOBODY
            .strip_prefix(PREFIX)
            .unwrap()
            .split_once('$')
            .unwrap();
        assert_eq!(STANDARD_NO_PAD.decode(salt).unwrap().len(), 16);
        assert_eq!(STANDARD_NO_PAD.decode(hash).unwrap().len(), HASH);
    }

    /// Made with the reference implementation (version 20190702), with 2 passes, 19456 KiB, 1 lane, 32 bytes:
    /// the same as `printf password | argon2 saltsaltsaltsalt -id -t 2 -k 19456 -p 1 -l 32 -e`.
    #[test]
    fn the_reference_implementation_agrees() {
        let salt = STANDARD_NO_PAD.encode("saltsaltsaltsalt");
        assert_eq!(salt, "c2FsdHNhbHRzYWx0c2FsdA");
        let ours = STANDARD_NO_PAD.encode(derive("password", b"saltsaltsaltsalt").unwrap());
        assert_eq!(ours, REFERENCE);
    }

    const REFERENCE: &str = "T95q7S205tf9WI4HhYOZDIQmMMAbntacGXTIku0gXT8";
}
