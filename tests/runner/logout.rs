//! A run that would end with its user's session: it is said before anything is started, and a person is asked.

use crate::support::estate::{BINARY, Estate, SOON};
use crate::support::pty::{Exit, Pty};
use midwatch::domain::RunStatus;
use std::fs;

/// An estate whose commands seem to be in the user's own manager, which ends with the last session: nobody lets it linger, and no bus
/// says otherwise.
fn estate() -> Estate {
    let estate = Estate::default();
    let cgroup = estate.beside("cgroup");
    fs::write(&cgroup, "0::/user.slice/user-61001.slice/user@61001.service/app.slice/terminal.scope\n").unwrap();
    let step = "[[work]]\ntitle = \"Append\"\neffect = \"change\"\ndo = { exec = [\"sh\", \"-c\", \"echo done >>{tree}/done\"] }\n\
                undo = { none = \"a test\" }\n";
    estate.procedure("one", "", step);
    let bus = format!("unix:path={}", estate.beside("no-bus").display());
    estate.with("MIDWATCH_CGROUP", cgroup.to_str().unwrap()).with("DBUS_SYSTEM_BUS_ADDRESS", &bus)
}

const WARNING: &str = "when you log out, the run is killed: the manager of ";
const WAY: &str = "loginctl enable-linger";

#[test]
fn without_anybody_to_be_asked_nothing_is_started() {
    let estate = estate();
    let said = estate.start("one", &["--yes", "change"]).exits(75).says(WARNING).says(WAY);
    said.says("the run would not outlive this session, and nobody is here to be asked");
    assert_eq!((estate.runs().len(), estate.lines("done")), (0, 0));
    // Where no logout reaches it, it is started.
    fs::write(estate.beside("cgroup"), "0::/system.slice/cron.service\n").unwrap();
    estate.start("one", &["--yes", "change"]).exits(0);
    assert_eq!(estate.lines("done"), 1);
}

#[test]
fn a_person_is_warned_and_asked_before_the_first_step() {
    let estate = estate();
    let command = estate.command(&[]);
    let text = |text: &std::ffi::OsStr| text.to_str().unwrap().to_owned();
    let own: Vec<(String, String)> =
        command.get_envs().filter_map(|(name, value)| Some((text(name), text(value?)))).collect();
    let environment: Vec<_> = own.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let asked = |answer: &str| {
        let pty = Pty::spawn(BINARY, &["run", "test/one", "--yes", "change"], &environment, (200, 40));
        let screen = pty.wait_for(SOON, |screen| screen.contains("start it all the same? type  yes :"));
        assert!(screen.contains(WARNING) && screen.contains(WAY), "{screen}");
        assert_eq!(estate.lines("done"), 0);
        pty.send(format!("{answer}\r"));
        pty.exit(SOON)
    };
    assert_eq!(asked("no"), Exit::Code(9));
    assert!(estate.runs().is_empty());
    assert_eq!(asked("yes"), Exit::Code(0));
    let run = estate.run();
    assert_eq!((run.sealed().sealed, estate.lines("done")), (Some(RunStatus::Ok), 1));
    run.midwatch("report", &[]).exits(0).says(WARNING);
}
