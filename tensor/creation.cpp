#include "rewind/tensor/creation.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace rw {
namespace {

// How many of start, start + step, ... lie before stop. Of whole numbers that are doubles the
// distance is an integer, but need not be a double.
double numbers_before(double start, double stop, double step, Dtype dtype) {
  if (dtype != int64 || step == 0) return std::ceil((stop - start) / step);
  const Index distance = static_cast<Index>(stop) - static_cast<Index>(start);
  const auto by = static_cast<Index>(step);
  const bool rest = distance % by != 0 && (distance < 0) == (by < 0);
  return static_cast<double>(distance / by + rest);
}

}  // namespace

Spec Full::infer() const {
  const Spec y{shape, dtype};
  takes_element(name, value, y);
  return y;
}

void Full::run(Tensor& y) const {
  if (y.size() == 0) return;
  if (value == 0 && !std::signbit(value)) {
    std::memset(output_data<std::byte>(y), 0, static_cast<std::size_t>(y.size() * bytes_of(dtype)));
    return;
  }
  dispatch_any(dtype, [&](auto v) {
    using T = decltype(v);
    std::fill_n(output_data<T>(y), y.size(), static_cast<T>(value));
  });
}

void Arange::run(Tensor& y) const {
  dispatch_number(name, dtype, [&](auto v) {
    using T = decltype(v);
    T* to = output_data<T>(y);
    if constexpr (std::is_same_v<T, Index>) {
      const auto first = static_cast<Index>(start);
      const auto by = static_cast<Index>(step);
      for (Index i = 0; i < count; i++) to[i] = first + i * by;
    } else {
      for (Index i = 0; i < count; i++) {
        to[i] = static_cast<T>(start + static_cast<double>(i) * step);
      }
    }
  });
}

void Eye::run(Tensor& y) const {
  Full{y.shape(), dtype, 0}.run(y);
  dispatch_any(dtype, [&](auto v) {
    using T = decltype(v);
    T* to = output_data<T>(y);
    for (Index i = 0; i < std::min(rows, columns); i++) to[i * columns + i] = static_cast<T>(1);
  });
}

Tensor zeros(const Dims& shape, Dtype dtype) { return apply(Full{shape, dtype, 0}); }
Tensor ones(const Dims& shape, Dtype dtype) { return apply(Full{shape, dtype, 1}); }
Tensor zeros_like(const Tensor& x) { return zeros(x.shape(), x.dtype()); }
Tensor ones_like(const Tensor& x) { return ones(x.shape(), x.dtype()); }

Tensor full(const Dims& shape, Scalar value, Dtype dtype) {
  return apply(Full{shape, dtype, value.value});
}

Tensor arange(Index n) {
  require(n >= 0, "arange: {} numbers; a count is zero or more", n);
  return apply(Arange{n, int64, 0, 1});
}

Tensor arange(Scalar start, Scalar stop, Scalar step, Dtype dtype) {
  require<DtypeError>(dtype != boolean, "arange: takes numbers, got bool");
  for (const Scalar& number : {start, stop, step})
    takes_element("arange", number.value, {{}, dtype});
  const double count = numbers_before(start.value, stop.value, step.value, dtype);
  // Also false when there is none, as for steps of zero.
  require(count < 0x1p62, "arange: from {} to {} in steps of {} has no end", start.value,
          stop.value, step.value);
  return apply(Arange{static_cast<Index>(std::max(count, 0.0)), dtype, start.value, step.value});
}

Tensor eye(Index n, Dtype dtype) { return eye(n, n, dtype); }

Tensor eye(Index rows, Index columns, Dtype dtype) {
  require(rows >= 0 && columns >= 0, "eye: {} rows and {} columns; sizes are zero or more", rows,
          columns);
  return apply(Eye{rows, columns, dtype});
}

Tensor from_blob(const void* data, const Spec& spec, std::function<void()> release) {
  const auto steps = contiguous_strides(spec.shape);
  return from_blob(data, spec, Dims(std::span(steps).first(static_cast<std::size_t>(spec.rank()))),
                   std::move(release));
}

Tensor from_blob(const void* data, const Spec& spec, const Dims& strides,
                 std::function<void()> release) {
  require<ShapeError>(strides.rank() == spec.rank(), "from_blob: {} strides for {}; one per axis",
                      strides.rank(), spec);
  require(data != nullptr || spec.shape.count() == 0, "from_blob: no data for {}", spec);
  const auto wanted = static_cast<std::uintptr_t>(bytes_of(spec.dtype));
  const auto beyond = reinterpret_cast<std::uintptr_t>(data) % wanted;
  require(beyond == 0,
          "from_blob: the address of {} is {} modulo {}, and must be a multiple of {}; copy the "
          "numbers to such a place",
          spec, beyond, wanted, wanted);
  Strides steps{};
  for (int i = 0; i < spec.rank(); i++) steps[static_cast<std::size_t>(i)] = strides[i];
  // A tensor without elements has numbers all the same, none of which are read.
  alignas(8) static const std::byte nowhere{};
  return Tensor::foreign(data ? data : &nowhere, spec, steps, std::move(release));
}

namespace creation_internal {

Tensor copied(const void* numbers, std::size_t count, const Spec& spec) {
  const Index size = spec.shape.count();
  require<ShapeError>(std::cmp_equal(count, size),
                      "from_span: {} numbers do not fill {}, which has {}", count, spec, size);
  Tensor y = Tensor::uninitialized(spec);
  if (count > 0) {
    std::memcpy(output_data<std::byte>(y), numbers,
                count * static_cast<std::size_t>(bytes_of(spec.dtype)));
  }
  return y;
}

void require_equal_lengths(std::size_t expected, std::size_t length) {
  require<ShapeError>(expected == length,
                      "tensor: lists of {} and {} on one level; all must be as long as the first",
                      expected, length);
}

}  // namespace creation_internal
}  // namespace rw
