// exp, log, tanh and sigmoid of vectors, written once for float and double and compiled once per
// instruction set: included by .cpp files that are.
//
// THE EXPONENTIAL. Write x = n ln 2 + r with n whole and |r| <= (ln 2) / 2. Then e^x = 2^n (1 + m),
// m = e^r - 1 = r + r^2 q(r). Two tricks keep it short.
//   - Adding 1.5 * 2^23 (2^52) to x / ln 2 leaves n in the low bits of the sum. With the bias of
//     the exponent added to that constant too, one shift to the left makes the bits of the sum
//     those of the number 2^n.
//   - ln 2 = hi + lo, hi so short that n * hi is exact, which spares r the cancellation even
//     where there is no fused multiply-add.
//
// TANH. With E = e^2|x| - 1 = 2^n m + (2^n - 1), tanh |x| = E / (E + 2). For small x there is n = 0
// and E = m, which carries full relative precision down to the subnormals; for large x the 2 drowns
// in E and the quotient is exactly 1. So one formula covers all arguments, without a branch or a
// blend.
//
// SIGMOID. It is 1 / (1 + e^-x), which has full relative precision on both sides. Below -87 it must
// fall through the subnormals and round only once, while e^-x overflows: so both terms are carried
// times 2^-64 (2^-512). exp does the same: one scaling in the exponent field, one by a product.
//
// LOG. x = 2^k (1 + f), 1 + f in [sqrt(1/2), sqrt(2)). With s = f / (2 + f),
//     log(1 + f) = 2 artanh s = 2 s + s R(s^2),
// and as 2 s = f - s f, the large part f can enter exactly:
//     log(1 + f) = f - (f^2 / 2 - s (f^2 / 2 + R)).
//
// Every lane computes every step, so the arguments are clamped before the steps that could overflow
// and the special cases are blended in at the end. A clamp must let NaN pass.
//
// The coefficients are our own: Remez exchange in 50-digit arithmetic, minimising the error of q
// weighted by |r| (that is, the relative error of m) and the error of R(z)/z weighted by z, then
// rounded to T. The relative error of m is 2^-25.9 (float) and 2^-55.4 (double), the error of R / s
// 2^-29 and 2^-58.
//
// Worst error in ulp over all 2^32 floats, as transcendental_long_test.cpp measures it; the targets
// without fused multiply-add agree to the bit:
//                           exp     log    tanh   sigmoid
//     AVX2                 1.063   0.830   2.533   2.481
//     SSE4, SSSE3, scalar  1.036   0.840   2.594   2.481
#if defined(REWIND_TENSOR_KERNELS_TRANSCENDENTAL_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef REWIND_TENSOR_KERNELS_TRANSCENDENTAL_INL_H
#undef REWIND_TENSOR_KERNELS_TRANSCENDENTAL_INL_H
#else
#define REWIND_TENSOR_KERNELS_TRANSCENDENTAL_INL_H
#endif

#include <hwy/highway.h>

#ifndef REWIND_TENSOR_KERNELS_TRANSCENDENTAL_ONCE
#define REWIND_TENSOR_KERNELS_TRANSCENDENTAL_ONCE

#include <cstddef>
#include <cstdint>
#include <limits>

