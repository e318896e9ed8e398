// Parts of a tensor, named axis by axis, and their replacement.
//
//   x.set(3, row);                          x[3] = row
//   x.set({kAll, 0}, 1.5);                  the first column
//   x.set({Range{2, kEnd}, kAll, -1}, y);   from 2 on, everything, the last
//
// Axes that are not named are taken whole. Negative positions count from the end, as in `slice`;
// what lies outside throws IndexError.
#pragma once

#include "rewind/tensor/arithmetic.h"
#include "rewind/tensor/axes.h"
#include "rewind/tensor/views.h"

namespace [[gnu::visibility("default")]] rw {

// start, start + step, ... below stop; step >= 1.
struct Range {
  Index start = 0, stop = kEnd, step = 1;
};

inline constexpr Range kAll{};

class Region {
 public:
  // What is taken of one axis: a range, or one position, which drops the axis.
  struct Entry {
    Range range;
    bool drops;
    Entry(Range taken) : range(taken), drops(false) {}
    template <class T>
    requires std::is_integral_v<T> Entry(T position)
        : range{static_cast<Index>(position)}, drops(true) {}
  };

  Region(Range range) : Region({Entry(range)}) {}
  template <class T>
  requires std::is_integral_v<T> Region(T position) : Region({Entry(position)}) {}
  Region(std::initializer_list<Entry> entries);
  explicit Region(std::span<const Entry> entries);

  std::span<const Entry> entries() const { return entries_; }

 private:
  std::vector<Entry> entries_;
};

// x with `value`, of the region's shape, in the region. Along axis i the region takes `counts[i]`
// positions from starts[i] on in steps of steps[i]; the value lacks the axes `dropped`, of
// which there is one position.
struct SetRegion {
  Dims starts, counts, steps;
  AxisMask dropped;
  static constexpr std::string_view name = "set";
  static constexpr bool updates = true;
  Spec infer(const Spec& x, const Spec& value) const;
  void run(const Tensor& x, const Tensor& value, Tensor& y) const;

  Dims shape() const;
  // This region of a tensor, as a view.
  Tensor part(const Tensor& x) const;
};

// `region` of a tensor of this spec. Throws in the name of `op`.
SetRegion resolve(std::string_view op, const Region& region, const Spec& x);

// into[slice] += d; the attributes are those of Slice.
struct SliceAdd {
  Index axis, start, stop, step;
  static constexpr std::string_view name = "slice_add";
  static constexpr bool updates = true;
  Spec infer(const Spec& into, const Spec& d) const;
  void run(const Tensor& into, const Tensor& d, Tensor& y) const;
};

// The region of x as a view: slices and selections in one.
Tensor part(const Tensor& x, const Region& region);

Tensor slice_add(Tensor into, const Tensor& d, Index axis, Index start, Index stop, Index step = 1);

}  // namespace rw
