// Which rows of a batch count at which step, arranged so that nothing else is ever touched: rows
// are sorted by length, the longest first, and those of all steps lie packed one after the other.
// At each step those that count are then the first ones; going backwards, rows join at the end.
//
// (As PackedSequence in PyTorch; here it is an inner affair of the loop.)
#pragma once

#include <vector>

#include "rewind/tensor/tensor.h"

namespace [[gnu::visibility("default")]] rw {
namespace engine {

class RowSchedule {
 public:
  // All rows at all steps.
  RowSchedule(Index time, Index batch) : time_(time), batch_(batch), total_(time * batch) {}
  // Row b at the steps before lengths[b].
  RowSchedule(Index time, const std::vector<Index>& lengths);

  friend bool operator==(const RowSchedule&, const RowSchedule&) = default;

  Index time() const { return time_; }
  Index batch() const { return batch_; }
  Index total() const { return total_; }  // rows of all steps
  bool whole() const { return order_.empty(); }

  // The steps at which any row counts are the first ones: so many.
  Index busy_steps() const;
  // A row that counts at all of these.
  Index longest_row() const { return whole() ? 0 : order_[0]; }
  // Whether a row counts at a step, bool [time, batch].
  Tensor active() const;
  // That of the steps from `begin` to before `end`.
  RowSchedule part(Index begin, Index end) const;
  // The same with the rows in the order that they have here, so that rows packed by it are a part
  // of those packed by this one.
  RowSchedule stretch(Index begin, Index end) const;

  Index rows_at(Index t) const { return whole() ? batch_ : first_[at(t + 1)] - first_[at(t)]; }
  Index first_row(Index t) const { return whole() ? t * batch_ : first_[at(t)]; }

  // x with the rows along `axis`, each of them maybe several entries, in sorted order, and back.
  Tensor sorted(const Tensor& x, int axis) const;
  Tensor unsorted(const Tensor& x, int axis) const;

  // Values of all steps, [time, ...], whose rows lie along `axis` of a step's value: to the rows
  // that count, those of all steps along that axis; and back, to a step's value of this shape, with
  // zeros in the rows that do not count. Along the axis each row of the batch may have several
  // entries.
  Tensor together(const Tensor& x, int axis) const;
  Tensor over_time(const Tensor& rows, int axis, const Dims& shape) const;
  // The same value at every step, with its rows, sorted, along `axis`, as [time, ...].
  Tensor repeated(const Tensor& x, int axis) const;

 private:
  static std::size_t at(Index i) { return static_cast<std::size_t>(i); }
  // [time * batch, ...], steps one after the other, to [total, ...] and back.
  Tensor packed(const Tensor& x) const;
  Tensor unpacked(const Tensor& x) const;
  template <class F>
  void for_each_row(F f) const;  // f(packed row, sorted row, row among all steps)

  Index time_, batch_, total_;
  std::vector<Index> order_;  // the row that stands at each place; empty: all count
  std::vector<Index> first_;  // by step: the packed row of its first; one more at the end
};

}  // namespace engine
}  // namespace rw
