//! Lists a series of backups in an object store.

mod barman;

use crate::config::estate::ObjectPlace;
use crate::config::paths::Surroundings;
use crate::domain::{Loss, quantity};
use crate::probes::backups::series::{self, Series, Stored};
use crate::probes::backups::when::Clock;
use crate::probes::blocking::{run_blocking, within_own_runtime};
use crate::probes::store::{self, Patience, Reach};
use object_store::aws::AmazonS3;
use std::time::Duration;

/// The most objects that a series has; a prefix with more is not one series.
const MOST: usize = 1_000_000;

/// The bucket of a place, and the prefix of its keys, which may end within a name.
fn parts(place: &str) -> (&str, &str) {
    let rest = place.strip_prefix("s3://").unwrap_or_default();
    rest.split_once('/').unwrap_or((rest, ""))
}

/// Where the members of a place lie: all of it up to its last `/`.
pub(super) fn directory(place: &str) -> &str {
    let (bucket, prefix) = parts(place);
    let long = prefix.rfind('/').unwrap_or(0);
    let end = place.len() - prefix.len() + long;
    let whole = place.get(..end).unwrap_or(place).trim_end_matches('/');
    if bucket.is_empty() { place } else { whole }
}

/// Lists every object whose key begins with the prefix, as of a moment; in a thread of its own, because a server may send without end.
///
/// # Errors
/// Why the store gave no list; an interrupted listing counts as none.
pub(super) async fn list(place: &ObjectPlace, clock: &Clock, limit: Duration) -> Result<Series, Loss> {
    let (own, clock) = (place.clone(), clock.clone());
    let work = move || within_own_runtime(limit, look(&own, &clock))?.ok_or_else(|| late(limit))?;
    run_blocking("store", format!("store {}", place.prefix), work).await
}

/// That a list takes too long.
pub(super) fn late(limit: Duration) -> Loss {
    Loss::unread(format!("the list of the store did not end within {}", quantity::span(limit)))
}

async fn look(place: &ObjectPlace, clock: &Clock) -> Result<Series, Loss> {
    let (bucket, prefix) = parts(&place.prefix);
    let around = Surroundings::of(std::env::vars_os());
    let reach = Reach::of(bucket, place.store.as_ref(), &place.secrets, &around)?;
    gather(&*store::bucket(&reach, Patience::LOOK)?, prefix, clock).await
}

