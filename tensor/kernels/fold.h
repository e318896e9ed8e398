// The one loop under all reductions.
//
// A fold takes the elements that share a place on the kept axes, numbers them r = 0, 1, 2, ... row
// after row over the axes that go, hands number r to lane r mod 8, and joins the lanes pairwise at
// the end. That order belongs to the definition: it does not depend on how x lies in memory, on the
// other places, or on threads, so neither do the bits of a sum. Eight lanes are what a processor
// can add side by side, and they shorten the chain of roundings eightfold.
//
// Two ways through memory carry it out. Along rows, when the elements of one place lie together:
// eight accumulators in registers. Across columns, when neighbouring places do: eight rows of
// accumulators for a block of places, and each row of x is read once from left to right.
#pragma once

#include <algorithm>
#include <cstdlib>

#include "rewind/tensor/axes.h"
#include "rewind/tensor/kernels/accumulate.h"
#include "rewind/tensor/op.h"
#include "rewind/tensor/parallel.h"

namespace rw::kernels {

inline constexpr Index kLanes = 8;
inline constexpr Index kColumns = 128;
using NextToEachOther = std::integral_constant<Index, 1>;

// Some axes of a tensor in order, adjacent ones joined where one step leads through both.
struct AxisGroup {
  Dims shape;
  Strides strides{};

  void add(Index size, Index stride) {
    if (size == 1) return;
    const int last = shape.rank() - 1;
    if (last >= 0 && strides[static_cast<std::size_t>(last)] == stride * size) {
      shape.set(last, shape[last] * size);
      strides[static_cast<std::size_t>(last)] = stride;
    } else {
      shape.push_back(size);
      strides[static_cast<std::size_t>(last + 1)] = stride;
    }
  }
  Index inner_size() const { return length_of_row(shape); }
  Index inner_step() const {
    return shape.rank() == 0 ? 0 : strides[static_cast<std::size_t>(shape.rank() - 1)];
  }
};

struct FoldPlan {
  FoldPlan(const Dims& shape, const Strides& strides, std::uint32_t axes) {
    for (int i = 0; i < shape.rank(); i++) {
      (axes >> i & 1 ? gone : kept).add(shape[i], strides[static_cast<std::size_t>(i)]);
    }
    count = gone.shape.count();
  }

  AxisGroup kept, gone;
  Index count;  // elements per place

