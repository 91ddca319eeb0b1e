//! The status of a record for Nova's words for the state of a server.

/// The record's status of a VM that is running.
pub const STARTED: &str = "started";
/// The record's status of a VM that has ended.
pub const COMPLETED: &str = "completed";

/// The record's status for a server's `status`, in any case, as cASO 5.2.2 maps it. The
/// caller reports a `completed` VM that still exists (SHUTOFF) as `started`.
pub fn of(status: &str) -> &'static str {
    match status.to_ascii_lowercase().as_str() {
        "active" | "build" | "confirming_resize" | "hard_reboot" | "migrating" | "password"
        | "reboot" | "rebuild" | "rescue" | "resize" | "revert_resize" | "verify_resize"
        | "saving" => STARTED,
        "deleted" | "shutoff" | "terminated" => COMPLETED,
        "error" => "error",
        "paused" => "paused",
        "suspended" => "suspended",
        "stopped" => "stopped",
        _ => "unknown",
    }
}

/// The record's status for a `state` of the usage API, which is the server's `vm_state`, or
/// `terminated`. A VM gets the same status from either of the two APIs.
pub fn of_usage_state(state: &str) -> &'static str {
    match state.to_ascii_lowercase().as_str() {
        "building" => of("build"),
        "stopped" => of("shutoff"),
        "rescued" => of("rescue"),
        "resized" => of("verify_resize"),
        other => of(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_does_not_matter_and_unknown_words_are_unknown() {
        assert_eq!(of("ACTIVE"), STARTED);
        assert_eq!(of("Deleted"), COMPLETED);
        assert_eq!(of("SHELVED_OFFLOADED"), "unknown");
        assert_eq!(of(""), "unknown");
    }

    #[test]
    fn each_status_of_nova_has_the_status_that_caso_gives_it() {
        for (status, words) in [
            (
                STARTED,
                "active build confirming_resize hard_reboot migrating password reboot rebuild \
                 rescue resize revert_resize verify_resize saving",
            ),
            (COMPLETED, "deleted shutoff terminated"),
            ("error", "error"),
            ("paused", "paused"),
            ("suspended", "suspended"),
            ("stopped", "stopped"),
        ] {
            for word in words.split_whitespace() {
                assert_eq!(of(word), status, "{word}");
            }
        }
    }

    #[test]
    fn both_apis_say_the_same() {
        for (vm_state, status) in [
            ("active", "ACTIVE"),
            ("building", "BUILD"),
            ("stopped", "SHUTOFF"),
            ("rescued", "RESCUE"),
            ("resized", "VERIFY_RESIZE"),
            ("paused", "PAUSED"),
            ("suspended", "SUSPENDED"),
            ("error", "ERROR"),
            ("deleted", "DELETED"),
            ("shelved", "SHELVED"),
        ] {
            assert_eq!(of_usage_state(vm_state), of(status), "{vm_state}");
        }
        assert_eq!(of_usage_state("terminated"), COMPLETED);
    }
}
