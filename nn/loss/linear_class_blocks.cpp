// For each block of rows: its logits, then in their place the gradients by them, then what these
// add to the gradients of the layer. The products are cut for the workers by words or by features,
// never by rows: each piece packs its own part of the weight.
//
// The products are those of recurrences (packed_product.h), which run as fast as BLAS here and add
// up in one order. To pack the weight anew for each block costs 3 % of the time, and saves the
// memory of a second weight. With fewer than 400 rows in a block the gradient of the weight is read
// and written too often, with more the logits leave the caches (benchmarks/RESULTS.md).
#include "rewind/nn/loss/linear_class_blocks.h"

#include <algorithm>
#include <vector>

#include "rewind/tensor/kernels/cross_entropy.h"
#include "rewind/tensor/kernels/packed_product.h"
#include "rewind/tensor/kernels/tables.h"

namespace rw::nn {
namespace {

constexpr Index kRows = 400;     // of a block, at most
constexpr Index kWords = 128;    // in a piece of the logits, or of the gradient of the weight
constexpr Index kStretch = 512;  // of words, in the product that sums over them

template <class T>
Tensor scratch(Index size) {
  return Tensor::uninitialized({{size}, dtype_of<T>()});
}

template <class T>
class Blocks {
 public:
  Blocks(const LinearClasses<T>& of, const LinearClassResults<T>& to)
      : of_(of),
        to_(to),
        bias_sums_(to.bias ? static_cast<std::size_t>(of.classes) : 0),
        counted_(counted_rows()) {}

  void run() {
    clear();
    const auto all = static_cast<Index>(counted_.size());
    const Index blocks = count_of_parts(all, kRows);
    if (blocks == 0) return;
    most_ = count_of_parts(all, blocks);
    Tensor x = scratch<T>(most_ * of_.features), logits = scratch<T>(most_ * of_.classes),
           packed_x = scratch<T>(to_.weight ? kernels::packed_size<T>(most_, of_.features) : 0);
    x_ = output_data<T>(x);
    logits_ = output_data<T>(logits);
    packed_x_ = output_data<T>(packed_x);
    for (Index block = 0; block < blocks; block++) {
      rows_ = all / blocks + (block < all % blocks);
      fill_logits();
      make_losses();
      if (to_.x) add_to_x();
      if (to_.weight || to_.bias) add_to_layer();
      first_ += rows_;
    }
    std::transform(bias_sums_.begin(), bias_sums_.end(), to_.bias,
                   [](double sum) { return static_cast<T>(sum); });
  }

 private:
  std::vector<Index> counted_rows() const {
    std::vector<Index> counted;
    for (Index row = 0; row < of_.rows; row++) {
      if (of_.targets[row] != of_.ignored) counted.push_back(row);
    }
    return counted;
  }

  // What no block writes.
  void clear() {
    const bool all_count = static_cast<Index>(counted_.size()) == of_.rows;
    if (!all_count) std::fill_n(to_.losses, of_.rows, T{0});
    if (to_.x && !all_count) std::fill_n(to_.x, of_.rows * of_.features, T{0});
    if (counted_.empty()) {
      if (to_.weight) std::fill_n(to_.weight, of_.classes * of_.features, T{0});
      if (to_.bias) std::fill_n(to_.bias, of_.classes, T{0});
    }
  }

  Index row(Index i) const { return counted_[static_cast<std::size_t>(first_ + i)]; }

  // logits = x w^T, words by words.
  void fill_logits() {
    for (Index i = 0; i < rows_; i++) {
      std::copy_n(of_.x + row(i) * of_.features, of_.features, x_ + i * of_.features);
    }
    each_piece(of_.classes, kWords, [this](Index begin, Index end) {
      Tensor packed = scratch<T>(kernels::packed_size<T>(of_.features, end - begin));
      kernels::pack(of_.weight + begin * of_.class_step, of_.feature_step, of_.class_step,
                    of_.features, end - begin, output_data<T>(packed));
      kernels::multiply(kernels::PackedProduct<T>{.rows = rows_,
                                                  .n = end - begin,
                                                  .k = of_.features,
                                                  .a = x_,
                                                  .a_stride = of_.features,
                                                  .packed = packed.data<T>(),
                                                  .c = logits_ + begin,
                                                  .c_stride = of_.classes});
    });
  }

