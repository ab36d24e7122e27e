use super::*;
use crate::probes::units::double::Daemon;
use futures_util::StreamExt;
use std::collections::HashMap;
use zbus::connection::Builder;
use zbus::message::Type;
use zbus::{Connection, MessageStream, Variant};

const SESSION: &str = "0::/user.slice/user-1000.slice/session-3.scope\n";
const MANAGER: &str = "0::/user.slice/user-1000.slice/user@1000.service/app.slice/run-1.scope\n";

fn process(cgroup: &str, root: &Path) -> Process {
    Process { cgroup: cgroup.to_owned(), uid: 1000, user: "anna".to_owned(), root: root.to_owned() }
}

fn file(root: &Path, name: &str, text: &str) {
    let path = root.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// What files alone tell: nobody listens on this bus.
async fn by_files(process: &Process) -> Logout {
    process.asking(Bus::at("unix:path=/nonexistent/bus")).await
}

#[test]
fn a_place_is_read_from_either_version_of_control_groups() {
    let root = Path::new("/");
    let cases = [
        (SESSION, Place::Session),
        (MANAGER, Place::UserManager),
        ("0::/system.slice/cron.service\n", Place::Elsewhere),
        ("0::/\n", Place::Elsewhere),
        ("", Place::Elsewhere),
        ("2:cpu:/\n1:name=systemd:/user.slice/user-1000.slice/session-c1.scope\n0::/\n", Place::Session),
        ("2:cpu:/user.slice/session-1.scope\n0::/init.scope\n", Place::Elsewhere),
    ];
    for (cgroup, place) in cases {
        assert_eq!(process(cgroup, root).place(), place, "{cgroup:?}");
    }
    assert_eq!(process("0::/\n", root).at_logout(), Logout::Survives);
}

#[tokio::test]
async fn the_files_tell_where_the_bus_does_not() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    let own = process(SESSION, root);
    let judged = || by_files(&own);
    assert!(matches!(judged().await, Logout::Unknown(_)));
    // The packaged file shows what is built in.
    file(root, "usr/lib/systemd/logind.conf", "[Login]\n#KillUserProcesses=no\n#KillExcludeUsers=root\n");
    assert_eq!(judged().await, Logout::Survives);
    file(root, "etc/systemd/logind.conf", "[Login]\nKillUserProcesses = yes\n");
    assert!(matches!(judged().await, Logout::Ends(why) if why.contains("KillUserProcesses=yes")));
    // A drop-in is stronger, the later name wins, and the same name in a stronger place hides the weaker.
    file(root, "usr/lib/systemd/logind.conf.d/50-a.conf", "[Login]\nKillUserProcesses=off\n");
    assert_eq!(judged().await, Logout::Survives);
    file(root, "run/systemd/logind.conf.d/60-b.conf", "[Other]\nKillUserProcesses=no\n[Login]\nKillUserProcesses=1\n");
    assert!(matches!(judged().await, Logout::Ends(_)));
    file(root, "etc/systemd/logind.conf.d/60-b.conf", "# nothing\n");
    assert_eq!(judged().await, Logout::Survives);
    file(root, "etc/systemd/logind.conf.d/70-c.conf", "[Login]\nKillOnlyUsers=bob anna\n");
    assert!(matches!(judged().await, Logout::Ends(why) if why.contains("names anna")));
    file(root, "etc/systemd/logind.conf.d/80-d.conf", "[Login]\nKillExcludeUsers=anna\n");
    assert_eq!(judged().await, Logout::Survives);
    let warning = Logout::Ends("why".into()).warning("anna").unwrap();
    assert!(warning.contains("why") && warning.contains("loginctl enable-linger anna"), "{warning}");
    assert_eq!(Logout::Survives.warning("anna"), None);
}

#[tokio::test]
async fn root_is_left_alone_unless_somebody_else_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let own = Process { user: "root".into(), uid: 0, ..process(SESSION, dir.path()) };
    file(dir.path(), "etc/systemd/logind.conf", "[Login]\nKillUserProcesses=yes\n");
    assert_eq!(by_files(&own).await, Logout::Survives);
    file(dir.path(), "etc/systemd/logind.conf", "[Login]\nKillUserProcesses=yes\nKillExcludeUsers=bob\n");
    assert!(matches!(by_files(&own).await, Logout::Ends(_)));
}

#[tokio::test]
async fn lingering_keeps_the_users_own_manager() {
    let dir = tempfile::tempdir().unwrap();
    let own = process(MANAGER, dir.path());
    assert!(matches!(by_files(&own).await, Logout::Ends(why) if why.contains("without lingering")));
    file(dir.path(), "var/lib/systemd/linger/anna", "");
    assert_eq!(by_files(&own).await, Logout::Survives);
}

/// A double of the login manager that answers with these properties.
async fn logind(daemon: &Daemon, of: HashMap<&'static str, Variant<'static>>) -> Connection {
    let connection = Builder::address(daemon.address().as_str()).build().await.unwrap();
    let mut calls = MessageStream::from(&connection);
    connection.request_name(LOGIN).await.unwrap();
    let serving = connection.clone();
    tokio::spawn(async move {
        while let Some(Ok(call)) = calls.next().await {
            if call.message_type() != Type::MethodCall {
                continue;
            }
            let interface: String = call.body().deserialize().unwrap();
            assert!(interface.starts_with("org.freedesktop.login1."), "{interface}");
            // Whoever asked may be gone.
            let _ = serving.reply(&call.header(), &of).await;
        }
    });
    connection
}

#[tokio::test]
async fn the_login_manager_itself_knows_best() {
    let daemon = Daemon::start().await;
    let dir = tempfile::tempdir().unwrap();
    file(dir.path(), "etc/systemd/logind.conf", "[Login]\nKillUserProcesses=no\n");
    let none: Vec<String> = Vec::new();
    let of = HashMap::from([
        ("KillUserProcesses", Variant::from(true)),
        ("KillOnlyUsers", Variant::from(none.clone())),
        ("KillExcludeUsers", Variant::from(vec!["root".to_owned()])),
        ("Linger", Variant::from(true)),
    ]);
    let _logind = logind(&daemon, of).await;
    let session = process(SESSION, dir.path());
    assert!(matches!(session.asking(daemon.bus()).await, Logout::Ends(_)), "it was told, whatever the file says");
    assert_eq!(process(MANAGER, dir.path()).asking(daemon.bus()).await, Logout::Survives);
}
