// Which steps of a batch of sequences count: lengths and resets, checked once, asked at each step.
#pragma once

#include <string_view>
#include <vector>

#include "rewind/tensor/tensor.h"

namespace [[gnu::visibility("default")]] rw {

// The number of steps of each row of a batch, in any order; zero is legal. Empty: all steps count.
using Lengths = std::vector<Index>;

// One pass over `time` steps of `batch` rows, first to last or last to first.
class Sequence {
 public:
  // Throws ShapeError or IndexError in the name of `op` when lengths are not one per row and within
  // [0, time], or reset is not bool [time, batch].
  Sequence(std::string_view op, Index time, Index batch, const Lengths& lengths,
           const Tensor& reset, bool reverse);

  Index time() const { return time_; }
  Index batch() const { return batch_; }
  // Whether every step counts for every row.
  bool whole() const { return shortest_ == time_; }
  // The step that comes k-th.
  Index at(Index k) const { return reverse_ ? time_ - 1 - k : k; }

  // Rows for which step t counts, bool [batch]; undefined when it counts for all.
  Tensor active(Index t) const;
  // Rows whose state is to start anew before step t of this pass, bool [batch]; undefined: none.
  Tensor starting(Index t) const;
  // The same for all steps, bool [time, batch].
  Tensor starting_rows() const;
  // Whether step t counts for no row.
  bool idle(Index t) const { return !lengths_.empty() && t >= longest_; }
  // A row for which every step counts that counts for any.
  Index longest_row() const { return longest_row_; }

 private:
  bool starts(Index t, Index row) const;
  bool counts(Index t, Index row) const {
    return lengths_.empty() || t < lengths_[static_cast<std::size_t>(row)];
  }

  Index time_, batch_, longest_, shortest_, longest_row_ = 0;
  Lengths lengths_;
  Tensor reset_;
  bool reverse_;
};

// Row by row, `yes` where the mask [batch] holds and `no` elsewhere; what is not chosen is not
// looked at. Both have the batch as their first axis.
Tensor select_rows(const Tensor& mask, const Tensor& yes, const Tensor& no);

// `x` with zeros in the rows where the mask does not hold.
Tensor keep_rows(const Tensor& mask, const Tensor& x);

// `x` with the numbers of row `row`, as constants, in the rows where the mask does not hold.
Tensor fill_rows(const Tensor& mask, const Tensor& x, Index row);

}  // namespace rw
