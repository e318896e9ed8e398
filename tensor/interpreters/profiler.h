// Where the time goes, by operation.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "rewind/tensor/interpreter.h"

namespace [[gnu::visibility("default")]] rw {

// Counts and times the operations of this thread while it lives. The time of an operation includes
// what interpreters below do with it: under a profiler that is older than the tape, the tape's
// recording is not seen; above it, it is.
class Profiler final : public Interpreter {
 public:
  struct Entry {
    std::string name;
    std::int64_t calls = 0;
    std::int64_t nanoseconds = 0;
  };

  void run(Call& call) override;

  // One entry per name of an operation, the one that took most time first.
  std::vector<Entry> entries() const;

 private:
  std::unordered_map<const OpType*, Entry> entries_;
};

// A table: one line per operation, and the total.
std::string to_string(const Profiler& profiler);

}  // namespace rw
