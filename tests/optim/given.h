// Parameters and gradients with given numbers, without a tape.
#pragma once

#include <string>
#include <vector>

#include "rewind/autograd/gradients.h"
#include "rewind/tensor/creation.h"
#include "support/message_of.h"

namespace rw {

inline Tensor numbers(const std::vector<double>& x) {
  return from_span(x, {static_cast<Index>(x.size())});
}

inline Parameter parameter(std::string name, const std::vector<double>& x) {
  return Parameter(numbers(x), std::move(name));
}

// Handles of the same parameters, as nn::parameters gives them.
template <class... P>
std::vector<Parameter> list(const P&... parameters) {
  std::vector<Parameter> all;
  (all.push_back(parameters.tie()), ...);
  return all;
}

inline std::vector<double> values(const Tensor& x) {
  const auto span = x.span<double>();
  return {span.begin(), span.end()};
}
inline std::vector<double> values(const Parameter& p) { return values(p.value()); }

inline void give(Gradients& gradients, const Parameter& p, Tensor dense) {
  gradients.add(p, {p.spec(), {{std::move(dense), {}}}});
}

inline Gradients given(const Parameter& p, const std::vector<double>& x) {
  Gradients gradients;
  give(gradients, p, from_span(x, p.shape()));
  return gradients;
}

// One term with rows.
inline Gradients given_rows(const Parameter& p, const std::vector<Index>& rows,
                            const std::vector<double>& x) {
  const auto n = static_cast<Index>(rows.size());
  Gradients gradients;
  gradients.add(p, {p.spec(), {{from_span(x, p.shape().with(0, n)), from_span(rows, {n})}}});
  return gradients;
}

inline bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace rw
