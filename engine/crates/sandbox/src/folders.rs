//! `wasi:filesystem` for a guest that was granted folders: wasmtime's own, counted.
//!
//! That a guest stays below its folder is wasmtime's and cap-std's work. What they do
//! not do is bound how much it leaves there, and keep it from opening what is no file:
//! a thread that waits for the other end of a pipe waits longer than the run. So what
//! makes or grows a file asks the [`Budget`] first, and everything else is passed on.

use std::fs::File;
use std::io;
use std::sync::Arc;

use wasmtime::component::{HasData, Resource};
use wasmtime_wasi::async_trait;
use wasmtime_wasi::filesystem::{Descriptor, WasiFilesystemCtxView};
use wasmtime_wasi::p2::bindings::filesystem::preopens;
use wasmtime_wasi::p2::bindings::filesystem::types::{
    self, DescriptorType, ErrorCode, HostDescriptor, HostDirectoryEntryStream, OpenFlags,
};
use wasmtime_wasi::p2::{
    DynInputStream, DynOutputStream, FsError, FsResult, OutputStream, Pollable, StreamError,
    StreamResult,
};

use super::budget::{Budget, Spent};

/// The filesystem of one call.
pub struct Folders<'a> {
    pub wasi: WasiFilesystemCtxView<'a>,
    pub budget: Arc<Budget>,
}

/// For the linker.
pub struct HasFolders;

impl HasData for HasFolders {
    type Data<'a> = Folders<'a>;
}

/// Whether opening it is no more than that.
fn may_be_opened(found: DescriptorType) -> bool {
    matches!(
        found,
        DescriptorType::RegularFile | DescriptorType::Directory | DescriptorType::SymbolicLink
    )
}

fn spent(spent: Spent) -> FsError {
    FsError::trap(wasmtime::Error::from(spent))
}

impl Folders<'_> {
    /// What is open there.
    fn file(&self, fd: &Resource<Descriptor>) -> FsResult<Arc<File>> {
        Ok(match self.wasi.table.get(fd)? {
            Descriptor::File(file) => Arc::clone(&file.file),
            Descriptor::Dir(folder) => Arc::clone(&folder.dir),
        })
    }

    /// Before a file or folder is made.
    fn make(&self, fd: &Resource<Descriptor>) -> FsResult<()> {
        let folder = self.file(fd)?;
        self.budget
            .file()
            .and_then(|()| self.budget.room_in(&folder))
            .map_err(spent)
    }

    /// Before so many bytes are written at an offset, which may lie behind the end of the file.
    fn write_at(&self, fd: &Resource<Descriptor>, bytes: usize, offset: u64) -> FsResult<()> {
        let file = self.file(fd)?;
        let cost = cost(&file, bytes, Some(offset)).map_err(FsError::from)?;
        grow(&self.budget, &file, cost).map_err(spent)
    }

    /// Before a file gets so many bytes.
    fn grow(&self, fd: &Resource<Descriptor>, bytes: u64) -> FsResult<()> {
        let file = self.file(fd)?;
        grow(&self.budget, &file, bytes).map_err(spent)
    }

    fn metered(
        &mut self,
        stream: Resource<DynOutputStream>,
        file: Arc<File>,
        offset: Option<u64>,
    ) -> FsResult<Resource<DynOutputStream>> {
        let inner = self.wasi.table.delete(stream)?;
        let budget = Arc::clone(&self.budget);
        let metered: DynOutputStream = Box::new(Metered {
            inner,
            file,
            offset,
            budget,
        });
        Ok(self.wasi.table.push(metered)?)
    }
}

fn grow(budget: &Budget, file: &File, bytes: u64) -> Result<(), Spent> {
    budget.file_bytes(bytes)?;
    budget.room_in(file)
}

/// What it costs to write so many bytes there: as many as there are, and as many as the file grows by. What
/// is left out in between takes no room here, but as much as it says where somebody copies it.
fn cost(file: &File, bytes: usize, offset: Option<u64>) -> io::Result<u64> {
    let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
    let Some(offset) = offset else {
        return Ok(bytes);
    };
    let grown = offset
        .saturating_add(bytes)
        .saturating_sub(file.metadata()?.len());
    Ok(bytes.max(grown))
}

/// A stream into a file.
struct Metered {
    inner: DynOutputStream,
    file: Arc<File>,
    /// Where the next bytes go; none: to the file's end.
    offset: Option<u64>,
    budget: Arc<Budget>,
}

#[async_trait]
impl Pollable for Metered {
    async fn ready(&mut self) {
        self.inner.ready().await;
    }
}

#[async_trait]
impl OutputStream for Metered {
    fn write(&mut self, bytes: bytes::Bytes) -> StreamResult<()> {
        let cost = cost(&self.file, bytes.len(), self.offset);
        let cost = cost.map_err(|error| StreamError::Trap(error.into()))?;
        grow(&self.budget, &self.file, cost).map_err(|spent| StreamError::Trap(spent.into()))?;
        let next = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.offset = self.offset.map(|offset| offset.saturating_add(next));
        self.inner.write(bytes)
    }

