// The rules of the optimizers as vector code chosen for this machine at run time: one pass that
// reads gradient, value and moments once and writes what has changed. The formulas stand in the
// headers of the optimizers.
#pragma once

#include <array>

#include "rewind/optim/update.h"

namespace [[gnu::visibility("default")]] rw {
namespace optim {
namespace kernels {

// What all rules begin and end with.
template <class T>
struct Common {
  T rate;
  T factor, l2;  // g = factor * gradient + l2 * value
  T keep;        // value = keep * value - rate * ...

  explicit Common(const Update<T>& u)
      : rate(static_cast<T>(u.learning_rate)), factor(u.factor), l2(u.l2), keep(u.keep) {}
};

template <class T>
struct SgdRule {
  Common<T> common;
  T momentum;  // 0: there is no moment
  bool nesterov;
};

template <class T>
struct RmspropRule {
  Common<T> common;
  T alpha, rest;  // 1 - alpha
  T epsilon;
  T momentum;  // 0: there is no moment for it
  bool centered;
};

template <class T>
struct AdamRule {
  Common<T> common;  // with a rate that corrects the bias of the first moment
  T beta1, rest1;    // 1 - beta1
  T beta2, rest2;
  T root;  // of the correction of the second moment's bias
  T epsilon;
};

void update(const SgdRule<float>& rule, const Elements<float>& e);
void update(const SgdRule<double>& rule, const Elements<double>& e);
void update(const RmspropRule<float>& rule, const Elements<float>& e);
void update(const RmspropRule<double>& rule, const Elements<double>& e);
void update(const AdamRule<float>& rule, const Elements<float>& e);
void update(const AdamRule<double>& rule, const Elements<double>& e);

// All elements of an update.
template <class Rule, class T>
void update_all(const Rule& rule, const Update<T>& u) {
  u.for_each_unscaled_run([&](Index first, Index count, const T* gradient) {
    update(rule, u.elements(first, count, gradient));
  });
}

}  // namespace kernels
}  // namespace optim
}  // namespace rw
