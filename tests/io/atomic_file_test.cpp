// The promises of AtomicFile, with every call to the system failing or killing the process once.
#include "rewind/io/atomic_file.h"

#include <fcntl.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <optional>
#include <string>

#include "support/message_of.h"
#include "support/temporary_folder.h"

namespace rw {
namespace {

using test::content_of;
using test::put;
using test::TemporaryFolder;

const std::string kOld = "the old content";
const std::string kNew(10'000, 'n');

enum class Trouble { kError, kDeath };
int calls_left = -1;  // the call that finds 0 here meets the trouble; negative: none does
Trouble trouble = Trouble::kError;

bool strikes() {
  if (calls_left < 0 || calls_left-- > 0) return false;
  if (trouble == Trouble::kDeath) ::kill(::getpid(), SIGKILL);
  errno = ENOSPC;
  return true;
}

// Writes at most 3000 bytes a call, so that short writes happen too.
const FileCalls kTroubled{
    [](int file, const void* bytes, std::size_t count) -> ssize_t {
      return strikes() ? -1 : ::write(file, bytes, std::min<std::size_t>(count, 3000));
    },
    [](int file) { return strikes() ? -1 : ::fsync(file); },
    [](int file) {
      const int result = ::close(file);
      return strikes() ? -1 : result;
    },
    [](const char* from, const char* to) { return strikes() ? -1 : std::rename(from, to); }};
constexpr int kCalls = 8;  // 4 writes, fsync, close, rename, fsync of the folder
constexpr int kCallsBeforeTheNewFileStands = 7;

void replace(const std::string& path) {
  AtomicFile file(path, kTroubled);
  file.write(std::as_bytes(std::span(kNew)));
  file.commit();
}

TEST(AtomicFile, ReplacesTheWholeContent) {
  TemporaryFolder folder;
  put(folder / "f", kOld);
  calls_left = -1;
  replace(folder / "f");
  EXPECT_EQ(content_of(folder / "f"), kNew);
  EXPECT_EQ(folder.names(), std::vector<std::string>{"f"});
}

TEST(AtomicFile, Bug44AFailureAtAnyCallLeavesTheOldFileWhole) {
  for (int n = 0; n < kCalls; ++n) {
    TemporaryFolder folder;
    put(folder / "f", kOld);
    calls_left = n;
    trouble = Trouble::kError;
    const std::string error = message_of<FileError>([&] { replace(folder / "f"); });
    EXPECT_NE(error.find("No space left"), std::string::npos) << error;
    EXPECT_EQ(content_of(folder / "f"), n < kCallsBeforeTheNewFileStands ? kOld : kNew) << n;
    EXPECT_EQ(folder.names(), std::vector<std::string>{"f"}) << n;
  }
  calls_left = kCalls;
  TemporaryFolder folder;
  replace(folder / "f");
  EXPECT_EQ(calls_left, 0) << "the count of calls in this test is out of date";
}

TEST(AtomicFile, Bug44DeathAtAnyCallLeavesOneOfTheTwoWhole) {
  for (int n = 0; n < kCalls; ++n) {
    TemporaryFolder folder;
    put(folder / "f", kOld);
    const pid_t child = ::fork();
    if (child == 0) {
      calls_left = n;
      trouble = Trouble::kDeath;
      replace(folder / "f");
      ::_exit(0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_TRUE(WIFSIGNALED(status)) << n;
    EXPECT_EQ(content_of(folder / "f"), n < kCallsBeforeTheNewFileStands ? kOld : kNew) << n;
  }
}

TEST(AtomicFile, ErrorsNameTheFileTheStepAndTheCause) {
  TemporaryFolder folder;
  calls_left = 4;
  trouble = Trouble::kError;
  EXPECT_EQ(message_of<FileError>([&] { replace(folder / "f"); }),
            "write '" + (folder / "f") +
                "': cannot put the new content on disk, No space left on device; the old file is "
                "as it was, if there was one");
  calls_left = kCalls - 1;
  EXPECT_NE(message_of<FileError>([&] {
              replace(folder / "f");
            }).find("the file is replaced, but its folder"),
            std::string::npos);
}

TEST(AtomicFile, WithoutCommitNothingHappened) {
  TemporaryFolder folder;
  put(folder / "f", kOld);
  { AtomicFile(folder / "f").write(std::as_bytes(std::span(kNew))); }
  EXPECT_EQ(content_of(folder / "f"), kOld);
  EXPECT_EQ(folder.names(), std::vector<std::string>{"f"});
}

TEST(AtomicFile, KeepsTheModeOfTheOldFile) {
  TemporaryFolder folder;
  put(folder / "f", kOld);
  for (const mode_t mode : {0600U, 0644U, 0755U}) {
    ::chmod((folder / "f").c_str(), mode);
    replace_file(folder / "f", kNew);
    struct stat info {};
    ::stat((folder / "f").c_str(), &info);
    EXPECT_EQ(info.st_mode & 07777, mode);
  }
}

struct Owned {
  uid_t owner;
  gid_t group;
  mode_t mode;
  bool operator==(const Owned&) const = default;
};

constexpr uid_t kOwner = 12'345, kOther = 12'346;
constexpr gid_t kGroup = 23'456, kOtherGroup = 23'457;

// What becomes of a file of kOwner and kGroup when the writer, root or another user, replaces it.
// Only root can try; nothing for others.
std::optional<Owned> replaced_by(uid_t writer, gid_t also_in, mode_t mode) {
  if (::geteuid() != 0) return {};
  TemporaryFolder folder;
  put(folder / "f", kOld);
  ::chmod((folder / ".").c_str(), 0777);
  if (::chown((folder / "f").c_str(), kOwner, kGroup) != 0) return {};
  ::chmod((folder / "f").c_str(), mode);
  const pid_t child = ::fork();
  if (child == 0) {
    const bool ready = writer == 0 || (::setgroups(1, &also_in) == 0 &&
                                       ::setgid(kOtherGroup) == 0 && ::setuid(writer) == 0);
    if (ready) replace_file(folder / "f", kNew);
    ::_exit(0);
  }
  ::waitpid(child, nullptr, 0);
  EXPECT_EQ(content_of(folder / "f"), kNew);
  struct stat info {};
  ::stat((folder / "f").c_str(), &info);
  return Owned{info.st_uid, info.st_gid, info.st_mode & 07777};
}

TEST(AtomicFile, KeepsOwnerAndGroupWhereTheSystemAllows) {
  const auto by_root = replaced_by(0, 0, 04640);
  if (!by_root) GTEST_SKIP() << "only root can give a file to another user";
  EXPECT_EQ(*by_root, (Owned{kOwner, kGroup, 04640}));
  EXPECT_EQ(replaced_by(kOther, kGroup, 0660), (Owned{kOther, kGroup, 0660}));
}

TEST(AtomicFile, GivesNoOtherGroupWhatTheOldOneCould) {
  const auto readable_by_group = replaced_by(kOther, kOtherGroup, 0642);
  if (!readable_by_group) GTEST_SKIP() << "only root can act as another user";
  EXPECT_EQ(*readable_by_group, (Owned{kOther, kOtherGroup, 0600}));
  EXPECT_EQ(replaced_by(kOther, kOtherGroup, 0666), (Owned{kOther, kOtherGroup, 0666}));
  EXPECT_EQ(replaced_by(kOther, kOtherGroup, 0606), (Owned{kOther, kOtherGroup, 0600}));
}

TEST(AtomicFile, ANewFileHasTheModeThatTheUmaskAsksFor) {
  TemporaryFolder folder;
  const mode_t old = ::umask(027);
  replace_file(folder / "f", kNew);
  ::umask(old);
  struct stat info {};
  ::stat((folder / "f").c_str(), &info);
  EXPECT_EQ(info.st_mode & 07777, 0640U);
}

TEST(AtomicFile, WritesThroughLinksAndKeepsThem) {
  TemporaryFolder folder;
  std::filesystem::create_directory(folder / "far");
  put(folder / "far/f", kOld);
  std::filesystem::create_symlink("far/f", folder / "relative");
  std::filesystem::create_symlink(folder / "relative", folder / "absolute");
  std::filesystem::create_symlink("far/none", folder / "dangling");
  replace_file(folder / "absolute", kNew);
  replace_file(folder / "dangling", kNew);
  EXPECT_EQ(content_of(folder / "far/f"), kNew);
  EXPECT_EQ(content_of(folder / "far/none"), kNew);
  EXPECT_TRUE(std::filesystem::is_symlink(folder / "absolute"));
  EXPECT_TRUE(std::filesystem::is_symlink(folder / "relative"));
}

TEST(AtomicFile, RefusesWhatCannotBeReplaced) {
  TemporaryFolder folder;
  const auto refusal = [](const std::string& path) {
    return message_of<FileError>([&] { replace_file(path, kNew); });
  };
  std::filesystem::create_directory(folder / "d");
  std::filesystem::create_symlink("loop", folder / "loop");
  EXPECT_NE(refusal(folder / "d").find("it is a directory"), std::string::npos);
  EXPECT_NE(refusal(folder / "d/").find("no file name"), std::string::npos);
  EXPECT_NE(refusal("").find("no file name"), std::string::npos);
  EXPECT_NE(refusal("/dev/null").find("not a regular file"), std::string::npos);
  EXPECT_NE(refusal(folder / "loop").find("symbolic links in a row"), std::string::npos);
  EXPECT_NE(refusal(folder / "none/f").find("No such file or directory"), std::string::npos);
  if (::geteuid() != 0) {
    put(folder / "f", kOld);
    ::chmod((folder / "f").c_str(), 0400);
    EXPECT_NE(refusal(folder / "f").find("write-protected"), std::string::npos);
  }
}

TEST(AtomicFile, RemovesWhatAKilledProcessLeftAndNothingElse) {
  TemporaryFolder folder;
  const auto old_file = [&](const std::string& name) {
    put(folder / name, "half");
    const timespec past[2] = {{1000, 0}, {1000, 0}};
    ::utimensat(AT_FDCWD, (folder / name).c_str(), past, 0);
  };
  old_file(".f.new-1-0");
  old_file(".g.new-1-0");
  old_file(".f.new-2-0");
  const int held = ::open((folder / ".f.new-2-0").c_str(), O_RDONLY | O_CLOEXEC);
  ASSERT_EQ(::flock(held, LOCK_EX), 0);
  put(folder / ".f.new-3-0", "just begun");
  replace_file(folder / "f", kNew);
  ::close(held);
  auto names = folder.names();
  std::sort(names.begin(), names.end());
  EXPECT_EQ(names, (std::vector<std::string>{".f.new-2-0", ".f.new-3-0", ".g.new-1-0", "f"}));
}

TEST(AtomicFile, WritersOfOnePathDoNotDisturbEachOther) {
  TemporaryFolder folder;
  AtomicFile first(folder / "f");
  AtomicFile second(folder / "f");
  first.write(std::as_bytes(std::span(kOld)));
  second.write(std::as_bytes(std::span(kNew)));
  second.commit();
  EXPECT_EQ(content_of(folder / "f"), kNew);
  first.commit();
  EXPECT_EQ(content_of(folder / "f"), kOld);
}

TEST(AtomicFile, TakesNamesOfAnyLegalLength) {
  TemporaryFolder folder;
  const std::string name(255, 'n');
  replace_file(folder / name, kNew);
  EXPECT_EQ(content_of(folder / name), kNew);
}

}  // namespace
}  // namespace rw
