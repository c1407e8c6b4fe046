//! The file that keeps the host's id over a restart of the container: `id` in the root folder, as
//! mackerel-container-agent has it.

use std::path::PathBuf;

use super::setting::{IdStore, Setting};
use crate::model::id::HostId;

/// Where the id is kept; none where it is kept in this process only.
#[derive(Debug, Clone)]
pub struct IdFile(Option<PathBuf>);

impl IdFile {
    /// As it is set.
    pub fn of(setting: &Setting) -> Self {
        IdFile(match setting.id_store {
            IdStore::File => Some(setting.root.join("id")),
            IdStore::Memory => None,
        })
    }

    /// The id that is kept. A file that is empty or can't be read keeps none.
    pub fn load(&self) -> Option<HostId> {
        let text = std::fs::read_to_string(self.0.as_ref()?).ok()?;
        let id = text.trim();
        (!id.is_empty()).then(|| HostId::new(id))
    }

    /// Keeps an id. Where that can't be, as on a read-only file system, the host is found by its
    /// custom identifier.
    pub fn save(&self, id: &HostId) {
        let Some(path) = &self.0 else { return };
        let folder = path.parent().map_or(Ok(()), std::fs::create_dir_all);
        if let Err(error) = folder.and_then(|()| std::fs::write(path, id.as_str())) {
            tracing::info!(
                "the host's id is not kept in {} ({error}); after a restart of this container the \
                 host is found by the task's ARN",
                path.display()
            );
        }
    }

    /// Forgets the id.
    pub fn remove(&self) {
        if let Some(path) = &self.0 {
            // It may never have been there.
            let _ = std::fs::remove_file(path);
        }
    }
}