namespace rw::kernels {

// What differs between float and double. Limits: beyond kTanhOne tanh rounds to 1, beyond
// kSigmoidOne sigmoid does, below kExpZero exp and sigmoid round to 0, kExpLargest is the last
// argument with a finite exponential. Ranges of exponents: 2^kShift carries the n of exp, [-150,
// 128] (float) or
// [-1076, 1024] (double), into the normal numbers, 2^-kShift that of sigmoid, up to 150 or 1076.
template <class T>
struct Numbers;

template <>
struct Numbers<float> {
  using Bits = std::uint32_t;
  static constexpr int kFraction = 23, kBias = 127, kShift = 64;
  static constexpr float kRound = 0x1.8p23F, kUp = 0x1p64F, kDown = 0x1p-64F;
  static constexpr float kTanhOne = 10, kSigmoidOne = 20, kExpZero = -104, kExpLargest = 88.72283F;
  static constexpr float kLog2E = 1.44269504F;
  static constexpr float kLn2Hi = 0x1.62e4p-1F, kLn2Lo = 0x1.7f7d1cp-20F;
  static constexpr Bits kOne = 0x3F800000, kSqrtHalf = 0x3F3504F3;
  static constexpr float kQ[] = {0.5F, 0x1.5554bp-3F, 0x1.555486p-5F, 0x1.12281cp-7F,
                                 0x1.6d9932p-10F};
  static constexpr float kR[] = {0x1.55557ap-1F, 0x1.995eb2p-2F, 0x1.31e40cp-2F};
};

template <>
struct Numbers<double> {
  using Bits = std::uint64_t;
  static constexpr int kFraction = 52, kBias = 1023, kShift = 512;
  static constexpr double kRound = 0x1.8p52, kUp = 0x1p512, kDown = 0x1p-512;
  static constexpr double kTanhOne = 20, kSigmoidOne = 40, kExpZero = -746,
                          kExpLargest = 709.78271289338397;
  static constexpr double kLog2E = 1.4426950408889634;
  static constexpr double kLn2Hi = 0x1.62e42fefa4p-1, kLn2Lo = -0x1.8432a1b0e2634p-43;
  static constexpr Bits kOne = 0x3FF0000000000000, kSqrtHalf = 0x3FE6A09E667F3BCD;
  static constexpr double kQ[] = {
      0x1.0000000000005p-1,  0x1.555555555555cp-3,  0x1.555555555210fp-5,  0x1.111111110e6e3p-7,
      0x1.6c16c17f35286p-10, 0x1.a01a01b5d5904p-13, 0x1.a019a683eb9b7p-16, 0x1.71ddea07189afp-19,
      0x1.28a2b3bffb43bp-22, 0x1.af76af10536fcp-26};
  static constexpr double kR[] = {0x1.5555555555592p-1, 0x1.999999997fe0ap-2, 0x1.24924941f1a0dp-2,
                                  0x1.c71c5205f61c6p-3, 0x1.746640189fc9ep-3, 0x1.39a19174a75d8p-3,
                                  0x1.2f0760175c3c4p-3};
};

}  // namespace rw::kernels
#endif

HWY_BEFORE_NAMESPACE();
namespace rw::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// c[0] + c[1] x + c[2] x^2 + ..., as a Horner scheme in x^2 over pairs: half the latency of one in
// x.
template <class D, class V, std::size_t kCount>
HWY_INLINE V polynomial(D d, V x, V square, const hn::TFromD<D> (&c)[kCount]) {
  std::size_t k = (kCount - 1) / 2 * 2;
  V sum = hn::Set(d, c[k]);
  if (k + 1 < kCount) sum = hn::MulAdd(hn::Set(d, c[k + 1]), x, sum);
  while (k > 0) {
    k -= 2;
    sum = hn::MulAdd(sum, square, hn::MulAdd(hn::Set(d, c[k + 1]), x, hn::Set(d, c[k])));
  }
  return sum;
}

// e^x = (1 + m) scale / 2^shift: returns m. `round` is Numbers::kRound + kBias + shift.
template <class D, class V>
HWY_INLINE V split_exp(D d, V x, V round, V& scale) {
  using T = hn::TFromD<D>;
  using N = Numbers<T>;
  const hn::RebindToUnsigned<D> bits;
  const V sum = hn::MulAdd(x, hn::Set(d, N::kLog2E), round);
  const V n = hn::Sub(sum, round);
  V r = hn::NegMulAdd(n, hn::Set(d, N::kLn2Hi), x);
  r = hn::NegMulAdd(n, hn::Set(d, N::kLn2Lo), r);
  scale = hn::BitCast(d, hn::ShiftLeft<N::kFraction>(hn::BitCast(bits, sum)));
  const V square = hn::Mul(r, r);
  return hn::MulAdd(square, polynomial(d, r, square, N::kQ), r);
}

// The minimum of x86 is its second operand where one of them is NaN; other machines differ.
template <class V>
HWY_INLINE V at_most(V x, V limit) {
#if HWY_ARCH_X86 && HWY_TARGET != HWY_EMU128 && HWY_TARGET != HWY_SCALAR
  return hn::Min(limit, x);
#else
  return hn::IfThenElse(hn::Gt(x, limit), limit, x);
#endif
}

template <class V>
HWY_INLINE V at_least(V x, V limit) {
#if HWY_ARCH_X86 && HWY_TARGET != HWY_EMU128 && HWY_TARGET != HWY_SCALAR
  return hn::Max(limit, x);
#else
  return hn::IfThenElse(hn::Lt(x, limit), limit, x);
#endif
}