  bool across_columns() const {
    return kept.inner_size() >= 4 &&
           (count < kLanes || std::abs(kept.inner_step()) < std::abs(gone.inner_step()));
  }
};

// A Reducer has an accumulator type Acc; `identity()`; `step(Acc&, T value, Index place, Index r)`;
// and `join(Acc, Acc)`, whose first operand comes from a lower lane. It may have `step_row(Acc*,
// const T*, Index width, const T* soon)`, the same for places side by side.

template <class T, class Reducer>
typename Reducer::Acc fold_place(const T* x, const FoldPlan& plan, const Reducer& reducer,
                                 Index place) {
  using Acc = typename Reducer::Acc;
  Acc lanes[kLanes];
  std::fill_n(lanes, kLanes, reducer.identity());
  Index r = 0;
  const auto row = [&](const T* from, auto step) {
    Index i = 0;
    const Index n = plan.gone.inner_size();
    for (; i < n && r % kLanes != 0; i++, r++) {
      reducer.step(lanes[r % kLanes], from[i * step], place, r);
    }
    for (; i + kLanes <= n; i += kLanes, r += kLanes) {
      for (Index k = 0; k < kLanes; k++) {
        reducer.step(lanes[k], from[(i + k) * step], place, r + k);
      }
    }
    for (; i < n; i++, r++) reducer.step(lanes[r % kLanes], from[i * step], place, r);
  };
  const Index step = plan.gone.inner_step();
  for_each_row<1>(plan.gone.shape, {plan.gone.strides}, [&](const std::array<Index, 1>& at) {
    if (step == 1) {
      row(x + at[0], NextToEachOther());
    } else {
      row(x + at[0], step);
    }
  });
  for (Index half = kLanes / 2; half > 0; half /= 2) {
    for (Index k = 0; k < half && k + half < plan.count; k++) {
      lanes[k] = reducer.join(lanes[k], lanes[k + half]);
    }
  }
  return lanes[0];
}

// `width` <= kColumns places whose elements stand `step` apart.
template <class T, class Reducer, class Step>
void fold_columns(const T* x, Index width, Step step, const FoldPlan& plan, const Reducer& reducer,
                  Index place, typename Reducer::Acc (&lanes)[kLanes][kColumns]) {
  using Acc = typename Reducer::Acc;
  for (Index k = 0; k < std::clamp<Index>(plan.count, 1, kLanes); k++) {
    std::fill_n(lanes[k], width, reducer.identity());
  }
  Index r = 0;
  for_each_row<1>(plan.gone.shape, {plan.gone.strides}, [&](const std::array<Index, 1>& at) {
    const T* from = x + at[0];
    for (Index i = 0; i < plan.gone.inner_size(); i++, r++, from += plan.gone.inner_step()) {
      Acc* const lane = lanes[r % kLanes];
      if constexpr (std::is_same_v<Step, NextToEachOther> &&
                    requires { reducer.step_row(lane, from, width, from); }) {
        constexpr Index kAhead = 8;
        const bool more = i + kAhead < plan.gone.inner_size();
        reducer.step_row(lane, from, width,
                         more ? from + kAhead * plan.gone.inner_step() : nullptr);
      } else {
        for (Index c = 0; c < width; c++) {
          Acc acc = lane[c];
          reducer.step(acc, from[c * step], place + c, r);
          lane[c] = acc;
        }
      }
    }
  });
  for (Index half = kLanes / 2; half > 0; half /= 2) {
    for (Index k = 0; k < half && k + half < plan.count; k++) {
      for (Index c = 0; c < width; c++) {
        lanes[k][c] = reducer.join(lanes[k][c], lanes[k + half][c]);
      }
    }
  }
}

// A row of `n` places, the first of which has the number `first`; a large one from several threads.
template <class T, class Reducer, class Write>
void fold_row(const T* x, Index n, Index first, const FoldPlan& plan, const Reducer& reducer,
              Write& write) {
  constexpr Index kWorthAWorker = 1 << 15;  // elements: 10 to 20 us, where waking a worker takes 5
  const Index step = plan.kept.inner_step(), of_a_place = std::max<Index>(plan.count, 1);
  if (!plan.across_columns()) {
    parallel_for(n, 1 + kWorthAWorker / of_a_place, [&](Index begin, Index end) {
      for (Index i = begin; i < end; i++) {
        write(first + i, fold_place(x + i * step, plan, reducer, first + i));
      }
    });
    return;
  }
  const Index blocks = count_of_parts(n, kColumns);
  parallel_for(blocks, 1 + kWorthAWorker / (of_a_place * kColumns), [&](Index block, Index end) {
    typename Reducer::Acc lanes[kLanes][kColumns];
    for (; block < end; block++) {
      const Index i = block * kColumns, width = std::min(kColumns, n - i);
      if (step == 1) {
        fold_columns(x + i, width, NextToEachOther(), plan, reducer, first + i, lanes);
      } else {
        fold_columns(x + i * step, width, step, plan, reducer, first + i, lanes);
      }
      for (Index c = 0; c < width; c++) write(first + i + c, lanes[0][c]);
    }
  });
}

// Calls write(place, acc) once for each place, maybe from several threads.
template <class T, class Reducer, class Write>
void fold(const T* x, const FoldPlan& plan, const Reducer& reducer, Write&& write) {
  const Index n = plan.kept.inner_size();
  Index first = 0;
  for_each_row<1>(plan.kept.shape, {plan.kept.strides}, [&](const std::array<Index, 1>& at) {
    fold_row(x + at[0], n, first, plan, reducer, write);
    first += n;
  });
}

template <class T, class Reducer, class Write>
void fold(const Tensor& x, std::uint32_t axes, const Reducer& reducer, Write&& write) {
  fold(x.data<T>(), FoldPlan(x.shape(), x.strides(), axes), reducer, write);
}

// The reduction Op of x over `axes`.
template <class Op>
Tensor reduce(const Tensor& x, const Axes& axes, bool keepdims) {
  return apply(Op{{axes.mask(Op::name, x.rank()), keepdims}}, x);
}

// What sums of T accumulate in: float32 in double; int64 where overflow wraps; bool counts.
template <class T>
using Wide = std::conditional_t<std::is_floating_point_v<T>, double, std::uint64_t>;

template <class T>
struct SumOf {
  using Acc = Wide<T>;
  Acc identity() const { return 0; }
  void step(Acc& acc, T value, Index, Index) const { acc += static_cast<Acc>(value); }
  void step_row(Acc* lane, const T* x, Index width, const T* soon) const
      requires(std::is_floating_point_v<T>) {
    accumulate(x, width, lane, soon);
  }
  Acc join(Acc a, Acc b) const { return a + b; }
};

// The greatest, or with `least` the smallest. NaN wins.
template <class T, bool least>
struct ExtremeOf {
  using Acc = T;
  Acc identity() const {
    using Limits = std::numeric_limits<T>;
    if constexpr (Limits::has_infinity) return least ? Limits::infinity() : -Limits::infinity();
    return least ? Limits::max() : Limits::lowest();
  }
  void step(Acc& acc, T value, Index, Index) const { acc = join(acc, value); }
  Acc join(Acc a, Acc b) const {
    const T better = (least ? b < a : b > a) ? b : a;
    return b != b ? b : better;
  }
};

}  // namespace rw::kernels
