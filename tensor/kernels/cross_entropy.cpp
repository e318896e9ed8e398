// A row of logits is read from memory once, and in the rewind once more, where the gradient may be
// written in its place. In between two numbers stand for its softmax: writing the gradient in the
// forward pass already would save the second reading, but a row's upstream gradient is not known
// yet, and the exponentials cost less than a pass over memory that scales what was written.
#include "rewind/tensor/kernels/cross_entropy.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "rewind/tensor/kernels/cross_entropy.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <cmath>

#include "rewind/tensor/kernels/softmax_inl.h"

HWY_BEFORE_NAMESPACE();
namespace rw::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

template <class T>
RowLoss<T> loss_of(const T* x, ClassTarget of) {
  const hn::ScalableTag<T> d;
  const RowStrip row{of.classes};
  const auto most = greatest(d, row, x);
  const T top = hn::GetLane(most);
  const double log = std::log(exponentials(d, row, x, most, [](auto...) {}).total());
  double loss = log + (1 - of.smoothing) * static_cast<double>(top - x[of.target]);
  if (of.smoothing > 0) {
    LaneSums<T> below;
    row.each(d,
             [&](Index at, auto count) { below.add(hn::Sub(most, load(d, x + at, count, top))); });
    loss += of.smoothing / static_cast<double>(of.classes) * below.total();
  }
  return {static_cast<T>(loss), top, static_cast<T>(log)};
}

template <class T>
void backward_of(const T* x, ClassTarget of, RowLoss<T> row, T dy, T* dx) {
  const hn::ScalableTag<T> d;
  const bool has_softmax = !std::isnan(row.log_sum);
  const auto most = hn::Set(d, row.greatest), log = hn::Set(d, row.log_sum),
             factor = hn::Set(d, dy);
  const auto share = hn::Set(d, static_cast<T>(of.smoothing / static_cast<double>(of.classes)));
  RowStrip{of.classes}.each(d, [&](Index at, auto count) {
    const auto v = hn::Sub(hn::Sub(load(d, x + at, count, T{0}), most), log);
    const auto p = has_softmax ? FallingExp()(d, v) : hn::Zero(d);
    store(d, hn::Mul(factor, hn::Sub(p, share)), dx + at, count);
  });
  dx[of.target] -= static_cast<T>(1 - of.smoothing) * dy;
}

RowLoss<float> loss_float(const float* x, ClassTarget of) { return loss_of(x, of); }
RowLoss<double> loss_double(const double* x, ClassTarget of) { return loss_of(x, of); }
void backward_float(const float* x, ClassTarget of, RowLoss<float> row, float dy, float* dx) {
  backward_of(x, of, row, dy, dx);
}
void backward_double(const double* x, ClassTarget of, RowLoss<double> row, double dy, double* dx) {
  backward_of(x, of, row, dy, dx);
}

}  // namespace HWY_NAMESPACE
}  // namespace rw::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace rw::kernels {

HWY_EXPORT(loss_float);
HWY_EXPORT(loss_double);
HWY_EXPORT(backward_float);
HWY_EXPORT(backward_double);

RowLoss<float> cross_entropy(const float* x, ClassTarget of) {
  return HWY_DYNAMIC_DISPATCH(loss_float)(x, of);
}
RowLoss<double> cross_entropy(const double* x, ClassTarget of) {
  return HWY_DYNAMIC_DISPATCH(loss_double)(x, of);
}
void cross_entropy_backward(const float* x, ClassTarget of, RowLoss<float> row, float dy,
                            float* dx) {
  HWY_DYNAMIC_DISPATCH(backward_float)(x, of, row, dy, dx);
}
void cross_entropy_backward(const double* x, ClassTarget of, RowLoss<double> row, double dy,
                            double* dx) {
  HWY_DYNAMIC_DISPATCH(backward_double)(x, of, row, dy, dx);
}

}  // namespace rw::kernels
#endif
