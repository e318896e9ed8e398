#include "rewind/tensor/interpreters/nan_trap.h"

#include <cmath>
#include <optional>

#include "rewind/tensor/find.h"

namespace rw {
namespace {

struct Culprit {
  Index position;  // counted row after row
  double value;
};

std::optional<Culprit> first_in(const Tensor& x, bool allow_infinity) {
  if (!is_float(x.dtype()) || !x.has_data()) return std::nullopt;
  return dispatch_float("nan trap", x.dtype(), [&](auto v) -> std::optional<Culprit> {
    const auto* data = x.data<decltype(v)>();
    const Index length = x.rank() == 0 ? 1 : x.shape().back();
    const Index step = x.rank() == 0 ? 0 : x.strides()[static_cast<std::size_t>(x.rank() - 1)];
    Index row = 0;
    std::optional<Culprit> found;
    for_each_row<1>(x.shape(), {x.strides()}, [&](const std::array<Index, 1>& start) {
      for (Index i = 0; i < length && !found; i++) {
        const auto value = data[start[0] + i * step];
        if (std::isfinite(value) || (allow_infinity && !std::isnan(value))) continue;
        found = {row + i, static_cast<double>(value)};
      }
      row += length;
    });
    return found;
  });
}

}  // namespace

void NanTrap::run(Call& call) {
  call.donated = 0;  // the inputs must still be there to be looked at
  hand_down(call);
  if (call.inputs.empty()) return;
  for (const Tensor& y : call.outputs) {
    const auto culprit = first_in(y, options_.allow_infinity);
    if (!culprit) continue;
    std::string inputs;
    for (const Tensor* x : call.inputs) {
      if (first_in(*x, options_.allow_infinity)) return;
      inputs += (inputs.empty() ? "" : ", ") + to_string(x->spec());
    }
    throw ValueError(fmt::format(
        "nan trap: {} gave {} at {} of its result {}, and its inputs {} are finite", call.type.name,
        culprit->value, position_of(culprit->position, y.shape()), y.spec(), inputs));
  }
}

}  // namespace rw
