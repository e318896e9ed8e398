#include "rewind/autograd/gradients.h"

#include <algorithm>

#include "rewind/tensor/arithmetic.h"
#include "rewind/tensor/creation.h"
#include "rewind/tensor/indexing.h"

namespace rw {

std::string Variable::description() const {
  if (!is_parameter()) return fmt::format("the tensor {}", spec_);
  const std::string& name = parameter_.name();
  return fmt::format("parameter '{}' {}", name.empty() ? "(unnamed)" : name, spec_);
}

bool Gradient::is_sparse() const {
  return std::none_of(terms.begin(), terms.end(), [](const Term& t) { return t.is_dense(); });
}

Tensor Gradient::dense() const {
  Tensor sum;
  for (const Term& term : terms) {
    if (!term.is_dense()) continue;
    sum = sum.defined() ? std::move(sum) + term.values : term.values;
  }
  if (!sum.defined()) sum = zeros(spec.shape, spec.dtype);
  for (const Term& term : terms) {
    if (!term.is_dense()) sum = add_rows(std::move(sum), term.rows, term.values);
  }
  return sum;
}

namespace {

// The entry of a variable. A functional parameter, whose value stands on a tape, may be known there
// as that value.
auto find_in(const auto& map, const Variable& variable) {
  const auto found = map.find(variable.key());
  return found == map.end() && variable.mark() != 0 ? map.find(variable.mark()) : found;
}

}  // namespace

const Gradient* Gradients::find(const Variable& variable) const {
  const auto found = find_in(position_, variable);
  return found == position_.end() ? nullptr : &entries_[found->second].gradient;
}

Tensor Gradients::operator[](const Variable& variable) const {
  if (const Gradient* gradient = find(variable)) return gradient->dense();
  const auto found = find_in(unreached_, variable);
  require<GradientError>(
      found != unreached_.end(),
      "gradients: {} had no part in that tape; was it watched, is it frozen, or a copy of the one "
      "that was used?",
      variable.description());
  return zeros(found->second.shape, found->second.dtype);
}

void Gradients::add(const Variable& of, Gradient gradient) {
  if (gradient.terms.empty()) {
    unreached_.emplace(of.key(), gradient.spec);
    return;
  }
  const auto [place, is_new] = position_.emplace(of.key(), entries_.size());
  if (is_new) {
    entries_.push_back({of, std::move(gradient)});
    return;
  }
  Gradient& sum = entries_[place->second].gradient;
  for (Gradient::Term& term : gradient.terms) sum.terms.push_back(std::move(term));
  const auto dense = std::count_if(sum.terms.begin(), sum.terms.end(),
                                   [](const Gradient::Term& t) { return t.is_dense(); });
  if (dense > 1) sum.terms = {{sum.dense(), {}}};
}

Gradients& Gradients::operator+=(const Gradients& other) {
  if (&other == this) return *this *= 2;
  for (const Entry& entry : other.entries_) add(entry.of, entry.gradient);
  unreached_.insert(other.unreached_.begin(), other.unreached_.end());
  return *this;
}

Gradients& Gradients::operator*=(double factor) {
  for (Entry& entry : entries_) {
    for (Gradient::Term& term : entry.gradient.terms) {
      term.values = std::move(term.values) * factor;
    }
  }
  return *this;
}

}  // namespace rw
