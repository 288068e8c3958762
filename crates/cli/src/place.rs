//! Where configuration and state are kept.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

/// The administrator's policy file.
pub(crate) const MANAGED_FILE: &str = "/etc/countersign/countersign.toml";

/// The folders and files of one user.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    home: PathBuf,
    config: PathBuf,
    data: PathBuf,
}

/// What may be told of the place on the command line, instead of by the environment.
#[derive(Debug, Clone, Default)]
pub(crate) struct Told {
    pub(crate) home: Option<PathBuf>,
    pub(crate) config: Option<PathBuf>,
    pub(crate) data: Option<PathBuf>,
}

impl Place {
    /// From `HOME`, `XDG_CONFIG_HOME` and `XDG_DATA_HOME`.
    pub(crate) fn from_environment() -> Result<Place> {
        Place::new(Told::default(), |name| std::env::var_os(name))
    }

    /// As `told`; what is not told comes from the environment. Where a home is told, the environment counts for
    /// nothing: a repository's settings may set variables for a host's hooks, and must not move the policy with them.
    pub(crate) fn new(told: Told, environment: impl Fn(&str) -> Option<OsString>) -> Result<Place> {
        let environment = |name| if told.home.is_some() { None } else { environment(name) };
        let Some(home) = told.home.clone().or_else(|| environment("HOME").map(PathBuf::from)) else {
            bail!("the home directory is not known: set HOME");
        };
        if !home.is_absolute() {
            bail!("the home directory `{}` is not an absolute path: set HOME to one", home.display());
        }
        // A relative XDG folder counts for nothing, says the XDG Base Directory Specification.
        let folder = |name| environment(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let below =
            |base: Option<PathBuf>, default: &str| base.unwrap_or_else(|| home.join(default)).join("countersign");
        let config = told.config.unwrap_or_else(|| below(folder("XDG_CONFIG_HOME"), ".config"));
        let data = told.data.unwrap_or_else(|| below(folder("XDG_DATA_HOME"), ".local/share"));
        if !config.is_absolute() || !data.is_absolute() {
            bail!("`--config` and `--data` take absolute paths");
        }
        Ok(Place { home, config, data })
    }

    pub(crate) fn home(&self) -> &Path {
        &self.home
    }

    /// The folder of the store.
    /// The folder with the user's policy.
    pub(crate) fn config(&self) -> &Path {
        &self.config
    }

    pub(crate) fn data(&self) -> &Path {
        &self.data
    }

    /// The user's policy file.
    pub(crate) fn user_file(&self) -> PathBuf {
        self.config.join("countersign.toml")
    }

    /// The database.
    pub(crate) fn store(&self) -> PathBuf {
        self.data.join("countersign.db")
    }

    /// The window in which the gate is switched off. A file beside the store, so that it works when the store does not.
    pub(crate) fn off_file(&self) -> PathBuf {
        self.data.join("off.json")
    }

    /// The address of the running server.
    pub(crate) fn server_file(&self) -> PathBuf {
        self.data.join("server.json")
    }

    /// What `init` did, for `init --remove`.
    pub(crate) fn init_file(&self) -> PathBuf {
        self.data.join("init.json")
    }

    /// Held while a policy or settings file is changed.
    pub(crate) fn edits_lock(&self) -> PathBuf {
        self.data.join("edits.lock")
    }

    /// What must be told on the command line so that a hook finds this place whatever its environment says.
    pub(crate) fn told(&self) -> Vec<(&'static str, &Path)> {
        let mut told = vec![("--home", self.home.as_path())];
        if self.config != self.home.join(".config/countersign") {
            told.push(("--config", &self.config));
        }
        if self.data != self.home.join(".local/share/countersign") {
            told.push(("--data", &self.data));
        }
        told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(told: Told, variables: &[(&str, &str)]) -> Result<Place> {
        Place::new(told, |name| variables.iter().find(|(its, _)| *its == name).map(|(_, value)| OsString::from(value)))
    }

    #[test]
    fn the_environment_says_where() {
        let place =
            place(Told::default(), &[("HOME", "/home/a"), ("XDG_DATA_HOME", "/data"), ("XDG_CONFIG_HOME", "rel")]);
        let place = place.unwrap();
        assert_eq!(place.user_file(), Path::new("/home/a/.config/countersign/countersign.toml"));
        assert_eq!(place.store(), Path::new("/data/countersign/countersign.db"));
        assert_eq!(place.told(), [("--home", Path::new("/home/a")), ("--data", Path::new("/data/countersign"))]);
    }

    #[test]
    fn a_home_that_is_told_takes_the_word_from_the_environment() {
        let told = Told { home: Some("/home/a".into()), ..Told::default() };
        let place =
            place(told, &[("HOME", "/evil"), ("XDG_CONFIG_HOME", "/evil"), ("XDG_DATA_HOME", "/evil")]).unwrap();
        assert_eq!(place.user_file(), Path::new("/home/a/.config/countersign/countersign.toml"));
        assert_eq!(place.data(), Path::new("/home/a/.local/share/countersign"));
    }

    #[test]
    fn no_home_and_a_relative_one_are_refused() {
        assert!(place(Told::default(), &[]).is_err());
        assert!(place(Told::default(), &[("HOME", "")]).is_err());
        assert!(place(Told::default(), &[("HOME", "rel")]).is_err());
    }
}