struct Exp {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    using T = hn::TFromD<D>;
    using N = Numbers<T>;
    const V largest = hn::Set(d, N::kExpLargest);
    const V inside = at_most(at_least(x, hn::Set(d, N::kExpZero)), largest);
    const auto falling = hn::Lt(x, hn::Zero(d));
    const V round = hn::IfThenElse(falling, hn::Set(d, N::kRound + N::kBias + N::kShift),
                                   hn::Set(d, N::kRound + N::kBias - N::kShift));
    V scale;
    const V m = split_exp(d, inside, round, scale);
    const V back = hn::IfThenElse(falling, hn::Set(d, N::kDown), hn::Set(d, N::kUp));
    const V y = hn::Mul(hn::MulAdd(m, scale, scale), back);
    return hn::IfThenElse(hn::Gt(x, largest), hn::Set(d, std::numeric_limits<T>::infinity()), y);
  }
};

struct Tanh {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    using N = Numbers<hn::TFromD<D>>;
    const V one = hn::Set(d, 1), two = hn::Set(d, 2);
    const V size = at_most(hn::Abs(x), hn::Set(d, N::kTanhOne));
    V scale;
    const V m = split_exp(d, hn::Add(size, size), hn::Set(d, N::kRound + N::kBias), scale);
    const V e = hn::MulAdd(m, scale, hn::Sub(scale, one));
    return hn::CopySignToAbs(hn::Div(e, hn::Add(e, two)), x);
  }
};

struct Sigmoid {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    using N = Numbers<hn::TFromD<D>>;
    const V inside = at_most(at_least(x, hn::Set(d, N::kExpZero)), hn::Set(d, N::kSigmoidOne));
    V scale;
    const V m = split_exp(d, hn::Neg(inside), hn::Set(d, N::kRound + N::kBias - N::kShift), scale);
    const V one = hn::Set(d, N::kDown), e = hn::MulAdd(m, scale, scale);
    return hn::Div(one, hn::Add(one, e));
  }
};

struct Log {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V x) const {
    using T = hn::TFromD<D>;
    using N = Numbers<T>;
    using Limits = std::numeric_limits<T>;
    const hn::RebindToUnsigned<D> bits;
    constexpr T kRaise = N::kFraction + 1;  // subnormals are multiplied by 2^kRaise
    const auto subnormal = hn::Lt(hn::Abs(x), hn::Set(d, Limits::min()));
    const V normal =
        hn::Mul(x, hn::IfThenElse(subnormal, hn::Set(d, 2 / Limits::epsilon()), hn::Set(d, 1)));

    // The bits of x move up by 1 - sqrt(1/2), which makes the exponent field that of the wanted k.
    const auto moved = hn::Add(hn::BitCast(bits, normal), hn::Set(bits, N::kOne - N::kSqrtHalf));
    const V whole = hn::Set(d, 1 / Limits::epsilon());  // its low bits count ones
    const V biased =
        hn::BitCast(d, hn::Or(hn::ShiftRight<N::kFraction>(moved), hn::BitCast(bits, whole)));
    const V raised = hn::IfThenElseZero(subnormal, hn::Set(d, kRaise));
    const V k = hn::Sub(hn::Sub(biased, hn::Add(whole, hn::Set(d, N::kBias))), raised);
    const auto fraction = hn::And(moved, hn::Set(bits, (typename N::Bits{1} << N::kFraction) - 1));
    const V f =
        hn::Sub(hn::BitCast(d, hn::Add(fraction, hn::Set(bits, N::kSqrtHalf))), hn::Set(d, 1));

    const V s = hn::Div(f, hn::Add(f, hn::Set(d, 2)));
    const V z = hn::Mul(s, s);
    const V half = hn::Mul(hn::Mul(f, f), hn::Set(d, T{0.5}));
    const V tail = hn::Mul(s, hn::MulAdd(z, polynomial(d, z, hn::Mul(z, z), N::kR), half));
    const V low = hn::MulAdd(k, hn::Set(d, N::kLn2Lo), tail);
    const V y = hn::MulAdd(k, hn::Set(d, N::kLn2Hi), hn::Sub(f, hn::Sub(half, low)));

    const V infinity = hn::Set(d, Limits::infinity());
    const V zero = hn::Zero(d);
    const V finite = hn::IfThenElse(hn::Lt(x, infinity), y, x);  // infinity and NaN stay
    const V real = hn::IfThenElse(hn::Lt(x, zero), hn::Set(d, Limits::quiet_NaN()), finite);
    return hn::IfThenElse(hn::Eq(x, zero), hn::Neg(infinity), real);
  }
};

}  // namespace HWY_NAMESPACE
}  // namespace rw::kernels
HWY_AFTER_NAMESPACE();

#endif  // REWIND_TENSOR_KERNELS_TRANSCENDENTAL_INL_H
