//! Links in a granted folder that lead out of it, made by the guest itself.

use wasip2::filesystem::preopens::get_directories;

/// Where a link may lead: up, and to what lies beside the folder.
const AWAY: [&str; 5] = ["..", "../..", "../ssm", "../spool", "./../ssm"];

/// Makes them, and says which of them led out.
pub fn that_led_out() -> Option<String> {
    let folders = get_directories();
    let Some((folder, _)) = folders.iter().find(|(_, path)| path == "/folder") else {
        return Some("no folder was granted".to_owned());
    };
    if folder.symlink_at("/etc", "absolute").is_ok() {
        return Some("a link to an absolute path was made".to_owned());
    }
    for (n, away) in AWAY.iter().enumerate() {
        // A host may refuse to make it; then there is nothing to follow.
        if folder.symlink_at(away, &format!("link-{n}")).is_err() {
            continue;
        }
        let link = format!("/folder/link-{n}");
        let _ = std::fs::create_dir(format!("/folder/inside-{n}"));
        let led = [
            std::fs::read_dir(&link).map(drop),
            std::fs::write(format!("{link}/escaped"), "escaped"),
            std::fs::create_dir(format!("{link}/escaped.d")),
            std::fs::rename(format!("/folder/inside-{n}"), format!("{link}/moved")),
            std::fs::remove_dir_all(format!("{link}/")),
        ];
        if let Some(which) = led.iter().position(Result::is_ok) {
            return Some(format!("try {which} through a link to `{away}` worked"));
        }
    }
    None
}
