//! Who runs our tasks.

use std::pin::Pin;
use std::sync::Arc;

/// A task: it ends by itself, once its client has.
pub type BoxedTask = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Starts a task and lets it run.
pub(crate) type Spawn = Arc<dyn Fn(BoxedTask) + Send + Sync>;

/// The default: smol's global executor.
pub(crate) fn on_smol() -> Spawn {
    Arc::new(|task| smol::spawn(task).detach())
}
