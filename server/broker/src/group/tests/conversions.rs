//! A group id that changes from one protocol to the other.

use super::*;

#[tokio::test]
async fn an_empty_group_goes_over_with_its_offsets() {
    let desk = Desk::start().await;
    desk.commit("g", "t", 0, 11).await.unwrap();
    let id = desk.classic("g").await;
    let refusal = desk.beat("g", beating("m", 0)).await.unwrap_err();
    assert_eq!(refusal.code, E::GroupIdNotFound);
    assert!(refusal.message.contains("classic"), "{}", refusal.message);
    let leave = classic::LeaveIdentity {
        member_id: id,
        instance_id: None,
    };
    soon(desk.groups.leave("g", &[leave])).await.unwrap();
    let reply = desk.beat("g", beating("m", 0)).await.unwrap();
    assert_eq!(reply.epoch, 1);
    let desk = desk.restart().await;
    assert_eq!(desk.overview(), [("g".to_owned(), "consumer", "Stable")]);
    assert_eq!(desk.committed("g", "t", 0).await, Some(11));
    // And back.
    let bye = HeartbeatRequest {
        epoch: -1,
        ..beating("m", -1)
    };
    desk.beat("g", bye).await.unwrap();
    assert_eq!(
        desk.join("g", joining("made-up")).await.error,
        Some(E::UnknownMemberId)
    );
    assert_eq!(
        desk.overview(),
        [("g".to_owned(), "consumer", "Empty")],
        "a stranger turns nothing"
    );
    desk.classic("g").await;
    let desk = desk.restart().await;
    assert_eq!(desk.overview(), [("g".to_owned(), "classic", "Stable")]);
    assert_eq!(desk.committed("g", "t", 0).await, Some(11));
}

#[tokio::test]
async fn who_was_promised_a_place_in_a_classic_group_keeps_it() {
    let desk = Desk::start().await;
    let asks = JoinRequest {
        require_member_id: true,
        ..joining("")
    };
    let promised = desk.join("g", asks.clone()).await;
    assert_eq!(promised.error, Some(E::MemberIdRequired));
    desk.beat("g", beating("m", 0)).await.unwrap();
    let joined = desk
        .join(
            "g",
            JoinRequest {
                member_id: promised.member_id,
                ..asks
            },
        )
        .await;
    assert_eq!(joined.error, None);
}

#[tokio::test]
async fn operators_remove_members_of_either_kind_by_the_same_request() {
    let desk = Desk::start().await;
    let id = desk.classic("g").await;
    desk.beat("h", beating("m", 0)).await.unwrap();
    let who = |id: &str| {
        [classic::LeaveIdentity {
            member_id: id.to_owned(),
            instance_id: None,
        }]
    };
    assert_eq!(soon(desk.groups.leave("g", &who(&id))).await, Ok(vec![Ok(())]));
    assert_eq!(soon(desk.groups.leave("h", &who("m"))).await, Ok(vec![Ok(())]));
    let unknown = Ok(vec![Err(E::UnknownMemberId)]);
    assert_eq!(soon(desk.groups.leave("h", &who("m"))).await, unknown);
    assert_eq!(soon(desk.groups.leave("never", &who("m"))).await, unknown);
    let desk = desk.restart().await;
    assert!(desk.overview().iter().all(|(_, _, state)| *state == "Empty"));
}
