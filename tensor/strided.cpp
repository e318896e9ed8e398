#include "rewind/tensor/strided.h"

#include <cstring>

#include "rewind/tensor/parallel.h"

namespace rw {
namespace {

// The width of an element is all that copying needs to know.
template <class Word>
void copy_words(const std::byte* from, const Dims& shape, const Strides& strides, std::byte* to) {
  const Index length = length_of_row(shape);
  const Index step = shape.rank() == 0 ? 1 : strides[static_cast<std::size_t>(shape.rank() - 1)];
  share_rows<1>(shape, {strides}, [=](Index number, const std::array<Index, 1>& offset) {
    const auto* x = reinterpret_cast<const Word*>(from) + offset[0];
    auto* y = reinterpret_cast<Word*>(to) + number * length;
    if (step == 1) {
      std::memcpy(y, x, static_cast<std::size_t>(length) * sizeof(Word));
    } else {
      for (Index i = 0; i < length; i++) y[i] = x[i * step];
    }
  });
}

}  // namespace

void copy_elements(const Tensor& x, Tensor& output) {
  if (output.size() == 0) return;
  const Index width = bytes_of(x.dtype());
  const std::byte* from = dispatch_any(
      x.dtype(), [&](auto v) { return reinterpret_cast<const std::byte*>(x.data<decltype(v)>()); });
  std::byte* to = output_data<std::byte>(output);
  if (x.contiguous() && x.size() == output.size()) {
    constexpr Index kWorthAWorker = Index{1} << 18;  // bytes: some 20 us, where waking takes 5
    parallel_for(width * x.size(), kWorthAWorker, [&](Index begin, Index end) {
      std::memcpy(to + begin, from + begin, static_cast<std::size_t>(end - begin));
    });
    return;
  }
  const Strides strides = broadcast_strides(x, output.shape());
  if (width == 4) {
    copy_words<std::uint32_t>(from, output.shape(), strides, to);
  } else if (width == 8) {
    copy_words<std::uint64_t>(from, output.shape(), strides, to);
  } else {
    copy_words<std::uint8_t>(from, output.shape(), strides, to);
  }
}

}  // namespace rw
