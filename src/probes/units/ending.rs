//! How the process of a unit ended, in systemd's names and in words.

use crate::probes::units::seen::{Exit, Seen};

/// The exit statuses by which systemd says that it could not start the program: systemd.exec(5), "Process Exit Codes". The words are
/// what the name is short for; where there are none the name says it.
const STATUSES: [(i64, &str, &str); 41] = [
    (200, "CHDIR", "its working directory cannot be entered"),
    (201, "NICE", ""),
    (202, "FDS", "its file descriptors cannot be set up"),
    (203, "EXEC", "its program cannot be executed"),
    (204, "MEMORY", "there was no memory"),
    (205, "LIMITS", "its limits cannot be set"),
    (206, "OOM_ADJUST", ""),
    (207, "SIGNAL_MASK", ""),
    (208, "STDIN", "its standard input cannot be opened"),
    (209, "STDOUT", "its standard output cannot be opened"),
    (210, "CHROOT", "its root directory cannot be entered"),
    (211, "IOPRIO", ""),
    (212, "TIMERSLACK", ""),
    (213, "SECUREBITS", ""),
    (214, "SETSCHEDULER", ""),
    (215, "CPUAFFINITY", ""),
    (216, "GROUP", "its group is not known, or cannot be taken"),
    (217, "USER", "its user is not known, or cannot be taken"),
    (218, "CAPABILITIES", "its capabilities cannot be set"),
    (219, "CGROUP", "its control group cannot be set up"),
    (220, "SETSID", ""),
    (221, "CONFIRM", ""),
    (222, "STDERR", "its standard error cannot be opened"),
    (224, "PAM", "no PAM session can be set up"),
    (225, "NETWORK", "its network namespace cannot be set up"),
    (226, "NAMESPACE", "its mount namespace cannot be set up: a path of its sandbox may be missing"),
    (227, "NO_NEW_PRIVILEGES", ""),
    (228, "SECCOMP", "its filter of system calls cannot be set"),
    (229, "SELINUX_CONTEXT", ""),
    (230, "PERSONALITY", ""),
    (231, "APPARMOR_PROFILE", ""),
    (232, "ADDRESS_FAMILIES", ""),
    (233, "RUNTIME_DIRECTORY", "its runtime directory cannot be set up"),
    (235, "CHOWN", ""),
    (236, "SMACK_PROCESS_LABEL", ""),
    (237, "KEYRING", ""),
    (238, "STATE_DIRECTORY", "its state directory cannot be set up"),
    (239, "CACHE_DIRECTORY", "its cache directory cannot be set up"),
    (240, "LOGS_DIRECTORY", "its log directory cannot be set up"),
    (241, "CONFIGURATION_DIRECTORY", "its configuration directory cannot be set up"),
    (243, "CREDENTIALS", "its credentials cannot be set up"),
];

/// How it ended, where it did not end well.
pub(super) fn words(seen: &Seen) -> String {
    let exit = seen.service.as_ref().and_then(|service| service.exit);
    match (seen.result.as_deref(), exit) {
        (None | Some("success" | ""), _) => String::new(),
        (Some("exit-code"), Some(Exit::Status(status))) => of_status(status),
        (Some("signal"), Some(Exit::Signal(signal))) => format!("signal {signal}"),
        (Some("core-dump"), Some(Exit::Signal(signal))) => format!("core dump, signal {signal}"),
        (Some("start-limit-hit"), _) => "start-limit-hit: started too often, systemd has given up".to_owned(),
        (Some("oom-kill"), _) => "oom-kill: there was no memory".to_owned(),
        (Some(other), _) => other.to_owned(),
    }
}

/// An exit status as systemctl(1) has it, with what it means.
fn of_status(status: i64) -> String {
    match STATUSES.iter().find(|(known, ..)| *known == status) {
        Some((_, name, "")) => format!("exit status {status}/{name}: systemd could not start it"),
        Some((_, name, meaning)) => format!("exit status {status}/{name}: {meaning}"),
        None => format!("exit status {status}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_statuses_of_systemd_have_their_names() {
        assert_eq!(of_status(203), "exit status 203/EXEC: its program cannot be executed");
        assert_eq!(of_status(201), "exit status 201/NICE: systemd could not start it");
        assert_eq!([1, 223, 234, 255].map(of_status), [1, 223, 234, 255].map(|status| format!("exit status {status}")));
        assert!(STATUSES.is_sorted_by(|one, other| one.0 < other.0));
    }
}
