//! Files of a worktree, reached in a way that can't leave it: each path is resolved by the kernel beneath the
//! worktree's own directory (`openat2`), so neither `..` nor a symbolic link that a command has just put there leads
//! out.

use std::fs::{File, Permissions};
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use loom_workspace::WorkspaceError;
use loom_workspace::file::{
    MAX_FILE, below_a_file, exists, leads_out, link, missing, not_a_file, not_text, too_large,
};
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, RenameFlags, ResolveFlags};
use rustix::io::Errno;
use sha2::{Digest, Sha256};

use crate::error::{Context, Result};

/// A worktree's directory. Paths given to its methods are in their normal form ([`loom_workspace::path`]).
pub(crate) struct Root {
    fd: OwnedFd,
    path: PathBuf,
}

impl Root {
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let fd = rustix::fs::open(path, flags, Mode::empty()).doing("open the worktree")?;
        // The kernel's own name for it, to compare with those of the files in it.
        let path = path.canonicalize().doing("find the worktree")?;
        Ok(Self { fd, path })
    }

    /// Opens a regular file for reading. Links are followed as long as they stay inside.
    pub(crate) fn file(&self, path: &str) -> Result<File> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
        let fd = rustix::fs::openat2(&self.fd, path, flags, Mode::empty(), resolve)
            .map_err(|e| refusal(path, e))?;
        let file = File::from(fd);
        if !file.metadata().doing("look at a file")?.is_file() {
            return Err(not_a_file(path));
        }
        self.forbid_git(path, &file)?;
        Ok(file)
    }

    /// The whole of a text file of at most [`MAX_FILE`] bytes.
    pub(crate) fn text(&self, path: &str) -> Result<String> {
        let file = self.file(path)?;
        let mut bytes = Vec::new();
        file.take(MAX_FILE as u64 + 1)
            .read_to_end(&mut bytes)
            .doing("read a file")?;
        if bytes.len() > MAX_FILE {
            return Err(too_large(path));
        }
        String::from_utf8(bytes).map_err(|_| not_text(path))
    }

    /// The SHA-256 of a file, or none when there is no such file.
    pub(crate) fn digest(&self, path: &str) -> Result<Option<String>> {
        let mut file = match self.file(path) {
            Ok(file) => file,
            Err(error) if error.code == "file_not_found" => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut hash = Sha256::new();
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let count = file.read(&mut buffer).doing("read a file")?;
            if count == 0 {
                break;
            }
            hash.update(buffer.get(..count).unwrap_or_default());
        }
        Ok(Some(hex(&hash.finalize())))
    }

    /// Whether there is something at `path`, be it a dangling link.
    pub(crate) fn exists(&self, path: &str) -> Result<bool> {
        let (parent, name) = self.parent(path, false)?;
        match rustix::fs::statat(&parent, &name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(_) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(error) => Err(refusal(path, error)),
        }
    }

    /// A directory, whose path contains no links, as a path for a program to start in.
    pub(crate) fn directory(&self, path: &str) -> Result<PathBuf> {
        if path.is_empty() {
            return Ok(self.path.clone());
        }
        self.descend(self.fd.as_fd(), path, path)?;
        Ok(self.path.join(path))
    }

    /// Creates or replaces a file in one step, durably; its permissions stay. `staging` must be on the same file
    /// system.
    pub(crate) fn write(&self, path: &str, content: &[u8], staging: &Path) -> Result<()> {
        let (parent, name) = self.parent(path, true)?;
        let mode = match rustix::fs::statat(&parent, &name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => match FileType::from_raw_mode(stat.st_mode) {
                FileType::RegularFile => stat.st_mode & 0o777,
                FileType::Symlink => return Err(refusal(path, Errno::LOOP)),
                _ => return Err(not_a_file(path)),
            },
            Err(Errno::NOENT) => 0o644,
            Err(error) => return Err(refusal(path, error)),
        };
        let mut staged = tempfile::NamedTempFile::new_in(staging).doing("make a temporary file")?;
        staged.write_all(content).doing("write a file")?;
        let permissions = Permissions::from_mode(mode);
        staged
            .as_file()
            .set_permissions(permissions)
            .doing("set a file's permissions")?;
        staged.as_file().sync_all().doing("write a file")?;
        rustix::fs::renameat(CWD, staged.path(), &parent, &name).map_err(|e| refusal(path, e))?;
        // Nothing is left where it was, so there is nothing to remove.
        let _ = staged.into_temp_path().keep();
        sync(&parent)
    }

    pub(crate) fn remove(&self, path: &str) -> Result<()> {
        let (parent, name) = self.parent(path, false)?;
        self.forbid_directory(&parent, &name, path)?;
        rustix::fs::unlinkat(&parent, &name, AtFlags::empty()).map_err(|e| refusal(path, e))?;
        sync(&parent)
    }

    pub(crate) fn rename(&self, from: &str, to: &str) -> Result<()> {
        let (from_parent, from_name) = self.parent(from, false)?;
        self.forbid_directory(&from_parent, &from_name, from)?;
        let (to_parent, to_name) = self.parent(to, true)?;
        rustix::fs::renameat_with(
            &from_parent,
            &from_name,
            &to_parent,
            &to_name,
            RenameFlags::NOREPLACE,
        )
        .map_err(|error| match error {
            Errno::EXIST => exists(to),
            error => refusal(from, error),
        })?;
        sync(&to_parent)?;
        sync(&from_parent)
    }

    /// The directory that holds `path`, and the name in it. No link is followed.
    fn parent(&self, path: &str, create: bool) -> Result<(OwnedFd, String)> {
        let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
        let mut fd = self.fd.try_clone().doing("open the worktree")?;
        for part in directory.split('/').filter(|part| !part.is_empty()) {
            if create {
                match rustix::fs::mkdirat(&fd, part, Mode::from_raw_mode(0o755)) {
                    Ok(()) | Err(Errno::EXIST) => {}
                    Err(error) => return Err(refusal(path, error)),
                }
            }
            fd = self.descend(fd.as_fd(), part, path)?;
        }
        Ok((fd, name.to_owned()))
    }

    fn descend(&self, from: impl AsFd, part: &str, path: &str) -> Result<OwnedFd> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
        rustix::fs::openat2(from, part, flags, Mode::empty(), resolve).map_err(|e| refusal(path, e))
    }

    /// A link may lead to git's own files, which no name leads to.
    fn forbid_git(&self, path: &str, file: &File) -> Result<()> {
        let real = rustix::fs::readlink(
            format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(file)),
            Vec::new(),
        )
        .doing("find a file's name")?;
        let real = real.to_string_lossy();
        let inside = Path::new(real.as_ref())
            .strip_prefix(&self.path)
            .map_err(|_| refusal(path, Errno::XDEV))?;
        loom_workspace::path::normalize_file(&inside.to_string_lossy()).map(|_| ())
    }

    fn forbid_directory(&self, parent: &OwnedFd, name: &str, path: &str) -> Result<()> {
        let stat = rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW)
            .map_err(|e| refusal(path, e))?;
        if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
            Err(not_a_file(path))
        } else {
            Ok(())
        }
    }
}

/// The SHA-256 of some bytes, in hexadecimal.
pub(crate) fn digest(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn sync(directory: &OwnedFd) -> Result<()> {
    rustix::fs::fsync(directory).doing("make a change durable")
}

fn refusal(path: &str, error: Errno) -> WorkspaceError {
    match error {
        Errno::NOENT => missing(path),
        Errno::NOTDIR => below_a_file(path),
        Errno::LOOP => link(path),
        Errno::XDEV => leads_out(path),
        Errno::ISDIR => not_a_file(path),
        other => {
            WorkspaceError::unavailable("workspace_io", format!("{path} can't be reached: {other}"))
                .with("path", path)
        }
    }
}
