//! Names that no person chose: `40tman_rullezz_x8f3kq2`.

/// Shorter names are too short to tell.
const CHARS_MIN: usize = 10;

/// Whether a local part looks made at random.
///
/// Telephone numbers, and addresses that a gateway wrote into a local part, are made by machines as well, and are left alone.
pub(super) fn is_random(local: &str) -> bool {
    let is_gateway = local.contains(['\\', '%', '+', '@']);
    let has_letters = local.chars().any(char::is_alphabetic);
    if is_gateway || !has_letters || !local.is_ascii() || local.len() < CHARS_MIN {
        return false;
    }
    alternations(local) >= 4 || (consonants(local) >= 5 && variety(local) >= 0.85)
}

/// How often digits and letters take turns.
fn alternations(local: &str) -> usize {
    let kinds = local.bytes().filter(u8::is_ascii_alphanumeric).map(|byte| byte.is_ascii_digit());
    let (all, next) = (kinds.clone(), kinds.skip(1));
    all.zip(next).filter(|(a, b)| a != b).count()
}

/// The longest row of consonants.
fn consonants(local: &str) -> usize {
    let rows = local.split(|c: char| !c.is_ascii_alphabetic() || "aeiouy".contains(c.to_ascii_lowercase()));
    rows.map(str::len).max().unwrap_or_default()
}

/// The part of a name's letters and digits, up to twenty, that stand in it once.
fn variety(local: &str) -> f64 {
    let first: Vec<_> = local.bytes().filter(u8::is_ascii_alphanumeric).take(20).collect();
    let once = first.iter().filter(|byte| first.iter().filter(|other| other == byte).count() == 1).count();
    once as f64 / first.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_machines_are_told_from_those_of_people() {
        for random in ["40tman_rullezz_x8f3kq2", "qwrtzp82kd9x", "xk3j9f0a2mbq", "user8f3k2x9d7q1z", "hgfdskjwq17b4"] {
            assert!(is_random(random), "{random}");
        }
        for person in [
            "alice",
            "bob.smith1984",
            "maria_da_silva",
            "przemyslaw",
            "schmidt-schwarz",
            "nightowl2001",
            "15551234567",
            "+15551234567",
            "alice\\40gmail.com",
            "christopher.knightsbridge",
            "x86_64fan",
            "jean-luc.picard",
            "mstislav1999",
        ] {
            assert!(!is_random(person), "{person}");
        }
    }
}
