//! Which folders may join a session's workspace.

use countersign_engine::Files;

/// The most further folders of a session.
const MOST: usize = 16;
/// The longest path, in bytes.
const LONGEST: usize = 1024;

/// What no root may be or hold.
#[derive(Debug, Clone)]
pub(crate) struct KeptOut {
    /// The user's home directory, or nothing.
    pub(crate) home: String,
    /// Countersign's own files and folders.
    pub(crate) own: Vec<String>,
}

/// The real paths of these folders, each once.
///
/// # Errors
/// Which of them cannot be a root, and why.
pub(crate) fn checked(written: &[String], kept_out: &KeptOut, files: &dyn Files) -> Result<Vec<String>, String> {
    if written.len() > MOST {
        return Err(format!("`roots` has at most {MOST} folders"));
    }
    let mut roots: Vec<String> = Vec::with_capacity(written.len());
    for folder in written {
        let real = one(folder, kept_out, files)?;
        if !roots.contains(&real) {
            roots.push(real);
        }
    }
    Ok(roots)
}

fn one(folder: &str, kept_out: &KeptOut, files: &dyn Files) -> Result<String, String> {
    if folder.len() > LONGEST {
        return Err(format!("a folder of `roots` has at most {LONGEST} bytes"));
    }
    let shown = folder.escape_debug();
    if !folder.starts_with('/') || folder.contains(char::is_control) {
        return Err(format!("`{shown}` of `roots` is not an absolute path"));
    }
    let real = files.real_path(folder).filter(|real| files.meta(real).is_some_and(|meta| meta.is_dir));
    let real = real.ok_or_else(|| format!("`{shown}` of `roots` is no folder: make it first"))?;
    if real.len() > LONGEST {
        return Err(format!("`{shown}` of `roots` leads to a path of more than {LONGEST} bytes"));
    }
    let holds = |path: &str| {
        let real_path = files.real_path(path);
        [Some(path), real_path.as_deref()].into_iter().flatten().any(|path| is_in(path, &real))
    };
    if real == "/" || !kept_out.home.is_empty() && holds(&kept_out.home) {
        return Err(format!(
            "`{shown}` of `roots` is or holds the home directory: name the folders that are worked in"
        ));
    }
    let is_own =
        |own: &String| holds(own) || files.real_path(own).is_some_and(|own| is_in(&real, &own)) || is_in(&real, own);
    if kept_out.own.iter().any(is_own) {
        return Err(format!(
            "`{shown}` of `roots` holds files of Countersign's own: name the folders that are worked in"
        ));
    }
    Ok(real)
}

/// Whether a path is a folder, or below it.
fn is_in(path: &str, folder: &str) -> bool {
    let folder = folder.strip_suffix('/').unwrap_or(folder);
    path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::{KeptOut, MOST, checked};
    use crate::disk::Disk;

    struct World {
        folder: tempfile::TempDir,
        kept_out: KeptOut,
    }

    impl World {
        fn new() -> World {
            let folder = tempfile::tempdir().unwrap();
            let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
            for name in [
                "home/me/code/lib",
                "home/me/.config/countersign/x",
                "home/me/.local/share/countersign",
                "etc/countersign",
                "srv/data",
            ] {
                fs::create_dir_all(at(name)).unwrap();
            }
            fs::write(at("srv/file"), "").unwrap();
            let own =
                ["home/me/.config/countersign", "home/me/.local/share/countersign", "etc/countersign/countersign.toml"];
            let kept_out = KeptOut { home: at("home/me"), own: own.map(at).to_vec() };
            World { folder, kept_out }
        }

        fn at(&self, name: &str) -> String {
            self.folder.path().join(name).to_str().unwrap().to_owned()
        }

        fn check(&self, folders: &[&str]) -> Result<Vec<String>, String> {
            let folders: Vec<String> = folders.iter().map(|name| self.at(name)).collect();
            checked(&folders, &self.kept_out, &Disk)
        }
    }

    #[test]
    fn folders_are_kept_by_their_real_paths_each_once() {
        let world = World::new();
        symlink(world.at("srv/data"), world.at("srv/link")).unwrap();
        let found = world.check(&["srv/data", "srv/link/", "home/me/code/lib", "srv/./x/../data"]);
        assert_eq!(
            found.unwrap_err(),
            format!("`{}` of `roots` is no folder: make it first", world.at("srv/./x/../data"))
        );
        let found = world.check(&["srv/data", "srv/link/", "home/me/code/lib"]).unwrap();
        assert_eq!(found, [world.at("srv/data"), world.at("home/me/code/lib")]);
        assert_eq!(world.check(&[]).unwrap(), [""; 0]);
    }

    #[test]
    fn what_holds_the_home_directory_or_our_own_files_is_no_root() {
        let world = World::new();
        symlink("/", world.at("srv/all")).unwrap();
        symlink(world.at("home"), world.at("srv/homes")).unwrap();
        symlink(world.at("home/me/.config"), world.at("srv/config")).unwrap();
        for folder in ["", "home", "home/me", "srv/all", "srv/homes"] {
            let error = world.check(&["srv/data", folder]).unwrap_err();
            assert!(error.contains("is or holds the home directory"), "{folder}: {error}");
        }
        for folder in [
            "etc",
            "etc/countersign",
            "home/me/.config",
            "home/me/.config/countersign",
            "home/me/.config/countersign/x",
            "home/me/.local",
            "srv/config",
        ] {
            let error = world.check(&[folder]).unwrap_err();
            assert!(error.contains("holds files of Countersign's own"), "{folder}: {error}");
        }
        let root = checked(&["/".to_owned()], &KeptOut { home: String::new(), own: Vec::new() }, &Disk);
        assert!(root.unwrap_err().contains("is or holds the home directory"));
    }

    #[test]
    fn what_is_no_folder_or_too_much_is_refused() {
        let world = World::new();
        for (folder, why) in [
            ("srv/data", "is not an absolute path"),
            ("", "is not an absolute path"),
            ("~/code", "is not an absolute path"),
            ("/srv\n", "is not an absolute path"),
        ] {
            assert!(checked(&[folder.to_owned()], &world.kept_out, &Disk).unwrap_err().contains(why), "{folder:?}");
        }
        assert!(world.check(&["srv/file"]).unwrap_err().contains("is no folder"));
        assert!(world.check(&["srv/none"]).unwrap_err().contains("is no folder"));
        let long = format!("/{}", "x".repeat(1024));
        assert!(checked(&[long], &world.kept_out, &Disk).unwrap_err().contains("at most 1024 bytes"));
        let many = vec![world.at("srv/data"); MOST + 1];
        assert!(checked(&many, &world.kept_out, &Disk).unwrap_err().contains("at most 16 folders"));
    }
}
