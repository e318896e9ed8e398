// Where the numbers lie that a stream (stream.h) reads and writes: arrays, vectors and spans, whose
// type is known when the program runs. A step of several tensors is given one for each of them, in
// the order of the fields.
#pragma once

#include <initializer_list>
#include <ranges>
#include <span>
#include <string_view>

#include "rewind/tensor/tensor.h"

namespace [[gnu::visibility("default")]] rw {

// Numbers to read. Neither this nor StreamOut owns them.
struct StreamIn {
  Dtype dtype;
  std::size_t count;
  const std::byte* data;

  StreamIn(Dtype type, std::size_t size, const std::byte* first) noexcept
      : dtype(type), count(size), data(first) {}
  template <std::ranges::contiguous_range Numbers>
  StreamIn(const Numbers& numbers) noexcept
      : StreamIn(dtype_of<std::ranges::range_value_t<const Numbers>>(), std::ranges::size(numbers),
                 reinterpret_cast<const std::byte*>(std::ranges::data(numbers))) {}
};

// Numbers to write.
struct StreamOut {
  Dtype dtype;
  std::size_t count;
  std::byte* data;

  StreamOut(Dtype type, std::size_t size, std::byte* first) noexcept
      : dtype(type), count(size), data(first) {}
  template <std::ranges::contiguous_range Numbers>
  requires(!std::is_const_v<std::remove_reference_t<std::ranges::range_reference_t<Numbers>>>)
      StreamOut(Numbers&& numbers)
  noexcept
      : StreamOut(dtype_of<std::ranges::range_value_t<Numbers>>(), std::ranges::size(numbers),
                  reinterpret_cast<std::byte*>(std::ranges::data(numbers))) {}
};

namespace stream_internal {

template <class T>
concept Numbers =
    std::ranges::contiguous_range<T> && !std::same_as<std::ranges::range_value_t<T>, StreamIn> &&
    !std::same_as<std::ranges::range_value_t<T>, StreamOut>;

// How many steps these are, as the first of them tells that holds any: the inputs, then the
// outputs.
Index steps_of(std::span<const Spec> inputs, std::span<const StreamIn> in,
               std::span<const Spec> outputs, std::span<const StreamOut> out);

// Throws ShapeError or DtypeError unless there is one for each tensor, with the numbers of so many
// steps.
void require_numbers(Index steps, std::span<const Spec> inputs, std::span<const StreamIn> in);
void require_numbers(Index steps, std::span<const Spec> outputs, std::span<const StreamOut> out);

// Throws ShapeError unless there are tensors, all [batch, ...]; gives their specs.
std::vector<Spec> specs_of_example(const std::vector<Tensor>& example);

// Throws ShapeError unless these are the inputs of one step, or of as many as it returns, with time
// as a first axis more.
void require_step(std::span<const Spec> inputs, const std::vector<Tensor>& given);
Index require_block(std::span<const Spec> inputs, const std::vector<Tensor>& given);

}  // namespace stream_internal
}  // namespace rw
