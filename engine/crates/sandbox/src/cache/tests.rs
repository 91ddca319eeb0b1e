use super::*;
use std::os::unix::fs::{PermissionsExt, symlink};

fn uid() -> u32 {
    nix::unistd::geteuid().as_raw()
}

fn mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// The choice between one folder and nothing.
fn only(path: PathBuf) -> CacheChoice {
    CacheChoice::among(&[path], uid())
}

#[test]
fn a_fresh_folder_is_closed_and_accepted_again() {
    let dir = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        let choice = only(dir.path().join("cache"));
        let folder = choice.folder.as_deref().unwrap();
        assert_eq!(folder, dir.path().join("cache/wasm"));
        assert_eq!(std::fs::metadata(folder).unwrap().mode() & 0o777, 0o700);
        assert_eq!(choice.warning(), None);
    }
}

#[test]
fn what_others_could_have_written_is_not_used() {
    type Spoil = fn(&Path);
    let spoil: [(&str, Spoil); 7] = [
        ("mode 0700", |folder| mode(folder, 0o755)),
        ("mode 0700", |folder| mode(folder, 0o710)),
        ("not ours alone", |folder| {
            symlink("/etc/passwd", folder.join("code")).unwrap()
        }),
        // What is noted of it, beside it.
        ("not ours alone", |folder| {
            symlink("/dev/zero", folder.with_extension("sums")).unwrap()
        }),
        ("not ours alone", |folder| {
            let pipe = folder.with_extension("sums");
            nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
        }),
        ("where other users may write", |folder| {
            mode(folder.parent().unwrap(), 0o777)
        }),
        ("not a folder of its own", |folder| {
            std::fs::rename(folder, folder.with_extension("real")).unwrap();
            symlink(folder.with_extension("real"), folder).unwrap();
        }),
    ];
    for (reason, spoil) in spoil {
        let dir = tempfile::tempdir().unwrap();
        let cache = dir.path().join("cache");
        spoil(&only(cache.clone()).folder.unwrap());
        let choice = only(cache);
        assert_eq!(choice.folder, None);
        let warning = choice.warning().unwrap();
        assert!(warning.contains(reason), "{warning}");
        assert!(warning.contains("recompiled"), "{warning}");
    }
}

/// As a umask of 007 leaves it: who could write there may have done so, and it is compiled anew.
#[test]
fn what_is_ours_and_was_open_is_removed() {
    let dir = tempfile::tempdir().unwrap();
    let cache = dir.path().join("cache");
    let folder = only(cache.clone()).folder.unwrap();
    std::fs::create_dir_all(folder.join("kept/open")).unwrap();
    for name in ["code", "kept/code", "kept/closed", "kept/open/code"] {
        std::fs::write(folder.join(name), "x").unwrap();
        mode(&folder.join(name), 0o600);
    }
    std::fs::write(sums::file(&folder), "x").unwrap();
    mode(&folder.join("code"), 0o660);
    mode(&folder.join("kept/code"), 0o602);
    mode(&folder.join("kept/open"), 0o770);
    mode(&sums::file(&folder), 0o664);
    mode(&folder.join("kept"), 0o700);
    let choice = only(cache);
    assert_eq!(choice.folder.as_deref(), Some(&*folder));
    assert_eq!((choice.warning(), choice.hint()), (None, None));
    let left = |name: &str| folder.join(name).exists();
    assert!(left("kept/closed"));
    for name in ["code", "kept/code", "kept/open"] {
        assert!(!left(name), "{name}");
    }
    assert!(!sums::file(&folder).exists());
}

