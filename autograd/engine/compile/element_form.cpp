#include "rewind/autograd/engine/compile/element_form.h"

#include <algorithm>
#include <bit>
#include <unordered_map>

#include "rewind/autograd/engine/step/choose.h"
#include "rewind/tensor/activation.h"
#include "rewind/tensor/arithmetic.h"
#include "rewind/tensor/comparison.h"
#include "rewind/tensor/extrema.h"
#include "rewind/tensor/rounding.h"
#include "rewind/tensor/select.h"
#include "rewind/tensor/unary.h"

namespace rw::engine {
namespace {

using kernels::ElementCode;
using Writer = ElementWriter;
using Handle = ElementWriter::Handle;
using Handles = std::vector<Handle>;
using Form = void (*)(Writer&, const Operation&, Handle, const Handles&);

template <ElementCode code>
void plain(Writer& w, const Operation&, Handle y, const Handles& x) {
  w.instruction(code, y, x[0], x.size() > 1 ? x[1] : Handle{}, x.size() > 2 ? x[2] : Handle{});
}
template <ElementCode code>
void swapped(Writer& w, const Operation&, Handle y, const Handles& x) {
  w.instruction(code, y, x[1], x[0]);
}

void affine(Writer& w, const Operation& operation, Handle y, const Handles& x) {
  const auto& op = *operation.as<Affine>();
  // A scale of 1 and a shift that no number notices are left out, as by the kernel.
  const bool shifts = std::bit_cast<std::uint64_t>(op.shift) != std::bit_cast<std::uint64_t>(-0.0);
  if (!shifts && op.scale == -1) {
    w.instruction(ElementCode::negative, y, x[0]);
  } else if (!shifts) {
    w.instruction(ElementCode::multiply, y, x[0], w.constant(op.scale));
  } else if (op.scale == 1) {
    w.instruction(ElementCode::add, y, x[0], w.constant(op.shift));
  } else if (op.scale == -1) {
    w.instruction(ElementCode::subtract, y, w.constant(op.shift), x[0]);
  } else {
    const Handle scaled = w.temporary();
    w.instruction(ElementCode::multiply, scaled, x[0], w.constant(op.scale));
    w.instruction(ElementCode::add, y, scaled, w.constant(op.shift));
  }
}

void not_equal(Writer& w, const Operation&, Handle y, const Handles& x) {
  const Handle same = w.temporary();
  w.instruction(ElementCode::equal, same, x[0], x[1]);
  w.instruction(ElementCode::select, y, same, w.constant(0), w.constant(1));
}
void is_nan(Writer& w, const Operation& operation, Handle y, const Handles& x) {
  not_equal(w, operation, y, {x[0], x[0]});
}

void masked_fill(Writer& w, const Operation& operation, Handle y, const Handles& x) {
  w.instruction(ElementCode::select, y, x[1], w.constant(operation.as<MaskedFill>()->value), x[0]);
}

// Masks are 1 and 0.
void logical_or(Writer& w, const Operation&, Handle y, const Handles& x) {
  w.instruction(ElementCode::maximum, y, x[0], x[1]);
}
void logical_not(Writer& w, const Operation&, Handle y, const Handles& x) {
  w.instruction(ElementCode::subtract, y, w.constant(1), x[0]);
}

using Forms = std::unordered_map<const OpType*, Form>;

const Forms& forms() {
  // Lives for ever, as plans do (plans.cpp).
  static const Forms& all = *new Forms{
      {&op_type<Add>, plain<ElementCode::add>},
      {&op_type<Subtract>, plain<ElementCode::subtract>},
      {&op_type<Multiply>, plain<ElementCode::multiply>},
      {&op_type<Divide>, plain<ElementCode::divide>},
      {&op_type<Affine>, affine},
      {&op_type<Tanh>, plain<ElementCode::tanh>},
      {&op_type<Sigmoid>, plain<ElementCode::sigmoid>},
      {&op_type<Relu>, plain<ElementCode::relu>},
      {&op_type<Exp>, plain<ElementCode::exp>},
      {&op_type<Log>, plain<ElementCode::log>},
      {&op_type<Sqrt>, plain<ElementCode::sqrt>},
      {&op_type<Rsqrt>, plain<ElementCode::rsqrt>},
      {&op_type<Square>, plain<ElementCode::square>},
      {&op_type<Reciprocal>, plain<ElementCode::reciprocal>},
      {&op_type<Abs>, plain<ElementCode::abs>},
      {&op_type<Maximum>, plain<ElementCode::maximum>},
      {&op_type<Minimum>, plain<ElementCode::minimum>},
      {&op_type<Equal>, plain<ElementCode::equal>},
      {&op_type<NotEqual>, not_equal},
      {&op_type<IsNan>, is_nan},
      {&op_type<Less>, plain<ElementCode::less>},
      {&op_type<LessEqual>, plain<ElementCode::less_equal>},
      {&op_type<Greater>, swapped<ElementCode::less>},
      {&op_type<GreaterEqual>, swapped<ElementCode::less_equal>},
      {&op_type<LogicalAnd>, plain<ElementCode::multiply>},
      {&op_type<LogicalOr>, logical_or},
      {&op_type<LogicalNot>, logical_not},
      {&op_type<Where>, plain<ElementCode::select>},
      {&op_type<Choose>, plain<ElementCode::select>},
      {&op_type<MaskedFill>, masked_fill},
  };
  return all;
}

}  // namespace

bool has_element_form(const Operation& operation) { return forms().contains(&operation.type()); }

Handle ElementWriter::operand() { return Handle{lines_.operands++}; }
Handle ElementWriter::temporary() {
  return Handle{ElementLines::kTemporaries + lines_.temporaries++};
}

Handle ElementWriter::constant(double number) {
  const auto bits = std::bit_cast<std::uint64_t>(number);
  std::vector<double>& known = lines_.constants;
  auto found = std::find_if(known.begin(), known.end(), [&](double other) {
    return std::bit_cast<std::uint64_t>(other) == bits;
  });
  if (found == known.end()) found = known.insert(found, number);
  return Handle{ElementLines::kConstants + static_cast<int>(found - known.begin())};
}

void ElementWriter::instruction(ElementCode code, Handle result, Handle a, Handle b, Handle c) {
  const int count = kernels::arity(code);
  const auto argument = [&](Handle x, int i) { return i < count ? static_cast<int>(x) : -1; };
  lines_.lines.push_back(
      {code, static_cast<int>(result), {argument(a, 0), argument(b, 1), argument(c, 2)}});
}

void ElementWriter::append(const Operation& operation, Handle result, const Handles& arguments) {
  forms().at (&operation.type())(*this, operation, result, arguments);
}

kernels::ElementProgram ElementWriter::finished() && {
  combine(lines_);
  return numbered(lines_);
}

}  // namespace rw::engine
