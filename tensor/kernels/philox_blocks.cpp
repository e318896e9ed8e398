// The blocks of Philox side by side, one in each 64-bit lane. A lane holds a 32-bit word in its low
// half, and what its high half holds never matters: the product reads low halves alone, and a word
// is shifted down from the high half of a product whose low half is the other word. So a round is
// two products, two shifts and four exclusive ors, without any masking or shuffling.
#include "rewind/tensor/kernels/philox.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "rewind/tensor/kernels/philox_blocks.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace rw::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using Lanes = hn::ScalableTag<std::uint64_t>;
using Vector = hn::Vec<Lanes>;

HWY_INLINE Vector product_of_low(Vector v, std::uint32_t factor) {
#if HWY_TARGET == HWY_SCALAR  // whose one lane has no halves
  return hn::Set(Lanes(), std::uint64_t{factor} * static_cast<std::uint32_t>(hn::GetLane(v)));
#else
  const hn::Repartition<std::uint32_t, Lanes> words;
  return hn::MulEven(hn::BitCast(words, v), hn::Set(words, factor));
#endif
}

// The low half of `low`, and above it that of `high`.
HWY_INLINE Vector joined(Vector low, Vector high) {
  const Vector mask = hn::Set(Lanes(), 0xFFFFFFFF);
  return hn::Or(hn::And(low, mask), hn::ShiftLeft<32>(high));
}

// One block for each lane of `block`: its words 0 and 1, and its words 2 and 3.
HWY_INLINE void compute(PhiloxStream stream, Vector block, Vector& first, Vector& second) {
  const Lanes d;
  Vector c0 = block, c1 = hn::ShiftRight<32>(block);
  Vector c2 = hn::Set(d, stream.draw), c3 = hn::Set(d, stream.draw >> 32);
  PhiloxKey key = key_of(stream);
  for (int round = 0; round < kPhiloxRounds; round++, key = next(key)) {
    const Vector even = product_of_low(c0, kPhiloxFactors[0]);
    const Vector odd = product_of_low(c2, kPhiloxFactors[1]);
    c0 = hn::Xor(hn::ShiftRight<32>(odd), hn::Xor(c1, hn::Set(d, key[0])));
    c1 = odd;
    c2 = hn::Xor(hn::ShiftRight<32>(even), hn::Xor(c3, hn::Set(d, key[1])));
    c3 = even;
  }
  first = joined(c0, c1);
  second = joined(c2, c3);
}

void blocks(PhiloxStream stream, std::uint64_t first, std::uint64_t* out, Index n) {
  const Lanes d;
  const auto lanes = static_cast<Index>(hn::Lanes(d));
  Vector block = hn::Iota(d, first), even, odd;
  Index i = 0;
  for (; i + lanes <= n; i += lanes) {
    compute(stream, block, even, odd);
    hn::StoreInterleaved2(even, odd, d, out + 2 * i);
    block = hn::Add(block, hn::Set(d, static_cast<std::uint64_t>(lanes)));
  }
  if (i == n) return;
  HWY_ALIGN std::uint64_t rest[2 * hn::MaxLanes(d)];
  compute(stream, block, even, odd);
  hn::StoreInterleaved2(even, odd, d, rest);
  for (Index k = 2 * i; k < 2 * n; k++) out[k] = rest[k - 2 * i];
}

}  // namespace HWY_NAMESPACE
}  // namespace rw::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace rw::kernels {

HWY_EXPORT(blocks);

void fill_blocks(PhiloxStream stream, std::uint64_t first, std::uint64_t* out, Index n) {
  HWY_DYNAMIC_DISPATCH(blocks)(stream, first, out, n);
}

}  // namespace rw::kernels
#endif
