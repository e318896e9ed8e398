#include "rewind/autograd/sequence.h"

#include <algorithm>

#include "rewind/autograd/tape.h"
#include "rewind/tensor/creation.h"
#include "rewind/tensor/select.h"
#include "rewind/tensor/views.h"

namespace rw {
namespace {

// A bool tensor [batch] of f(row), undefined when f is `neutral` for every row.
template <class F>
Tensor row_mask(Index batch, bool neutral, F&& f) {
  Tensor mask = Tensor::uninitialized({{batch}, boolean});
  bool all_neutral = true;
  Index row = 0;
  for (bool& value : mask.mutable_span<bool>()) {
    value = f(row++);
    all_neutral &= value == neutral;
  }
  return all_neutral ? Tensor() : mask;
}

// [batch] as [batch, 1, ...], to broadcast over the rows of x.
Tensor beside(const Tensor& mask, const Tensor& x) {
  Dims shape = mask.shape();
  while (shape.rank() < x.rank()) shape.push_back(1);
  return reshape(mask, shape);
}

}  // namespace

Sequence::Sequence(std::string_view op, Index time, Index batch, const Lengths& lengths,
                   const Tensor& reset, bool reverse)
    : time_(time),
      batch_(batch),
      longest_(time),
      shortest_(time),
      lengths_(lengths),
      reverse_(reverse) {
  if (!lengths.empty()) {
    require<ShapeError>(std::ssize(lengths) == batch, "{}: {} lengths for a batch of {} rows", op,
                        lengths.size(), batch);
    for (std::size_t row = 0; row < lengths.size(); row++) {
      require<IndexError>(lengths[row] >= 0 && lengths[row] <= time,
                          "{}: length {} of row {} is outside [0, {}], the steps there are", op,
                          lengths[row], row, time);
    }
    const auto [shortest, longest] = std::minmax_element(lengths.begin(), lengths.end());
    longest_row_ = longest - lengths.begin();
    longest_ = *longest;
    shortest_ = *shortest;
  }
  if (reset.defined()) {
    require<ShapeError>(reset.shape() == Dims{time, batch},
                        "{}: reset is {}, not bool [time, batch] = [{}, {}]", op, reset.spec(),
                        time, batch);
    require<DtypeError>(reset.dtype() == boolean, "{}: reset is {}, not bool [time, batch]", op,
                        reset.spec());
    reset_ = contiguous(reset);
  }
}

Tensor Sequence::active(Index t) const {
  if (t < shortest_) return {};
  return row_mask(batch_, true, [&](Index row) { return counts(t, row); });
}

bool Sequence::starts(Index t, Index row) const {
  // Backwards, the row starts anew before the step that precedes a start.
  const Index start = reverse_ ? t + 1 : t;
  if (!reset_.defined() || start >= time_) return false;
  return reset_.data<bool>()[start * batch_ + row] && counts(t, row) && counts(start, row);
}

Tensor Sequence::starting(Index t) const {
  return row_mask(batch_, false, [&](Index row) { return starts(t, row); });
}

Tensor Sequence::starting_rows() const {
  Tensor all = Tensor::uninitialized({{time_, batch_}, boolean});
  Index i = 0;
  for (bool& value : all.mutable_span<bool>()) {
    value = starts(i / batch_, i % batch_);
    i++;
  }
  return all;
}

Tensor select_rows(const Tensor& mask, const Tensor& yes, const Tensor& no) {
  return where(beside(mask, yes), yes, no);
}

Tensor keep_rows(const Tensor& mask, const Tensor& x) {
  return where(beside(mask, x), x, zeros_like(x));
}

Tensor fill_rows(const Tensor& mask, const Tensor& x, Index row) {
  const Tensor filling = [&] {
    const Pause pause;
    return slice(x, 0, row, row + 1);
  }();
  return where(beside(mask, x), x, filling);
}

}  // namespace rw
