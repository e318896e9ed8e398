#include "files.h"

#include <unistd.h>

#include <filesystem>

namespace char_lm {
namespace {

namespace fs = std::filesystem;
using rw::FileError;
using rw::require;

// Where a path leads, also when nothing is there yet.
fs::path place_of(const std::string& path) {
  constexpr int kMostLinks = 40;  // as the Linux kernel
  fs::path place = fs::absolute(path);
  for (int i = 0; i < kMostLinks && fs::is_symlink(fs::symlink_status(place)); i++) {
    place = place.parent_path() / fs::read_symlink(place);  // an absolute one replaces the folder
  }
  return fs::weakly_canonical(place);
}

void require_apart(const char* option, const std::string& path, const char* other,
                   const std::string& other_path) {
  std::error_code nothing_there;
  const bool same =
      fs::equivalent(path, other_path, nothing_there) || place_of(path) == place_of(other_path);
  require<FileError>(!same, "'{}': {} is also {}; give each a file of its own", path, option,
                     other);
}

void check_model(const TrainOptions& o) {
  const bool exists = fs::exists(o.out);
  if (o.resume) {
    require<FileError>(exists, "'{}': there is nothing to resume", o.out);
    read_config(o.out);
  } else {
    require<FileError>(!exists,
                       "'{}': exists already; --resume goes on with it, another --out begins anew",
                       o.out);
  }
  const rw::AtomicFile probe(o.out);  // leaves no trace without commit
}

void check_metrics(const std::string& metrics) {
  const fs::path path = place_of(metrics);
  const bool writable =
      fs::exists(path)
          ? fs::is_regular_file(path) && access(path.c_str(), W_OK) == 0
          : fs::is_directory(path.parent_path()) && access(path.parent_path().c_str(), W_OK) == 0;
  require<FileError>(writable, "'{}': cannot write metrics there", metrics);
}

}  // namespace

void check_files(const TrainOptions& o) {
  require_apart("--out", o.out, "--text", o.text);
  if (!o.metrics.empty()) {
    require_apart("--metrics", o.metrics, "--text", o.text);
    require_apart("--metrics", o.metrics, "--out", o.out);
    check_metrics(o.metrics);
  }
  check_model(o);
}

}  // namespace char_lm
