// Tensors made from nothing, and from numbers of the caller.
//
// What is made from nothing (zeros, arange, ...) is an operation without inputs, so that a traced
// step makes it anew. Lists, spans and blobs are data: a traced step captures them.
#pragma once

#include <concepts>
#include <functional>
#include <ranges>

#include "rewind/tensor/arithmetic.h"
#include "rewind/tensor/takes.h"

namespace [[gnu::visibility("default")]] rw {

struct Full {
  Dims shape;
  Dtype dtype;
  double value;
  static constexpr std::string_view name = "full";
  Spec infer() const;
  void run(Tensor& y) const;
};

// Element i is start + i * step.
struct Arange {
  Index count;
  Dtype dtype;
  double start, step;
  static constexpr std::string_view name = "arange";
  Spec infer() const { return {{count}, dtype}; }
  void run(Tensor& y) const;
};

struct Eye {
  Index rows, columns;
  Dtype dtype;
  static constexpr std::string_view name = "eye";
  Spec infer() const { return {{rows, columns}, dtype}; }
  void run(Tensor& y) const;
};

Tensor zeros(const Dims& shape, Dtype dtype = float32);
Tensor ones(const Dims& shape, Dtype dtype = float32);
Tensor zeros_like(const Tensor& x);
Tensor ones_like(const Tensor& x);

// Every element is `value`, which must mean the same in this dtype (`takes_element`, takes.h).
Tensor full(const Dims& shape, Scalar value, Dtype dtype = float32);

// 0, 1, ..., n - 1 as int64.
Tensor arange(Index n);

// start, start + step, ... up to but without stop; nothing when step leads away from it. For int64
// all three are whole and below 2^53 (`takes_element`, takes.h). bool is refused.
Tensor arange(Scalar start, Scalar stop, Scalar step = 1, Dtype dtype = int64);

// Ones where row and column are equal, else zeros.
Tensor eye(Index n, Dtype dtype = float32);
Tensor eye(Index rows, Index columns, Dtype dtype = float32);

// The dtype that a list of C++ numbers gets when none is named: float32 for floating types (also
// for double: `tensor({0.5, 1.0})` belongs beside float32 weights), int64 for integers.
template <class T>
requires std::is_arithmetic_v<T>
constexpr Dtype list_dtype() {
  return std::is_same_v<T, bool> ? boolean : std::is_integral_v<T> ? int64 : float32;
}

// A copy of numbers that lie row after row: float, double, int64_t or bool. Their count must be
// that of the shape (ShapeError).
template <std::ranges::contiguous_range R>
Tensor from_span(const R& numbers, const Dims& shape);

// Numbers of the caller, read where they lie. Nobody may change them while the tensor or a view of
// it lives; then `release` is called, from whatever thread drops the last handle (a scan that
// multiplied by the tensor has one until another scan multiplies). When this throws, the numbers
// remain the caller's and `release` is not called. A write to the tensor copies first. Element (i,
// j, ...) lies at data + i * strides[0] + j * strides[1] ..., by default row after row; strides are
// zero or more. The address is a multiple of the size of an element (ValueError). Of bool every
// byte is 0 or 1: nobody looks, and what another byte does is not defined.
Tensor from_blob(const void* data, const Spec& spec, std::function<void()> release = {});
Tensor from_blob(const void* data, const Spec& spec, const Dims& strides,
                 std::function<void()> release = {});
template <class T>
Tensor from_blob(const T* data, const Dims& shape, std::function<void()> release = {}) {
  return from_blob(data, Spec{shape, dtype_of<T>()}, std::move(release));
}
template <class T>
Tensor from_blob(const T* data, const Dims& shape, const Dims& strides,
                 std::function<void()> release = {}) {
  return from_blob(data, Spec{shape, dtype_of<T>()}, strides, std::move(release));
}

namespace creation_internal {

Tensor copied(const void* numbers, std::size_t count, const Spec& spec);
void require_equal_lengths(std::size_t expected, std::size_t length);

// Of integers none may be lost on the way through a double.
template <class T>
void require_element(T number, const Spec& y) {
  if (std::is_integral_v<T> && y.dtype == int64) {
    require<DtypeError>(std::is_signed_v<T> || static_cast<Index>(number) >= 0,
                        "tensor: {} is beyond int64", number);
  } else {
    takes_element("tensor", static_cast<double>(number), y);
  }
}

// Fills y from its element `first` on; nested lists one after the other.
template <class T>
void write_list(std::initializer_list<T> list, Tensor& y, std::size_t first) {
  dispatch_any(y.dtype(), [&](auto v) {
    using To = decltype(v);
    To* to = output_data<To>(y) + first;
    for (T number : list) {
      require_element(number, y.spec());
      *to++ = static_cast<To>(number);
    }
  });
}

template <class T>
void write_list(std::initializer_list<std::initializer_list<T>> lists, Tensor& y,
                std::size_t first) {
  for (std::initializer_list<T> list : lists) {
    const Dims& shape = y.shape();
    require_equal_lengths(static_cast<std::size_t>(shape.back()), list.size());
    write_list(list, y, first);
    first += list.size();
  }
}

}  // namespace creation_internal

// The numbers written: tensor({1.0, 2.0}), tensor({{1, 2}, {3, 4}}, float32), up to three levels.
// All of one C++ type; integers are exact in int64, up to its largest. Lists of different lengths
// throw ShapeError.
template <class T>
requires std::is_arithmetic_v<T> Tensor tensor(std::initializer_list<T> list,
                                               Dtype dtype = list_dtype<T>()) {
  Tensor y = Tensor::uninitialized({{std::ssize(list)}, dtype});
  creation_internal::write_list(list, y, 0);
  return y;
}

template <class T>
requires std::is_arithmetic_v<T> Tensor tensor(std::initializer_list<std::initializer_list<T>> list,
                                               Dtype dtype = list_dtype<T>()) {
  const Index columns = list.size() == 0 ? 0 : std::ssize(*list.begin());
  Tensor y = Tensor::uninitialized({{std::ssize(list), columns}, dtype});
  creation_internal::write_list(list, y, 0);
  return y;
}

template <class T>
requires std::is_arithmetic_v<T> Tensor
tensor(std::initializer_list<std::initializer_list<std::initializer_list<T>>> list,
       Dtype dtype = list_dtype<T>()) {
  const bool empty = list.size() == 0;
  const Index rows = empty ? 0 : std::ssize(*list.begin());
  const Index columns = rows == 0 ? 0 : std::ssize(*list.begin()->begin());
  Tensor y = Tensor::uninitialized({{std::ssize(list), rows, columns}, dtype});
  std::size_t first = 0;
  for (std::initializer_list<std::initializer_list<T>> matrix : list) {
    creation_internal::require_equal_lengths(static_cast<std::size_t>(rows), matrix.size());
    creation_internal::write_list(matrix, y, first);
    first += static_cast<std::size_t>(rows * columns);
  }
  return y;
}

template <std::ranges::contiguous_range R>
Tensor from_span(const R& numbers, const Dims& shape) {
  using T = std::ranges::range_value_t<R>;
  return creation_internal::copied(std::ranges::data(numbers), std::ranges::size(numbers),
                                   {shape, dtype_of<T>()});
}

}  // namespace rw
