//! What happens to a server, as Nova notes it in the row. A new kind of event gets a
//! method here, so that no test writes down by itself which columns it moves.

use super::Server;

impl Server {
    /// The same server, deleted at that time.
    pub fn deleted(mut self, at: i64) -> Self {
        self.delete(at);
        self
    }

    /// By the host's clock, and the row's time by that of who writes it.
    pub fn delete(&mut self, at: i64) {
        self.vm_state = "deleted".into();
        self.terminated = Some(at + self.host_clock_ahead);
        self.updated = at;
    }

    /// Kept until `reclaim_instance_interval` is over, and then deleted.
    pub fn soft_delete(&mut self, at: i64) {
        self.vm_state = "soft-delete".into();
        self.updated = at;
    }

    /// Of that flavor from now on: Nova boots it anew and moves `launched_at`.
    pub fn resize(&mut self, flavor_id: String, at: i64) {
        self.flavor_id = flavor_id;
        self.embedded = None;
        self.vm_state = "active".into();
        self.boot(at);
    }

    /// A rebuild, or what else makes Nova move `launched_at`.
    pub fn boot(&mut self, at: i64) {
        self.launched = Some(at + self.host_clock_ahead);
        self.updated = at;
    }

    /// In another of Nova's states, which is all that changes.
    pub fn turn(&mut self, vm_state: &str, at: i64) {
        self.vm_state = vm_state.into();
        self.updated = at;
    }

    pub fn is_deleted(&self) -> bool {
        self.vm_state == "deleted"
    }
}
