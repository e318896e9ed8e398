// How workers share the columns of what a loop computes: the hidden units. Each makes some columns
// of every product, of which it reads that part of the packed matrix alone, and of what is
// element-wise; where it reads columns of others it waits for them. So all workers have something
// to do however few rows there are, and a matrix that no near cache holds is read once in all.
#pragma once

#include <vector>

#include "rewind/tensor/dtype.h"

namespace [[gnu::visibility("default")]] rw {
namespace engine {

struct Program;

struct Columns {
  Index begin, end;
  Index count() const { return end - begin; }
};

struct ColumnShare {
  int worker = 0, workers = 1;
};

class ColumnSplit {
 public:
  ColumnSplit() = default;
  explicit ColumnSplit(const Program& program);

  // The columns of an instruction that a worker makes: the same part of each gate, say. They begin
  // where panels of a packed matrix do. None may be left for it; all are a single one's.
  std::vector<Columns> of(std::size_t instruction, ColumnShare share) const;

  // Whether all workers have to wait for each other before they run an instruction.
  bool waits(std::size_t instruction) const { return split_[instruction].waits; }
  int waits_of_a_step() const;

  // So many workers get a part of every product; where there is none, of something.
  Index most_workers() const;

 private:
  friend class ColumnSplitter;
  struct Split {
    bool product = false;
    Index columns = 0;
    Index unit = 0;   // of which each worker has its part
    Index panel = 1;  // a part begins at a multiple
    bool waits = false;
    Index panels() const { return count_of_parts(unit, panel); }  // of a unit
  };
  std::vector<Split> split_;  // by instruction
};

}  // namespace engine
}  // namespace rw
