// The tables that an axis of a tensor cuts it into, for kernels that go along that axis.
#pragma once

#include <algorithm>

#include "rewind/tensor/kernels/softmax.h"
#include "rewind/tensor/parallel.h"
#include "rewind/tensor/strided.h"

namespace rw::kernels {

// Calls f(k) for 0 <= k < count, where each means about `size` exponentials, on several threads
// where it pays.
template <class F>
void for_each_run(Index count, Index size, F f) {
  constexpr Index kWorthAWorker = 1 << 15;  // exponentials: 20 us, where waking a worker takes 5
  parallel_for(count, kWorthAWorker / std::clamp<Index>(size, 1, kWorthAWorker),
               [&](Index begin, Index end) {
                 for (Index k = begin; k < end; k++) f(k);
               });
}

// Calls f(first element, table) for every table.
template <class F>
void for_each_table(const Dims& shape, int axis, F f) {
  if (shape.count() == 0) return;
  const Table table{shape[axis], contiguous_strides(shape)[static_cast<std::size_t>(axis)]};
  const Index size = table.n * table.width;
  for_each_run(shape.count() / size, size, [&](Index k) { f(k * size, table); });
}

}  // namespace rw::kernels
