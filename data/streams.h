// One long text as many parallel streams, for back-propagation through time in windows.
//
// The ids are cut into `batch` contiguous columns of equal length, laid side by side. A window is
// `time` steps of all columns; the state at the end of one window is the initial state of the next,
// so each column is read as one unbroken text:
//
//   ids  a b c d e f g h i j k l m     batch 3, time 2:
//                                      window 0   window 1
//   column 0   a b c d                  a e i      c g k
//   column 1   e f g h                  b f j      d h l
//   column 2   i j k l                  targets are the ids one step later, m the last
#pragma once

#include <vector>

#include "rewind/tensor/tensor.h"

namespace [[gnu::visibility("default")]] rw {

struct StreamOptions {
  Index batch = 1;
  Index time = 1;
  bool tail = false;  // whether a last window with fewer steps is given too, as evaluation wants it
};

struct Window {
  Tensor tokens;   // int64 [time, batch]
  Tensor targets;  // int64 [time, batch]: the id that follows each token
};

// Windows are made when asked for and depend on their number alone, so a run resumes by going on
// with the next number. Ids that do not fill a row of all columns are left out, as are, without
// `.tail`, the steps that do not fill a window. Throws ValueError when no window is left.
// Safe to share between threads.
class Streams {
 public:
  Streams(std::vector<Index> ids, const StreamOptions& options);

  Index size() const;                     // number of windows
  Index steps() const { return steps_; }  // steps of a column, without the tail left out
  Index tokens() const { return steps_ * options_.batch; }
  Window operator[](Index window) const;  // IndexError: outside [0, size)

 private:
  std::vector<Index> ids_;
  StreamOptions options_;
  Index column_;  // ids from one column to the next
  Index steps_;   // steps that windows cover
};

}  // namespace rw
