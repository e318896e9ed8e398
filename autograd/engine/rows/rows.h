// Which axis of each value in a step holds the rows of the batch, and what each operation does with
// them.
//
// An operation that keeps rows apart gives the same rows when it is applied to more of them at
// once: to those of all steps. So "lifting over time" needs no rule of its own: [batch, ...]
// becomes [time * batch, ...]. One that adds rows up (a^T d, a sum over the batch) gives, applied
// to the rows of all steps, the sum over the steps: which is how the gradients of weights leave the
// loop.
//
// The axis is followed by position; the size of an axis alone says nothing, since two may agree.
// Where a reshape may have put a batch of one row, [1, n] in [1, 1, n], even the position leaves
// two: which it is shows in what is done with it. Any answer by which each operation keeps rows
// apart, or adds them up, is a right one, since that is all that is asked of it.
#pragma once

#include "rewind/autograd/engine/step/step.h"

namespace [[gnu::visibility("default")]] rw {
namespace engine {

enum class RowEffect : char {
  apart,  // row i of the result depends on the rows i of the inputs alone
  added,  // the result is a sum over the rows, or linear in such sums
  mixed,  // anything else, and what nothing is known of
};

struct Rows {
  static constexpr int kNone = -1;
  Index batch;
  std::vector<int> axis;          // by value; kNone: no rows
  std::vector<Index> each;        // by value: entries along that axis for each row of the batch
  std::vector<bool> total;        // by value: a sum over rows
  std::vector<RowEffect> effect;  // by node
  std::vector<int> chosen;        // by value: of several axes where a reshape of one row may put it

  int axis_of(ValueId value) const { return axis[at(value)]; }
  Index each_of(ValueId value) const { return each[at(value)]; }
  // Whether a value has one entry along its first axis for each row.
  bool stand_first(ValueId value) const { return axis_of(value) == 0 && each_of(value) == 1; }
  bool is_total(ValueId value) const { return total[at(value)]; }
};

// Of an invariant it shows in its use, or in being a result.
Rows rows_of(const Step& step, Index batch);
// The same where each reshape puts rows to the axis that was chosen for its result, if that would
// do; kNone: to the first that does.
Rows rows_as_chosen(const Step& step, Index batch, std::vector<int> chosen);

// Where an output has its rows, unless they are mixed. Where one number fills all of it no axis is
// found, though one is wanted.
int axis_wanted(const Step& step, const Rows& rows, std::size_t output);

// Where rows of the batch first depend on each other, in this order.
struct Mixing {
  enum Where { node, output, next, nothing } where;
  std::size_t i;  // of the nodes, outputs or next states
  friend auto operator<=>(const Mixing&, const Mixing&) = default;
};
Mixing first_mixing(const Step& step, const Rows& rows);

// The same in words; empty: there is none.
std::string what_mixes_rows(const Step& step, const Rows& rows);

// The operation that makes a value, for another number of rows: some hold the shape of their result
// as an attribute.
Operation with_rows(const Operation& operation, const Rows& rows, ValueId value, Index count);

}  // namespace engine
}  // namespace rw
