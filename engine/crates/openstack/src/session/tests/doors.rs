//! Never more requests on their way to a service than the settings say.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use caso_net::{Method, Request, Transport};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all};
use serde_json::{Value, json};

use crate::testing::*;
use crate::{Scope, Service, Session};
use caso_base::Clock;

/// Counts what is on its way to Nova and to Keystone.
struct Road {
    fake: Arc<Fake>,
    now: [AtomicUsize; 2],
    most: [AtomicUsize; 2],
}

impl Transport for Road {
    fn send(&self, request: Request) -> BoxFuture<'_, Outcome> {
        async move {
            let of = usize::from(request.method == Method::Post);
            let now = self.now[of].fetch_add(1, Ordering::SeqCst) + 1;
            self.most[of].fetch_max(now, Ordering::SeqCst);
            let answer = self.fake.send(request).await;
            self.now[of].fetch_sub(1, Ordering::SeqCst);
            answer
        }
        .boxed()
    }
}

#[tokio::test]
async fn no_service_gets_more_requests_at_a_time_than_it_is_meant_to() {
    for at_a_time in [1, 3] {
        let road = Arc::new(Road {
            fake: Fake::new(|request| match request.method {
                Method::Post => token(request, "t"),
                _ => answer(200, &json!({})),
            }),
            now: Default::default(),
            most: Default::default(),
        });
        let mut settings = settings(&password());
        settings.at_a_time = at_a_time;
        let clock: Arc<dyn Clock> = ManualClock::at(START);
        let session = Session::new(settings, road.clone(), clock);
        // Until the credentials have proven good, nobody else tries them.
        session.own_project(&Scope::System).await.unwrap();
        join_all((0..20).map(|n| {
            let session = &session;
            async move {
                let scope = Scope::Project(format!("p{n}"));
                let body: Value = session
                    .get(&scope, Service::Compute, "/flavors", &[], None)
                    .await
                    .unwrap();
                assert_eq!(body, json!({}));
            }
        }))
        .await;
        let most = road.most.each_ref().map(|most| most.load(Ordering::SeqCst));
        assert_eq!(most, [at_a_time; 2]);
    }
}
