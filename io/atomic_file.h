// Writing a file so that whoever looks sees the old one whole or the new one whole, also after a
// crash, a full disk or a lost power supply.
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "rewind/tensor/error.h"

namespace [[gnu::visibility("default")]] rw {

// The calls to the system that can fail half-way. Tests hand in their own to fail or die at the
// n-th of them; each behaves and reports as the POSIX function of its name does.
struct FileCalls {
  ssize_t (*write)(int file, const void* bytes, std::size_t count);
  int (*fsync)(int file);
  int (*close)(int file);
  int (*rename)(const char* from, const char* to);

  static const FileCalls& system();
};

// A file in the making: `write` as often as needed, then `commit`. Until `commit` renames it, the
// new content stands in a hidden temporary beside the target; without `commit` the destructor drops
// it. A failure throws FileError and leaves the target as it was. The one exception is the last
// step, putting the folder on disk: if it fails the error says that the target *is* replaced.
//
// An old file keeps its permissions, and its owner and group where the system allows; where the
// group is another one afterwards, nobody else may do more than before. A symbolic link stays and
// the file that it names is replaced. Directories, devices and write-protected files are
// refused before anything is written. Temporaries that a killed process left behind are removed.
// One thread per object; several writers of one path are safe, the last commit stays.
class AtomicFile {
 public:
  explicit AtomicFile(const std::string& path, const FileCalls& calls = FileCalls::system());
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(std::span<const std::byte> bytes);
  void commit();  // at most once, and nothing may be written after it

 private:
  void take_permissions(const struct stat& old);
  [[noreturn]] void fail(const char* step);
  void drop() noexcept;
  void sync_folder();

  const FileCalls& calls_;
  std::string target_;     // links resolved
  std::string temporary_;  // empty once it is renamed or dropped
  int file_ = -1;
};

// The whole of a small file at once.
void replace_file(const std::string& path, std::string_view content);

}  // namespace rw