/// What is told helps.
#[test]
fn each_refusal_has_its_way_out() {
    let dir = tempfile::tempdir().unwrap();
    let cache = dir.path().join("cache");
    let folder = only(cache.clone()).folder.unwrap();
    let told = || only(cache.clone()).hint().unwrap();
    mode(&folder, 0o755);
    let code = folder.display();
    assert_eq!(told(), format!("rm -r {code}; the next run makes it anew"));
    mode(&folder, 0o700);
    let link = folder.join("link");
    symlink("/etc/passwd", &link).unwrap();
    assert_eq!(told(), format!("rm -r {}", link.display()));
    let other = CacheChoice::among(std::slice::from_ref(&cache), uid() + 1);
    assert_eq!(
        other.hint(),
        Some(format!("as root: rm -rf {code} {code}.sums"))
    );
    let nowhere = only(dir.path().join("no/such")).hint().unwrap();
    assert_eq!(nowhere, "set `cache_dir` to a writable folder");

    let refusal = |at: &Path, owner: &str| {
        let by = Denied {
            at: at.to_owned(),
            owner: format!("`{owner}:{owner}` (mode 0755)"),
            us: "us".to_owned(),
        };
        let problem = CacheProblem::Denied {
            by: Box::new(by),
            reason: io::ErrorKind::PermissionDenied.into(),
            cache_dir: cache.clone(),
        };
        refused(&folder, problem)
    };
    let text = refusal(&cache, "root").to_string();
    assert_eq!(
        text,
        format!(
            "`{}`, because `{}` belongs to `root:root` (mode 0755), and we run as `us` \
             (permission denied)",
            folder.display(),
            cache.display()
        )
    );
    // It is ours, and its mode lets us.
    let hint = refusal(&cache, "root").hint().unwrap();
    assert!(hint.contains("SELinux"), "{hint}");
    let us = rights::us();
    let hint = refusal(&dir.path().join("gone"), "root").hint().unwrap();
    let made = format!(
        "set `cache_dir` to a folder of `{us}`, or as root: install -d -o {us} {}",
        cache.display()
    );
    assert_eq!(hint, made);
}

#[test]
fn where_others_may_write_but_not_rename_is_safe() {
    let dir = tempfile::tempdir().unwrap();
    let cache = dir.path().join("cache");
    only(cache.clone());
    mode(&cache, 0o1777);
    assert!(only(cache).folder.is_some());
}

#[test]
fn a_folder_of_another_user_is_not_used() {
    let dir = tempfile::tempdir().unwrap();
    let cache = dir.path().join("cache");
    only(cache.clone());
    let choice = CacheChoice::among(&[cache], uid() + 1);
    assert_eq!(choice.folder, None);
    let [refusal] = &choice.refused[..] else {
        panic!("{choice:?}")
    };
    assert!(
        matches!(&refusal.problem, CacheProblem::OtherOwner(owner) if owner.ends_with("(mode 0700)")),
        "{refusal}"
    );
}

#[test]
fn the_first_safe_candidate_is_taken_and_the_others_are_remembered() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let candidates = [path("no/such"), path("spool"), path("other")];
    let choice = CacheChoice::among(&candidates, uid());
    assert_eq!(choice.folder, Some(path("spool/wasm")));
    assert_eq!(choice.refused[0].folder, path("no/such"));
    assert_eq!(choice.refused.len(), 1);
    // The usual place that is not there is no news.
    assert_eq!(choice.warning(), None);
    assert!(!path("other").exists());
}

#[test]
fn no_safe_candidate_is_a_warning_with_each_reason() {
    let dir = tempfile::tempdir().unwrap();
    let candidates = [dir.path().join("no/such"), dir.path().join("nor/such")];
    let warning = CacheChoice::among(&candidates, uid()).warning().unwrap();
    let [first, second] = candidates.map(|path| path.display().to_string());
    assert_eq!(
        warning,
        format!(
            "compiled components are not kept in `{first}`: No such file or directory (os error \
             2), nor in `{second}`: No such file or directory (os error 2), they are recompiled in \
             each run"
        )
    );
    assert_eq!(CacheChoice::among(&[], uid()).warning(), None);
}

/// Or every component would be taken for damaged after its 256th run.
#[test]
fn what_lies_in_the_cache_is_never_written_anew() {
    let dir = tempfile::tempdir().unwrap();
    let cache = open(dir.path()).unwrap();
    let rewritten_after = cache.optimized_compression_usage_counter_threshold();
    assert_eq!(rewritten_after, u64::MAX);
}
