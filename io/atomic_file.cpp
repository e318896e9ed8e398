// The order of steps is what makes it safe (Pillai et al., OSDI 2014, found most programs wrong):
//
//   1. a temporary in the target's own folder: rename is atomic within one file system only
//   2. all bytes, then fsync of the file: otherwise some file systems put the rename on disk before
//      the content, and a crash leaves an empty file under the right name
//   3. rename over the target
//   4. fsync of the folder: the rename itself lives there
//
// A failed fsync is never tried again: Linux reports a lost page once and then calls it clean, so a
// second success would mean nothing. The file is dropped instead.
//
// A temporary is locked (flock) while its writer lives, and the system unlocks it when the writer
// dies. So an unlocked one is left over; the minute of age covers the moment between a neighbour's
// open and its lock.
#include "rewind/io/atomic_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <system_error>

namespace rw {

namespace fs = std::filesystem;

namespace {

constexpr time_t kStaleSeconds = 60;
constexpr int kMaxLinks = 40;                // as the Linux kernel
constexpr std::size_t kMaxNameInName = 200;  // the temporary's name must stay under NAME_MAX, 255

std::string message_of(int code) { return std::generic_category().message(code); }

// The file that `path` names in the end, also when it does not exist yet.
fs::path behind_links(const std::string& path) {
  fs::path at = path;
  std::error_code error;
  for (int i = 0; i < kMaxLinks; ++i) {
    const bool is_link = fs::is_symlink(fs::symlink_status(at, error));
    if (!is_link) return at;
    at = at.parent_path() / fs::read_symlink(at, error);  // an absolute link replaces the folder
  }
  throw FileError(fmt::format("write '{}': more than {} symbolic links in a row", path, kMaxLinks));
}

std::string folder_of(const fs::path& file) {
  return file.has_parent_path() ? file.parent_path().string() : ".";
}

std::string temporary_prefix(const fs::path& target) {
  return "." + target.filename().string().substr(0, kMaxNameInName) + ".new-";
}

void remove_if_stale(const fs::path& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (file < 0) return;
  struct stat info {};
  if (::fstat(file, &info) == 0 && S_ISREG(info.st_mode) &&
      std::time(nullptr) - info.st_mtime > kStaleSeconds && ::flock(file, LOCK_EX | LOCK_NB) == 0) {
    ::unlink(path.c_str());
  }
  ::close(file);
}

// Best effort: what cannot be listed or removed does not stop the writing.
void remove_stale_temporaries(const fs::path& target) {
  const std::string prefix = temporary_prefix(target);
  std::error_code error;
  fs::directory_iterator it(folder_of(target), error);
  for (; !error && it != fs::directory_iterator(); it.increment(error)) {
    if (it->path().filename().string().starts_with(prefix)) remove_if_stale(it->path());
  }
}

void refuse_unfit_target(const std::string& path, const struct stat& old) {
  require<FileError>(!S_ISDIR(old.st_mode), "write '{}': it is a directory; name a file in it",
                     path);
  require<FileError>(S_ISREG(old.st_mode), "write '{}': it is not a regular file", path);
  require<FileError>(::faccessat(AT_FDCWD, path.c_str(), W_OK, AT_EACCESS) == 0,
                     "write '{}': the file is write-protected; change its mode or use another name",
                     path);
}

// The process number keeps processes apart, the counter the writers within one; O_EXCL decides
// between machines that share the folder.
std::string unique_name(const fs::path& target) {
  static std::atomic<unsigned> counter{0};
  const std::string name =
      fmt::format("{}{}-{}", temporary_prefix(target), ::getpid(), counter.fetch_add(1));
  return (target.parent_path() / name).string();
}

}  // namespace

const FileCalls& FileCalls::system() {
  static constexpr FileCalls calls{::write, ::fsync, ::close, std::rename};
  return calls;
}

AtomicFile::AtomicFile(const std::string& path, const FileCalls& calls) : calls_(calls) {
  const fs::path target = behind_links(path);
  target_ = target.string();
  require<FileError>(target.has_filename(), "write '{}': this is no file name", path);

  struct stat old {};
  const bool replaces = ::stat(target_.c_str(), &old) == 0;
  if (replaces) refuse_unfit_target(target_, old);
  remove_stale_temporaries(target);

  do {
    temporary_ = unique_name(target);
    file_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  } while (file_ < 0 && (errno == EEXIST || errno == EINTR));
  if (file_ < 0) {
    const int code = errno;
    temporary_.clear();
    throw FileError(fmt::format("write '{}': cannot create a file in '{}', {}", target_,
                                folder_of(target), message_of(code)));
  }
  ::flock(file_, LOCK_EX | LOCK_NB);  // where locks are not to be had, nothing is ever stale
  if (replaces) take_permissions(old);
}

AtomicFile::~AtomicFile() { drop(); }

void AtomicFile::take_permissions(const struct stat& old) {
  // Only root may give files away, others at most to a group of theirs: what stays is theirs, as an
  // editor does it. Before the mode, because changing the owner clears parts of it.
  if (::fchown(file_, old.st_uid, old.st_gid) != 0) {
    [[maybe_unused]] const int ignored = ::fchown(file_, static_cast<uid_t>(-1), old.st_gid);
  }
  struct stat now {};
  if (::fstat(file_, &now) != 0) fail("look at the new file");
  mode_t mode = old.st_mode & 07777;
  if (now.st_uid != old.st_uid) mode &= ~static_cast<mode_t>(S_ISUID);
  if (now.st_gid != old.st_gid) {
    // Who was in the old group is now among the others, who was not may be in the new one: both
    // may do what both could.
    const mode_t shared = (mode >> 3) & mode & S_IRWXO;
    mode = (mode & (S_ISVTX | S_ISUID | S_IRWXU)) | shared << 3 | shared;
  }
  if (::fchmod(file_, mode) != 0) fail("set the mode of the new file");
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  require<FileError>(file_ >= 0, "write '{}': the file is already committed or dropped", target_);
  while (!bytes.empty()) {
    const ssize_t count = calls_.write(file_, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail("write the new content");
    if (count == 0) {  // never seen for a regular file; without this it would spin
      errno = EIO;
      fail("write the new content");
    }
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
}

void AtomicFile::commit() {
  require<FileError>(file_ >= 0, "write '{}': the file is already committed or dropped", target_);
  if (calls_.fsync(file_) != 0) fail("put the new content on disk");
  const int file = std::exchange(file_, -1);
  if (calls_.close(file) != 0) fail("close the new file");  // where NFS reports a full quota
  if (calls_.rename(temporary_.c_str(), target_.c_str()) != 0) fail("rename the new file");
  temporary_.clear();
  sync_folder();
}

void AtomicFile::sync_folder() {
  const std::string folder = folder_of(target_);
  const int handle = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  int code = handle < 0 ? errno : 0;
  if (handle >= 0) {
    if (calls_.fsync(handle) != 0) code = errno;
    ::close(handle);
  }
  // EINVAL: a file system without sync of folders. EACCES: a folder that may be entered, not read.
  require<FileError>(code == 0 || code == EINVAL || code == EACCES,
                     "write '{}': the file is replaced, but its folder could not be put on disk, "
                     "{}; a power failure may bring the old file back",
                     target_, message_of(code));
}

void AtomicFile::fail(const char* step) {
  const int code = errno;
  drop();
  throw FileError(
      fmt::format("write '{}': cannot {}, {}; the old file is as it was, if there was one", target_,
                  step, message_of(code)));
}

void AtomicFile::drop() noexcept {
  if (file_ >= 0) ::close(std::exchange(file_, -1));
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
  temporary_.clear();
}

void replace_file(const std::string& path, std::string_view content) {
  AtomicFile file(path);
  file.write(std::as_bytes(std::span(content)));
  file.commit();
}

}  // namespace rw