  // Adds the bias and makes the losses of the block, and the gradients in place of its logits.
  void make_losses() {
    const bool goes_on = to_.x || to_.weight || to_.bias;
    kernels::for_each_run(rows_, of_.classes, [=, this](Index i) {
      T* const logits = logits_ + i * of_.classes;
      for (Index word = 0; word < of_.classes; word++) logits[word] += of_.bias[word];
      const kernels::ClassTarget target{of_.classes, of_.targets[row(i)], of_.smoothing};
      const kernels::RowLoss<T> loss = kernels::cross_entropy(logits, target);
      to_.losses[row(i)] = loss.loss;
      if (goes_on) {
        kernels::cross_entropy_backward(logits, target, loss, of_.factors[row(i)], logits);
      }
    });
  }

  // dx = gradients w, features by features.
  void add_to_x() {
    each_piece(of_.features, 4 * kernels::panel_width<T>(), [this](Index begin, Index end) {
      const Index n = end - begin;
      Tensor packed = scratch<T>(kernels::packed_size<T>(kStretch, n));
      Tensor sums = scratch<T>(rows_ * n);
      T* const dx = output_data<T>(sums);
      for (Index word = 0; word < of_.classes; word += kStretch) {
        const Index k = std::min(kStretch, of_.classes - word);
        kernels::pack(of_.weight + word * of_.class_step + begin * of_.feature_step, of_.class_step,
                      of_.feature_step, k, n, output_data<T>(packed));
        kernels::multiply(kernels::PackedProduct<T>{.rows = rows_,
                                                    .n = n,
                                                    .k = k,
                                                    .a = logits_ + word,
                                                    .a_stride = of_.classes,
                                                    .packed = packed.data<T>(),
                                                    .c = dx,
                                                    .c_stride = n,
                                                    .add = word > 0});
      }
      for (Index i = 0; i < rows_; i++) {
        std::copy_n(dx + i * n, n, to_.x + row(i) * of_.features + begin);
      }
    });
  }

  // dw += gradients^T x and db += the sums of the gradients, words by words.
  void add_to_layer() {
    if (to_.weight) kernels::pack(x_, of_.features, 1, rows_, of_.features, packed_x_);
    each_piece(of_.classes, kWords, [this](Index begin, Index end) {
      Tensor turned = scratch<T>(rows_ * (end - begin));
      T* const gradients = output_data<T>(turned);
      for (Index i = 0; i < rows_; i++) {
        const T* const from = logits_ + i * of_.classes;
        for (Index word = begin; word < end; word++) {
          gradients[(word - begin) * rows_ + i] = from[word];
        }
        if (!to_.bias) continue;
        double* const sums = bias_sums_.data();
        for (Index word = begin; word < end; word++) sums[word] += static_cast<double>(from[word]);
      }
      if (!to_.weight) return;
      kernels::multiply(kernels::PackedProduct<T>{.rows = end - begin,
                                                  .n = of_.features,
                                                  .k = rows_,
                                                  .a = gradients,
                                                  .a_stride = rows_,
                                                  .packed = packed_x_,
                                                  .c = to_.weight + begin * of_.features,
                                                  .c_stride = of_.features,
                                                  .add = first_ > 0});
    });
  }

  // Calls f(begin, end) for pieces of n that depend on n alone, on several threads where it pays.
  template <class F>
  void each_piece(Index n, Index size, F f) const {
    constexpr double kWorthAWorker = 2e6;  // multiply-adds
    const double work = static_cast<double>(rows_) * static_cast<double>(of_.features) *
                        static_cast<double>(of_.classes) /
                        static_cast<double>(std::max<Index>(n, 1)) * static_cast<double>(size);
    const auto grain = static_cast<Index>(std::clamp(kWorthAWorker / work, 1.0, 1e9));
    parallel_for(count_of_parts(n, size), grain, [=](Index begin, Index end) {
      for (Index i = begin; i < end; i++) f(i * size, std::min((i + 1) * size, n));
    });
  }

  const LinearClasses<T>& of_;
  const LinearClassResults<T>& to_;
  std::vector<double> bias_sums_;
  std::vector<Index> counted_;
  Index most_ = 0;              // rows of a block
  Index first_ = 0, rows_ = 0;  // of the counted rows, those of this block
  T *x_ = nullptr, *logits_ = nullptr, *packed_x_ = nullptr;
};

}  // namespace

void run_in_blocks(const LinearClasses<float>& of, const LinearClassResults<float>& to) {
  Blocks<float>(of, to).run();
}
void run_in_blocks(const LinearClasses<double>& of, const LinearClassResults<double>& to) {
  Blocks<double>(of, to).run();
}

}  // namespace rw::nn
