//! Names of projects and users, and the rule for passwords.

use std::fmt;

/// Why a name or password was refused; the text tells the user what is allowed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// A project name that breaks Harbor's rule.
    #[error(
        "a project name is 1 to 255 characters of a-z and 0-9, joined by single '.', '_' or '-'"
    )]
    Project,
    /// A user name that breaks Harbor's rule.
    #[error(
        "a username is 1 to 255 characters and holds none of , \" ~ # % $ : / nor control characters or spaces at its ends"
    )]
    User,
    /// A password that is too weak or too long.
    #[error(
        "a password is 8 to 128 characters with at least one upper-case letter, one lower-case letter and one digit"
    )]
    Password,
    /// A robot's secret that is too weak or too long.
    #[error(
        "a robot's secret is 8 to 128 characters with at least one upper-case letter, one lower-case letter and one digit"
    )]
    Secret,
    /// A robot's name that breaks Harbor's rule.
    #[error(
        "a robot's name is 1 to 255 characters of a-z and 0-9, joined by single '.', '_' or '-'"
    )]
    Robot,
}

impl NameError {
    /// Its name, for programs.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Project => "name_project",
            Self::User => "name_user",
            Self::Password => "password_rule",
            Self::Secret => "secret_rule",
            Self::Robot => "name_robot",
        }
    }
}

/// A project's name: `[a-z0-9]+(?:[._-][a-z0-9]+)*`, at most 255 bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProjectName(String);

impl ProjectName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ProjectName {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        let alphanumeric = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let parts_ok = text
            .split(['.', '_', '-'])
            .all(|part| !part.is_empty() && part.bytes().all(alphanumeric));
        if parts_ok && text.len() <= 255 {
            Ok(Self(text))
        } else {
            Err(NameError::Project)
        }
    }
}

impl fmt::Display for ProjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A local user's name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserName(String);

impl UserName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for UserName {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        // ':' would end the name in a Basic header and '/' would split a path.
        let allowed = |c: char| !c.is_control() && !",\"~#%$:/".contains(c);
        let ok = !text.is_empty()
            && text.chars().count() <= 255
            && text.trim() == text
            && text.chars().all(allowed);
        if ok {
            Ok(Self(text))
        } else {
            Err(NameError::User)
        }
    }
}

impl fmt::Display for UserName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Checks a new password against Harbor's rule: 8 to 128 characters, upper, lower and digit.
pub fn check_password(password: &str) -> Result<(), NameError> {
    let length = password.chars().count();
    let strong = password.chars().any(char::is_uppercase)
        && password.chars().any(char::is_lowercase)
        && password.chars().any(|c| c.is_ascii_digit());
    if (8..=128).contains(&length) && strong {
        Ok(())
    } else {
        Err(NameError::Password)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn project_names() {
        for ok in ["a", "library", "a-b", "a.b_c-d", "0", &"x".repeat(255)] {
            assert!(ProjectName::try_from(ok.to_owned()).is_ok(), "{ok}");
        }
        for bad in [
            "",
            "A",
            "-a",
            "a-",
            "a--b",
            "a/b",
            "a b",
            "é",
            &"x".repeat(256),
        ] {
            assert!(ProjectName::try_from(bad.to_owned()).is_err(), "{bad}");
        }
    }

    #[test]
    fn user_names() {
        for ok in ["admin", "jane.doe", "jane doe", "王小明", "a@b.c"] {
            assert!(UserName::try_from(ok.to_owned()).is_ok(), "{ok}");
        }
        for bad in [
            "",
            " a",
            "a ",
            "robot$x",
            "a:b",
            "a/b",
            "a,b",
            "a\nb",
            "a#1",
            &"x".repeat(256),
        ] {
            assert!(UserName::try_from(bad.to_owned()).is_err(), "{bad}");
        }
    }

    #[test]
    fn passwords() {
        assert!(check_password("Harbor12345").is_ok());
        for bad in [
            "",
            "Short1",
            "alllower1",
            "ALLUPPER1",
            "NoDigitsHere",
            &"Aa1".repeat(50),
        ] {
            assert_eq!(check_password(bad), Err(NameError::Password), "{bad}");
        }
    }
}
