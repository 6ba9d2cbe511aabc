//! [`KeyFile`]: the one key that everything secret in the database is sealed with.
//!
//! Invariant: the file appears whole or not at all, and only its owner can read it. Without it
//! the sealed values are lost, so it is never overwritten.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use zeroize::Zeroizing;

use crate::{CryptoError, random_bytes, random_token};

/// First byte of a sealed value: AES-256-GCM, then a 96-bit nonce, then ciphertext and tag.
const VERSION: u8 = 1;
const HEAD: usize = 1 + NONCE_LEN;

/// A key read from its file.
pub struct KeyFile {
    key: LessSafeKey,
}

impl fmt::Debug for KeyFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyFile(…)")
    }
}

impl KeyFile {
    /// Reads the key at `path`; makes a random one if there is no file.
    ///
    /// # Errors
    /// [`CryptoError::KeyFileExposed`] when others than the owner can read it.
    pub fn load_or_create(path: impl AsRef<Path>) -> Result<Self, CryptoError> {
        let path = path.as_ref();
        let failed = |source| CryptoError::KeyFile {
            path: path.to_owned(),
            source,
        };
        let mut file = match File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                create(path).map_err(failed)?;
                File::open(path).map_err(failed)?
            }
            opened => opened.map_err(failed)?,
        };
        refuse_exposed(&file, path)?;
        let mut text = Zeroizing::new(String::new());
        (&mut file)
            .take(1024)
            .read_to_string(&mut text)
            .map_err(failed)?;
        let malformed = || CryptoError::KeyFileMalformed {
            path: path.to_owned(),
        };
        let mut bytes = Zeroizing::new([0; 32]);
        hex::decode_to_slice(text.trim(), &mut *bytes).map_err(|_| malformed())?;
        let key = UnboundKey::new(&AES_256_GCM, &*bytes).map_err(|_| malformed())?;
        Ok(Self {
            key: LessSafeKey::new(key),
        })
    }

    /// Encrypts `plain` so that it opens only with the same `context`.
    ///
    /// The context says what the value is ("signing_key:…"), so that a sealed value moved to
    /// another row or column does not open there.
    pub fn seal(&self, context: &str, plain: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let nonce = random_bytes::<NONCE_LEN>();
        let mut body = plain.to_vec();
        self.key
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(context),
                &mut body,
            )
            .map_err(|_| CryptoError::Seal)?;
        let mut sealed = Vec::with_capacity(HEAD + body.len());
        sealed.push(VERSION);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(&body);
        Ok(sealed)
    }

    /// Decrypts what [`KeyFile::seal`] gave for the same `context`.
    pub fn open(&self, context: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        let (head, body) = sealed.split_at_checked(HEAD).ok_or(CryptoError::Open)?;
        let [VERSION, nonce @ ..] = head else {
            return Err(CryptoError::Open);
        };
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| CryptoError::Open)?;
        let mut plain = Zeroizing::new(body.to_vec());
        let length = self
            .key
            .open_in_place(nonce, Aad::from(context), &mut plain)
            .map_err(|_| CryptoError::Open)?
            .len();
        plain.truncate(length);
        Ok(plain)
    }
}

/// Writes a new key beside `path` and links it there, unless another process was first.
fn create(path: &Path) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let draft = folder.join(format!(".key-{}", random_token()));
    let written = write_key(&draft);
    let linked = written.and_then(|()| match fs::hard_link(&draft, path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    });
    let removed = fs::remove_file(&draft);
    linked?;
    removed?;
    File::open(folder)?.sync_all()
}

fn write_key(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let key = Zeroizing::new(random_bytes::<32>());
    let text = Zeroizing::new(hex::encode(*key));
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()
}

#[cfg(unix)]
fn refuse_exposed(file: &File, path: &Path) -> Result<(), CryptoError> {
    use std::os::unix::fs::PermissionsExt;
    let metadata = file.metadata().map_err(|source| CryptoError::KeyFile {
        path: path.to_owned(),
        source,
    })?;
    let mode = metadata.permissions().mode() & 0o777;
    let others = mode & 0o077;
    if others == 0 {
        Ok(())
    } else {
        Err(CryptoError::KeyFileExposed {
            path: path.to_owned(),
            mode,
        })
    }
}

#[cfg(not(unix))]
fn refuse_exposed(_file: &File, _path: &Path) -> Result<(), CryptoError> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::thread;

    use super::*;

    fn key(folder: &Path) -> KeyFile {
        KeyFile::load_or_create(folder.join("key")).unwrap()
    }

    #[test]
    fn the_key_survives_and_its_file_is_private() {
        let folder = tempfile::tempdir().unwrap();
        let sealed = key(folder.path()).seal("a", b"secret").unwrap();
        assert_eq!(&**key(folder.path()).open("a", &sealed).unwrap(), b"secret");
        let mode = fs::metadata(folder.path().join("key"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no drafts");
    }

    #[test]
    fn sealed_values_are_bound_to_key_context_and_content() {
        let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (key, stranger) = (key(folder.path()), key(other.path()));
        let sealed = key.seal("a", b"secret").unwrap();
        assert_ne!(sealed, key.seal("a", b"secret").unwrap(), "nonces differ");
        assert!(key.open("b", &sealed).is_err());
        assert!(stranger.open("a", &sealed).is_err());
        for position in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[position] ^= 1;
            assert!(key.open("a", &changed).is_err(), "byte {position}");
            assert!(key.open("a", &sealed[..position]).is_err());
        }
        assert_eq!(&**key.open("", &key.seal("", b"").unwrap()).unwrap(), b"");
    }

    #[test]
    fn an_exposed_or_damaged_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        key(folder.path());
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let error = KeyFile::load_or_create(&path).unwrap_err();
        assert!(matches!(
            error,
            CryptoError::KeyFileExposed { mode: 0o640, .. }
        ));
        assert!(error.to_string().contains("chmod 600"));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        for text in ["", "abc", &"g".repeat(64), &"a".repeat(66)] {
            fs::write(&path, text).unwrap();
            let error = KeyFile::load_or_create(&path).unwrap_err();
            assert!(matches!(error, CryptoError::KeyFileMalformed { .. }));
        }
    }

    #[test]
    fn processes_that_start_together_share_one_key() {
        let folder = tempfile::tempdir().unwrap();
        let keys: Vec<KeyFile> = thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| key(folder.path()))).collect();
            threads.into_iter().map(|it| it.join().unwrap()).collect()
        });
        let sealed = keys[0].seal("a", b"x").unwrap();
        assert!(keys.iter().all(|key| key.open("a", &sealed).is_ok()));
    }

    #[test]
    fn debug_says_nothing() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(format!("{:?}", key(folder.path())), "KeyFile(…)");
    }
}
