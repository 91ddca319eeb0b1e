//! What is read of an image, and how many requests those of many projects cost.

use super::*;
use crate::testing::{Plan, Planned as _, Stand, plan};
use caso_stand_in::Image as Planned;

#[test]
fn properties_are_the_texts_that_are_not_glances_own() {
    let raw = RawValue::from_string(
        r#"{"id": "i", "name": null, "visibility": "public", "checksum": "c",
            "vmcatcher_event_ad_mpuri": "https://x/1", "odd": 3, "none": null}"#
            .into(),
    )
    .unwrap();
    let (image, public) = read(&raw).unwrap();
    assert!(public);
    assert_eq!(image.name, None);
    assert_eq!(image.properties.len(), 1);
    assert_eq!(image.properties[0].value, "https://x/1");
}

/// Asks for the images of each project, one after the other; how many were found, with how many
/// requests.
async fn look_up(stand: &std::sync::Arc<Stand>, wanted: &[&[usize]]) -> (usize, usize) {
    let context = stand.context();
    let mut found = 0;
    for (n, images) in wanted.iter().enumerate() {
        let ids = images.iter().map(|n| format!("i{n}")).collect();
        let project = ["p1", "p2"][n % 2];
        let caches = &context.caches;
        let images = caches
            .images
            .lookup(&context.session, project, &ids, &caches.warnings);
        found += images.await.len();
        caches.images.forget(project).await;
    }
    (found, stand.asked("/v2/images"))
}

fn cloud(count: usize) -> Plan {
    let image = |n: usize| Planned {
        id: format!("i{n}"),
        ..Planned::numbered(n)
    };
    Plan {
        images: (0..count).map(image).collect(),
        ..plan()
    }
}

#[tokio::test]
async fn public_images_of_many_projects_are_one_question_and_one_list() {
    let wanted: Vec<[usize; 2]> = (0..100).map(|n| [n, 199 - n]).collect();
    let wanted: Vec<&[usize]> = wanted.iter().map(|ids| ids.as_slice()).collect();
    assert_eq!(look_up(&cloud(200).start(), &wanted).await, (200, 2));
    // One project alone has no need of the others'.
    assert_eq!(look_up(&cloud(200).start(), &[&[1, 2]]).await, (2, 1));
    // One of very many: more pages, and no more than that.
    let stand = cloud(5_000).start();
    let many: Vec<usize> = (0..4_000).step_by(20).collect();
    let (found, requests) = look_up(&stand, &[&many, &many]).await;
    assert_eq!(found, 400);
    assert!(requests <= MOST_PAGES + 3, "{requests}");
}

/// What the list of public images does not show is asked for by its id, as ever.
#[tokio::test]
async fn images_that_are_not_public_are_found_behind_the_list() {
    let mut plan = cloud(9);
    plan.images[3].hidden = true;
    plan.images[4].visibility = "community".into();
    plan.images[5].visibility = "private".into();
    let (found, _) = look_up(&plan.start(), &[&[1], &[2, 3, 4, 5], &[5, 6]]).await;
    assert_eq!(found, 7);
}
