//! Random bytes, tokens and passwords from the operating system's generator.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroize;

/// No 0 O o 1 I l, so that a password can be read off a screen and typed. 56 letters.
const ALPHABET: &[u8; 56] = b"ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz23456789";
const PASSWORD_LENGTH: usize = 20;
const SECRET_LENGTH: usize = 32;

/// `N` random bytes.
///
/// # Panics
/// When the operating system has no randomness: nothing safe can be done without it.
pub fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    assert!(
        aws_lc_rs::rand::fill(&mut bytes).is_ok(),
        "the operating system gives no random bytes"
    );
    bytes
}

/// A secret that cannot be guessed: 32 random bytes in base64url, 43 characters.
pub fn random_token() -> String {
    URL_SAFE_NO_PAD.encode(random_bytes::<32>())
}

/// A password of 20 characters that satisfies [`berth_model::check_password`].
pub fn random_password() -> String {
    strong(PASSWORD_LENGTH)
}

/// A secret of 32 characters, 185 bits, that satisfies [`berth_model::check_password`].
pub fn random_secret() -> String {
    strong(SECRET_LENGTH)
}

fn strong(length: usize) -> String {
    // Few lack a digit; they are drawn again, which keeps all others equally likely.
    loop {
        let mut password = draw(length);
        if berth_model::check_password(&password).is_ok() {
            return password;
        }
        password.zeroize();
    }
}

fn draw(length: usize) -> String {
    // The largest multiple of the alphabet's length in a byte: below it every letter is as likely.
    const FAIR: usize = 256 - 256 % ALPHABET.len();
    let mut password = String::with_capacity(length);
    while password.len() < length {
        let mut bytes = random_bytes::<32>();
        for byte in bytes.map(usize::from) {
            if byte < FAIR && password.len() < length {
                password.push(char::from(ALPHABET[byte % ALPHABET.len()]));
            }
        }
        bytes.zeroize();
    }
    password
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn passwords_follow_the_rule_and_differ() {
        let passwords: HashSet<String> = (0..500).map(|_| random_password()).collect();
        assert_eq!(passwords.len(), 500);
        for password in &passwords {
            assert_eq!(password.len(), PASSWORD_LENGTH);
            assert!(berth_model::check_password(password).is_ok());
            assert!(!password.contains(['0', 'O', 'o', '1', 'I', 'l']));
        }
        let used: HashSet<char> = passwords.iter().flat_map(|text| text.chars()).collect();
        assert_eq!(used.len(), ALPHABET.len(), "every letter is used");
    }

    #[test]
    fn tokens_are_long_and_differ() {
        assert_eq!(random_token().len(), 43);
        assert_ne!(random_token(), random_token());
        assert_ne!(random_bytes::<16>(), random_bytes::<16>());
    }
}