    fn flush(&mut self) -> StreamResult<()> {
        self.inner.flush()
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        self.inner.check_write()
    }

    async fn cancel(&mut self) {
        self.inner.cancel().await;
    }
}

impl preopens::Host for Folders<'_> {
    fn get_directories(&mut self) -> wasmtime::Result<Vec<(Resource<Descriptor>, String)>> {
        preopens::Host::get_directories(&mut self.wasi)
    }
}

impl types::Host for Folders<'_> {
    fn convert_error_code(&mut self, error: FsError) -> wasmtime::Result<ErrorCode> {
        types::Host::convert_error_code(&mut self.wasi, error)
    }

    fn filesystem_error_code(
        &mut self,
        error: Resource<wasmtime::Error>,
    ) -> wasmtime::Result<Option<ErrorCode>> {
        types::Host::filesystem_error_code(&mut self.wasi, error)
    }
}

impl HostDescriptor for Folders<'_> {
    async fn advise(
        &mut self,
        fd: Resource<types::Descriptor>,
        offset: types::Filesize,
        len: types::Filesize,
        advice: types::Advice,
    ) -> FsResult<()> {
        HostDescriptor::advise(&mut self.wasi, fd, offset, len, advice).await
    }

    async fn sync_data(&mut self, fd: Resource<types::Descriptor>) -> FsResult<()> {
        HostDescriptor::sync_data(&mut self.wasi, fd).await
    }

    async fn get_flags(
        &mut self,
        fd: Resource<types::Descriptor>,
    ) -> FsResult<types::DescriptorFlags> {
        HostDescriptor::get_flags(&mut self.wasi, fd).await
    }

    async fn get_type(
        &mut self,
        fd: Resource<types::Descriptor>,
    ) -> FsResult<types::DescriptorType> {
        HostDescriptor::get_type(&mut self.wasi, fd).await
    }

    async fn set_size(
        &mut self,
        fd: Resource<types::Descriptor>,
        size: types::Filesize,
    ) -> FsResult<()> {
        let before = HostDescriptor::stat(&mut self.wasi, Resource::new_borrow(fd.rep()))
            .await?
            .size;
        self.grow(&fd, size.saturating_sub(before))?;
        HostDescriptor::set_size(&mut self.wasi, fd, size).await
    }

    async fn set_times(
        &mut self,
        fd: Resource<types::Descriptor>,
        atim: types::NewTimestamp,
        mtim: types::NewTimestamp,
    ) -> FsResult<()> {
        HostDescriptor::set_times(&mut self.wasi, fd, atim, mtim).await
    }

    async fn read(
        &mut self,
        fd: Resource<types::Descriptor>,
        len: types::Filesize,
        offset: types::Filesize,
    ) -> FsResult<(Vec<u8>, bool)> {
        HostDescriptor::read(&mut self.wasi, fd, len, offset).await
    }

    async fn write(
        &mut self,
        fd: Resource<types::Descriptor>,
        buf: Vec<u8>,
        offset: types::Filesize,
    ) -> FsResult<types::Filesize> {
        self.write_at(&fd, buf.len(), offset)?;
        HostDescriptor::write(&mut self.wasi, fd, buf, offset).await
    }

    async fn read_directory(
        &mut self,
        fd: Resource<types::Descriptor>,
    ) -> FsResult<Resource<types::DirectoryEntryStream>> {
        HostDescriptor::read_directory(&mut self.wasi, fd).await
    }

    async fn sync(&mut self, fd: Resource<types::Descriptor>) -> FsResult<()> {
        HostDescriptor::sync(&mut self.wasi, fd).await
    }

    async fn create_directory_at(
        &mut self,
        fd: Resource<types::Descriptor>,
        path: String,
    ) -> FsResult<()> {
        self.make(&fd)?;
        HostDescriptor::create_directory_at(&mut self.wasi, fd, path).await
    }

    async fn stat(&mut self, fd: Resource<types::Descriptor>) -> FsResult<types::DescriptorStat> {
        HostDescriptor::stat(&mut self.wasi, fd).await
    }

    async fn stat_at(
        &mut self,
        fd: Resource<types::Descriptor>,
        path_flags: types::PathFlags,
        path: String,
    ) -> FsResult<types::DescriptorStat> {
        HostDescriptor::stat_at(&mut self.wasi, fd, path_flags, path).await
    }

    async fn set_times_at(
        &mut self,
        fd: Resource<types::Descriptor>,
        path_flags: types::PathFlags,
        path: String,
        atim: types::NewTimestamp,
        mtim: types::NewTimestamp,
    ) -> FsResult<()> {
        HostDescriptor::set_times_at(&mut self.wasi, fd, path_flags, path, atim, mtim).await
    }

    async fn link_at(
        &mut self,
        fd: Resource<types::Descriptor>,
        old_path_flags: types::PathFlags,
        old_path: String,
        new_descriptor: Resource<types::Descriptor>,
        new_path: String,
    ) -> FsResult<()> {
        self.make(&fd)?;
        HostDescriptor::link_at(
            &mut self.wasi,
            fd,
            old_path_flags,
            old_path,
            new_descriptor,
            new_path,
        )
        .await
    }

    async fn open_at(
        &mut self,
        fd: Resource<types::Descriptor>,
        path_flags: types::PathFlags,
        path: String,
        oflags: types::OpenFlags,
        flags: types::DescriptorFlags,
    ) -> FsResult<Resource<types::Descriptor>> {
        let found = HostDescriptor::stat_at(
            &mut self.wasi,
            Resource::new_borrow(fd.rep()),
            path_flags,
            path.clone(),
        )
        .await;
        match found {
            // To open a pipe or a device may wait for ever, and does something.
            Ok(found) if !may_be_opened(found.type_) => return Err(ErrorCode::NotPermitted.into()),
            Ok(_) => {}
            Err(_) if oflags.contains(OpenFlags::CREATE) => self.make(&fd)?,
            // The error is the one of opening it.
            Err(_) => {}
        }
        HostDescriptor::open_at(&mut self.wasi, fd, path_flags, path, oflags, flags).await
    }

    fn drop(&mut self, fd: Resource<types::Descriptor>) -> wasmtime::Result<()> {
        HostDescriptor::drop(&mut self.wasi, fd)
    }

    async fn readlink_at(
        &mut self,
        fd: Resource<types::Descriptor>,
        path: String,
    ) -> FsResult<String> {
        HostDescriptor::readlink_at(&mut self.wasi, fd, path).await
    }

    async fn remove_directory_at(
        &mut self,
        fd: Resource<types::Descriptor>,
        path: String,
    ) -> FsResult<()> {
        HostDescriptor::remove_directory_at(&mut self.wasi, fd, path).await
    }

    async fn rename_at(
        &mut self,
        fd: Resource<types::Descriptor>,
        old_path: String,
        new_fd: Resource<types::Descriptor>,
        new_path: String,
    ) -> FsResult<()> {
        HostDescriptor::rename_at(&mut self.wasi, fd, old_path, new_fd, new_path).await
    }

    async fn symlink_at(
        &mut self,
        fd: Resource<types::Descriptor>,
        src_path: String,
        dest_path: String,
    ) -> FsResult<()> {
        self.make(&fd)?;
        HostDescriptor::symlink_at(&mut self.wasi, fd, src_path, dest_path).await
    }

    async fn unlink_file_at(
        &mut self,
        fd: Resource<types::Descriptor>,
        path: String,
    ) -> FsResult<()> {
        HostDescriptor::unlink_file_at(&mut self.wasi, fd, path).await
    }

    fn read_via_stream(
        &mut self,
        fd: Resource<types::Descriptor>,
        offset: types::Filesize,
    ) -> FsResult<Resource<DynInputStream>> {
        HostDescriptor::read_via_stream(&mut self.wasi, fd, offset)
    }

    fn write_via_stream(
        &mut self,
        fd: Resource<types::Descriptor>,
        offset: types::Filesize,
    ) -> FsResult<Resource<DynOutputStream>> {
        let file = self.file(&fd)?;
        let stream = HostDescriptor::write_via_stream(&mut self.wasi, fd, offset)?;
        self.metered(stream, file, Some(offset))
    }

    fn append_via_stream(
        &mut self,
        fd: Resource<types::Descriptor>,
    ) -> FsResult<Resource<DynOutputStream>> {
        let file = self.file(&fd)?;
        let stream = HostDescriptor::append_via_stream(&mut self.wasi, fd)?;
        self.metered(stream, file, None)
    }

    async fn is_same_object(
        &mut self,
        a: Resource<types::Descriptor>,
        b: Resource<types::Descriptor>,
    ) -> wasmtime::Result<bool> {
        HostDescriptor::is_same_object(&mut self.wasi, a, b).await
    }

    async fn metadata_hash(
        &mut self,
        fd: Resource<types::Descriptor>,
    ) -> FsResult<types::MetadataHashValue> {
        HostDescriptor::metadata_hash(&mut self.wasi, fd).await
    }

    async fn metadata_hash_at(
        &mut self,
        fd: Resource<types::Descriptor>,
        path_flags: types::PathFlags,
        path: String,
    ) -> FsResult<types::MetadataHashValue> {
        HostDescriptor::metadata_hash_at(&mut self.wasi, fd, path_flags, path).await
    }
}

impl HostDirectoryEntryStream for Folders<'_> {
    async fn read_directory_entry(
        &mut self,
        stream: Resource<types::DirectoryEntryStream>,
    ) -> FsResult<Option<types::DirectoryEntry>> {
        HostDirectoryEntryStream::read_directory_entry(&mut self.wasi, stream).await
    }

    fn drop(&mut self, stream: Resource<types::DirectoryEntryStream>) -> wasmtime::Result<()> {
        HostDirectoryEntryStream::drop(&mut self.wasi, stream)
    }
}