async fn gather(bucket: &AmazonS3, prefix: &str, clock: &Clock) -> Result<Series, Loss> {
    let folder = prefix.get(..prefix.rfind('/').map_or(0, |at| at + 1)).unwrap_or_default();
    let mut objects = Vec::new();
    store::list(bucket, prefix, |object| {
        let name = object.key.strip_prefix(folder).unwrap_or(&object.key).to_owned();
        objects.push(Stored {
            name: name.into(),
            size: object.meta.size,
            changed: object.meta.last_modified.timestamp(),
        });
        if objects.len() > MOST { Err(format!("there are more than {MOST} objects")) } else { Ok(()) }
    })
    .await?;
    let taken = barman::take_out(bucket, folder, &mut objects, clock).await?;
    let mut series = series::of_objects(objects, prefix.get(folder.len()..).unwrap_or_default(), clock);
    series.unfinished += taken.unfinished;
    series.failed.extend(taken.failed);
    Ok(series)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::secrets::Secret;
    use crate::probes::endless::{BODY, Endless, HEADS};
    use s3s::dto::{GetObjectInput, GetObjectOutput, ListObjectsV2Input, ListObjectsV2Output, Object};
    use s3s::{S3, S3ErrorCode, S3Request, S3Response, S3Result};
    use std::pin::Pin;

    /// When every object was uploaded, in seconds since the epoch.
    const UPLOADED: i64 = 1_796_004_610;

    /// A server of S3 whose one bucket holds what no file system can: keys with empty parts, and folders. Two keys are a page.
    struct Keys(Result<Vec<(&'static str, i64)>, S3ErrorCode>);

    impl S3 for Keys {
        fn list_objects_v2<'a, 'b>(
            &'a self,
            request: S3Request<ListObjectsV2Input>,
        ) -> Pin<Box<dyn Future<Output = S3Result<S3Response<ListObjectsV2Output>>> + Send + 'b>>
        where
            'a: 'b,
            Self: 'b,
        {
            let ListObjectsV2Input { prefix, continuation_token, .. } = request.input;
            let (prefix, token) = (prefix.unwrap_or_default(), continuation_token);
            let start: usize = token.map_or(0, |token| token.parse().unwrap());
            let uploaded = std::time::UNIX_EPOCH + Duration::from_secs(UPLOADED.unsigned_abs());
            let keys = match &self.0 {
                Ok(keys) => keys,
                Err(code) => {
                    let refused = s3s::S3Error::new(code.clone());
                    return Box::pin(async move { Err(refused) });
                }
            };
            let fits: Vec<_> = keys.iter().filter(|(key, _)| key.starts_with(&prefix)).collect();
            let page = fits.iter().skip(start).take(2).map(|(key, size)| Object {
                key: Some((*key).to_owned()),
                size: Some(*size),
                last_modified: Some(uploaded.into()),
                ..Object::default()
            });
            let next = (start + 2 < fits.len()).then(|| (start + 2).to_string());
            // A store that begins again where it should end.
            let next = next.or_else(|| prefix.starts_with("loop/").then(|| "0".to_owned()));
            let output = ListObjectsV2Output {
                contents: Some(page.collect()),
                is_truncated: Some(next.is_some()),
                next_continuation_token: next,
                ..ListObjectsV2Output::default()
            };
            Box::pin(async move { Ok(S3Response::new(output)) })
        }

        fn get_object<'a, 'b>(
            &'a self,
            request: S3Request<GetObjectInput>,
        ) -> Pin<Box<dyn Future<Output = S3Result<S3Response<GetObjectOutput>>> + Send + 'b>>
        where
            'a: 'b,
            Self: 'b,
        {
            let text = state(&request.input.key);
            let uploaded = std::time::UNIX_EPOCH + Duration::from_secs(UPLOADED.unsigned_abs());
            Box::pin(async move {
                let text = text?;
                let output = GetObjectOutput {
                    content_length: Some(i64::try_from(text.len()).unwrap()),
                    body: Some(s3s::Body::from(text.to_owned()).into()),
                    last_modified: Some(uploaded.into()),
                    ..GetObjectOutput::default()
                };
                Ok(S3Response::new(output))
            })
        }
    }

    /// What Barman wrote beside a backup; nobody may read what is locked.
    fn state(key: &str) -> S3Result<&'static str> {
        match key {
            _ if key.starts_with("locked/") => Err(s3s::S3Error::new(S3ErrorCode::AccessDenied)),
            _ if key.contains("20261130T") => Ok("status=FAILED\n"),
            _ if key.contains("20261129T") => Ok("status=STARTED\n"),
            _ => Ok("status=DONE\n"),
        }
    }

    /// What the pane makes of a bucket of these keys.
    async fn series(all: &[(&'static str, i64)], prefix: &str) -> (usize, Vec<String>) {
        let series = listed(Keys(Ok(all.to_vec())), prefix, "KEY").await.unwrap();
        let names = series.members.iter().map(|member| member.name.to_string_lossy().into_owned());
        (series.count, names.collect())
    }

    /// What a server lists to somebody with this key.
    async fn listed(keys: Keys, prefix: &str, key: &str) -> Result<Series, Loss> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = s3s::service::S3ServiceBuilder::new(keys);
        builder.set_auth(s3s::auth::SimpleAuth::from_single("ID", "KEY"));
        let service = builder.build();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let server = tokio::spawn(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else { return };
                let http = hyper::server::conn::http1::Builder::new();
                tokio::spawn(http.serve_connection(hyper_util::rt::TokioIo::new(stream), service.clone()));
            }
        });
        let reach = reach(endpoint, key);
        let clock = Clock { now: UPLOADED + 3600, zone: jiff::tz::TimeZone::UTC };
        let found = gather(&store::bucket(&reach, Patience::LOOK).unwrap(), prefix, &clock).await;
        server.abort();
        found
    }

    /// A bucket on a server.
    fn reach(endpoint: String, key: &str) -> Reach {
        Reach {
            bucket: "backups".into(),
            endpoint: Some(endpoint),
            region: Some("us-east-1".into()),
            id: Some(Secret::new("ID")),
            key: Some(Secret::new(key)),
            ..Reach::default()
        }
    }

    #[tokio::test]
    async fn an_answer_without_an_end_ends_at_a_limit() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let clock = Clock { now: UPLOADED, zone: jiff::tz::TimeZone::UTC };
        let asked = async |server: &Endless, patience: Patience| {
            let reach = reach(format!("http://{}", server.address), "KEY");
            gather(&store::bucket(&reach, patience).unwrap(), "db/", &clock).await.unwrap_err()
        };
        let limit = Duration::from_millis(600);
        for (begins, again, is_odd) in HEADS {
            let lost = asked(&Endless::new(begins, again), Patience { request: limit, tries: limit }).await;
            assert_eq!(
                lost,
                Loss::unread(if is_odd { "the answer is not HTTP" } else { "no answer within 600 ms from 127.0.0.1" })
            );
        }
        let refused = "HTTP/1.1 403 Forbidden\r\ncontent-type: application/xml\r\n\r\n";
        for begins in [BODY.0, refused] {
            let server = Endless::new(begins, BODY.1);
            let lost = asked(&server, Patience::LOOK).await;
            assert_eq!(lost, Loss::unread("an answer of more than 16 MiB"));
            assert!(server.sent() < 64 << 20, "{} bytes were taken", server.sent());
        }
    }

    const MANY: [(&str, i64); 9] = [
        ("db/", 0),
        ("db/main-2026-11-28.dump", 7),
        ("db/main-2026-11-29.dump", 7),
        ("db/main-2026-11-29.dump.sha256", 64),
        ("db/main-2026-11-30.dump", 7),
        ("db/old/", 0),
        ("db//main-2026-11-27.dump", 7),
        ("db/other-2026-11-30.dump", 7),
        ("db2/main-2026-11-30.dump", 7),
    ];

    #[tokio::test]
    async fn a_prefix_is_a_prefix_also_within_a_name() {
        let (count, names) = series(&MANY, "db/main-").await;
        assert_eq!((count, names.first().unwrap().as_str()), (3, "main-2026-11-30.dump"));
        assert_eq!(series(&MANY, "db").await.0, 6);
        assert_eq!(series(&MANY, "").await.0, 6);
        assert_eq!(series(&MANY, "nothing").await, (0, Vec::new()));
    }

    #[tokio::test]
    async fn folders_are_no_backups_and_an_empty_part_hides_nothing() {
        let (count, names) = series(&MANY, "db/").await;
        let expected =
            ["other-2026-11-30.dump", "main-2026-11-30.dump", "main-2026-11-29.dump", "main-2026-11-28.dump"];
        assert_eq!(
            (count, &names[..4], names[4].as_str()),
            (5, &expected.map(str::to_owned)[..], "/main-2026-11-27.dump")
        );
        assert_eq!(series(&[("db/", 0)], "db/").await, (0, Vec::new()));
    }

    #[tokio::test]
    async fn a_bucket_that_is_not_there_is_missing_and_one_that_may_not_be_listed_is_unknown() {
        let refused = |code| listed(Keys(Err(code)), "db/", "KEY");
        assert_eq!(refused(S3ErrorCode::NoSuchBucket).await.unwrap_err(), Loss::missing("there is no such bucket"));
        let denied = Loss::unread("permission denied: the access key needs s3:ListBucket");
        assert_eq!(refused(S3ErrorCode::AccessDenied).await.unwrap_err(), denied);
        let wrong = listed(Keys(Ok(MANY.to_vec())), "db/", "WRONG").await.unwrap_err();
        let words = "the store does not accept the access key: SignatureDoesNotMatch";
        assert_eq!(wrong, Loss::unread(words));
        // The store has no such key: nothing that it says of the bucket.
        assert!(!refused(S3ErrorCode::NoSuchKey).await.unwrap_err().is_proof());
    }

    #[tokio::test]
    async fn a_list_that_leads_back_to_itself_is_no_list() {
        let keys = [("loop/2026-11-28.dump", 7), ("loop/2026-11-29.dump", 7), ("loop/2026-11-30.dump", 7)];
        let lost = listed(Keys(Ok(keys.to_vec())), "loop/", "KEY").await.unwrap_err();
        assert_eq!(lost, Loss::unread("the store's list leads back to a page of it that was read before"));
    }

    #[tokio::test]
    async fn a_prefix_that_is_a_whole_key_means_that_object() {
        let keys = [("db/backup.info", 7), ("db/backup.info.copy", 7)];
        assert_eq!(series(&keys, "db/backup.info").await, (1, vec!["backup.info".to_owned()]));
        assert_eq!(series(&keys, "db/").await, (0, Vec::new()));
    }

    #[tokio::test]
    async fn a_repository_of_restic_is_as_new_as_its_snapshots() {
        const IDS: [&str; 3] = [
            "repo/snapshots/3f9a1b2034567890c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e6f708192a3b",
            "repo/data/aa/aa20340316bb0c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e6f708192a3b4c5",
            "repo/index/bb20340316bb0c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e6f708192a3b4c5",
        ];
        let keys = [(IDS[0], 400), (IDS[1], 9000), (IDS[2], 900), ("repo/config", 155), ("repo/locks/ab", 100)];
        let snapshot = IDS[0].strip_prefix("repo/").unwrap().to_owned();
        assert_eq!(series(&keys, "repo/").await, (1, vec![snapshot]));
        // Without snapshots there is nothing to say what they are.
        assert_eq!(series(&keys[1..], "repo/").await.0, 2);
    }

    #[tokio::test]
    async fn what_barman_says_has_failed_or_is_not_finished_is_no_backup() {
        const KEYS: [(&str, i64); 6] = [
            ("main/base/20261127T021005/data.tar", 9),
            ("main/base/20261127T021005/backup.info", 1),
            ("main/base/20261129T021005/data.tar", 9),
            ("main/base/20261129T021005/backup.info", 1),
            ("main/base/20261130T021005/data.tar", 9),
            ("main/base/20261130T021005/backup.info", 1),
        ];
        let found = listed(Keys(Ok(KEYS.to_vec())), "main/base/", "KEY").await.unwrap();
        let newest = found.members.first().unwrap().name.to_string_lossy().into_owned();
        assert_eq!((found.count, newest.as_str()), (1, "20261127T021005/data.tar"));
        assert_eq!((found.unfinished, found.failed), (1, vec![UPLOADED - 5]));
        // What cannot be read may say that it failed.
        let locked = [("locked/20261127T021005/data.tar", 9), ("locked/20261127T021005/backup.info", 1)];
        let lost = listed(Keys(Ok(locked.to_vec())), "locked/", "KEY").await.unwrap_err();
        assert_eq!(lost, Loss::unread("locked/20261127T021005/backup.info: refused: AccessDenied"));
    }

    #[tokio::test]
    async fn a_set_of_wal_g_counts_once_its_sentinel_is_there() {
        let part = |day: &str| format!("base_0000000100000000000000{day}/tar_partitions/part_001.tar.br");
        let (old, new) = (part("18"), part("28"));
        let (old, new): (&'static str, &'static str) = (Box::leak(old.into()), Box::leak(new.into()));
        let sentinel = "base_000000010000000000000018_backup_stop_sentinel.json";
        assert_eq!(series(&[(old, 9), (new, 9), (sentinel, 1)], "").await, (1, vec![old.to_owned()]));
    }

    #[test]
    fn members_lie_in_all_of_a_prefix_up_to_its_last_slash() {
        for (place, whole) in [
            ("s3://backups/db/main-", "s3://backups/db"),
            ("s3://backups/db/", "s3://backups/db"),
            ("s3://backups/db", "s3://backups"),
            ("s3://backups/", "s3://backups"),
            ("s3://backups", "s3://backups"),
        ] {
            assert_eq!(directory(place), whole, "{place}");
        }
    }
}
