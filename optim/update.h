// One parameter in one step, as the rule of an optimizer sees it.
#pragma once

#include <algorithm>
#include <array>
#include <vector>

#include "rewind/tensor/parallel.h"

namespace rw {
namespace [[gnu::visibility("default")]] optim {

// What an optimizer remembers of each element, beside its value.
inline constexpr std::size_t kMaxMoments = 3;

// Neighbouring elements of a parameter and their gradient.
template <class T>
struct Elements {
  T* value;
  std::array<T*, kMaxMoments> moments;
  const T* gradient;
  Index count;
};

template <class T>
struct Update {
  // Row after row, all of the same number of elements. None of these overlap.
  T* value = nullptr;
  std::array<T*, kMaxMoments> moments{};  // in the optimizer's order; zeros before the first step

  Index step = 0;            // of this parameter: 1 at the first
  double learning_rate = 0;  // of this parameter: the group's scale is in it
  T l2 = 0;                  // weight decay that the rule adds to the gradient: l2 * value
  T keep = 1;                // decoupled weight decay: what the rule leaves of the value

  // The gradient is factor times these, for_each_run tells it: all elements; or only those of
  // `rows`, one row after the other, all others being zero.
  const T* unscaled_gradient = nullptr;
  T factor = 1;
  Index size = 0;   // of the parameter
  Index width = 0;  // of a row
  const std::vector<Index>* rows = nullptr;
  bool rows_only = false;  // whether elements outside of the rows stay as they are

  // Calls f(first, count, gradient) for runs of neighbouring elements: element first + i of the
  // parameter has gradient[i]. Every element that is to be updated occurs once. Several threads may
  // call f at once.
  template <class F>
  void for_each_run(F&& f) const {
    for_each_unscaled_run([&](Index first, Index count, const T* from) {
      if (factor == 1) {
        f(first, count, from);
        return;
      }
      T scaled[kBlock];
      for (Index done = 0; done < count; done += kBlock) {
        const Index now = std::min(kBlock, count - done);
        for (Index i = 0; i < now; i++) scaled[i] = factor * from[done + i];
        f(first + done, now, scaled);
      }
    });
  }

  // The same for who multiplies by the factor himself.
  template <class F>
  void for_each_unscaled_run(F&& f) const {
    if (!rows) {
      parallel_for(size, kGrain, [&](Index begin, Index end) {
        f(begin, end - begin, unscaled_gradient + begin);
      });
      return;
    }
    const T* from = unscaled_gradient;
    Index done = 0;
    for (Index row : *rows) {
      if (!rows_only) rest(done, row * width, f);
      f(row * width, width, from);
      from += width;
      done = (row + 1) * width;
    }
    if (!rows_only) rest(done, size, f);
  }

  // Such a run.
  Elements<T> elements(Index first, Index count, const T* of) const {
    Elements<T> e{value + first, moments, of, count};
    for (T*& moment : e.moments) {
      if (moment) moment += first;
    }
    return e;
  }

 private:
  static constexpr Index kGrain = 1 << 15;  // less is not worth waking a thread
  static constexpr Index kBlock = 256;

  template <class F>
  static void rest(Index first, Index end, F&& f) {
    static constexpr T kZeros[kBlock]{};
    for (; first < end; first += kBlock) f(first, std::min(kBlock, end - first), kZeros);
  }
};

}  // namespace optim
}  // namespace rw
