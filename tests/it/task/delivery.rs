//! That what was measured reaches Mackerel: through outages, refusals and the end.

use super::sidecar::{APP_CPU, Place, fargate, locally, pass};

/// The minutes from the first to the last without a gap.
#[track_caller]
fn assert_complete(minutes: &[i64], from: i64, to: i64) {
    let expected: Vec<i64> = (minutes[0]..=to).collect();
    assert_eq!(minutes, expected);
    assert!(minutes[0] <= from, "{minutes:?}");
}

#[tokio::test(start_paused = true)]
async fn an_outage_of_hours_leaves_no_gap() {
    locally(async {
        let task = fargate();
        let place = Place::new(vec![task.clone()]);
        let sidecar = place.start(&task.id).await;
        pass(600).await;
        place.fail("POST", "/tsdb", 503, None);
        pass(5 * 3_600).await;
        let host = place.host();
        assert!(place.minutes(&host.id, APP_CPU).last() <= Some(&10));
        let during = place.mackerel.requests().count("POST /api/v0/tsdb");
        // Backed off: at the most two minutes between two tries, at least some.
        assert!((100..=900).contains(&during), "{during}");
        place.mackerel.clear_faults();
        // Within the longest wait, and some seconds for some three thousand points.
        pass(150).await;
        let now = place.seconds() / 60;
        let minutes = place.minutes(&host.id, APP_CPU);
        assert_complete(&minutes, 1, now - 1);
        sidecar.stop().await;
    })
    .await;
}

/// After a long outage the newest points come first.
#[tokio::test(start_paused = true)]
async fn the_newest_points_do_not_wait_behind_the_old_ones() {
    locally(async {
        let task = fargate();
        let place = Place::new(vec![task.clone()]);
        let sidecar = place.start(&task.id).await;
        pass(120).await;
        place.fail("POST", "/tsdb", 503, None);
        pass(3 * 3_600).await;
        place.mackerel.clear_faults();
        let host = place.host();
        let outage_ended = place.seconds();
        while place.minutes(&host.id, APP_CPU).len() < 20 {
            pass(1).await;
        }
        let minutes = place.minutes(&host.id, APP_CPU);
        assert!(
            *minutes.last().unwrap() >= outage_ended / 60 - 2,
            "{minutes:?}"
        );
        let hole = minutes.windows(2).any(|pair| pair[1] - pair[0] > 60);
        assert!(hole, "the oldest came before the newest");
        sidecar.stop().await;
    })
    .await;
}

/// What is older than six hours is given up.
#[tokio::test(start_paused = true)]
async fn six_hours_are_kept() {
    locally(async {
        let task = fargate();
        let place = Place::new(vec![task.clone()]);
        let sidecar = place.start(&task.id).await;
        pass(600).await;
        place.fail("POST", "/tsdb", 503, None);
        pass(8 * 3_600).await;
        place.mackerel.clear_faults();
        pass(180).await;
        let minutes = place.minutes(&place.host().id, APP_CPU);
        let now = place.seconds() / 60;
        let filled: Vec<i64> = minutes.into_iter().filter(|minute| *minute > 30).collect();
        assert!((now - 365..=now - 355).contains(&filled[0]), "{filled:?}");
        assert_complete(&filled, now - 355, now - 1);
        sidecar.stop().await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_point_that_is_refused_is_dropped_alone() {
    locally(async {
        let task = fargate();
        let place = Place::new(vec![task.clone()]);
        place
            .mackerel
            .refuse_points(|point| point.name == "container.memory.app.usage");
        let sidecar = place.start(&task.id).await;
        pass(600).await;
        let host = place.host();
        assert!(
            place
                .minutes(&host.id, "container.memory.app.usage")
                .is_empty()
        );
        assert_complete(&place.minutes(&host.id, APP_CPU), 1, 9);
        assert_complete(&place.minutes(&host.id, "container.memory.app.limit"), 0, 9);
        sidecar.stop().await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_host_that_is_retired_by_hand_is_made_anew() {
    locally(async {
        let task = fargate();
        let place = Place::new(vec![task.clone()]);
        let sidecar = place.start(&task.id).await;
        pass(300).await;
        let first = place.host();
        place
            .call("POST", &format!("/hosts/{}/retire", first.id))
            .await;
        pass(240).await;
        let second = place.host();
        assert_ne!(second.id, first.id);
        assert_eq!(second.custom_identifier, Some(task.arn()));
        // Nothing is lost in between.
        let last = *place.minutes(&first.id, APP_CPU).last().unwrap();
        let minutes = place.minutes(&second.id, APP_CPU);
        assert_eq!(minutes, (last + 1..9).collect::<Vec<_>>());
        sidecar.stop().await;
    })
    .await;
}

/// Whatever is wrong with the key is not the points' fault: they wait until it is mended.
#[tokio::test(start_paused = true)]
async fn a_key_that_is_taken_away_costs_nothing_if_it_comes_back() {
    locally(async {
        let task = fargate();
        let place = Place::new(vec![task.clone()]);
        let sidecar = place.start(&task.id).await;
        pass(300).await;
        place.fail("POST", "/tsdb", 403, None);
        pass(1_200).await;
        place.mackerel.clear_faults();
        pass(240).await;
        let now = place.seconds() / 60;
        assert_complete(&place.minutes(&place.host().id, APP_CPU), 1, now - 1);
        sidecar.stop().await;
    })
    .await;
}

/// At the end all that waits is sent, although Mackerel fails at first.
#[tokio::test(start_paused = true)]
async fn the_queue_is_drained_at_the_end() {
    locally(async {
        let task = fargate();
        let place = Place::new(vec![task.clone()]);
        let sidecar = place.start(&task.id).await;
        pass(300).await;
        place.fail("POST", "/tsdb", 500, None);
        pass(1_800).await;
        place.mackerel.clear_faults();
        place.fail("POST", "/tsdb", 500, Some(2));
        let now = place.seconds();
        sidecar.stop().await;
        assert!(place.seconds() - now < 10);
        let host = &place.mackerel.hosts()[0];
        assert!(host.retired_at.is_some());
        let minutes = place.minutes(&host.id, APP_CPU);
        assert_complete(&minutes, 1, now / 60);
    })
    .await;
}

/// A Mackerel that does not answer holds nobody beyond the grace time.
#[tokio::test(start_paused = true)]
async fn the_end_comes_within_the_grace_time() {
    locally(async {
        let task = fargate();
        let mut place = Place::new(vec![task.clone()]);
        place.set("MACKEREL_ECS_TASK_GRACE_SECONDS", "12");
        let sidecar = place.start(&task.id).await;
        pass(300).await;
        place.hang("POST", "/tsdb");
        pass(60).await;
        let now = place.seconds();
        sidecar.stop().await;
        assert!(place.seconds() - now <= 12);
        // Time was kept for the retirement.
        assert!(place.mackerel.hosts()[0].retired_at.is_some());

        let place = Place::new(vec![task.clone()]);
        let sidecar = place.start(&task.id).await;
        pass(300).await;
        place.hang("POST", "/");
        let now = place.seconds();
        sidecar.stop().await;
        assert_eq!(place.seconds() - now, 25);
    })
    .await;
}
